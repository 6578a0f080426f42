#include "engine/tested_kernels.hpp"

#include <algorithm>

namespace motley::engine {
namespace {

void add(std::vector<quant::Format>& formats, const gguf::TensorInfo* tensor) {
  if (tensor == nullptr || tensor->dimensions < 2) return;
  const auto format = quant::from_ggml_type(static_cast<uint32_t>(tensor->type));
  if (format && std::ranges::find(formats, *format) == formats.end()) formats.push_back(*format);
}

}  // namespace

void test_kernels(kernels::Context& context, const kernels::KernelNeeds& needs, const VariantCache& cache,
                  bool again) {
  const std::vector<kernels::KernelUse> uses = kernels::kernel_uses(needs);
  kernels::Choices& choices = context.profile.choices;
  const auto all_tried = [&] { return !kernels::next_trial(context.profile, uses); };
  if (again) {
    choices = cache.load(context.device.facts()).choices;
    choices.verdicts.clear();
  } else {
    if (all_tried()) return;
    const VariantCache::Known known = cache.load(context.device.facts());
    take(choices, known.choices);
    if (known.trying.empty() && all_tried()) return;
  }
  const DeviceFiles::Turn turn(cache.files());
  KernelTrials trials(context, cache, turn);
  if (!again) trials.read();
  trials.run(uses);
}

kernels::KernelNeeds kernel_needs(const model::Tensors& tensors, const model::Config& config) {
  kernels::KernelNeeds needs;
  for (const model::LayerTensors& layer : tensors.layers)
    for (const gguf::TensorInfo* tensor : layer.present()) add(needs.products, tensor);
  add(needs.products, tensors.output);
  add(needs.tables, tensors.token_embedding);
  needs.head_size = config.head_size;
  needs.single_heads = config.heads == config.kv_heads;
  return needs;
}

}  // namespace motley::engine
