#include "model/rope.hpp"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace motley::model {
namespace {

Config eight_dimensions() {
  Config config;
  config.head_size = config.rope_dimensions = 8;
  config.rope_base = 10000.0;
  return config;
}

TEST(RopeFrequencies, ArePowersOfTheBase) {
  const std::vector<double> frequencies = rope_frequencies(eight_dimensions(), {});
  ASSERT_EQ(frequencies.size(), 4U);
  const std::vector<double> wanted = {1.0, 0.1, 0.01, 0.001};
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(frequencies[i], wanted[i], 1e-15) << i;
}

TEST(RopeFrequencies, FactorsDivideAndTheScaleMultiplies) {
  Config config = eight_dimensions();
  config.rope_scale = 0.25;
  const std::vector<float> factors = {1.0F, 2.0F, 4.0F, 8.0F};
  const std::vector<double> frequencies = rope_frequencies(config, factors);
  const std::vector<double> wanted = {0.25, 0.0125, 0.000625, 0.00003125};
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(frequencies[i], wanted[i], 1e-15) << i;
}

TEST(RopeFrequencies, FactorsAreChecked) {
  const auto expect_refused = [](std::vector<float> factors, const char* figure) {
    try {
      rope_frequencies(eight_dimensions(), factors);
      ADD_FAILURE() << "accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kMalformedModel);
      EXPECT_NE(std::string(error.what()).find("rope_freqs.weight"), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find(figure), std::string::npos) << error.what();
    }
  };
  expect_refused({1, 1, 1}, "3 elements");
  expect_refused({1, 1, 1, 1, 1}, "4 pairs");
  expect_refused({1, 0, 1, 1}, "element 1 is 0");
  expect_refused({1, 1, -2, 1}, "element 2 is -2");
  expect_refused({1, 1, 1, std::numeric_limits<float>::quiet_NaN()}, "element 3 is nan");
  expect_refused({std::numeric_limits<float>::infinity(), 1, 1, 1}, "element 0 is inf");
}

// Worked by hand: with 128 dimensions and base 10000, the pair that turns r times within 4096 positions is
// 128 ln(4096 / (2 pi r)) / (2 ln 10000): 20.94 for r = 32 and 45.03 for r = 1. So pairs to 20 are kept,
// those from 46 on are scaled by 1/4, and pair 33, in the middle of the ramp, is scaled by (1 + 1/4) / 2.
TEST(RopeFrequencies, YarnBlends) {
  Config config;
  config.head_size = config.rope_dimensions = 128;
  const std::vector<double> plain = rope_frequencies(config, {});
  config.rope_scale = 0.25;
  config.yarn = {.enabled = true, .original_context = 4096};
  const std::vector<double> yarn = rope_frequencies(config, {});
  for (size_t i = 0; i <= 20; ++i) EXPECT_DOUBLE_EQ(yarn[i], plain[i]) << i;
  for (size_t i = 21; i < 46; ++i) {
    EXPECT_LT(yarn[i], plain[i]) << i;
    EXPECT_GT(yarn[i], 0.25 * plain[i]) << i;
  }
  EXPECT_DOUBLE_EQ(yarn[33], 0.625 * plain[33]);
  for (size_t i = 46; i < 64; ++i) EXPECT_DOUBLE_EQ(yarn[i], 0.25 * plain[i]) << i;
}

}  // namespace
}  // namespace motley::model
