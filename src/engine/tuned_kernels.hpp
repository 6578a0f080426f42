// The fastest of the kernel variants that suit a device is measured before it is first used with a driver.
#pragma once

#include <functional>
#include <limits>
#include <vector>

#include "engine/kernel_trials.hpp"
#include "kernels/tuning.hpp"

namespace motley::engine {

/// How tuning goes about it.
struct TuningOptions {
  /// What is not begun within so many seconds, as far as can be told before, is left to the tables' order,
  /// for good: it is not tuned the next time either, unless `again`.
  double budget_seconds = std::numeric_limits<double>::infinity();
  bool again = false;  ///< also what was tuned before
  /// Called before so many variants are tried and timed.
  std::function<void(const kernels::KernelUse& use, size_t variants)> progress = {};
  /// What times the variants, and what tells the time.
  std::function<std::vector<kernels::Tuned::Figure>(kernels::Context&, const kernels::KernelUse&)> rates =
      kernels::measure_rates;
  std::function<double()> seconds = steady_seconds;

  static double steady_seconds();
};

/// For every use that these needs ask for and for which the device has several variants: tries them all
/// (test_kernels), times those that pass, and lets the context and from then on every other of the device
/// choose the fastest (kernels::winner). Kept with the verdicts. Returns whether something else is chosen
/// than before. Uses for which there is no memory are left to the table. Throws Error{kDeviceLost}.
bool tune_kernels(kernels::Context& context, const kernels::KernelNeeds& needs, const VariantCache& cache,
                  const TuningOptions& options = {});

/// What is done before kernels are used: test_kernels(), and where `tune` says so, on GPUs, tune_kernels()
/// for at most five seconds. On software drivers a variant takes up to 1.2 s to compile, try and time, and a
/// Q4_K_M model has twenty; there the tables' order, which was found by measuring them, stays until
/// `motley tune` is asked for. Throws as both.
void prepare_kernels(kernels::Context& context, const kernels::KernelNeeds& needs, bool tune);

}  // namespace motley::engine
