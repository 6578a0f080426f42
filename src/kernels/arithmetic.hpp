// What a device can do at most: the rate at which it computes.
#pragma once

#include "kernels/profile.hpp"

namespace motley::kernels {

/// 10^9 single-precision operations a second (a multiplication and an addition count as two) that the
/// device's shaders do in registers, without matrix units.
double measure_arithmetic_gflops(Context& context);

}  // namespace motley::kernels
