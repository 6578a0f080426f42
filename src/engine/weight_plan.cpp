#include "engine/weight_plan.hpp"

#include <algorithm>
#include <numeric>

#include "base/error.hpp"
#include "base/math.hpp"

namespace motley::engine {
namespace {

constexpr uint64_t kArenaLimitBytes = uint64_t{1} << 30;
constexpr uint64_t kAlignmentBytes = 256;  // the most that Vulkan lets a device ask for storage buffers

class Planner {
 public:
  Planner(const vk::DeviceFacts& facts, const kernels::Profile& profile)
      : facts_(facts),
        profile_(profile),
        arena_limit_(std::min(kArenaLimitBytes, facts.max_allocation_bytes)) {}

  void add(const gguf::TensorInfo& tensor) {
    PlannedTensor planned;
    planned.tensor = &tensor;
    planned.matrix = tensor.dimensions > 1;
    if (planned.matrix) {
      const auto format = quant::from_ggml_type(static_cast<uint32_t>(tensor.type));
      planned.shape = {*format, static_cast<uint32_t>(tensor.rows()), static_cast<uint32_t>(tensor.shape[0]),
                       profile_.lanes};
      add_parts(planned);
    } else {
      planned.parts.push_back(place(tensor.elements() * sizeof(float), 0, 1));
    }
    plan_.tensors.push_back(std::move(planned));
  }

  WeightPlan finish() { return std::move(plan_); }

 private:
  void add_parts(PlannedTensor& planned) {
    const kernels::PackedShape& shape = planned.shape;
    const uint64_t limit = std::min(facts_.max_storage_buffer_range_bytes, arena_limit_);
    const uint64_t panels_a_part = limit / shape.panel_bytes();
    if (panels_a_part == 0) {
      fail(ErrorCode::kOutOfMemory, "{} rows of tensor '{}' take {} bytes, and '{}' binds at most {}",
           shape.panel_rows(), planned.tensor->name, shape.panel_bytes(), facts_.name, limit);
    }
    for (uint64_t panel = 0; panel < shape.panels(); panel += panels_a_part) {
      const uint64_t panels = std::min<uint64_t>(panels_a_part, shape.panels() - panel);
      const auto first_row = static_cast<uint32_t>(panel * shape.panel_rows());
      const auto rows =
          static_cast<uint32_t>(std::min<uint64_t>(panels * shape.panel_rows(), shape.rows - first_row));
      planned.parts.push_back(place(panels * shape.panel_bytes(), first_row, rows));
    }
  }

  PlannedTensor::Part place(uint64_t bytes, uint32_t first_row, uint32_t rows) {
    const uint64_t padded = round_up(bytes, kAlignmentBytes);
    if (plan_.arena_bytes.empty() || plan_.arena_bytes.back() + padded > arena_limit_)
      plan_.arena_bytes.push_back(0);
    const auto arena = static_cast<uint32_t>(plan_.arena_bytes.size() - 1);
    const PlannedTensor::Part part{arena, plan_.arena_bytes.back(), bytes, first_row, rows};
    plan_.arena_bytes.back() += padded;
    return part;
  }

  const vk::DeviceFacts& facts_;
  const kernels::Profile& profile_;
  uint64_t arena_limit_;
  WeightPlan plan_;
};

}  // namespace

uint64_t WeightPlan::total_bytes() const {
  return std::accumulate(arena_bytes.begin(), arena_bytes.end(), uint64_t{0});
}

const PlannedTensor& WeightPlan::find(const gguf::TensorInfo* tensor) const {
  const auto found = std::ranges::find(tensors, tensor, &PlannedTensor::tensor);
  if (found == tensors.end()) fail(ErrorCode::kInternal, "a tensor without a place");
  return *found;
}

WeightPlan plan_weights(const model::Tensors& tensors, const vk::DeviceFacts& facts,
                        const kernels::Profile& profile) {
  Planner planner(facts, profile);
  for (const gguf::TensorInfo* tensor : tensors.present()) {
    if (tensor != tensors.rope_factors) planner.add(*tensor);  // the factors are for the host's table
  }
  return planner.finish();
}

}  // namespace motley::engine
