#include "kernels/draw.hpp"

#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "kernels/checks.hpp"
#include "kernels/fixture.hpp"
#include "kernels/mapped_cache.hpp"
#include "params/step.h"

namespace motley::kernels {
namespace {

class DrawTest : public test::KernelTest {
 protected:
  /// The token that comes next in the step buffer.
  uint32_t draw_of(std::span<const float> logits, const DrawRule& rule, float chance = 0.5F) {
    const MappedCache cache(device(), {1, 8, 16, false, false}, 1);
    const vk::Buffer logits_buffer = upload(logits);
    const vk::Buffer found(device(), top_k_bytes(rule.top_k), vk::MemoryUse::kShared, "test data");
    std::vector<uint32_t> words(shaders::STEP_TOKENS + 1, 0xFFFFFFFFU);
    words[shaders::STEP_POSITION] = 3;
    words[shaders::STEP_CHANCES] = std::bit_cast<uint32_t>(chance);
    const vk::Buffer step = upload(words);
    run([&](vk::CommandList& commands) {
      top_k(context(), commands, logits_buffer, static_cast<uint32_t>(logits.size()), rule.top_k, found);
      draw(context(), commands, rule, cache.cache(), step, 0, found);
    });
    const std::span<const uint32_t> now = step.mapped_as<uint32_t>();
    EXPECT_EQ(now[shaders::STEP_TOKENS], read_drawn(found.mapped_as<uint32_t>()));
    EXPECT_EQ(now[shaders::STEP_POSITION], 4U);
    return now[shaders::STEP_TOKENS];
  }
};

TEST_P(DrawTest, AsInDoublePrecision) { EXPECT_EQ(checks::draw(context()), 0); }

TEST_P(DrawTest, OfEqualsTheLowestId) {
  std::vector<float> logits(700, -1.0F);
  logits[350] = logits[9] = logits[699] = 2.5F;
  EXPECT_EQ(draw_of(logits, {}), 9U);
  EXPECT_EQ(draw_of(logits, {3, 1, 0, 1}, 0.0F), 9U);
  EXPECT_EQ(draw_of(logits, {3, 1, 0, 1}, 0.5F), 350U);
  EXPECT_EQ(draw_of(logits, {3, 1, 0, 1}, 0.99F), 699U);
}

TEST_P(DrawTest, FewerTokensThanAsked) {
  const std::vector<float> logits = {0.0F, 1.0F};
  EXPECT_EQ(draw_of(logits, {256, 1, 0, 1}, 0.0F), 1U);
  EXPECT_EQ(draw_of(logits, {256, 1, 0, 1}, std::nextafter(1.0F, 0.0F)), 0U);
}

TEST_P(DrawTest, WhatIsImpossibleIsNotDrawn) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::vector<float> logits(40, -kInfinity);
  logits[7] = -3.0F;
  for (const float chance : {0.0F, 0.5F, std::nextafter(1.0F, 0.0F)})
    EXPECT_EQ(draw_of(logits, {40, 1, 0, 0.7F}, chance), 7U) << chance;
}

/// Its step is not used; but the id must be one of the vocabulary's.
TEST_P(DrawTest, WhereNothingIsANumberSomeTokenIsDrawn) {
  const std::vector<float> logits(50, std::numeric_limits<float>::quiet_NaN());
  EXPECT_LT(draw_of(logits, {40, 0.9F, 0.1F, 1}), 50U);
  EXPECT_LT(draw_of(logits, {}), 50U);
}

/// More equals than top_k's output holds: which are missing is left open.
TEST_P(DrawTest, TooManyEquals) {
  const std::vector<float> logits(5000, 1.0F);
  EXPECT_LT(draw_of(logits, {40, 0.9F, 0.1F, 1}), 5000U);
}

TEST_P(DrawTest, RefusesWhatDoesNotFit) {
  const std::vector<float> logits(50, 0.0F);
  EXPECT_THROW(draw_of(logits, {0, 1, 0, 1}), Error);
  EXPECT_THROW(draw_of(logits, {kMaxTopK + 1, 1, 0, 1}), Error);
}

MOTLEY_ON_EVERY_DEVICE(DrawTest);

}  // namespace
}  // namespace motley::kernels
