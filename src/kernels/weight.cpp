#include "kernels/weight.hpp"

namespace motley::kernels {

bool can_join(const PackedShape& first, const PackedShape& next) {
  return first.format == next.format && first.columns == next.columns && first.lanes == next.lanes &&
         first.rows % kWholeRows == 0;
}

std::optional<Weight> join(const Weight& first, const Weight& next, uint64_t most_bytes) {
  if (!can_join(first.shape, next.shape) || first.parts.size() != 1 || next.parts.size() != 1) return {};
  const vk::BufferRange& a = first.parts[0].range;
  const vk::BufferRange& b = next.parts[0].range;
  const uint64_t bytes = a.size_bytes + b.size_bytes;
  if (a.buffer != b.buffer || a.offset_bytes + a.size_bytes != b.offset_bytes || bytes > most_bytes)
    return {};
  Weight both = first;
  both.shape.rows += next.shape.rows;
  both.parts = {{{*a.buffer, a.offset_bytes, bytes}, 0, both.shape.rows}};
  return both;
}

}  // namespace motley::kernels
