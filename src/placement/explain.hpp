// Why a plan is as it is, in sentences.
#pragma once

#include <cstdint>
#include <string>

#include "placement/choose.hpp"
#include "placement/figures.hpp"

namespace motley::placement {

/// "4.9 GiB"; "12.0 MiB" below a tenth of a GiB, bytes below a tenth of a MiB.
std::string gibibytes(uint64_t bytes);

/// a + b, or the largest number.
uint64_t saturating_sum(uint64_t a, uint64_t b);

/// Fills in the reasons of all stages, the devices not used and why, and the warnings.
void explain(const Context& context, const Allowed& allowed, const Choice& choice, Plan& plan);

}  // namespace motley::placement
