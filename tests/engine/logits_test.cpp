// The whole forward pass on every device, against llama.cpp's logits and against float64 on made-up models.
#include <algorithm>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/file.hpp"
#include "engine/perplexity.hpp"
#include "engine/session.hpp"
#include "support/devices.hpp"
#include "support/oracle.hpp"
#include "support/reference_model.hpp"
#include "support/shared.hpp"
#include "support/tiny_model.hpp"
#include "tokenizer/tokenizer.hpp"

namespace motley::engine {
namespace {

constexpr double kFloatPathLimit = 1e-6;
constexpr double kHalfCacheLimit = 1e-5;
constexpr double kRoundedLimit = 1e-3;

class EngineTest : public test::DeviceTest {
 protected:
  std::shared_ptr<const LoadedModel> load(gguf::File file) {
    return std::make_shared<const LoadedModel>(std::make_shared<const gguf::File>(std::move(file)),
                                               test::devices()[GetParam()], nullptr);
  }

  /// NMSE of the logits after `tokens`, evaluated `batch` at a time, over the last wanted.size() of them.
  static double error(const std::shared_ptr<const LoadedModel>& model, std::span<const Token> tokens,
                      std::span<const double> wanted, SessionRequest request) {
    request.context = static_cast<uint32_t>(tokens.size()) + 1;
    Session session(model, request);
    session.evaluate(tokens);
    return test::nmse(session.logits().last(wanted.size()), wanted);
  }

  void compare_with_llama_cpp(const std::string& name);
  void compare_with_oracle(const test::TinyModel& tiny, uint32_t length);
};

void EngineTest::compare_with_llama_cpp(const std::string& name) {
  MOTLEY_SHARED_OR_SKIP(model_path, "reference/models/" + name + ".gguf");
  MOTLEY_SHARED_OR_SKIP(logits_path, "reference/logits/" + name + ".json");
  const auto model = load(gguf::File::open(model_path));
  const nlohmann::json reference = nlohmann::json::parse(std::ifstream(logits_path));
  for (const nlohmann::json& test_case : reference.at("cases")) {
    const auto tokens = test_case.at("prompt_tokens").get<std::vector<Token>>();
    const auto wanted = test_case.at("last_logits").get<std::vector<double>>();
    for (const uint32_t batch : {1U, 7U, 64U, 512U}) {
      // One at a time is the slowest way and the same recorded commands again and again: short prompts tell
      // as much.
      if (batch == 1 && tokens.size() > 100) continue;
      const double exact = error(model, tokens, wanted, {0, batch, true, true, true});
      EXPECT_TRUE(exact <= kFloatPathLimit)
          << name << ", batch " << batch << ", " << tokens.size() << " tokens: " << exact;
    }
    const double half = error(model, tokens, wanted, {0, 512, false, false, true});
    EXPECT_TRUE(half <= kHalfCacheLimit) << name << " with a half-precision cache: " << half;
    // Tokens by themselves and many at once are rounded by other kernels, and on some devices not both.
    for (const uint32_t batch : {1U, 512U}) {
      if (batch == 1 && tokens.size() > 20) continue;
      const double rounded = error(model, tokens, wanted, {0, batch, true, true, false});
      EXPECT_TRUE(rounded <= kRoundedLimit)
          << name << " with rounded activations, batch " << batch << ": " << rounded;
    }
  }
}

TEST_P(EngineTest, LogitsOfLlamaFormats) {
  for (const char* name :
       {"llama-f16", "llama-bf16", "llama-q8_0", "llama-q4_0", "llama-q4_k", "llama-q5_k", "llama-q6_k"}) {
    compare_with_llama_cpp(name);
  }
}

TEST_P(EngineTest, LogitsOfOtherArchitectures) {
  for (const char* name : {"qwen2-f16", "qwen3-f16", "qwen3-q4_k"}) compare_with_llama_cpp(name);
}

TEST_P(EngineTest, LogitsOfStories) {
  for (const char* name : {"stories260K-f32", "stories260K-q8_0", "stories260K-q4_0"})
    compare_with_llama_cpp(name);
}

void EngineTest::compare_with_oracle(const test::TinyModel& tiny, uint32_t length) {
  const test::ReferenceModel oracle(tiny.open());
  const auto model = load(tiny.open());
  std::vector<Token> tokens;
  for (uint32_t i = 0; i < length; ++i) tokens.push_back(static_cast<Token>((i * 37 + 11) % tiny.vocabulary));
  const auto wanted = oracle.logits(tokens);
  for (const uint32_t batch : {1U, 5U, 64U}) {
    SessionRequest request{length + 1, batch, true, true, true};
    Session session(model, request);
    const std::vector<float> all = session.evaluate_all(tokens, 0);
    for (uint32_t t = 0; t < length; ++t) {
      const double each =
          test::nmse(std::span(all).subspan(size_t{t} * tiny.vocabulary, tiny.vocabulary), wanted[t]);
      EXPECT_TRUE(each <= kFloatPathLimit)
          << tiny.architecture << " batch " << batch << " token " << t << ": " << each;
    }
  }
}

TEST_P(EngineTest, ShapesThatAreNoMultipleOfATile) {
  test::TinyModel tiny;
  tiny.embedding = 80;
  tiny.heads = 5;
  tiny.kv_heads = 1;
  tiny.head_size = 48;
  tiny.feed_forward = 33;
  tiny.vocabulary = 261;
  compare_with_oracle(tiny, 13);
}

TEST_P(EngineTest, WideHeadsAndGroups) {
  test::TinyModel tiny;
  tiny.heads = 7;
  tiny.kv_heads = 7;
  tiny.head_size = 80;
  compare_with_oracle(tiny, 40);
  tiny.heads = 2;
  tiny.kv_heads = 1;
  tiny.head_size = 256;
  tiny.layers = 1;
  compare_with_oracle(tiny, 40);
}

TEST_P(EngineTest, TiedEmbeddingsRopeFactorsAndPartialRotation) {
  test::TinyModel tiny;
  tiny.tied = true;
  tiny.rope_factors = true;
  tiny.rope_dimensions = 8;
  compare_with_oracle(tiny, 20);
  tiny.architecture = "qwen2";
  tiny.rope_factors = false;
  compare_with_oracle(tiny, 20);
}

TEST_P(EngineTest, MixedFormatsInOneFile) {
  test::TinyModel tiny;
  tiny.architecture = "qwen3";
  tiny.embedding = 256;
  tiny.feed_forward = 256;
  tiny.formats = {{"token_embd", gguf::TensorType::kQ6_K}, {"attn_q", gguf::TensorType::kQ4_K},
                  {"attn_k", gguf::TensorType::kQ5_K},     {"attn_v", gguf::TensorType::kQ8_0},
                  {"ffn_gate", gguf::TensorType::kQ4_0},   {"ffn_up", gguf::TensorType::kBF16},
                  {"ffn_down", gguf::TensorType::kF16}};
  compare_with_oracle(tiny, 9);
}

TEST_P(EngineTest, RefusesWhatDoesNotFit) {
  const auto model = load(test::TinyModel().open());
  Session session(model, {8, 4, false, false});
  const std::vector<Token> nine(9, 5);
  try {
    session.evaluate(nine);
    FAIL() << "nine tokens in a context of eight";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kContextFull);
  }
  EXPECT_EQ(session.position(), 0U);
  for (const Token bad : {-1, 288}) {
    try {
      session.evaluate(std::span(&bad, 1));
      FAIL() << "token " << bad;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    }
  }
  try {
    Session huge(model, {4000000000U, 4, true, true, true});
    FAIL() << "a context of four thousand million";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kOutOfMemory);
    EXPECT_NE(std::string(error.what()).find("would fit"), std::string::npos) << error.what();
  }
}

