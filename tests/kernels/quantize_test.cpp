#include "kernels/quantize.hpp"

#include <bit>
#include <cmath>

#include "kernels/fixture.hpp"

namespace motley::kernels {
namespace {

/// As shaders/kernels/quantize.comp writes it: a block of 32 activations.
struct RoundedBlock {
  float scale;
  int32_t sum;
  int32_t quarter_sums[4];
  int8_t quants[32];

  /// From its twelve words.
  explicit RoundedBlock(std::span<const uint32_t> words)
      : scale(std::bit_cast<float>(words[0])), sum(static_cast<int32_t>(words[1])) {
    for (uint32_t i = 0; i < 4; ++i)
      quarter_sums[i] = static_cast<int16_t>(words[2 + i / 2] >> (16 * (i % 2)) & 0xFFFFU);
    for (uint32_t i = 0; i < 32; ++i)
      quants[i] = static_cast<int8_t>(words[4 + i / 4] >> (8 * (i % 4)) & 0xFFU);
  }
};

class QuantizeTest : public test::KernelTest {
 protected:
  std::vector<RoundedBlock> rounded(std::span<const float> x, uint32_t width) {
    const auto tokens = static_cast<uint32_t>(x.size() / width);
    const vk::Buffer floats = upload_vectors(x, width);
    const vk::Buffer to = zeros(rounded_bytes(stride(width), tokens) / sizeof(float));
    run([&](vk::CommandList& commands) {
      quantize(context(), commands, {floats, stride(width), to}, tokens);
    });
    const std::span<const uint32_t> words = to.mapped_as<uint32_t>();
    std::vector<RoundedBlock> blocks;
    for (size_t at = 0; at < words.size(); at += 12) blocks.emplace_back(words.subspan(at, 12));
    return blocks;
  }
};

TEST_P(QuantizeTest, EveryValueIsTheNearestAndSumsAreRight) {
  constexpr uint32_t kWidth = 1072;
  const std::vector<float> x = test::random_values(3 * kWidth, 1, 7.0F);
  const std::vector<RoundedBlock> blocks = rounded(x, kWidth);
  const uint32_t blocks_a_vector = stride(kWidth) / 32;
  ASSERT_EQ(blocks.size(), 3 * blocks_a_vector);
  for (size_t number = 0; number < blocks.size(); ++number) {
    const RoundedBlock& block = blocks[number];
    int32_t sums[4] = {};
    for (uint32_t i = 0; i < 32; ++i) {
      const size_t k = number % blocks_a_vector * 32 + i;
      const double wanted = k < kWidth ? double{x[number / blocks_a_vector * kWidth + k]} : 0.0;
      EXPECT_NEAR(double{block.scale} * block.quants[i], wanted, double{block.scale} * 0.5001);
      sums[i / 8] += block.quants[i];
    }
    for (uint32_t quarter = 0; quarter < 4; ++quarter) EXPECT_EQ(block.quarter_sums[quarter], sums[quarter]);
    EXPECT_EQ(block.sum, sums[0] + sums[1] + sums[2] + sums[3]);
  }
}

TEST_P(QuantizeTest, LargestBecomes127AndZerosStayZeros) {
  std::vector<float> x(64, 0.0F);
  x[5] = -3.0F;
  x[6] = 1.5F;
  const std::vector<RoundedBlock> blocks = rounded(x, 64);
  EXPECT_EQ(blocks[0].quants[5], -127);
  EXPECT_NEAR(blocks[0].quants[6], 63.5, 0.5);
  EXPECT_NEAR(blocks[0].scale, 3.0 / 127, 1e-7);
  EXPECT_EQ(blocks[1].sum, 0);
  EXPECT_EQ(blocks[1].scale, 0.0F);
}

TEST_P(QuantizeTest, WhatIsNoNumberMakesTheScaleNone) {
  for (const float bad : {std::nanf(""), INFINITY, -INFINITY}) {
    std::vector<float> x(64, 1.0F);
    x[33] = bad;
    const std::vector<RoundedBlock> blocks = rounded(x, 64);
    EXPECT_TRUE(std::isfinite(blocks[0].scale));
    EXPECT_TRUE(std::isnan(blocks[1].scale)) << bad;
  }
}

MOTLEY_ON_EVERY_DEVICE(QuantizeTest);

}  // namespace
}  // namespace motley::kernels
