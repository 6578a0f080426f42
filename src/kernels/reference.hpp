// Double-precision arithmetic that kernels are compared with, in tests and before a device is first used.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/mapped_cache.hpp"

namespace motley::kernels::reference {

/// Normally distributed values, the same for the same seed.
std::vector<float> random_values(size_t count, uint32_t seed, float scale = 1.0F);

/// Normalised mean square error: sum (got - wanted)^2 / sum wanted^2. NaN when something is NaN.
double nmse(std::span<const float> got, std::span<const double> wanted);

/// A product of a matrix with vectors: y[t][r] = sum over k of weights[r][k] * x[t][k] + bias[r] +
/// before[t][r].
struct Product {
  uint32_t rows = 0;
  uint32_t columns = 0;
  uint32_t tokens = 0;
  std::span<const float> weights;  ///< [rows][columns]
  std::span<const float> x;        ///< [tokens][columns], normally distributed
  std::span<const float> bias;     ///< [rows], or none
  std::span<const float> before;   ///< [tokens][rows], or none

  /// [tokens][rows].
  std::vector<double> values() const;
  /// The largest error of a row of `got`, [tokens][rows], as a share of the power that products with normally
  /// distributed x have: a single one may come out near zero by chance. NaN when something is NaN.
  double worst_row(std::span<const float> got) const;
};

/// x / sqrt(mean(x^2) + epsilon) * weight.
std::vector<double> rms_norm(std::span<const float> x, std::span<const float> weight, double epsilon);

/// silu(gate) * up.
std::vector<double> swiglu(std::span<const float> gate, std::span<const float> up);

/// How a head is rotated by its position: pair i by position * 10000^(-2i / rotated), pairs as in RopeShape.
struct Rotation {
  uint32_t rotated = 0;
  bool halves = false;

  double angle(uint32_t position, uint32_t pair) const;
  /// [positions][rotated / 2] pairs (cos, sin), as rope_and_store() reads them.
  std::vector<float> table(uint32_t positions) const;
  std::vector<double> rotate(std::span<const float> head, uint32_t position) const;
};

/// softmax(q · keys * scale) · values over the first positions of a KV head.
std::vector<double> attend(std::span<const float> q, float scale, const MappedCache& cache, uint32_t kv_head,
                           uint32_t positions);

}  // namespace motley::kernels::reference
