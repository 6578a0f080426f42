#include "kernels/made_up.hpp"

#include <algorithm>

#include "kernels/timing.hpp"

namespace motley::kernels {
namespace {

constexpr double kPassSeconds = 0.02;

}  // namespace

vk::Buffer filled(vk::Device& device, uint64_t size_bytes, uint32_t pattern, vk::MemoryUse use) {
  vk::Buffer buffer(device, size_bytes, use, kMeasuring);
  run_once(device, [&](vk::CommandList& commands) { commands.fill(buffer, pattern); });
  return buffer;
}

WeightSet::WeightSet(Context& context, quant::Format format, uint32_t count)
    : shape_{format, 0, context.profile.measured_columns, context.profile.lanes} {
  const Profile& profile = context.profile;
  const vk::DeviceFacts& facts = context.device.facts();
  const uint64_t affordable = context.device.available_bytes() / 4 / count;
  const uint64_t bytes = std::min({profile.matvec_buffer_bytes, affordable,
                                   facts.max_storage_buffer_range_bytes, facts.max_allocation_bytes});
  const uint64_t panels = std::max<uint64_t>(bytes / shape_.panel_bytes(), 1);
  shape_.rows = static_cast<uint32_t>(panels * shape_.panel_rows());
  for (uint32_t i = 0; i < count; ++i)
    buffers_.push_back(filled(context.device, shape_.packed_bytes(), kPattern));
}

Weight WeightSet::weight(size_t index, uint32_t first, uint32_t rows) const {
  Weight weight;
  weight.shape = shape_;
  weight.shape.rows = rows;
  const uint64_t offset = first / shape_.panel_rows() * shape_.panel_bytes();
  weight.parts.push_back({{buffers_[index], offset, weight.shape.packed_bytes()}, 0, rows});
  return weight;
}

uint32_t affordable_rows(vk::Device& device, uint32_t rows, uint32_t panel_rows, const RowsPass& pass) {
  constexpr uint32_t kShare = 16;
  const uint32_t few = std::max(rows / kShare / panel_rows, 1U) * panel_rows;
  const Pass few_rows = [&](vk::CommandList& commands) { pass(commands, few); };
  run_once(device, few_rows);  // compiles
  const double affordable = few * (kPassSeconds / run_once(device, few_rows));
  if (affordable >= rows) return rows;
  return std::max(few, static_cast<uint32_t>(affordable) / panel_rows * panel_rows);
}

}  // namespace motley::kernels
