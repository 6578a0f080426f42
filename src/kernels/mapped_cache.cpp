#include "kernels/mapped_cache.hpp"

#include <algorithm>

#include "quant/half.hpp"

namespace motley::kernels {
namespace {

float read(const vk::BufferRange& range, bool f32, size_t index) {
  if (f32) return range.buffer->mapped_as<float>()[index];
  return quant::half_to_float(range.buffer->mapped_as<uint16_t>()[index]);
}

void write(const vk::BufferRange& range, bool f32, size_t index, float to) {
  if (f32) {
    range.buffer->mapped_as<float>()[index] = to;
  } else {
    range.buffer->mapped_as<uint16_t>()[index] = quant::float_to_half(to);
  }
}

}  // namespace

MappedCache::MappedCache(vk::Device& device, const CacheShape& shape, uint32_t heads_a_slice)
    : cache_{shape, {}} {
  for (uint32_t first = 0; first < shape.kv_heads; first += heads_a_slice) {
    const uint32_t heads = std::min(heads_a_slice, shape.kv_heads - first);
    CacheSlice slice{first, heads, {}, {}};
    slice.keys = add_buffer(device, heads * shape.key_head_bytes());
    slice.values = add_buffer(device, heads * shape.value_head_bytes());
    cache_.slices.push_back(slice);
  }
}

float MappedCache::key(uint32_t head, uint32_t position, uint32_t element) const {
  return read(slice_of(head).keys, cache_.shape.keys_f32, key_index(head, position, element));
}

float MappedCache::value(uint32_t head, uint32_t position, uint32_t element) const {
  return read(slice_of(head).values, cache_.shape.values_f32, value_index(head, position, element));
}

void MappedCache::fill(std::span<const float> keys, std::span<const float> values) {
  const CacheShape& shape = cache_.shape;
  for (size_t at = 0; at < keys.size(); ++at) {
    const auto element = static_cast<uint32_t>(at % shape.head_size);
    const auto head = static_cast<uint32_t>(at / shape.head_size % shape.kv_heads);
    const auto position = static_cast<uint32_t>(at / shape.head_size / shape.kv_heads);
    write(slice_of(head).keys, shape.keys_f32, key_index(head, position, element), keys[at]);
    write(slice_of(head).values, shape.values_f32, value_index(head, position, element), values[at]);
  }
}

const vk::Buffer& MappedCache::add_buffer(vk::Device& device, uint64_t size_bytes) {
  buffers_.push_back(
      std::make_unique<vk::Buffer>(device, size_bytes, vk::MemoryUse::kShared, "cache for tests"));
  // NaN as a float and as two halves.
  std::ranges::fill(buffers_.back()->mapped_as<uint32_t>(), 0x7FFF7FFFU);
  return *buffers_.back();
}

const CacheSlice& MappedCache::slice_of(uint32_t head) const {
  for (const CacheSlice& slice : cache_.slices) {
    if (head < slice.first_head + slice.heads) return slice;
  }
  return cache_.slices.back();
}

/// Where an element lies, counted in elements, as shaders/common/cache.glsl says.
size_t MappedCache::key_index(uint32_t head, uint32_t position, uint32_t element) const {
  const CacheShape& shape = cache_.shape;
  const size_t block =
      size_t{head - slice_of(head).first_head} * shape.context + position / kCacheBlock * kCacheBlock;
  return block * shape.head_size + (element / 2 * size_t{kCacheBlock} + position % kCacheBlock) * 2 +
         element % 2;
}

size_t MappedCache::value_index(uint32_t head, uint32_t position, uint32_t element) const {
  const CacheShape& shape = cache_.shape;
  return (size_t{head - slice_of(head).first_head} * shape.context + position) * shape.head_size + element;
}

}  // namespace motley::kernels
