// A KV cache whose contents the host writes and reads.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "kernels/cache.hpp"

namespace motley::kernels {

class MappedCache {
 public:
  /// Every slice has `heads_a_slice` KV heads and buffers of its own. All keys and values are NaN at first:
  /// what no one wrote must not matter.
  MappedCache(vk::Device& device, const CacheShape& shape, uint32_t heads_a_slice);

  const Cache& cache() const { return cache_; }

  float key(uint32_t head, uint32_t position, uint32_t element) const;
  float value(uint32_t head, uint32_t position, uint32_t element) const;
  /// Sets the first positions: keys and values are [position][KV head][element].
  void fill(std::span<const float> keys, std::span<const float> values);

 private:
  const vk::Buffer& add_buffer(vk::Device& device, uint64_t size_bytes);
  const CacheSlice& slice_of(uint32_t head) const;
  size_t key_index(uint32_t head, uint32_t position, uint32_t element) const;
  size_t value_index(uint32_t head, uint32_t position, uint32_t element) const;

  Cache cache_;
  std::vector<std::unique_ptr<vk::Buffer>> buffers_;  // the slices point to them
};

}  // namespace motley::kernels
