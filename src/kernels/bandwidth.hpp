// What a device can do at most: the rate at which it reads its own memory.
#pragma once

#include "kernels/profile.hpp"

namespace motley::kernels {

/// 10^9 bytes a second, the best of several readings of a buffer too large for caches (less where memory is
/// short).
double measure_bandwidth_gbs(Context& context);

}  // namespace motley::kernels
