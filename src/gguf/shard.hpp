// One GGUF file taken apart.
#pragma once

#include <cstdint>
#include <vector>

#include "gguf/file.hpp"
#include "gguf/source.hpp"

namespace motley::gguf {

struct Shard {
  uint32_t version = 0;
  Metadata metadata;
  std::vector<TensorInfo> tensors;
};

/// Reads and checks the header, metadata and tensor table; throws as File::open does.
Shard read_shard(const ByteSource& source);

}  // namespace motley::gguf
