#include "bench_limits.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace motley::tools {
namespace {

/// "blk.12.attn_q.weight" is of layer 12; negative for what is of none.
int layer_of(std::string_view name) {
  constexpr std::string_view kPrefix = "blk.";
  int layer = -1;
  if (name.starts_with(kPrefix))
    std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), layer);
  return layer;
}

/// The table of token embeddings is the output projection as well where there is no other.
const TensorEntry* find_output(const std::vector<TensorEntry>& tensors) {
  for (const char* const name : {"output.weight", "token_embd.weight"}) {
    const auto found = std::ranges::find(tensors, name, &TensorEntry::name);
    if (found != tensors.end()) return &*found;
  }
  return nullptr;
}

}  // namespace

std::uint64_t elements_of(const TensorEntry& tensor) {
  std::uint64_t elements = 1;
  for (const std::uint64_t length : tensor.shape) elements *= length;
  return elements;
}

BenchLimits::BenchLimits(const Engine& engine, const Session& session)
    : cache_bytes_per_token_(static_cast<double>(session.cache_bytes()) / session.context_tokens()) {
  const std::vector<Device> devices = engine.devices();
  for (const Device& device : devices)
    gflops_ += std::max(device.arithmetic_gflops(), device.matrix_gflops());
  const Plan plan = engine.plan();
  std::vector<double> layer_bytes(plan.layers, 0.0);
  const std::vector<TensorEntry> tensors = engine.model().tensors();
  for (const TensorEntry& tensor : tensors) {
    const int layer = layer_of(tensor.name);
    if (layer < 0 || layer >= static_cast<int>(plan.layers)) continue;
    layer_bytes[static_cast<std::size_t>(layer)] += static_cast<double>(tensor.size_bytes);
    if (tensor.shape.size() < 2) continue;
    layer_weights_ += static_cast<double>(elements_of(tensor));
    if (tensor.name.ends_with(".attn_q.weight")) query_elements_ += static_cast<double>(tensor.shape[1]);
  }
  const TensorEntry* const output = find_output(tensors);
  if (output != nullptr) output_weights_ = static_cast<double>(elements_of(*output));

  double bytes = 0;
  for (const PlanStage& stage : plan.stages) {
    StageLimit& limit = stages_.emplace_back();
    for (std::uint32_t layer = stage.first_layer; layer <= stage.last_layer; ++layer)
      limit.weight_bytes += layer_bytes[layer];
    if (stage.output && output != nullptr) limit.weight_bytes += static_cast<double>(output->size_bytes);
    bytes += limit.weight_bytes;
    limit.layers_share = double{1} * (stage.last_layer - stage.first_layer + 1) / plan.layers;
    const auto device =
        std::ranges::find(devices, stage.device_index, [](const Device& each) { return each.info().index; });
    if (device != devices.end()) limit.bandwidth_gbs = device->bandwidth_gbs();
  }
  // In the devices' memory weights take other room than in the file.
  for (StageLimit& limit : stages_)
    limit.weight_bytes *= static_cast<double>(engine.bytes_per_token()) / bytes;
}

double BenchLimits::seconds(const BenchTest& test) const {
  double result = 0;
  if (test.prompt_tokens > 0) result += prompt_seconds(test.depth_tokens, test.prompt_tokens);
  const double before = double{1} * test.depth_tokens + test.prompt_tokens;
  if (test.decode_tokens > 0)
    result += test.decode_tokens * decode_seconds(test.sequences * (before + 0.5 * (test.decode_tokens + 1)));
  return result;
}

double BenchLimits::decode_seconds(double positions) const {
  double result = 0;
  for (const StageLimit& stage : stages_) {
    const double bytes = stage.weight_bytes + positions * stage.layers_share * cache_bytes_per_token_;
    result += bytes / (stage.bandwidth_gbs * 1e9);
  }
  return result;
}

double BenchLimits::prompt_seconds(std::uint32_t first, std::uint32_t tokens) const {
  const double mean_positions = first + 0.5 * (tokens + 1);
  const double flops =
      2 * layer_weights_ * tokens + 2 * output_weights_ + 4 * query_elements_ * mean_positions * tokens;
  return flops / (gflops_ * 1e9);
}

}  // namespace motley::tools
