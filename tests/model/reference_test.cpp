// The double-precision model that the engine is checked against, itself checked against llama.cpp's logits.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "support/reference_model.hpp"
#include "support/shared.hpp"
#include "support/tiny_model.hpp"

namespace motley::test {
namespace {

/// sum (got - wanted)^2 / sum wanted^2
double nmse(const std::vector<double>& got, const std::vector<double>& wanted) {
  double error = 0;
  double power = 0;
  for (size_t i = 0; i < wanted.size(); ++i) {
    error += (got[i] - wanted[i]) * (got[i] - wanted[i]);
    power += wanted[i] * wanted[i];
  }
  return error / power;
}

class ReferenceLogits : public testing::TestWithParam<const char*> {};

TEST_P(ReferenceLogits, AgreeWithLlamaCpp) {
  const std::string name = GetParam();
  MOTLEY_SHARED_OR_SKIP(model_path, "reference/models/" + name + ".gguf");
  MOTLEY_SHARED_OR_SKIP(logits_path, "reference/logits/" + name + ".json");
  const ReferenceModel model(gguf::File::open(model_path));
  const nlohmann::json reference = nlohmann::json::parse(std::ifstream(logits_path));
  ASSERT_FALSE(reference.at("cases").empty());
  for (const nlohmann::json& test_case : reference.at("cases")) {
    std::vector<double> last = model.logits(test_case.at("prompt_tokens").get<std::vector<int32_t>>()).back();
    const auto wanted = test_case.at("last_logits").get<std::vector<double>>();  // the last 512 of all
    ASSERT_GE(last.size(), wanted.size());
    last.erase(last.begin(), last.end() - static_cast<std::ptrdiff_t>(wanted.size()));
    const double error = nmse(last, wanted);
    EXPECT_FALSE(!(error <= 1e-6)) << test_case.at("prompt") << ": NMSE " << error;
  }
}

INSTANTIATE_TEST_SUITE_P(SupportedModels, ReferenceLogits,
                         testing::Values("llama-f16", "llama-bf16", "llama-q8_0", "llama-q4_0", "llama-q4_k",
                                         "llama-q5_k", "llama-q6_k", "qwen2-f16", "qwen3-f16", "qwen3-q4_k",
                                         "stories260K-f32", "stories260K-q8_0", "stories260K-q4_0"),
                         [](const auto& instance) {
                           std::string name = instance.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

struct Refusal {
  const char* model;
  const char* said;
};

TEST(UnsupportedModels, AreRefusedByName) {
  for (const Refusal& refusal :
       {Refusal{"gemma2-f16", "\"gemma2\""}, Refusal{"gemma3-f16", "\"gemma3\""},
        Refusal{"qwen3moe-mxfp4", "\"qwen3moe\""}, Refusal{"mixtral-q4_k", "4 experts"},
        Refusal{"llama-q4_1", "Q4_1"}, Refusal{"llama-q2_k", "Q2_K"}, Refusal{"llama-iq4_xs", "IQ4_XS"}}) {
    MOTLEY_SHARED_OR_SKIP(path, "reference/models/" + std::string(refusal.model) + ".gguf");
    try {
      const ReferenceModel model(gguf::File::open(path));
      ADD_FAILURE() << refusal.model << " was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUnsupported) << error.what();
      EXPECT_NE(std::string(error.what()).find(refusal.said), std::string::npos) << error.what();
    }
  }
}

const std::vector<int32_t> kTokens = {1, 40, 41, 270, 5, 5, 99};

TEST(ReferenceModel, GivesLogitsOfEveryPosition) {
  const ReferenceModel model(TinyModel().open());
  const std::vector<std::vector<double>> all = model.logits(kTokens);
  ASSERT_EQ(all.size(), kTokens.size());
  // Causal: what comes later changes nothing before.
  for (size_t length = 1; length <= kTokens.size(); ++length) {
    EXPECT_EQ(model.logits({kTokens.data(), length}).back(), all[length - 1]);
  }
}

/// Every part of the model has a say in the logits.
TEST(ReferenceModel, EveryFeatureTells) {
  const auto last_logits = [](const TinyModel& tiny) {
    return ReferenceModel(tiny.open()).logits(kTokens).back();
  };
  const std::vector<double> plain = last_logits({});
  EXPECT_EQ(last_logits({}), plain);
  const auto differs = [&](auto change) {
    TinyModel tiny;
    change(tiny);
    const std::vector<double> logits = last_logits(tiny);
    EXPECT_TRUE(std::ranges::all_of(logits, [](double logit) { return std::isfinite(logit); }));
    return nmse(logits, plain) > 1e-6;
  };
  EXPECT_TRUE(differs([](TinyModel& tiny) { tiny.architecture = "qwen2"; }));
  EXPECT_TRUE(differs([](TinyModel& tiny) { tiny.architecture = "qwen3"; }));
  EXPECT_TRUE(differs([](TinyModel& tiny) { tiny.rope_factors = true; }));
  EXPECT_TRUE(differs([](TinyModel& tiny) { tiny.rope_dimensions = 8; }));
  EXPECT_TRUE(differs([](TinyModel& tiny) { tiny.rope_base = 100.0F; }));
  EXPECT_TRUE(differs([](TinyModel& tiny) { tiny.norm_epsilon = 0.1F; }));
  EXPECT_TRUE(differs([](TinyModel& tiny) { tiny.qkv_bias = true; }));
  EXPECT_TRUE(differs([](TinyModel& tiny) { tiny.format = gguf::TensorType::kQ4_0; }));
  EXPECT_TRUE(differs([](TinyModel& tiny) { tiny.tied = true; }));
  EXPECT_TRUE(differs([](TinyModel& tiny) { tiny.seed = 2; }));
  EXPECT_FALSE(differs([](TinyModel& tiny) { tiny.context_length = 1000; }));
}

}  // namespace
}  // namespace motley::test