TEST_P(EngineTest, AllocatesWhatWasPredicted) {
  test::TinyModel tiny;
  tiny.embedding = 256;
  tiny.vocabulary = 2048;
  const gguf::File file = tiny.open();
  const model::Config config = model::read_config(file);
  const vk::DeviceFacts& facts = device().facts();
  const kernels::Profile profile = kernels::make_profile(facts);
  const uint64_t weights = plan_weights(model::find_tensors(file, config), facts, profile).total_bytes();
  const SessionRequest request{1000, 64, false, true};
  const SessionPlan plan = plan_session(config, single_stage(test::devices()[GetParam()], config), request);
  const uint64_t total = plan.cache_bytes() + plan.scratch_bytes();
  const uint64_t before = device().memory_usage().now_bytes;
  const auto model = load(tiny.open());
  EXPECT_NEAR(static_cast<double>(device().memory_usage().now_bytes - before), static_cast<double>(weights),
              0.03 * static_cast<double>(weights));
  const uint64_t loaded = device().memory_usage().now_bytes;
  const Session session(model, request);
  EXPECT_NEAR(static_cast<double>(device().memory_usage().now_bytes - loaded), static_cast<double>(total),
              0.03 * static_cast<double>(total));
}

TEST_P(EngineTest, PerplexityOfStories) {
  MOTLEY_SHARED_OR_SKIP(model_path, "reference/models/stories260K-q8_0.gguf");
  MOTLEY_SHARED_OR_SKIP(text_path, "reference/text/war-and-peace-40k.txt");
  MOTLEY_SHARED_OR_SKIP(wanted_path, "reference/perplexity.json");
  if (device().facts().driver_name.starts_with("SwiftShader"))
    GTEST_SKIP() << "half a minute there; the logits say as much";
  const double wanted =
      nlohmann::json::parse(std::ifstream(wanted_path)).at("results").at("stories260K-q8_0").at("ppl");
  const gguf::File file = gguf::File::open(model_path);
  const tokenizer::Tokenizer tokenizer = tokenizer::Tokenizer::load(file);
  const std::vector<Token> tokens = tokenizer.encode(read_whole_file(text_path), {true, false});
  const auto model = load(gguf::File::open(model_path));
  Session session(model, {256, 256, false, false});
  const PerplexityResult result = compute_perplexity(session, tokens, tokenizer.bos(), nullptr);
  EXPECT_NEAR(result.value, wanted, 0.005 * wanted);
}

MOTLEY_ON_EVERY_DEVICE(EngineTest);

}  // namespace
}  // namespace motley::engine
