// Models of a named shape with pseudo-random weights: in memory, made as they are read, or as files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>

#include "gguf/file.hpp"
#include "model/shapes.hpp"

namespace motley::model {

/// A model whose tensor data are computed when they are read (see SyntheticWeights): a file of any size that
/// takes only its header in memory, some MB. Its path is the spec's text. The same arguments give the same
/// bytes. `vocabulary` is a GGUF to copy the vocabulary from (see copy_vocabulary() for its errors); without
/// one, tokens are made up.
std::shared_ptr<const gguf::File> make_synthetic(const ShapeSpec& spec, uint64_t seed,
                                                 const gguf::File* vocabulary = nullptr);

/// Called now and then while writing; false stops it.
using WriteProgress = std::function<bool(uint64_t done_bytes, uint64_t total_bytes)>;

/// Writes the same model as a GGUF file. Throws Error{kIo} when the disk is full (before writing, where that
/// can be told) or cannot be written, and Error{kCancelled} when `progress` says so; then nothing of it is
/// left, and a file that was there stays as it was.
void write_synthetic(const ShapeSpec& spec, uint64_t seed, const std::filesystem::path& path,
                     const gguf::File* vocabulary = nullptr, const WriteProgress& progress = nullptr);

}  // namespace motley::model
