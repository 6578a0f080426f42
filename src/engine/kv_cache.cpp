#include "engine/kv_cache.hpp"

#include <algorithm>

namespace motley::engine {

KvCache::KvCache(vk::Device& device, uint32_t layers, uint32_t host_layers,
                 const kernels::CacheShape& shape) {
  const uint64_t key_bytes = shape.key_head_bytes();
  const uint64_t value_bytes = shape.value_head_bytes();
  const uint64_t most = device.facts().max_storage_buffer_range_bytes / std::max(key_bytes, value_bytes);
  const auto heads_a_slice = static_cast<uint32_t>(std::min<uint64_t>(shape.kv_heads, most));
  buffers_.reserve(size_t{2} * layers);  // the slices point to the buffers
  for (uint32_t layer = 0; layer < layers; ++layer) {
    const vk::MemoryUse use = layer < host_layers ? vk::MemoryUse::kHost : vk::MemoryUse::kDevice;
    const vk::Buffer& keys = buffers_.emplace_back(device, shape.kv_heads * key_bytes, use, "KV cache");
    const vk::Buffer& values = buffers_.emplace_back(device, shape.kv_heads * value_bytes, use, "KV cache");
    kernels::Cache cache{shape, {}};
    for (uint32_t head = 0; head < shape.kv_heads; head += heads_a_slice) {
      const uint32_t heads = std::min(heads_a_slice, shape.kv_heads - head);
      cache.slices.push_back({head,
                              heads,
                              {keys, head * key_bytes, heads * key_bytes},
                              {values, head * value_bytes, heads * value_bytes}});
    }
    layers_.push_back(std::move(cache));
  }
}

uint64_t KvCache::total_bytes(uint32_t layers, const kernels::CacheShape& shape) {
  return uint64_t{layers} * shape.kv_heads * (shape.key_head_bytes() + shape.value_head_bytes());
}

uint64_t KvCache::max_context(const vk::DeviceFacts& facts, const model::Config& config) {
  const uint64_t by_cache =
      facts.max_storage_buffer_range_bytes / (uint64_t{config.head_size} * sizeof(float));
  const uint64_t by_table =
      facts.max_storage_buffer_range_bytes / (uint64_t{config.rope_dimensions} * sizeof(float));
  return std::min(by_cache, by_table) / kContextStep * kContextStep;
}

}  // namespace motley::engine
