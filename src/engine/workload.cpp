#include "engine/workload.hpp"

#include <algorithm>
#include <string>

#include "engine/hand_off.hpp"
#include "kernels/profile.hpp"
#include "kernels/weight.hpp"
#include "kernels/weight_layout.hpp"
#include "model/tensors.hpp"
#include "quant/format.hpp"
#include "vk/buffer.hpp"

namespace motley::engine {
namespace {

/// A discrete GPU of today, for plans of machines that are not at hand.
vk::DeviceFacts typical_gpu() {
  vk::DeviceFacts facts;
  facts.type = vk::DeviceType::kDiscrete;
  facts.max_storage_buffer_range_bytes = UINT32_MAX;
  facts.max_allocation_bytes = UINT32_MAX;
  facts.max_workgroup_invocations = 1024;
  facts.subgroup_size = 32;
  return facts;
}

/// Adds up the tensors of one layer or of one end of the model.
class Cost {
 public:
  explicit Cost(uint32_t lanes) : lanes_(lanes) {}

  void add(const gguf::TensorInfo* tensor) {
    if (tensor == nullptr) return;
    if (tensor->dimensions < 2) {
      cost_.vector_bytes += vk::padded_bytes(tensor->elements() * sizeof(float));
      return;
    }
    const kernels::PackedShape shape = shape_of(*tensor);
    placement::MatrixCost& matrix = matrix_of(shape.format);
    matrix.bytes += vk::padded_bytes(shape.packed_bytes());
    matrix.weights += tensor->elements();
    ++matrix.products;
    ++cost_.dispatches;
  }

  /// Neighbours that are one product where their shapes allow it.
  void join(std::initializer_list<const gguf::TensorInfo*> tensors) {
    for (const auto* each = tensors.begin(); each + 1 != tensors.end(); ++each) {
      if (!kernels::can_join(shape_of(*each[0]), shape_of(*each[1]))) continue;
      --matrix_of(shape_of(*each[0]).format).products;
      --cost_.dispatches;
    }
  }

  /// With so many dispatches beside the products.
  placement::LayerCost finish(uint32_t dispatches) {
    cost_.dispatches += dispatches;
    return std::move(cost_);
  }

 private:
  kernels::PackedShape shape_of(const gguf::TensorInfo& tensor) const {
    return {*quant::from_ggml_type(static_cast<uint32_t>(tensor.type)), static_cast<uint32_t>(tensor.rows()),
            static_cast<uint32_t>(tensor.shape[0]), lanes_};
  }

  placement::MatrixCost& matrix_of(quant::Format format) {
    const std::string name = quant::info(format).stem;
    const auto found = std::ranges::find(cost_.matrices, name, &placement::MatrixCost::format);
    if (found != cost_.matrices.end()) return *found;
    return cost_.matrices.emplace_back(placement::MatrixCost{name, 0, 0, 1, 0});
  }

  uint32_t lanes_;
  placement::LayerCost cost_{.dispatches = 0};
};

}  // namespace

placement::Workload make_workload(const gguf::File& file, const SessionRequest& request,
                                  std::span<const vk::DeviceFacts* const> devices) {
  const vk::DeviceFacts typical = typical_gpu();
  const vk::DeviceFacts* const typical_only[] = {&typical};
  if (devices.empty()) devices = typical_only;
  const model::Config config = model::read_config(file);
  const model::Tensors tensors = model::find_tensors(file, config);

  placement::Workload workload;
  workload.context = context_of(request, config);
  workload.batch = std::min(request.batch, workload.context);
  const uint32_t batch = workload.batch > 0 ? workload.batch : std::min(kDefaultBatch, workload.context);
  workload.tied = tensors.output == tensors.token_embedding;
  workload.handoff_bytes_per_token = uint64_t{config.embedding} * sizeof(float);
  uint32_t lanes = 0;
  uint64_t kv_bytes = 0;
  uint64_t staging_bytes = 0;
  bool all_import = true;
  workload.scratch.clear();
  for (const vk::DeviceFacts* const facts : devices) {
    const StagePlan stage = plan_stage(config, *facts, request, {workload.context, batch, 1, 0, false});
    const StagePlan last = plan_stage(config, *facts, request, {workload.context, batch, 1, 0, true});
    lanes = std::max(lanes, kernels::make_profile(*facts).lanes);
    kv_bytes = stage.cache_bytes;
    workload.scratch.push_back({.bytes = stage.scratch_bytes(),
                                .token_bytes = (stage.activation_bytes() + stage.rounded_bytes) / batch,
                                .context_bytes = stage.rope_table_bytes + stage.attention_parts_bytes,
                                .output_bytes = last.scratch_bytes() - stage.scratch_bytes()});
    // A stage between two others stages what it gets and what it gives.
    staging_bytes = uint64_t{2} * kHandOffSlots * stage.slot_bytes();
    all_import = all_import && HandOff::shares_memory(*facts, *facts);
  }
  if (!all_import && devices.size() > 1) {
    for (placement::Scratch& scratch : workload.scratch) {
      scratch.bytes += staging_bytes;
      scratch.token_bytes += staging_bytes / batch;
    }
  }

  // Of a token: two norms, attention, the activation.
  const uint32_t dispatches = 4 + (config.architecture->qk_norm ? 2 : 0);
  for (const model::LayerTensors& layer : tensors.layers) {
    Cost cost(lanes);
    for (const gguf::TensorInfo* tensor : layer.present()) cost.add(tensor);
    cost.join({layer.q, layer.k, layer.v});
    cost.join({layer.gate, layer.up});
    workload.layers.push_back(cost.finish(dispatches));
    workload.layers.back().kv_bytes = kv_bytes;
    // Two products of a head's length for each position and head, two operations an element.
    workload.layers.back().attention_flops_per_position = uint64_t{4} * config.heads * config.head_size;
    // Two norms, turning queries and keys and storing keys and values, the gated activation.
    workload.layers.back().activation_bytes_per_token =
        sizeof(float) *
        (uint64_t{4} * config.embedding + 2 * (uint64_t{config.q_size()} + 2 * config.kv_size()) +
         uint64_t{3} * config.feed_forward);
  }
  Cost embedding(lanes);
  embedding.add(tensors.token_embedding);
  workload.embedding = embedding.finish(0);
  Cost output(lanes);
  output.add(tensors.output_norm);
  output.add(tensors.output);
  workload.output = output.finish(1);
  return workload;
}

}  // namespace motley::engine
