#include "quant/half.hpp"

#include <bit>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace motley::quant {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// The value of a finite half by the definition of the format.
double value_of(uint32_t half) {
  const int exponent = static_cast<int>(half >> 10 & 31);
  const double mantissa = half & 1023;
  const double magnitude =
      exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024.0 + mantissa, exponent - 25);
  return half & 0x8000 ? -magnitude : magnitude;
}

TEST(Half, EveryFiniteHalfIsExactAndComesBack) {
  for (uint32_t half = 0; half < 0x10000; ++half) {
    if ((half >> 10 & 31) == 31) continue;
    const float value = half_to_float(static_cast<uint16_t>(half));
    ASSERT_EQ(static_cast<double>(value), value_of(half)) << half;
    ASSERT_EQ(std::signbit(value), half >= 0x8000) << half;
    ASSERT_EQ(float_to_half(value), half);
  }
}

TEST(Half, BetweenTwoHalvesTheNearestAndOnTieTheEven) {
  for (uint32_t half = 0; half < 0x7bff; ++half) {
    const auto low = static_cast<float>(value_of(half));
    const auto high = static_cast<float>(value_of(half + 1));
    const float middle = (low + high) / 2.0f;  // exact: a float has 13 more bits
    const uint32_t even = half % 2 == 0 ? half : half + 1;
    ASSERT_EQ(float_to_half(middle), even) << half;
    ASSERT_EQ(float_to_half(-middle), even | 0x8000) << half;
    ASSERT_EQ(float_to_half(std::nextafter(middle, 0.0f)), half);
    ASSERT_EQ(float_to_half(std::nextafter(middle, kInfinity)), half + 1);
  }
}

TEST(Half, RangeEndsAndNan) {
  EXPECT_EQ(float_to_half(std::nextafter(65520.0f, 0.0f)), 0x7bff);
  EXPECT_EQ(float_to_half(65520.0f), 0x7c00);
  EXPECT_EQ(float_to_half(-1e30f), 0xfc00);
  EXPECT_EQ(float_to_half(kInfinity), 0x7c00);
  EXPECT_EQ(float_to_half(-0.0f), 0x8000);
  EXPECT_EQ(float_to_half(std::numeric_limits<float>::denorm_min()), 0);
  EXPECT_EQ(half_to_float(0x7c00), kInfinity);
  EXPECT_EQ(half_to_float(0xfc00), -kInfinity);
  EXPECT_TRUE(std::isnan(half_to_float(0x7c01)));
  // A payload in the low bits alone must not turn the NaN into an infinity.
  EXPECT_TRUE(std::isnan(half_to_float(float_to_half(std::bit_cast<float>(0x7f800001u)))));
  EXPECT_EQ(float_to_half(std::bit_cast<float>(0xffc00000u)), 0xfe00);
}

TEST(Bfloat16, EveryValueComesBack) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = bfloat16_to_float(static_cast<uint16_t>(bits));
    ASSERT_EQ(std::bit_cast<uint32_t>(value), bits << 16);
    const uint32_t expected = std::isnan(value) ? bits | 0x40 : bits;
    ASSERT_EQ(float_to_bfloat16(value), expected);
  }
}

TEST(Bfloat16, RoundsToTheNearestAndOnTieToTheEven) {
  const auto rounded = [](uint32_t bits) { return float_to_bfloat16(std::bit_cast<float>(bits)); };
  EXPECT_EQ(rounded(0x3f808000), 0x3f80);
  EXPECT_EQ(rounded(0x3f808001), 0x3f81);
  EXPECT_EQ(rounded(0x3f818000), 0x3f82);
  EXPECT_EQ(rounded(0x3f817fff), 0x3f81);
  EXPECT_EQ(rounded(0x7f7fffff), 0x7f80);  // the largest float is nearer to infinity's place
  EXPECT_EQ(rounded(0xbf808000), 0xbf80);
  EXPECT_TRUE(std::isnan(bfloat16_to_float(rounded(0x7f800001))));
}

}  // namespace
}  // namespace motley::quant
