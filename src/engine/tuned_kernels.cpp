#include "engine/tuned_kernels.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "base/log.hpp"
#include "engine/measurement_cache.hpp"
#include "engine/tested_kernels.hpp"

namespace motley::engine {
namespace {

using kernels::KernelUse;
using kernels::Tuned;

constexpr double kFirstUseSeconds = 5;

/// Tunes one use after another on one device.
class Tuner {
 public:
  Tuner(kernels::Context& context, KernelTrials& trials, const TuningOptions& options)
      : context_(context),
        trials_(trials),
        options_(options),
        begin_(options.seconds() - context.profile.choices.tuning_seconds) {}

  void tune(const KernelUse& use) {
    const std::string before = use.choose(profile()).shader.name;
    Tuned& tuned = profile().choices.tuned[use.comparison->key(profile())];
    tuned = not_timed(use);
    if (!take_known_rates(use, tuned)) {
      const double expected_seconds = static_cast<double>(tuned.figures.size()) * seconds_a_variant_;
      if (spent() + expected_seconds < options_.budget_seconds) {
        if (options_.progress) options_.progress(use, tuned.figures.size());
        measure(use, tuned);
      } else {
        left_ += (left_.empty() ? "" : ", ") + use.comparison->key(profile());
      }
    }
    tuned.variant = kernels::winner(tuned.figures);
    trials_.save();
    changed_ = changed_ || use.choose(profile()).shader.name != before;
  }

  bool changed() const { return changed_; }

  /// To be called at the end.
  void conclude() {
    profile().choices.tuning_seconds = spent();
    if (left_.empty()) return;
    log(LogLevel::kInfo,
        "{}: in {:.1f} s there was no time to find the fastest kernel variants for {}; 'motley tune' does",
        profile().device, spent(), left_);
  }

 private:
  kernels::Profile& profile() { return context_.profile; }
  double spent() const { return options_.seconds() - begin_; }

  Tuned not_timed(const KernelUse& use) {
    Tuned tuned;
    for (const std::string& variant : kernels::contenders(profile(), use))
      tuned.figures.push_back({variant, 0});
    return tuned;
  }

  /// From a use of the same work, if all were timed there.
  bool take_known_rates(const KernelUse& use, Tuned& tuned) {
    const Tuned* other = profile().choices.find_tuned(use.comparison->work(profile()));
    if (other == nullptr || other == &tuned) return false;
    Tuned known = tuned;
    for (Tuned::Figure& figure : known.figures) {
      const Tuned::Figure* timed = other->find(figure.variant);
      if (timed == nullptr || timed->rate == 0) return false;
      figure = *timed;
    }
    tuned = std::move(known);
    return true;
  }

  /// Leaves the variants untimed where there is no room for that.
  void measure(const KernelUse& use, Tuned& tuned) {
    const double from = options_.seconds();
    const std::vector<Tuned::Figure> figures = tuned.figures;
    try {
      for (const Tuned::Figure& figure : figures) {
        tuned.variant = figure.variant;  // so that it is the one that is tried
        trials_.run({use});
      }
      tuned = not_timed(use);  // those that passed
      // Where the driver takes the program down now, the next start does without tuning.
      trials_.save();
      if (tuned.figures.size() > 1) tuned.figures = options_.rates(context_, use);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kDeviceLost) throw;
      tuned = not_timed(use);
      log(LogLevel::kInfo, "{}: the variants for {} were not timed: {}", profile().device,
          use.comparison->key(profile()), error.what());
    }
    const double seconds = (options_.seconds() - from) / static_cast<double>(figures.size());
    seconds_a_variant_ = std::max(seconds_a_variant_, seconds);
  }

  kernels::Context& context_;
  KernelTrials& trials_;
  const TuningOptions& options_;
  double begin_;
  double seconds_a_variant_ = 0;  // the most so far
  bool changed_ = false;
  std::string left_;
};

}  // namespace

double TuningOptions::steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

bool tune_kernels(kernels::Context& context, const kernels::KernelNeeds& needs, const VariantCache& cache,
                  const TuningOptions& options) {
  const kernels::Profile& profile = context.profile;
  std::vector<KernelUse> uses = kernels::kernel_uses(needs);
  const auto is_done = [&](const KernelUse& use) {
    return kernels::contenders(profile, use).size() < 2 ||
           (!options.again && kernels::is_tuned(profile, use));
  };
  std::erase_if(uses, is_done);
  if (uses.empty()) return false;
  const DeviceFiles::Turn turn(cache.files());
  KernelTrials trials(context, cache, turn);
  trials.read();
  Tuner tuner(context, trials, options);
  for (const KernelUse& use : uses)
    if (!is_done(use)) tuner.tune(use);
  tuner.conclude();
  return tuner.changed();
}

void prepare_kernels(kernels::Context& context, const kernels::KernelNeeds& needs, bool tune) {
  test_kernels(context, needs);
  const vk::DeviceFacts& facts = context.device.facts();
  if (!tune || facts.type == vk::DeviceType::kCpu) return;
  const TuningOptions options{.budget_seconds = kFirstUseSeconds};
  if (tune_kernels(context, needs, VariantCache(), options)) MeasurementCache().forget(facts);
}

}  // namespace motley::engine
