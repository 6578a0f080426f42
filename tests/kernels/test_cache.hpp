// A KV cache whose contents the host writes and reads.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "kernels/cache.hpp"
#include "quant/half.hpp"

namespace motley::test {

class TestCache {
 public:
  /// Every slice has `heads_a_slice` KV heads and buffers of its own. All keys and values are NaN at first:
  /// what no one wrote must not matter.
  TestCache(vk::Device& device, const kernels::CacheShape& shape, uint32_t heads_a_slice)
      : cache_{shape, {}} {
    for (uint32_t first = 0; first < shape.kv_heads; first += heads_a_slice) {
      const uint32_t heads = std::min(heads_a_slice, shape.kv_heads - first);
      kernels::CacheSlice slice{first, heads, {}, {}};
      slice.keys = add_buffer(device, heads * shape.key_head_bytes());
      slice.values = add_buffer(device, heads * shape.value_head_bytes());
      cache_.slices.push_back(slice);
    }
  }

  const kernels::Cache& cache() const { return cache_; }

  float key(uint32_t head, uint32_t position, uint32_t element) const {
    return read(slice_of(head).keys, cache_.shape.keys_f32, key_index(head, position, element));
  }
  float value(uint32_t head, uint32_t position, uint32_t element) const {
    return read(slice_of(head).values, cache_.shape.values_f32, value_index(head, position, element));
  }
  void set_key(uint32_t head, uint32_t position, uint32_t element, float to) {
    write(slice_of(head).keys, cache_.shape.keys_f32, key_index(head, position, element), to);
  }
  void set_value(uint32_t head, uint32_t position, uint32_t element, float to) {
    write(slice_of(head).values, cache_.shape.values_f32, value_index(head, position, element), to);
  }

 private:
  const vk::Buffer& add_buffer(vk::Device& device, uint64_t size_bytes) {
    buffers_.push_back(
        std::make_unique<vk::Buffer>(device, size_bytes, vk::MemoryUse::kShared, "test cache"));
    // NaN as a float and as two halves.
    for (uint32_t& word : buffers_.back()->mapped_as<uint32_t>()) word = 0x7FFF7FFFU;
    return *buffers_.back();
  }

  const kernels::CacheSlice& slice_of(uint32_t head) const {
    for (const kernels::CacheSlice& slice : cache_.slices) {
      if (head < slice.first_head + slice.heads) return slice;
    }
    return cache_.slices.back();
  }
  /// Where an element lies, counted in elements, as shaders/common/cache.glsl says.
  size_t key_index(uint32_t head, uint32_t position, uint32_t element) const {
    const kernels::CacheShape& shape = cache_.shape;
    const size_t block = size_t{head - slice_of(head).first_head} * shape.context + position / 8 * 8;
    return block * shape.head_size + (element / 2 * size_t{8} + position % 8) * 2 + element % 2;
  }
  size_t value_index(uint32_t head, uint32_t position, uint32_t element) const {
    const kernels::CacheShape& shape = cache_.shape;
    return (size_t{head - slice_of(head).first_head} * shape.context + position) * shape.head_size + element;
  }

  static float read(const vk::BufferRange& range, bool f32, size_t index) {
    if (f32) return range.buffer->mapped_as<float>()[index];
    return quant::half_to_float(range.buffer->mapped_as<uint16_t>()[index]);
  }
  static void write(const vk::BufferRange& range, bool f32, size_t index, float to) {
    if (f32) {
      range.buffer->mapped_as<float>()[index] = to;
    } else {
      range.buffer->mapped_as<uint16_t>()[index] = quant::float_to_half(to);
    }
  }

  kernels::Cache cache_;
  std::vector<std::unique_ptr<vk::Buffer>> buffers_;  // the slices point to them
};

}  // namespace motley::test
