// Float64 arithmetic that kernels are compared with.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <vector>

namespace motley::test {

/// Normally distributed values, the same for the same seed.
inline std::vector<float> random_values(size_t count, uint32_t seed, float scale = 1.0F) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0.0F, scale);
  std::vector<float> values(count);
  for (float& value : values) value = normal(generator);
  return values;
}

/// Normalised mean square error: sum (got - wanted)^2 / sum wanted^2. NaN when something is NaN.
inline double nmse(std::span<const float> got, std::span<const double> wanted) {
  double error = 0;
  double power = 0;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const double difference = static_cast<double>(got[i]) - wanted[i];
    error += difference * difference;
    power += wanted[i] * wanted[i];
  }
  return power > 0 ? error / power : error;
}

}  // namespace motley::test
