// What a device can do at most: the rates at which it computes.
#pragma once

#include "kernels/profile.hpp"

namespace motley::kernels {

/// 10^9 single-precision operations a second (a multiplication and an addition count as two) that the
/// device's shaders do in registers, without matrix units.
double measure_arithmetic_gflops(Context& context);

/// The same of products of half-precision matrices added up in single precision, by the cooperative matrices
/// that matmul would take (Profile::matrices); 0 where there are none, or this build has no kernel for them.
double measure_matrix_gflops(Context& context);

}  // namespace motley::kernels
