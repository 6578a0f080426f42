#include "kernels/quantize.hpp"

#include <bit>
#include <cmath>
#include <functional>

#include "kernels/attention_decode.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/fixture.hpp"
#include "params/step.h"

namespace motley::kernels {
namespace {

/// As shaders/common/round.glsl writes it: a block of 32 activations.
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
    return blocks_of(to);
  }

  static std::vector<RoundedBlock> blocks_of(const vk::Buffer& rounded) {
    const std::span<const uint32_t> words = rounded.mapped_as<uint32_t>();
    std::vector<RoundedBlock> blocks;
    for (size_t at = 0; at < words.size(); at += 12) blocks.emplace_back(words.subspan(at, 12));
    return blocks;
  }

  /// Of vectors of whole blocks, x as the device has them.
  void expect_rounded(std::span<const RoundedBlock> blocks, std::span<const float> x, uint32_t width) {
    for (size_t number = 0; number < blocks.size(); ++number) {
      const RoundedBlock& block = blocks[number];
      const size_t vector = number / (stride(width) / 32);
      int32_t sums[4] = {};
      for (uint32_t i = 0; i < 32; ++i) {
        const size_t k = number % (stride(width) / 32) * 32 + i;
        const double wanted = k < width ? double{x[vector * stride(width) + k]} : 0.0;
        EXPECT_NEAR(double{block.scale} * block.quants[i], wanted, double{block.scale} * 0.5001);
        sums[i / 8] += block.quants[i];
      }
      for (uint32_t quarter = 0; quarter < 4; ++quarter)
        EXPECT_EQ(block.quarter_sums[quarter], sums[quarter]);
      EXPECT_EQ(block.sum, sums[0] + sums[1] + sums[2] + sums[3]);
    }
  }

  /// What `make` writes in both forms is the same, and as exact as what it writes in the one form only; what
  /// it writes rounded only is what it writes in both.
  void expect_alike(uint32_t width, uint32_t tokens, std::span<const float> before,
                    const std::function<void(vk::CommandList&, const Vectors&, const Forms&)>& make) {
    context().profile.int8_activations = true;
    const auto written = [&](const Forms& forms) {
      vk::Buffer floats = upload_vectors(before, width);
      vk::Buffer to = zeros(rounded_bytes(stride(width), tokens) / sizeof(float));
      run([&](vk::CommandList& commands) { make(commands, {floats, stride(width), to}, forms); });
      return std::pair(std::move(floats), std::move(to));
    };
    const auto exact = written({true, false});
    const auto both = written({true, true});
    const auto rounded = written({false, true});
    const std::span<const float> floats = both.first.mapped_as<float>();
    const std::span<const float> wanted = exact.first.mapped_as<float>();
    EXPECT_LE(test::nmse(floats, std::vector<double>(wanted.begin(), wanted.end())), 1e-10);
    expect_rounded(blocks_of(both.second), floats, width);
    EXPECT_TRUE(std::ranges::equal(both.second.mapped_as<uint32_t>(), rounded.second.mapped_as<uint32_t>()));
    EXPECT_TRUE(std::ranges::equal(rounded.first.mapped_as<float>(),
                                   upload_vectors(before, width).mapped_as<float>()))
        << "nobody asked for floats";
  }
};

TEST_P(QuantizeTest, EveryValueIsTheNearestAndSumsAreRight) {
  constexpr uint32_t kWidth = 1072;
  const std::vector<float> x = test::random_values(3 * kWidth, 1, 7.0F);
  const std::vector<RoundedBlock> blocks = rounded(x, kWidth);
  ASSERT_EQ(blocks.size(), 3 * stride(kWidth) / 32);
  const vk::Buffer padded = upload_vectors(x, kWidth);
  expect_rounded(blocks, padded.mapped_as<float>(), kWidth);
}

TEST_P(QuantizeTest, NormsRoundWhatTheyMake) {
  constexpr uint32_t kWidth = 1056;
  const std::vector<float> x = test::random_values(3 * kWidth, 2, 3.0F);
  const std::vector<float> weight = test::random_values(kWidth, 3);
  const vk::Buffer x_buffer = upload_vectors(x, kWidth);
  const vk::Buffer w_buffer = upload(weight);
  expect_alike(
      kWidth, 2, std::vector<float>(2 * kWidth, 0.0F),
      [&](vk::CommandList& commands, const Vectors& y, const Forms& forms) {
        rms_norm(context(), commands, w_buffer, {x_buffer, stride(kWidth)}, 1, y, kWidth, 2, 1e-5F, forms);
      });
}

TEST_P(QuantizeTest, TheActivationRoundsWhatItMakes) {
  constexpr uint32_t kWidth = 1056;
  const std::vector<float> up = test::random_values(2 * kWidth, 4);
  const vk::Buffer up_buffer = upload_vectors(up, kWidth);
  expect_alike(kWidth, 2, test::random_values(2 * kWidth, 5, 4.0F),
               [&](vk::CommandList& commands, const Vectors& gate, const Forms& forms) {
                 swiglu(context(), commands, gate, {up_buffer, stride(kWidth)}, kWidth, 2, forms);
               });
}

TEST_P(QuantizeTest, AttentionRoundsWhatItMakes) {
  constexpr uint32_t kHeads = 10;
  constexpr uint32_t kKvHeads = 2;
  constexpr uint32_t kHeadSize = 96;
  constexpr uint32_t kPosition = 9;
  MappedCache cache(device(), {kKvHeads, kHeadSize, 16, false, false}, 1);
  const size_t cached = size_t{kPosition} * kKvHeads * kHeadSize;
  cache.fill(test::random_values(cached, 6), test::random_values(cached, 7));
  const vk::Buffer q = upload(test::random_values(kHeads * kHeadSize, 8));
  const vk::Buffer kv = upload(test::random_values(kKvHeads * kHeadSize, 9));
  const vk::Buffer table = upload(reference::Rotation{kHeadSize, true}.table(kPosition + 1));
  const AttentionShape attention{kHeads, 0.1F};
  for (const uint32_t split : {4U, 64U}) {
    context().profile.attention_split = split;
    const vk::Buffer parts =
        zeros(attention_parts_bytes(context().profile, attention, cache.cache().shape) / sizeof(float));
    std::vector<uint32_t> words(shaders::STEP_TOKENS, 0);
    write_attention_step(context().profile, attention, cache.cache(), kPosition, words);
    const vk::Buffer step = upload(words);
    expect_alike(kHeads * kHeadSize, 1, std::vector<float>(kHeads * kHeadSize, 0.0F),
                 [&](vk::CommandList& commands, const Vectors& y, const Forms& forms) {
                   attention_decode(context(), commands, attention, {{kHeads, kHeadSize, true}, table}, step,
                                    {q, kv, kv}, cache.cache(), parts, y, forms);
                 });
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
