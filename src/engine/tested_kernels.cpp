#include "engine/tested_kernels.hpp"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/log.hpp"

namespace motley::engine {
namespace {

using Json = DeviceFiles::Json;
using kernels::Choices;
using kernels::Verdict;

constexpr const char* kEnded =
    "the program ended while it was tried: the driver crashed or hung, or was stopped";

Json to_json(const VariantCache::Known& known) {
  Json variants = Json::object();
  for (const auto& [name, verdict] : known.choices.verdicts)
    variants[name] = {{"passed", verdict.passed}, {"nmse", verdict.nmse}, {"reason", verdict.reason}};
  return {{"trying", known.trying}, {"variants", std::move(variants)}};
}

/// Throws an exception of any kind where the file is not as it was written.
VariantCache::Known parse(const Json& file) {
  VariantCache::Known known;
  known.trying = file.at("trying").get<std::string>();
  for (const auto& [name, verdict] : file.at("variants").items()) {
    // Numbers that are none become null.
    const Json& nmse = verdict.at("nmse");
    known.choices.verdicts[name] = {verdict.at("passed").get<bool>(), nmse.is_null() ? 0 : nmse.get<double>(),
                                    verdict.at("reason").get<std::string>()};
  }
  return known;
}

/// Tries variants on one device and writes down each before and after: where the driver takes the program
/// down, the file says at which.
class Trials {
 public:
  Trials(kernels::Context& context, const VariantCache& cache, const DeviceFiles::Turn& turn)
      : context_(context), cache_(cache), turn_(turn) {}

  void run(const std::vector<kernels::KernelUse>& uses) {
    while (const auto trial = kernels::next_trial(context_.profile, uses)) {
      const std::string variant = trial->variant();
      log(LogLevel::kInfo, "{}: trying kernel variant {}", context_.profile.device, variant);
      save(variant);
      conclude(variant, try_one(*trial));
    }
  }

  void conclude(const std::string& variant, const Verdict& verdict) {
    context_.profile.choices.verdicts[variant] = verdict;
    save("");
    if (verdict.passed) return;
    log(LogLevel::kWarning,
        "{}: kernel variant {} is switched off and the next that suits tried in its place: {}; 'motley "
        "devices "
        "--measure' tries it again",
        context_.profile.device, variant, verdict.reason);
  }

 private:
  Verdict try_one(const kernels::Trial& trial) {
    try {
      return kernels::run_trial(context_, trial);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kDeviceLost) {
        conclude(trial.variant(),
                 {false, 0, fmt::format("the device failed while it was tried: {}", error.what())});
      } else {
        save("");
      }
      throw;
    }
  }

  /// Another's turn is not written into.
  void save(const std::string& trying) const {
    if (turn_.held()) cache_.save(context_.device.facts(), {context_.profile.choices, trying});
  }

  kernels::Context& context_;
  const VariantCache& cache_;
  const DeviceFiles::Turn& turn_;
};

void add(std::vector<quant::Format>& formats, const gguf::TensorInfo* tensor) {
  if (tensor == nullptr || tensor->dimensions < 2) return;
  const auto format = quant::from_ggml_type(static_cast<uint32_t>(tensor->type));
  if (format && std::ranges::find(formats, *format) == formats.end()) formats.push_back(*format);
}

}  // namespace

VariantCache::VariantCache(std::optional<std::filesystem::path> directory, std::string version)
    : files_("kernels", std::move(directory), std::move(version)) {}

VariantCache::Known VariantCache::load(const vk::DeviceFacts& facts) const {
  Known known;
  if (!files_.load(facts, [&](const Json& file) { known = parse(file); })) return {};
  return known;
}

void VariantCache::save(const vk::DeviceFacts& facts, const Known& known) const {
  files_.save(facts, to_json(known));
}

void test_kernels(kernels::Context& context, const kernels::KernelNeeds& needs, const VariantCache& cache,
                  bool again) {
  const std::vector<kernels::KernelUse> uses = kernels::kernel_uses(needs);
  Choices& choices = context.profile.choices;
  const auto all_tried = [&] { return !kernels::next_trial(context.profile, uses); };
  const auto take = [&](const Choices& known) {
    for (const auto& [name, verdict] : known.verdicts) choices.verdicts.insert_or_assign(name, verdict);
  };
  if (again) {
    choices = {};
  } else {
    if (all_tried()) return;
    const VariantCache::Known known = cache.load(context.device.facts());
    take(known.choices);
    if (known.trying.empty() && all_tried()) return;
  }
  const DeviceFiles::Turn turn(cache.files());
  Trials trials(context, cache, turn);
  if (!again) {
    // Who had the turn before may have tried the same.
    const VariantCache::Known known = cache.load(context.device.facts());
    take(known.choices);
    if (turn.held() && !known.trying.empty()) trials.conclude(known.trying, {false, 0, kEnded});
  }
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
