// Hyperparameters that must be refused.
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "model/refusal.hpp"

namespace motley::test {
namespace {

TinyModel with_counts(const std::string& key, const std::vector<uint32_t>& counts) {
  const std::span<const std::byte> values = std::as_bytes(std::span(counts));
  std::vector<std::byte> bytes(values.begin(), values.end());
  return with_key(key, gguf::Array(gguf::ValueType::kUint32, std::move(bytes)));
}

TEST(Architecture, UnknownOnesAreNamedBesideTheSupported) {
  TinyModel model;
  model.architecture = "gemma2";
  expect_unsupported(model, {"general.architecture", "\"gemma2\"", "llama, qwen2, qwen3"});
  expect_malformed(without("general.architecture"), {"general.architecture"});
  expect_malformed(with_key("general.architecture", uint32_t{3}), {"general.architecture", "uint32"});
}

// Case 48
TEST(MalformedHyperparameters, MissingKeys) {
  for (const char* key :
       {"llama.block_count", "llama.embedding_length", "llama.feed_forward_length", "llama.context_length",
        "llama.attention.head_count", "llama.attention.layer_norm_rms_epsilon"}) {
    expect_malformed(without(key), {"lacks", key});
  }
}

// Case 49
TEST(MalformedHyperparameters, WrongTypes) {
  for (const char* key :
       {"llama.block_count", "llama.embedding_length", "llama.feed_forward_length", "llama.context_length",
        "llama.attention.head_count", "llama.attention.head_count_kv", "llama.attention.key_length",
        "llama.attention.value_length", "llama.attention.layer_norm_rms_epsilon",
        "llama.rope.dimension_count", "llama.rope.freq_base", "llama.rope.scaling.factor", "llama.vocab_size",
        "llama.expert_count"}) {
    expect_malformed(with_key(key, std::string("many")), {key, "string", "many"});
  }
  expect_malformed(with_key("llama.block_count", -1.5F), {"llama.block_count", "float32", "-1.5"});
  expect_malformed(with_key("llama.block_count", int32_t{-2}), {"llama.block_count", "int32", "-2"});
  expect_malformed(with_key("llama.rope.scaling.type", true), {"llama.rope.scaling.type", "string", "bool"});
  expect_malformed(with_key("tokenizer.ggml.tokens", true), {"tokenizer.ggml.tokens", "array", "bool"});
  expect_malformed(with_key("general.name", true), {"general.name", "string", "bool"});
}

// Case 50
TEST(MalformedHyperparameters, BlockCount) {
  expect_malformed(with_key("llama.block_count", uint32_t{0}), {"llama.block_count", "it is 0", "1 to 1024"});
  expect_malformed(with_key("llama.block_count", uint32_t{0xFFFFFFFF}),
                   {"llama.block_count", "4294967295", "1 to 1024"});
  expect_malformed(with_key("llama.block_count", uint64_t{1} << 32), {"llama.block_count", "4294967296"});
  expect_malformed(with_key("llama.block_count", uint32_t{1024}),
                   {"lacks the tensor 'blk.2.attn_norm.weight'"});
}

// Case 51
TEST(MalformedHyperparameters, HeadCount) {
  expect_malformed(with_key("llama.attention.head_count", uint32_t{0}),
                   {"llama.attention.head_count", "it is 0", "1 to 1024"});
  expect_malformed(with_key("llama.attention.head_count_kv", uint32_t{0}),
                   {"llama.attention.head_count_kv", "it is 0", "1 to 1024"});
  expect_malformed(with_key("llama.attention.head_count", uint32_t{1} << 31),
                   {"llama.attention.head_count", "2147483648"});
}

// Case 52
TEST(MalformedHyperparameters, KvHeadsThatDoNotDivideHeads) {
  expect_malformed(with_key("llama.attention.head_count_kv", uint32_t{3}),
                   {"llama.attention.head_count_kv", "it is 3", "4 heads"});
  expect_malformed(with_key("llama.attention.head_count_kv", uint32_t{8}),
                   {"llama.attention.head_count_kv", "it is 8", "4 heads"});
}

// Case 53
TEST(MalformedHyperparameters, ExpertCounts) {
  const auto with_experts = [](uint32_t experts, uint32_t used) {
    TinyModel model;
    model.keys.emplace("llama.expert_count", gguf::Value(experts));
    model.keys.emplace("llama.expert_used_count", gguf::Value(used));
    return model;
  };
  expect_malformed(with_experts(4, 5), {"llama.expert_used_count", "it is 5", "'llama.expert_count' is 4"});
  expect_malformed(with_experts(4, 0), {"llama.expert_used_count", "it is 0", "'llama.expert_count' is 4"});
  expect_malformed(with_experts(0, 2), {"llama.expert_used_count", "it is 2", "'llama.expert_count' is 0"});
  expect_malformed(with_key("llama.expert_count", uint32_t{4}), {"llama.expert_used_count", "it is 0"});
  expect_malformed(with_experts(0xFFFFFFFF, 2), {"llama.expert_count", "4294967295", "0 to 65536"});
  expect_unsupported(with_experts(4, 2), {"llama.expert_count", "expert layers", "4 experts, 2 used"});
  const gguf::File dense = with_experts(0, 0).open();
  EXPECT_NO_THROW(model::find_tensors(dense, model::read_config(dense)));
}

// Case 54
TEST(MalformedHyperparameters, PerLayerArrays) {
  for (const char* key :
       {"llama.attention.head_count", "llama.attention.head_count_kv", "llama.feed_forward_length"}) {
    expect_malformed(with_counts(key, {2}), {key, "1 elements", "2 layers"});
    expect_malformed(with_counts(key, {2, 2, 2}), {key, "3 elements", "2 layers"});
    expect_malformed(with_counts(key, {}), {key, "0 elements"});
    expect_malformed(with_counts(key, {2, 0}), {key, "element 1 is 0", "from 1 to"});
    expect_malformed(with_counts(key, {0xFFFFFFFF, 2}), {key, "element 0 is 4294967295", "from 1 to"});
    expect_unsupported(with_counts(key, {2, 4}), {key, "2 for layer 0 but 4 for layer 1"});
    expect_malformed(with_key(key, gguf::Array::of_strings({"a", "b"})), {key, "element 0 is", "from 1 to"});
  }
}

// Case 55
TEST(MalformedHyperparameters, RopeBaseAndEpsilon) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const char* key : {"llama.rope.freq_base", "llama.attention.layer_norm_rms_epsilon",
                          "llama.rope.scaling.factor", "llama.rope.scale_linear"}) {
    expect_malformed(with_key(key, kNan), {key, "it is nan", "finite number above"});
    expect_malformed(with_key(key, kInfinity), {key, "it is inf"});
    expect_malformed(with_key(key, 0.0F), {key, "it is 0"});
    expect_malformed(with_key(key, -0.5F), {key, "it is -0.5"});
  }
  expect_malformed(with_key("llama.rope.freq_base", 1.0F), {"llama.rope.freq_base", "it is 1", "above 1"});
  // Too small for the single precision that it is used in.
  expect_malformed(with_key("llama.attention.layer_norm_rms_epsilon", 1e-60), {"it is 1e-60"});
}

