// Models split over several files, NAME-00001-of-0000N.gguf (convention of llama.cpp's gguf-split).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "gguf/file.hpp"

namespace motley::gguf {

/// What a file's metadata say of its place among its shards.
struct Split {
  uint64_t number = 0;                   ///< split.no, from 0.
  uint64_t count = 1;                    ///< split.count; files without it, or with 0 or 1, stand alone.
  std::optional<uint64_t> tensor_count;  ///< split.tensors.count: of all shards together.
};

/// Throws Error{kMalformedModel} for contradictory figures, kUnsupported for more shards than can be read.
Split split_of(const Metadata& metadata, const std::filesystem::path& path);

/// The path of shard `number` (from 0) in the folder of `path`, which is the path of shard `split.number`.
/// Names are made from that path alone, never from what a file says. Throws Error{kMalformedModel} when
/// `path` is not named as that shard.
std::filesystem::path shard_path(const std::filesystem::path& path, const Split& split, uint64_t number);

}  // namespace motley::gguf
