// Tokens drawn on the device, which goes on with them by itself: nothing but time may tell.
#include <string>

#include <gtest/gtest.h>

#include "engine/generation.hpp"
#include "support/devices.hpp"
#include "support/tiny_model.hpp"
#include "vk/fault.hpp"

namespace motley::engine {
namespace {

constexpr size_t kTokens = 24;

class DrawingTest : public test::DeviceTest {
 protected:
  void SetUp() override {
    const auto file = std::make_shared<const gguf::File>(test::TinyModel().open());
    tokenizer_.emplace(tokenizer::Tokenizer::load(*file));
    model_ = std::make_shared<const LoadedModel>(file, test::devices()[GetParam()], nullptr);
  }

  /// From all logits, each read by the host.
  std::vector<Token> draw_on_host(const SamplingParameters& sampling) const {
    Session session(model_, kRequest);
    Sampler sampler(sampling);
    for (const Token token : kPrompt) sampler.accept(token);
    session.evaluate(kPrompt);
    std::vector<Token> drawn;
    while (drawn.size() < kTokens) {
      drawn.push_back(sampler.sample(session.logits()));
      sampler.accept(drawn.back());
      session.evaluate(std::span(&drawn.back(), 1));
    }
    return drawn;
  }

  std::vector<Token> generate(Session& session, const SamplingParameters& sampling) {
    GenerationOptions options;
    options.sampling = sampling;
    options.max_tokens = kTokens;
    options.ignore_end = true;
    Generation generation(session, *tokenizer_, kPrompt, options);
    while (generation.next()) {
    }
    const auto behind = session.tokens().subspan(kPrompt.size());
    std::vector<Token> drawn(behind.begin(), behind.end());
    drawn.push_back(generation.pending().value());
    return drawn;
  }

  std::vector<float> logits_after(std::vector<Token> tokens) const {
    Session session(model_, kRequest);
    // One by one, as attention sums up otherwise in a prompt.
    session.evaluate(std::span(tokens).first(kPrompt.size()));
    for (size_t i = kPrompt.size(); i < tokens.size(); ++i) session.evaluate(std::span(&tokens[i], 1));
    const auto logits = session.logits();
    return {logits.begin(), logits.end()};
  }

  static void expect_same(std::span<const float> got, std::span<const float> wanted) {
    EXPECT_TRUE(std::ranges::equal(got, wanted));
  }

  static constexpr SessionRequest kRequest{64, 32, false, false};
  static inline const std::vector<Token> kPrompt = {1, 20, 30, 40};
  std::optional<tokenizer::Tokenizer> tokenizer_;
  std::shared_ptr<const LoadedModel> model_;
};

SamplingParameters sampling_of(float temperature, int top_k, float top_p, float min_p) {
  SamplingParameters sampling;
  sampling.temperature = temperature;
  sampling.top_k = top_k;
  sampling.top_p = top_p;
  sampling.min_p = min_p;
  sampling.seed = 11;
  return sampling;
}

TEST_P(DrawingTest, TheSameTokensAsOnTheHost) {
  SamplingParameters penalized = sampling_of(1, 40, 0.9F, 0);
  penalized.repeat_penalty = 1.3F;
  SamplingParameters typical = sampling_of(1, 40, 0.9F, 0);
  typical.typical_p = 0.7F;
  for (const SamplingParameters& sampling :
       {sampling_of(0, 0, 1, 0), sampling_of(1, 40, 0.95F, 0.05F), sampling_of(2, 256, 1, 0),
        sampling_of(0.5F, 3, 0.5F, 0), sampling_of(1, 0, 0.9F, 0), penalized, typical}) {
    Session session(model_, kRequest);
    EXPECT_EQ(generate(session, sampling), draw_on_host(sampling)) << sampling.temperature;
    const std::vector<Token> tokens(session.tokens().begin(), session.tokens().end());
    expect_same(session.logits(), logits_after(tokens));
  }
}

/// Whatever comes instead of the token that the device went on with.
TEST_P(DrawingTest, WhatComesOtherwiseIsRight) {
  const Drawing greedy{{}, {0.5, 0.5}, true};
  const Drawing random{{40, 0.95F, 0, 1}, {0.3, 0.6}, true};
  std::vector<Token> tokens = kPrompt;
  Session session(model_, kRequest);
  session.evaluate(tokens);
  Token next = 50;
  const auto append = [&](const Drawing& drawing) {
    const auto likeliest = session.evaluate_to_draw(next, drawing);
    tokens.push_back(next);
    ASSERT_TRUE(likeliest.has_value());
    EXPECT_EQ(likeliest->size(), drawing.rule.top_k);
    const std::vector<float> wanted = logits_after(tokens);
    EXPECT_EQ(likeliest->front().second, *std::ranges::max_element(wanted));
    expect_same(session.logits(), wanted);
    next = static_cast<Token>(likeliest->front().first);
  };
  append(greedy);
  append(greedy);
  append(random);  // the token is there already, drawn by another rule
  append(random);
  next = (next + 1) % 200;  // not the one that was drawn, most likely
  append(random);
  append(greedy);

  session.evaluate(std::span(&next, 1));  // as it was drawn
  tokens.push_back(next);
  expect_same(session.logits(), logits_after(tokens));
  next = 7;
  append(greedy);
  session.truncate(static_cast<uint32_t>(tokens.size() - 1));
  tokens.pop_back();
  append(greedy);
}

TEST_P(DrawingTest, TheLastPlaceOfTheContext) {
  Session session(model_, {16, 16, false, false});
  session.evaluate(kPrompt);
  Token next = 5;
  while (session.position() < session.context_tokens())
    next = static_cast<Token>(session.evaluate_to_draw(next, {{}, {}, true})->front().first);
  EXPECT_THROW(session.evaluate_to_draw(next, {{}, {}, true}), Error);
}

MOTLEY_ON_EVERY_DEVICE(DrawingTest);

/// One submission a token, which the device has while it still works on the token before.
TEST(DrawingAheadTest, AStepIsSubmittedBeforeItsTokenIsKnown) {
  auto devices = test::open_watched_devices();
  if (devices.empty()) GTEST_SKIP() << "no device";
  const auto file = std::make_shared<const gguf::File>(test::TinyModel().open());
  const auto model = std::make_shared<const LoadedModel>(file, devices[0], nullptr);
  Session session(model, {64, 32, false, false});
  session.evaluate(std::vector<Token>{1, 20, 30, 40});
  const auto submissions = [&](bool ahead) {
    vk::arm_fault({vk::Fault::kHang, UINT64_MAX, ""});
    Token next = 5;
    for (size_t i = 0; i < 10; ++i)
      next = static_cast<Token>(session.evaluate_to_draw(next, {{}, {}, ahead})->front().first);
    vk::disarm_fault();
    return vk::fault_calls();
  };
  EXPECT_EQ(submissions(false), 20U);  // the layers, and the head
  EXPECT_EQ(submissions(true), 12U);   // the first token's two, and one for each behind it
}

}  // namespace
}  // namespace motley::engine
