// The key-value section of a GGUF file.
#pragma once

#include <cstdint>

#include "gguf/file.hpp"
#include "gguf/reader.hpp"

namespace motley::gguf {

/// Reads `count` key-values at the reader's position, and checks general.alignment among them. `count` has
/// been checked against the bytes left.
Metadata read_metadata(Reader& reader, uint64_t count);

/// general.alignment of metadata that read_metadata() returned; 32 when the file does not say.
uint64_t alignment_of(const Metadata& metadata);

}  // namespace motley::gguf
