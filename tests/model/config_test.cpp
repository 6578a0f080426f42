#include "model/config.hpp"

#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "model/refusal.hpp"
#include "support/shared.hpp"

namespace motley::test {
namespace {

TEST(Architectures, AreFoundByName) {
  for (const model::Architecture& architecture : model::architectures()) {
    EXPECT_EQ(model::find_architecture(architecture.name), &architecture);
  }
  EXPECT_EQ(model::find_architecture("Llama"), nullptr);
  EXPECT_EQ(model::find_architecture(""), nullptr);
  EXPECT_EQ(model::supported_architectures(), "llama, qwen2, qwen3");
}

TEST(ReadConfig, TakesEveryFieldFromItsKey) {
  TinyModel tiny;
  tiny.architecture = "qwen3";
  tiny.layers = 3;
  tiny.embedding = 80;
  tiny.heads = 6;
  tiny.kv_heads = 3;
  tiny.head_size = 48;
  tiny.rope_dimensions = 32;
  tiny.feed_forward = 100;
  tiny.vocabulary = 33;
  tiny.context_length = 99;
  tiny.norm_epsilon = 1e-6F;
  tiny.rope_base = 5e5F;
  const model::Config config = model::read_config(tiny.open());
  EXPECT_STREQ(config.architecture->name, "qwen3");
  EXPECT_EQ(config.name, "tiny");
  EXPECT_EQ(config.layers, 3U);
  EXPECT_EQ(config.embedding, 80U);
  EXPECT_EQ(config.heads, 6U);
  EXPECT_EQ(config.kv_heads, 3U);
  EXPECT_EQ(config.head_size, 48U);
  EXPECT_EQ(config.q_size(), 288U);
  EXPECT_EQ(config.kv_size(), 144U);
  EXPECT_EQ(config.rope_dimensions, 32U);
  EXPECT_EQ(config.feed_forward, 100U);
  EXPECT_EQ(config.vocabulary, 33U);
  EXPECT_EQ(config.context_length, 99U);
  EXPECT_EQ(config.norm_epsilon, 1e-6F);
  EXPECT_EQ(config.rope_base, 5e5);
  EXPECT_EQ(config.rope_scale, 1.0);
  EXPECT_FALSE(config.yarn.enabled);
  EXPECT_FLOAT_EQ(config.attention_scale, 1.0F / std::sqrt(48.0F));
  EXPECT_FALSE(config.tied_embeddings);
}

TEST(ReadConfig, FillsInDefaults) {
  TinyModel tiny;
  tiny.tied = true;
  tiny.kv_heads = tiny.heads;
  for (const char* key : {"general.name", "llama.attention.head_count_kv", "llama.attention.key_length",
                          "llama.attention.value_length", "llama.rope.dimension_count",
                          "llama.rope.freq_base", "llama.vocab_size"}) {
    tiny.without.insert(key);
  }
  const model::Config config = model::read_config(tiny.open());
  EXPECT_EQ(config.name, "tiny");  // of tiny.gguf
  EXPECT_EQ(config.kv_heads, 4U);
  EXPECT_EQ(config.head_size, 16U);
  EXPECT_EQ(config.rope_dimensions, 16U);
  EXPECT_EQ(config.rope_base, 10000.0);
  EXPECT_EQ(config.vocabulary, 288U);
  EXPECT_TRUE(config.tied_embeddings);

  tiny.without.insert("tokenizer.ggml.tokens");
  EXPECT_EQ(model::read_config(tiny.open()).vocabulary, 288U);  // rows of the embedding
}

TEST(ReadConfig, AcceptsPerLayerArraysOfEqualCounts) {
  TinyModel tiny;
  const auto array = [](std::byte count) {
    return gguf::Value(gguf::Array(gguf::ValueType::kUint8, std::vector<std::byte>(2, count)));
  };
  tiny.keys.emplace("llama.attention.head_count", array(std::byte{4}));
  tiny.keys.emplace("llama.attention.head_count_kv", array(std::byte{2}));
  tiny.keys.emplace("llama.feed_forward_length", array(std::byte{96}));
  const gguf::File file = tiny.open();
  const model::Config config = model::read_config(file);
  EXPECT_EQ(config.heads, 4U);
  EXPECT_EQ(config.kv_heads, 2U);
  EXPECT_EQ(config.feed_forward, 96U);
  EXPECT_NO_THROW(model::find_tensors(file, config));
}

TEST(ReadConfig, RopeScaling) {
  const auto scaled = [](const char* type, const char* key) {
    TinyModel tiny;
    if (type != nullptr) tiny.keys.emplace("llama.rope.scaling.type", gguf::Value(std::string(type)));
    tiny.keys.emplace(key, gguf::Value(4.0F));
    return model::read_config(tiny.open());
  };
  EXPECT_EQ(scaled("linear", "llama.rope.scaling.factor").rope_scale, 0.25);
  EXPECT_EQ(scaled(nullptr, "llama.rope.scaling.factor").rope_scale, 0.25);
  EXPECT_EQ(scaled(nullptr, "llama.rope.scale_linear").rope_scale, 0.25);
  EXPECT_EQ(scaled("none", "llama.rope.scaling.factor").rope_scale, 1.0);
  EXPECT_EQ(scaled("linear", "llama.rope.scaling.factor").attention_scale, 0.25F);

  const model::Config yarn = scaled("yarn", "llama.rope.scaling.factor");
  EXPECT_EQ(yarn.rope_scale, 0.25);
  EXPECT_TRUE(yarn.yarn.enabled);
  EXPECT_EQ(yarn.yarn.original_context, 256U);  // the context length, for want of the key
  EXPECT_EQ(yarn.yarn.beta_fast, 32.0);
  EXPECT_EQ(yarn.yarn.beta_slow, 1.0);
  const double lengthening = 1.0 + 0.1 * std::log(4.0);
  EXPECT_FLOAT_EQ(yarn.attention_scale, static_cast<float>(0.25 * lengthening * lengthening));
}

TEST(ReadConfig, YarnParameters) {
  TinyModel tiny = with_key("llama.rope.scaling.type", std::string("yarn"));
  tiny.keys.emplace("llama.rope.scaling.factor", gguf::Value(2.0F));
  tiny.keys.emplace("llama.rope.scaling.original_context_length", gguf::Value(uint32_t{128}));
  tiny.keys.emplace("llama.rope.scaling.attn_factor", gguf::Value(0.5F));
  tiny.keys.emplace("llama.rope.scaling.yarn_beta_fast", gguf::Value(16.0F));
  tiny.keys.emplace("llama.rope.scaling.yarn_beta_slow", gguf::Value(2.0F));
  const model::Config config = model::read_config(tiny.open());
  EXPECT_EQ(config.yarn.original_context, 128U);
  EXPECT_EQ(config.yarn.beta_fast, 16.0);
  EXPECT_EQ(config.yarn.beta_slow, 2.0);
  const double lengthening = 0.5 * (1.0 + 0.1 * std::log(2.0));
  EXPECT_FLOAT_EQ(config.attention_scale, static_cast<float>(0.25 * lengthening * lengthening));
}

TEST(ReadConfig, RealVocabulariesWithoutWeightsLackTheHyperparameters) {
  MOTLEY_SHARED_OR_SKIP(path, "reference/vocab/llama-spm.gguf");
  const gguf::File file = gguf::File::open(path);
  EXPECT_THROW(model::find_tensors(file, model::read_config(file)), Error);
}

}  // namespace
}  // namespace motley::test
