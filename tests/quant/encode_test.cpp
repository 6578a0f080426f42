#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "quant/format.hpp"

namespace motley::quant {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Numbers of the normal distribution (Box and Muller 1958), the same with every standard library.
std::vector<float> gaussian(size_t count, double deviation, uint32_t seed = 1) {
  std::mt19937 bits(seed);
  const auto uniform = [&] { return (static_cast<double>(bits()) + 0.5) / 4294967296.0; };
  std::vector<float> numbers(count);
  for (float& number : numbers) {
    const double radius = deviation * std::sqrt(-2.0 * std::log(uniform()));
    number = static_cast<float>(radius * std::cos(2.0 * 3.14159265358979 * uniform()));
  }
  return numbers;
}

std::vector<std::byte> encoded(Format format, const std::vector<float>& in) {
  std::vector<std::byte> blocks(in.size() / info(format).block_elements * info(format).block_bytes);
  encode(format, in, blocks);
  return blocks;
}

std::vector<float> round_trip(Format format, const std::vector<float>& in) {
  std::vector<float> out(in.size());
  decode(format, encoded(format, in), out);
  return out;
}

/// Root of the mean squared difference over that of the numbers themselves.
double relative_rmse(const std::vector<float>& wanted, const std::vector<float>& got) {
  double error = 0.0;
  double total = 0.0;
  for (size_t i = 0; i < wanted.size(); ++i) {
    error += std::pow(static_cast<double>(got[i]) - wanted[i], 2);
    total += std::pow(static_cast<double>(wanted[i]), 2);
  }
  return std::sqrt(error / total);
}

struct ErrorBound {
  Format format;
  double relative_rmse;
};

// llama-quantize reaches on 1.4 million normal numbers, in the order below: 0.00535, 0.08586, 0.07136,
// 0.03609, 0.01775; this encoder 0.00535, 0.08586, 0.07126, 0.03577, 0.01729. F16 and BF16: a uniform
// mantissa gives 2^-11 / sqrt(3) * 0.72.
constexpr ErrorBound kGaussianBounds[] = {
    {Format::kF32, 0.0},     {Format::kF16, 2.2e-4},  {Format::kBF16, 1.75e-3}, {Format::kQ8_0, 0.0055},
    {Format::kQ4_0, 0.0875}, {Format::kQ4_K, 0.0722}, {Format::kQ5_K, 0.0362},  {Format::kQ6_K, 0.0176},
};

TEST(Encode, GaussianErrorIsThatOfACarefulQuantizer) {
  for (const double deviation : {0.002, 1.0, 300.0}) {
    const std::vector<float> in = gaussian(size_t{256} * 256, deviation);
    for (const ErrorBound& bound : kGaussianBounds) {
      const double error = relative_rmse(in, round_trip(bound.format, in));
      EXPECT_TRUE(error <= bound.relative_rmse)
          << info(bound.format).name << " " << deviation << ": " << error;
    }
  }
}

TEST(Encode, WeightsOffCentreKeepTheirPrecisionInAffineFormats) {
  std::vector<float> in = gaussian(size_t{256} * 64, 1.0);
  for (float& x : in) x -= 2.0f;
  EXPECT_LT(relative_rmse(in, round_trip(Format::kQ4_K, in)), 0.036);
  EXPECT_LT(relative_rmse(in, round_trip(Format::kQ5_K, in)), 0.019);
}

TEST(Encode, LegacyErrorsStayWithinHalfAStep) {
  const std::vector<float> in = gaussian(size_t{32} * 500, 0.05);
  const std::vector<float> q8 = round_trip(Format::kQ8_0, in);
  const std::vector<float> q4 = round_trip(Format::kQ4_0, in);
  for (size_t block = 0; block < in.size(); block += 32) {
    float extreme = 0.0f;
    for (size_t i = block; i < block + 32; ++i) {
      if (std::abs(in[i]) > std::abs(extreme)) extreme = in[i];
    }
    const float largest = std::abs(extreme);
    const float half_scale_error = largest * 0x1p-11f;  // the scale itself is rounded to a half
    for (size_t i = block; i < block + 32; ++i) {
      EXPECT_LE(std::abs(q8[i] - in[i]), largest * (0.501f / 127.0f) + half_scale_error);
      // Opposite the extreme the last level is missing: there the error may reach a whole step.
      const bool beyond = -in[i] / extreme > 7.5f / 8.0f;
      EXPECT_LE(std::abs(q4[i] - in[i]), largest * ((beyond ? 1.001f : 0.501f) / 8.0f) + half_scale_error);
    }
  }
}

TEST(Encode, Q8_0AndQ4_0GiveTheBytesOfTheReferenceQuantizer) {
  std::vector<float> in(32);
  for (size_t i = 0; i < in.size(); ++i)
    in[i] = static_cast<float>(static_cast<int>(i * 7 % 32) - 11) * 0.13f;
  // From gguf.quants.quantize (Python package gguf).
  constexpr uint8_t kBytesQ8[] = {0x3e, 0x25, 0xba, 0xe7, 0x13, 0x3f, 0x6c, 0xcd, 0xfa, 0x26, 0x53, 0x7f,
                                  0xe0, 0x0d, 0x39, 0x66, 0xc7, 0xf3, 0x20, 0x4c, 0x79, 0xda, 0x06, 0x33,
                                  0x5f, 0xc1, 0xed, 0x19, 0x46, 0x72, 0xd4, 0x00, 0x2c, 0x59};
  constexpr uint8_t kBytesQ4[] = {0x33, 0xb5, 0x6c, 0x3a, 0x07, 0xa4, 0x81, 0x5b, 0x28,
                                  0xc6, 0x93, 0x60, 0x4a, 0x17, 0xb4, 0x82, 0x5c, 0x29};
  EXPECT_EQ(std::memcmp(encoded(Format::kQ8_0, in).data(), kBytesQ8, sizeof kBytesQ8), 0);
  EXPECT_EQ(std::memcmp(encoded(Format::kQ4_0, in).data(), kBytesQ4, sizeof kBytesQ4), 0);
}

TEST(Encode, DecodedBlocksEncodeToThemselves) {
  const std::vector<float> in = gaussian(size_t{256} * 40, 0.7);
  for (const FormatInfo& row : all_formats()) {
    SCOPED_TRACE(row.name);
    const std::vector<float> once = round_trip(row.format, in);
    const std::vector<float> twice = round_trip(row.format, once);
    EXPECT_LT(relative_rmse(once, twice), 0.002);
  }
}

TEST(Encode, RunsOfOneValue) {
  for (const float value : {0.0f, 1.0f, -1.0f, 0.03f, -60000.0f}) {
    const std::vector<float> in(512, value);
    for (const FormatInfo& row : all_formats()) {
      for (const float got : round_trip(row.format, in)) {
        ASSERT_LE(std::abs(got - value), 0.005f * std::abs(value)) << row.name << " " << value;
      }
    }
  }
}

TEST(Encode, OneOutlierAmongSmallWeights) {
  std::vector<float> in = gaussian(256, 0.01);
  in[100] = 5.0f;
  for (const FormatInfo& row : all_formats()) {
    EXPECT_NEAR(round_trip(row.format, in)[100], 5.0f, 0.02f) << row.name;
  }
}

TEST(Encode, NonFiniteAndExtremeNumbersDecodeToFiniteOnes) {
  constexpr float kDenormal = std::numeric_limits<float>::denorm_min();
  const float strange[] = {kNan,      kInfinity,  -kInfinity, 3.4e38f, -3.4e38f,
                           kDenormal, -kDenormal, 1.2e-38f,   -0.0f};
  for (const FormatInfo& row : all_formats()) {
    if (row.block_elements == 1) continue;  // these keep infinity and NaN
    for (const float value : strange) {
      std::vector<float> in = gaussian(512, 0.02);
      for (size_t i = 0; i < 256; ++i) in[i] = value;
      in[300] = value;
      for (const float got : round_trip(row.format, in)) ASSERT_TRUE(std::isfinite(got)) << row.name << value;
    }
  }
}

TEST(Encode, TinyRangesAreHarmless) {
  // The reciprocal of such a range is near the largest float or above.
  for (const float size : {1e-45f, 1e-40f, 2e-38f, 1e-37f, 1e-30f, 1e-9f}) {
    const std::vector<float> in = gaussian(256, static_cast<double>(size));
    for (const FormatInfo& row : all_formats()) {
      for (const float got : round_trip(row.format, in))
        ASSERT_LE(std::abs(got), 0x1p-24f) << row.name << size;
    }
  }
}

TEST(Encode, Float16KeepsWhatItCan) {
  EXPECT_EQ(round_trip(Format::kF16, {kInfinity, -1e9f, 0.1f}),
            (std::vector<float>{kInfinity, -kInfinity, half_to_float(0x2e66)}));
  EXPECT_TRUE(std::isnan(round_trip(Format::kBF16, {kNan})[0]));
}

}  // namespace
}  // namespace motley::quant
