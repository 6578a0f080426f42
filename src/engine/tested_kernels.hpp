// Kernels are tried on a device before it is first used with a driver, and what was found is kept.
#pragma once

#include "engine/kernel_trials.hpp"
#include "model/config.hpp"
#include "model/tensors.hpp"

namespace motley::engine {

/// Sees to it that every variant which `context` chooses for these needs was tried on its device, now or
/// earlier, and passed: others are switched off in its profile, with a warning, and the next of their table
/// tried. A variant at which the driver took the program down the last time counts as tried. `again` forgets
/// the verdicts of before. Costs nothing where the profile has all the verdicts and some tenths of a
/// millisecond where the file has. Throws Error{kDeviceLost} when a kernel has no variant left or the device
/// fails, Error{kOutOfMemory}.
void test_kernels(kernels::Context& context, const kernels::KernelNeeds& needs,
                  const VariantCache& cache = VariantCache(), bool again = false);

/// What these tensors of a model ask of the kernels, without a cache.
kernels::KernelNeeds kernel_needs(const model::Tensors& tensors, const model::Config& config);

}  // namespace motley::engine
