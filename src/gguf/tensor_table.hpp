// The tensor table of a GGUF file.
#pragma once

#include <cstdint>
#include <vector>

#include "gguf/file.hpp"
#include "gguf/reader.hpp"

namespace motley::gguf {

/// Reads `count` rows at the reader's position, checks each and their layout in the file. `count` has been
/// checked against the bytes left, `alignment_bytes` is a power of two. The rows' `shard` is 0.
std::vector<TensorInfo> read_tensor_table(Reader& reader, uint64_t count, uint64_t alignment_bytes);

}  // namespace motley::gguf
