#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <motley/error.hpp>

#include "engine/sampler.hpp"

namespace motley::engine {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// The message of the Error with this code; empty where there is none or another.
std::string refusal(ErrorCode code, const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

TEST(SamplerErrors, LogitsThatCannotBeRightAreRefused) {
  const auto sample = [](const SamplingParameters& parameters, const std::vector<float>& logits) {
    return [parameters, logits] { Sampler(parameters).sample(logits); };
  };
  for (const float temperature : {0.8f, 0.0f}) {
    SamplingParameters parameters;
    parameters.temperature = temperature;
    EXPECT_NE(refusal(ErrorCode::kDeviceLost, sample(parameters, {1.0f, kNan, 2.0f}))
                  .find("NaN logits from the device"),
              std::string::npos);
    EXPECT_NE(refusal(ErrorCode::kDeviceLost, sample(parameters, {1.0f, kInfinity})).find("infinite"),
              std::string::npos);
    EXPECT_NE(
        refusal(ErrorCode::kInvalidArgument, sample(parameters, {-kInfinity, -kInfinity})).find("all logits"),
        std::string::npos);
    refusal(ErrorCode::kInvalidArgument, sample(parameters, {}));
  }
}

TEST(SamplerErrors, TokensOutsideTheVocabularyAreRefused) {
  SamplingParameters parameters;
  parameters.presence_penalty = 1.0f;
  Sampler sampler(parameters);
  EXPECT_THROW(sampler.accept(-1), Error);
  sampler.accept(3);
  const std::vector<float> logits(3);
  refusal(ErrorCode::kInvalidArgument, [&] { sampler.sample(logits); });
  parameters.logit_bias = {{3, 1.0f}};
  refusal(ErrorCode::kInvalidArgument, [&] { Sampler(parameters).sample(logits); });
}

TEST(SamplerErrors, ParametersOutOfRangeAreNamed) {
  const std::pair<const char*, std::function<void(SamplingParameters&)>> wrong[] = {
      {"temperature", [](SamplingParameters& p) { p.temperature = kNan; }},
      {"temperature", [](SamplingParameters& p) { p.temperature = kInfinity; }},
      {"top_k", [](SamplingParameters& p) { p.top_k = -1; }},
      {"top_p", [](SamplingParameters& p) { p.top_p = 1.01f; }},
      {"top_p", [](SamplingParameters& p) { p.top_p = kNan; }},
      {"min_p", [](SamplingParameters& p) { p.min_p = -0.1f; }},
      {"typical_p", [](SamplingParameters& p) { p.typical_p = 2.0f; }},
      {"repeat_penalty", [](SamplingParameters& p) { p.repeat_penalty = 0.0f; }},
      {"frequency_penalty", [](SamplingParameters& p) { p.frequency_penalty = kNan; }},
      {"presence_penalty", [](SamplingParameters& p) { p.presence_penalty = 101.0f; }},
      {"penalty_last_n", [](SamplingParameters& p) { p.penalty_last_n = -2; }},
      {"logit_bias",
       [](SamplingParameters& p) {
         p.logit_bias = {{-1, 0.0f}};
       }},
      {"logit_bias",
       [](SamplingParameters& p) {
         p.logit_bias = {{1, kNan}};
       }},
      {"logit_bias",
       [](SamplingParameters& p) {
         p.logit_bias = {{1, kInfinity}};
       }},
  };
  for (const auto& [name, spoil] : wrong) {
    SamplingParameters parameters;
    spoil(parameters);
    const std::string message = refusal(ErrorCode::kInvalidArgument, [&] { Sampler sampler(parameters); });
    EXPECT_NE(message.find(name), std::string::npos) << message;
  }
}

}  // namespace
}  // namespace motley::engine
