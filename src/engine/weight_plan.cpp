#include "engine/weight_plan.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "vk/buffer.hpp"

namespace motley::engine {
namespace {

constexpr uint64_t kArenaLimitBytes = uint64_t{1} << 30;

class Planner {
 public:
  Planner(const vk::DeviceFacts& facts, const kernels::Profile& profile)
      : facts_(facts),
        profile_(profile),
        arena_limit_(std::min(kArenaLimitBytes, facts.max_allocation_bytes)) {}

  void add(const gguf::TensorInfo& tensor, bool in_host_memory) {
    in_host_memory_ = in_host_memory;
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
    const uint64_t padded = vk::padded_bytes(bytes);
    std::vector<WeightPlan::Arena>& arenas = plan_.arenas;
    if (arenas.empty() || arenas.back().in_host_memory != in_host_memory_ ||
        arenas.back().size_bytes + padded > arena_limit_) {
      arenas.push_back({0, in_host_memory_});
    }
    const auto arena = static_cast<uint32_t>(arenas.size() - 1);
    const PlannedTensor::Part part{arena, arenas.back().size_bytes, bytes, first_row, rows};
    arenas.back().size_bytes += padded;
    return part;
  }

  const vk::DeviceFacts& facts_;
  const kernels::Profile& profile_;
  uint64_t arena_limit_;
  bool in_host_memory_ = false;
  WeightPlan plan_;
};

}  // namespace

uint64_t WeightPlan::total_bytes() const {
  uint64_t total = 0;
  for (const Arena& arena : arenas) total += arena.size_bytes;
  return total;
}

const PlannedTensor& WeightPlan::find(const gguf::TensorInfo* tensor) const {
  const auto found = std::ranges::find(tensors, tensor, &PlannedTensor::tensor);
  if (found == tensors.end()) fail(ErrorCode::kInternal, "a tensor without a place");
  return *found;
}

WeightPlan plan_weights(const model::Tensors& tensors, const vk::DeviceFacts& facts,
                        const kernels::Profile& profile, uint32_t host_layers) {
  Planner planner(facts, profile);
  // The layers in host memory first, then what belongs to no layer and the other layers: a memory change of
  // arena happens once.
  for (size_t i = 0; i < host_layers; ++i) {
    for (const gguf::TensorInfo* tensor : tensors.layers[i].present()) planner.add(*tensor, true);
  }
  model::Tensors others = tensors;
  others.layers.erase(others.layers.begin(), others.layers.begin() + host_layers);
  others.rope_factors = nullptr;  // the factors are for the host's table
  for (const gguf::TensorInfo* tensor : others.present()) planner.add(*tensor, false);
  return planner.finish();
}

}  // namespace motley::engine
