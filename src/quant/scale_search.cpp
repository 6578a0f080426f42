#include "quant/scale_search.hpp"

#include <algorithm>
#include <cmath>

#include "quant/codec.hpp"

namespace motley::quant {
namespace {

constexpr size_t kLargestCount = 32;

/// The sums over a rounding q of the weights y from which regression and squared error follow.
struct Sums {
  float q = 0.0f;
  float qq = 0.0f;
  float qy = 0.0f;
};

/// Rounds each weight to the level nearest to weight * inverse_scale, within lowest..highest.
Sums round_and_sum(const float* weights, size_t count, float inverse_scale, float lowest, float highest) {
  Sums sums;
  float levels[kLargestCount];
  for (size_t i = 0; i < count; ++i) {
    const float clamped = std::min(std::max(weights[i] * inverse_scale, lowest), highest);
    levels[i] = static_cast<float>(static_cast<int>(clamped - lowest + 0.5f)) + lowest;
  }
  for (size_t i = 0; i < count; ++i) {
    sums.q += levels[i];
    sums.qq += levels[i] * levels[i];
    sums.qy += levels[i] * weights[i];
  }
  return sums;
}

struct Line {
  double slope = 0.0;
  double offset = 0.0;
};

/// The line offset + slope * q of least squared error through (q, y), the offset at most `largest_offset`.
Line regress(const Sums& sums, double count, double sum_y, double largest_offset) {
  const double q = sums.q;
  const double qq = sums.qq;
  const double qy = sums.qy;
  const double determinant = count * qq - q * q;
  double offset = determinant > 0.0 ? (qq * sum_y - q * qy) / determinant : 0.0;
  offset = std::min(offset, largest_offset);
  return {qq > 0.0 ? (qy - offset * q) / qq : 0.0, offset};
}

/// The squared error of that line, less the constant sum of y * y.
double relative_error(const Line& line, const Sums& sums, double count, double sum_y) {
  return line.slope * line.slope * sums.qq + 2.0 * line.slope * line.offset * sums.q +
         count * line.offset * line.offset - 2.0 * line.slope * sums.qy - 2.0 * line.offset * sum_y;
}

}  // namespace

AffineFit fit_affine(const float* weights, size_t count, int largest_level) {
  // The stored minimum is not negative: a run of positive weights starts its levels at zero.
  float lowest = 0.0f;
  float highest = weights[0];
  for (size_t i = 0; i < count; ++i) {
    lowest = std::min(lowest, weights[i]);
    highest = std::max(highest, weights[i]);
  }
  float shifted[kLargestCount];
  double sum = 0.0;
  for (size_t i = 0; i < count; ++i) {
    shifted[i] = weights[i] - lowest;
    sum += shifted[i];
  }
  const float inverse_range = reciprocal_or_zero(highest - lowest);
  if (inverse_range == 0.0f) return {0.0f, -lowest};

  const auto top = static_cast<float>(largest_level);
  const auto size = static_cast<double>(count);
  Line best;
  double best_error = INFINITY;
  // Trial scales around range / levels; the coarser ones cut off the extreme weights in favour of the others.
  for (int trial = -10; trial <= 30; ++trial) {
    const float inverse_scale = (top + 0.1f * static_cast<float>(trial)) * inverse_range;
    const Sums sums = round_and_sum(shifted, count, inverse_scale, 0.0f, top);
    const Line line = regress(sums, size, sum, -static_cast<double>(lowest));
    const double error = relative_error(line, sums, size, sum);
    if (line.slope > 0.0 && error < best_error) {
      best = line;
      best_error = error;
    }
  }
  return {static_cast<float>(best.slope), static_cast<float>(-(best.offset + lowest))};
}

float fit_symmetric(const float* weights, size_t count, int levels) {
  float extreme = 0.0f;
  for (size_t i = 0; i < count; ++i) {
    if (std::abs(weights[i]) > std::abs(extreme)) extreme = weights[i];
  }
  const float inverse_extreme = reciprocal_or_zero(extreme);
  if (inverse_extreme == 0.0f) return 0.0f;

  const auto half = static_cast<float>(levels);
  double best_scale = 0.0;
  double best_gain = 0.0;
  for (int trial = -9; trial <= 9; ++trial) {
    // The extreme weight takes the level -levels, which has no positive counterpart.
    const float inverse_scale = -(half + 0.1f * static_cast<float>(trial)) * inverse_extreme;
    const Sums sums = round_and_sum(weights, count, inverse_scale, -half, half - 1.0f);
    if (sums.qq <= 0.0f) continue;
    const double scale = static_cast<double>(sums.qy) / sums.qq;
    const double gain = scale * sums.qy;  // by how much this scale lowers the squared error
    if (gain > best_gain) {
      best_scale = scale;
      best_gain = gain;
    }
  }
  return static_cast<float>(best_scale);
}

}  // namespace motley::quant
