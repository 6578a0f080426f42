#include "quant/scale_search.hpp"

#include <algorithm>
#include <cmath>

#include "quant/codec.hpp"

namespace motley::quant {
namespace {

/// The sums over a rounding q of the weights y from which regression and squared error follow.
struct Sums {
  float q = 0.0f;
  float qq = 0.0f;
  float qy = 0.0f;
};

/// The sum over i of term(i). Eight sums side by side, in a fixed order, become vector instructions without
/// leave to reorder floating-point additions.
template <size_t count, typename Term>
float sum_of(Term term) {
  constexpr size_t kLanes = 8;
  float lanes[kLanes] = {};
  for (size_t i = 0; i < count; i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) lanes[lane] += term(i + lane);
  }
  float sum = 0.0f;
  for (const float lane : lanes) sum += lane;
  return sum;
}

/// Rounds each weight to the level nearest to weight * inverse_scale, within lowest..highest.
template <size_t count>
Sums round_and_sum(const float* weights, float inverse_scale, float lowest, float highest) {
  float levels[count];
  for (size_t i = 0; i < count; ++i) {
    const float clamped = std::min(std::max(weights[i] * inverse_scale, lowest), highest);
    levels[i] = static_cast<float>(static_cast<int>(clamped - lowest + 0.5f)) + lowest;
  }
  return {sum_of<count>([&](size_t i) { return levels[i]; }),
          sum_of<count>([&](size_t i) { return levels[i] * levels[i]; }),
          sum_of<count>([&](size_t i) { return levels[i] * weights[i]; })};
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

AffineFit fit_affine(const float* weights, int largest_level) {
  // The stored minimum is not negative: a run of positive weights starts its levels at zero.
  float lowest = 0.0f;
  float highest = weights[0];
  for (size_t i = 0; i < kAffineRun; ++i) {
    lowest = std::min(lowest, weights[i]);
    highest = std::max(highest, weights[i]);
  }
  float shifted[kAffineRun];
  double sum = 0.0;
  for (size_t i = 0; i < kAffineRun; ++i) {
    shifted[i] = weights[i] - lowest;
    sum += shifted[i];
  }
  const float inverse_range = reciprocal_or_zero(highest - lowest);
  if (inverse_range == 0.0f) return {0.0f, -lowest};

  const auto top = static_cast<float>(largest_level);
  const auto size = static_cast<double>(kAffineRun);
  Line best;
  double best_error = INFINITY;
  // Trial scales around range / top: the finer ones cut off the largest weights in favour of the others.
  for (int trial = -10; trial <= 10; ++trial) {
    const float inverse_scale = (top + 0.1f * static_cast<float>(trial)) * inverse_range;
    const Sums sums = round_and_sum<kAffineRun>(shifted, inverse_scale, 0.0f, top);
    const Line line = regress(sums, size, sum, -static_cast<double>(lowest));
    const double error = relative_error(line, sums, size, sum);
    if (line.slope > 0.0 && error < best_error) {
      best = line;
      best_error = error;
    }
  }
  return {static_cast<float>(best.slope), static_cast<float>(-(best.offset + lowest))};
}

float fit_symmetric(const float* weights, int levels) {
  float extreme = 0.0f;
  for (size_t i = 0; i < kSymmetricRun; ++i) {
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
    const Sums sums = round_and_sum<kSymmetricRun>(weights, inverse_scale, -half, half - 1.0f);
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