// Case 56
TEST(MalformedHyperparameters, ContextLength) {
  expect_malformed(with_key("llama.context_length", uint32_t{0}),
                   {"llama.context_length", "it is 0", "1 to 1073741824"});
  expect_malformed(with_key("llama.context_length", uint32_t{0xFFFFFFFF}),
                   {"llama.context_length", "4294967295"});
}

TEST(MalformedHyperparameters, Lengths) {
  for (const char* key : {"llama.embedding_length", "llama.feed_forward_length"}) {
    expect_malformed(with_key(key, uint32_t{0}), {key, "it is 0", "1 to 1048576"});
    expect_malformed(with_key(key, uint64_t{1} << 62), {key, "4611686018427387904"});
  }
  expect_malformed(with_key("llama.vocab_size", uint32_t{0}), {"llama.vocab_size", "it is 0"});
  expect_malformed(with_key("llama.vocab_size", uint32_t{289}),
                   {"llama.vocab_size", "it is 289", "tokenizer.ggml.tokens", "288"});
}

TEST(MalformedHyperparameters, HeadSize) {
  expect_malformed(with_key("llama.attention.key_length", uint32_t{0}),
                   {"llama.attention.key_length", "it is 0"});
  expect_unsupported(with_key("llama.attention.value_length", uint32_t{8}),
                     {"llama.attention.value_length", "it is 8", "16"});
  for (const uint32_t size : {2U, 18U, 260U, 1024U}) {
    TinyModel model;
    model.head_size = size;
    expect_unsupported(
        model, {"llama.attention.key_length", std::to_string(size).c_str(), "multiples of 4 up to 256"});
  }
  TinyModel uneven = without("llama.attention.key_length");
  uneven.keys.emplace("llama.attention.head_count", gguf::Value(uint32_t{6}));
  expect_malformed(uneven, {"llama.attention.head_count", "it is 6", "64", "llama.attention.key_length"});
}

TEST(MalformedHyperparameters, RopeDimensions) {
  expect_malformed(with_key("llama.rope.dimension_count", uint32_t{0}),
                   {"llama.rope.dimension_count", "it is 0", "2 to 16"});
  expect_malformed(with_key("llama.rope.dimension_count", uint32_t{18}),
                   {"llama.rope.dimension_count", "it is 18"});
  expect_malformed(with_key("llama.rope.dimension_count", uint32_t{7}),
                   {"llama.rope.dimension_count", "it is 7", "even"});
}

TEST(MalformedHyperparameters, RopeScaling) {
  expect_unsupported(with_key("llama.rope.scaling.type", std::string("longrope")),
                     {"llama.rope.scaling.type", "\"longrope\"", "none, linear, yarn"});
  TinyModel partial = with_key("llama.rope.scaling.type", std::string("yarn"));
  partial.rope_dimensions = 8;
  expect_unsupported(partial, {"llama.rope.dimension_count", "YaRN", "8", "16"});
  TinyModel original = with_key("llama.rope.scaling.type", std::string("yarn"));
  original.keys.emplace("llama.rope.scaling.original_context_length", gguf::Value(uint32_t{0}));
  expect_malformed(original, {"llama.rope.scaling.original_context_length", "it is 0"});
}

}  // namespace
}  // namespace motley::test
