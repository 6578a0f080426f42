// Finds out which of the variants that suit a device is fastest there.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "kernels/self_test.hpp"

namespace motley::kernels {

/// How many times as fast as the first of its table a variant must be to displace it: readings on a machine
/// at work differ by some per cent, and a choice is not to depend on them.
inline constexpr double kWinMargin = 1.05;

/// The variants that tuning may choose from for a use, best first by the table: those that suit the device
/// and are not switched off, but none whose arithmetic is coarser than that of the first of them. Tuning may
/// make a model more exact, never less. Empty for a use without a comparison.
std::vector<std::string> contenders(const Profile& profile, const KernelUse& use);

/// Whether tuning has looked at all of them.
bool is_tuned(const Profile& profile, const KernelUse& use);

/// Lets the use be served by that variant, if that is one of its contenders.
void prefer(Profile& profile, const KernelUse& use, const std::string& variant);

/// The fastest, if it beats the first by kWinMargin; else the first. Figures are in the table's order; empty
/// where there are none or the first was not timed.
std::string winner(std::span<const Tuned::Figure> figures);

/// Times the contenders at the same work, reading each in turn several times, so that what else the machine
/// does hits all alike; the best reading of each counts. One that takes twice the time of another is not read
/// again. Where the table's first seems beaten, all are read more often. Drivers compile meanwhile. Throws
/// Error{kOutOfMemory} and Error{kDeviceLost}.
std::vector<Tuned::Figure> measure_rates(Context& context, const KernelUse& use);

}  // namespace motley::kernels
