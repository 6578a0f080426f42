#include "kernels/round_half.hpp"

#include <bit>
#include <cmath>
#include <limits>

#include "kernels/fixture.hpp"
#include "quant/half.hpp"

namespace motley::kernels {
namespace {

class RoundHalfTest : public test::KernelTest {
 protected:
  /// Vectors of this width after rounding, where the shader began with memory full of NaN.
  std::vector<float> rounded(const std::vector<float>& x, uint32_t width) {
    const auto tokens = static_cast<uint32_t>(x.size() / width);
    const vk::Buffer floats = upload_vectors(x, width);
    const size_t words = half_bytes(stride(width), tokens) / sizeof(float);
    const vk::Buffer to = upload(std::vector<float>(words, std::nanf("")));
    run([&](vk::CommandList& commands) {
      round_half(context(), commands, {floats, stride(width), to}, width, tokens);
    });
    return read_halves(to.mapped_as<uint32_t>(), stride(width), width, tokens);
  }
};

TEST_P(RoundHalfTest, EveryValueIsTheNearestOfElevenBits) {
  constexpr uint32_t kWidth = 1031;
  constexpr uint32_t kTokens = 5;
  std::vector<float> x = test::random_values(size_t{kTokens} * kWidth, 1, 7.0F);
  // Of every token the values have another size; halves hold none of the first and the last as they are.
  const float sizes[kTokens] = {1e30F, 1e5F, 1.0F, 1e-4F, 1e-30F};
  for (size_t i = 0; i < x.size(); ++i) x[i] *= sizes[i / kWidth];
  const std::vector<float> got = rounded(x, kWidth);
  for (size_t i = 0; i < x.size(); ++i) {
    // To a power of two, which may be any, halves round as they do near one.
    int exponent = 0;
    const float fraction = std::frexp(x[i], &exponent);
    const float wanted = std::ldexp(quant::half_to_float(quant::float_to_half(fraction)), exponent);
    const float smallest = sizes[i / kWidth] * 1e-7F;  // 2^-29 of the largest keeps its bits
    if (std::abs(x[i]) > smallest) {
      ASSERT_EQ(got[i], wanted) << i;
    } else {
      ASSERT_NEAR(got[i], wanted, smallest * 1e-3F) << i;
    }
  }
}

TEST_P(RoundHalfTest, WhatLiesBehindAVectorDoesNotMatter) {
  constexpr uint32_t kWidth = 70;
  std::vector<float> x(stride(kWidth), 1e30F);
  std::fill_n(x.begin(), kWidth, 1.5F);
  const vk::Buffer floats = upload(x);
  const vk::Buffer to = upload(std::vector<float>(half_bytes(stride(kWidth), 1) / sizeof(float), 1.0F));
  run([&](vk::CommandList& commands) {
    round_half(context(), commands, {floats, stride(kWidth), to}, kWidth, 1);
  });
  const std::vector<float> got = read_halves(to.mapped_as<uint32_t>(), stride(kWidth), stride(kWidth), 1);
  for (uint32_t i = 0; i < got.size(); ++i) ASSERT_EQ(got[i], i < kWidth ? 1.5F : 0.0F) << i;
}

TEST_P(RoundHalfTest, TiesGoToTheEvenAndZerosStay) {
  const float ulp = 0x1p-10F;
  const std::vector<float> x{1, 1 + ulp / 2, 1 + 3 * ulp / 2, -1 - ulp / 2, 0, -0.0F, 1.5F, 2};
  const std::vector<float> wanted{1, 1, 1 + 2 * ulp, -1, 0, -0.0F, 1.5F, 2};
  EXPECT_EQ(rounded(x, 8), wanted);
  EXPECT_EQ(rounded(std::vector<float>(64, 0.0F), 64), std::vector<float>(64, 0.0F));
}

TEST_P(RoundHalfTest, ExtremesOverflowNothing) {
  constexpr float kMost = std::numeric_limits<float>::max();
  EXPECT_EQ(rounded({0x1p127F, 65504, 1, 0}, 4), (std::vector<float>{0x1p127F, 0, 0, 0}));
  EXPECT_EQ(rounded({70000, -1e6F, 1, 0.5F}, 4), (std::vector<float>{70016, -999936, 1, 0.5F}));
  // The nearest number of eleven bits is no float.
  EXPECT_TRUE(std::isinf(rounded({kMost, 1, 1, 1}, 4)[0]));
  const std::vector<float> tiny = rounded({0x1p-126F, 0x1.8p-120F, 0, 0}, 4);
  EXPECT_EQ(tiny, (std::vector<float>{0x1p-126F, 0x1.8p-120F, 0, 0}));
}

TEST_P(RoundHalfTest, WhatIsNoNumberStaysNone) {
  for (const float bad : {std::nanf(""), INFINITY, -INFINITY}) {
    std::vector<float> x(128, 1.0F);
    x[70] = bad;
    const std::vector<float> got = rounded(x, 64);
    for (size_t i = 0; i < x.size(); ++i) EXPECT_EQ(std::isfinite(got[i]), i != 70) << i;
  }
}

MOTLEY_ON_EVERY_DEVICE(RoundHalfTest);

}  // namespace
}  // namespace motley::kernels
