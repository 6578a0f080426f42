#include "engine/kernel_trials.hpp"

#include <stdexcept>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/log.hpp"

namespace motley::engine {
namespace {

using Json = DeviceFiles::Json;
using kernels::Tuned;
using kernels::Verdict;

constexpr const char* kEnded =
    "the program ended while it was tried: the driver crashed or hung, or was stopped";
constexpr double kMostRate = 1e9;  // far beyond any device; what is larger is damage

Json to_json(const Tuned& tuned) {
  Json rates = Json::object();
  for (const Tuned::Figure& figure : tuned.figures) rates[figure.variant] = figure.rate;
  return {{"variant", tuned.variant}, {"rates", std::move(rates)}};
}

Json to_json(const VariantCache::Known& known) {
  Json variants = Json::object();
  for (const auto& [name, verdict] : known.choices.verdicts)
    variants[name] = {{"passed", verdict.passed}, {"nmse", verdict.nmse}, {"reason", verdict.reason}};
  Json tuned = Json::object();
  for (const auto& [use, found] : known.choices.tuned) tuned[use] = to_json(found);
  return {{"trying", known.trying}, {"variants", std::move(variants)}, {"tuned", std::move(tuned)}};
}

/// Both throw an exception of any kind where the file is not as it was written.
Tuned parse_tuned(const Json& json) {
  Tuned tuned;
  for (const auto& [variant, rate] : json.at("rates").items()) {
    tuned.figures.push_back({variant, rate.get<double>()});
    if (!(tuned.figures.back().rate >= 0 && tuned.figures.back().rate < kMostRate))
      throw std::out_of_range(variant);
  }
  tuned.variant = json.at("variant").get<std::string>();
  // The program ended before the variant that it had at hand was timed.
  const Tuned::Figure* figure = tuned.find(tuned.variant);
  if (figure == nullptr || figure->rate == 0) tuned.variant.clear();
  return tuned;
}

VariantCache::Known parse(const Json& file) {
  VariantCache::Known known;
  known.trying = file.at("trying").get<std::string>();
  for (const auto& [name, verdict] : file.at("variants").items()) {
    // Numbers that are none become null.
    const Json& nmse = verdict.at("nmse");
    known.choices.verdicts[name] = {verdict.at("passed").get<bool>(), nmse.is_null() ? 0 : nmse.get<double>(),
                                    verdict.at("reason").get<std::string>()};
  }
  for (const auto& [use, tuned] : file.at("tuned").items()) known.choices.tuned[use] = parse_tuned(tuned);
  return known;
}

}  // namespace

VariantCache::VariantCache(std::optional<std::filesystem::path> directory, std::string build)
    : files_("kernels", std::move(directory), std::move(build)) {}

VariantCache::Known VariantCache::load(const vk::DeviceFacts& facts) const {
  Known known;
  if (!files_.load(facts, [&](const Json& file) { known = parse(file); })) return {};
  return known;
}

void VariantCache::save(const vk::DeviceFacts& facts, const Known& known) const {
  files_.save(facts, to_json(known));
}

void take(kernels::Choices& into, const kernels::Choices& known) {
  for (const auto& [name, verdict] : known.verdicts) into.verdicts.insert_or_assign(name, verdict);
  for (const auto& [use, tuned] : known.tuned) into.tuned.insert_or_assign(use, tuned);
}

void KernelTrials::read() {
  const VariantCache::Known known = cache_.load(context_.device.facts());
  take(context_.profile.choices, known.choices);
  if (turn_.held() && !known.trying.empty()) conclude(known.trying, {false, 0, kEnded});
}

void KernelTrials::run(const std::vector<kernels::KernelUse>& uses) {
  while (const auto trial = kernels::next_trial(context_.profile, uses)) {
    const std::string variant = trial->variant();
    log(LogLevel::kInfo, "{}: trying kernel variant {}", context_.profile.device, variant);
    save(variant);
    conclude(variant, try_one(*trial));
  }
}

void KernelTrials::conclude(const std::string& variant, const Verdict& verdict) {
  context_.profile.choices.verdicts[variant] = verdict;
  save();
  if (verdict.passed) return;
  log(LogLevel::kWarning,
      "{}: kernel variant {} is switched off and the next that suits tried in its place: {}; 'motley devices "
      "--measure' tries it again",
      context_.profile.device, variant, verdict.reason);
}

void KernelTrials::save(const std::string& trying) const {
  if (turn_.held()) cache_.save(context_.device.facts(), {context_.profile.choices, trying});
}

Verdict KernelTrials::try_one(const kernels::Trial& trial) {
  try {
    return kernels::run_trial(context_, trial);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kDeviceLost) {
      conclude(trial.variant(),
               {false, 0, fmt::format("the device failed while it was tried: {}", error.what())});
    } else {
      save();
    }
    throw;
  }
}

}  // namespace motley::engine
