// One layer's keys and values in device memory, laid out as shaders/common/cache.glsl says.
#pragma once

#include <vector>

#include "vk/buffer.hpp"

namespace motley::kernels {

constexpr uint32_t kCacheBlock = 8;  ///< positions that lie together; a cache's length is a multiple of it

struct CacheShape {
  uint32_t kv_heads = 0;
  uint32_t head_size = 0;  ///< a multiple of 4
  uint32_t context = 0;    ///< positions, a multiple of kCacheBlock
  bool keys_f32 = false;   ///< else half precision
  bool values_f32 = false;

  uint64_t key_head_bytes() const { return uint64_t{context} * head_size * (keys_f32 ? 4 : 2); }
  uint64_t value_head_bytes() const { return uint64_t{context} * head_size * (values_f32 ? 4 : 2); }
};

/// Consecutive KV heads whose keys and values can be bound at once; a long context needs several slices.
struct CacheSlice {
  uint32_t first_head = 0;
  uint32_t heads = 0;
  vk::BufferRange keys;
  vk::BufferRange values;
};

struct Cache {
  CacheShape shape;
  std::vector<CacheSlice> slices;
};

/// The name suffix of the kernels' flavour for this cache: "", ".k32", ".v32" or ".k32v32".
inline const char* cache_flavour(const CacheShape& shape) {
  if (shape.keys_f32) return shape.values_f32 ? ".k32v32" : ".k32";
  return shape.values_f32 ? ".v32" : "";
}

}  // namespace motley::kernels
