#include "model/rope.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>

#include "base/error.hpp"

namespace motley::model {
namespace {

/// The index, as a fraction, of the pair that turns `turns` times within YaRN's original context.
double pair_of_turns(const Config& config, double turns) {
  const double wavelength = config.yarn.original_context / turns;
  return config.rope_dimensions * std::log(wavelength / (2.0 * std::numbers::pi)) /
         (2.0 * std::log(config.rope_base));
}

/// How much of YaRN's scaling each pair takes: 0 for the fast ones, 1 for the slow ones, a ramp between. The
/// ends of the ramp are whole pairs, the upper one bounded by the dimensions rather than the pairs: so do the
/// authors' reference code and ggml.
struct YarnRamp {
  explicit YarnRamp(const Config& config)
      : low(std::max(0.0, std::floor(pair_of_turns(config, config.yarn.beta_fast)))),
        high(std::min(config.rope_dimensions - 1.0,
                      std::ceil(pair_of_turns(config, config.yarn.beta_slow)))) {}

  double operator()(size_t pair) const {
    const double width = std::max(0.001, high - low);
    return std::clamp((static_cast<double>(pair) - low) / width, 0.0, 1.0);
  }

  double low, high;
};

void check_factors(const Config& config, std::span<const float> factors) {
  if (factors.empty()) return;
  if (factors.size() != config.rope_dimensions / 2) {
    fail(ErrorCode::kMalformedModel,
         "tensor 'rope_freqs.weight' has {} elements; one for each of the {} pairs is wanted", factors.size(),
         config.rope_dimensions / 2);
  }
  for (size_t i = 0; i < factors.size(); ++i) {
    if (!std::isfinite(factors[i]) || !(factors[i] > 0.0F)) {
      fail(ErrorCode::kMalformedModel,
           "tensor 'rope_freqs.weight': element {} is {}; a finite number above 0 is allowed", i, factors[i]);
    }
  }
}

}  // namespace

std::vector<double> rope_frequencies(const Config& config, std::span<const float> factors) {
  check_factors(config, factors);
  std::optional<YarnRamp> ramp;
  if (config.yarn.enabled) ramp.emplace(config);
  std::vector<double> frequencies(config.rope_dimensions / 2);
  for (size_t i = 0; i < frequencies.size(); ++i) {
    const double exponent = -2.0 * static_cast<double>(i) / config.rope_dimensions;
    const double frequency = std::pow(config.rope_base, exponent) / (factors.empty() ? 1.0 : factors[i]);
    const double scaled_part = ramp ? (*ramp)(i) : 1.0;
    frequencies[i] = frequency * (scaled_part * config.rope_scale + (1.0 - scaled_part));
  }
  return frequencies;
}

}  // namespace motley::model
