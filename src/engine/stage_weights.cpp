#include "engine/stage_weights.hpp"

#include "engine/tested_kernels.hpp"
#include "engine/tuned_kernels.hpp"

namespace motley::engine {
namespace {

kernels::Weight make_weight(const WeightPlan& plan, const std::vector<vk::Buffer>& arenas,
                            const gguf::TensorInfo* tensor) {
  kernels::Weight weight;
  if (tensor == nullptr) return weight;
  const PlannedTensor& planned = plan.find(tensor);
  weight.shape = planned.shape;
  for (const PlannedTensor::Part& part : planned.parts) {
    weight.parts.push_back(
        {{arenas[part.arena], part.offset_bytes, part.size_bytes}, part.first_row, part.rows});
  }
  return weight;
}

vk::BufferRange make_vector(const WeightPlan& plan, const std::vector<vk::Buffer>& arenas,
                            const gguf::TensorInfo* tensor) {
  if (tensor == nullptr) return {};
  const PlannedTensor::Part& part = plan.find(tensor).parts.front();
  return {arenas[part.arena], part.offset_bytes, part.size_bytes};
}

vk::BufferRange join_vectors(const vk::BufferRange& first, const vk::BufferRange& next) {
  if (first.buffer == nullptr) return first;
  return {*first.buffer, first.offset_bytes, first.size_bytes + next.size_bytes};
}

bool can_join_vectors(const vk::BufferRange& first, const vk::BufferRange& next) {
  return first.buffer == next.buffer &&
         (first.buffer == nullptr || first.offset_bytes + first.size_bytes == next.offset_bytes);
}

struct Part {
  const kernels::Weight& weight;
  const vk::BufferRange& bias;
};

std::vector<Projection> join_all(std::initializer_list<Part> parts, uint64_t most_bytes) {
  std::vector<Projection> joined;
  uint32_t row = 0;
  for (const Part& part : parts) {
    std::optional<kernels::Weight> both;
    if (!joined.empty() && can_join_vectors(joined.back().bias, part.bias))
      both = kernels::join(joined.back().weight, part.weight, most_bytes);
    if (both) {
      joined.back().weight = *std::move(both);
      joined.back().bias = join_vectors(joined.back().bias, part.bias);
    } else {
      joined.push_back({part.weight, part.bias, row});
    }
    row += next_row(part.weight.shape.rows);
  }
  return joined;
}

kernels::Context ready_context(const StageSpec& spec, const kernels::KernelNeeds& needs) {
  kernels::Context context(*spec.device);
  prepare_kernels(context, needs, spec.tune);
  return context;
}

}  // namespace

model::Tensors tensors_of(const StageSpec& stage, const model::Tensors& all) {
  model::Tensors part;
  const auto first = all.layers.begin() + stage.first_layer;
  part.layers.assign(first, first + stage.layers);
  if (stage.first_layer == 0) part.token_embedding = all.token_embedding;
  if (stage.first_layer + stage.layers == all.layers.size()) {
    part.output_norm = all.output_norm;
    part.output = all.output;
  }
  return part;
}

StageWeights::StageWeights(const StageSpec& spec, const model::Tensors& tensors, const model::Config& config)
    : spec_(spec),
      context_(ready_context(spec_, kernel_needs(tensors, config))),
      plan_(plan_weights(tensors, spec_.device->facts(), context_.profile, spec_.host_layers)) {
  for (const WeightPlan::Arena& arena : plan_.arenas) {
    const vk::MemoryUse use = arena.in_host_memory ? vk::MemoryUse::kHost : vk::MemoryUse::kDevice;
    arenas_.emplace_back(*spec_.device, arena.size_bytes, use, "weights");
  }
  bind(tensors);
}

void StageWeights::bind(const model::Tensors& tensors) {
  const auto weight = [&](const gguf::TensorInfo* tensor) { return make_weight(plan_, arenas_, tensor); };
  const auto vector = [&](const gguf::TensorInfo* tensor) { return make_vector(plan_, arenas_, tensor); };
  token_embedding_ = weight(tensors.token_embedding);
  output_ = weight(tensors.output);
  output_norm_ = vector(tensors.output_norm);
  for (const model::LayerTensors& from : tensors.layers) {
    LayerWeights layer;
    layer.attention_norm = vector(from.attention_norm);
    layer.feed_forward_norm = vector(from.feed_forward_norm);
    layer.q_norm = vector(from.q_norm);
    layer.k_norm = vector(from.k_norm);
    layer.q_bias = vector(from.q_bias);
    layer.k_bias = vector(from.k_bias);
    layer.v_bias = vector(from.v_bias);
    layer.q = weight(from.q);
    layer.k = weight(from.k);
    layer.v = weight(from.v);
    layer.attention_output = weight(from.attention_output);
    layer.gate = weight(from.gate);
    layer.up = weight(from.up);
    layer.down = weight(from.down);
    const uint64_t most_bytes = device().facts().max_storage_buffer_range_bytes;
    layer.qkv =
        join_all({{layer.q, layer.q_bias}, {layer.k, layer.k_bias}, {layer.v, layer.v_bias}}, most_bytes);
    layer.gate_up = join_all({{layer.gate, {}}, {layer.up, {}}}, most_bytes);
    layers_.push_back(std::move(layer));
  }
  bytes_per_token_ = plan_.total_bytes();
  if (has_embedding() && tensors.output != tensors.token_embedding) {
    for (const PlannedTensor::Part& part : plan_.find(tensors.token_embedding).parts)
      bytes_per_token_ -= part.size_bytes;
  }
}

}  // namespace motley::engine
