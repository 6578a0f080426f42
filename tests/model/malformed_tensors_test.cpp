// Models whose tensors do not fit their metadata.
#include <string>

#include <gtest/gtest.h>

#include "model/refusal.hpp"

namespace motley::test {
namespace {

TinyModel with_shape(const std::string& tensor, const std::vector<uint64_t>& shape) {
  TinyModel model;
  model.shapes.emplace(tensor, shape);
  return model;
}

TinyModel with_format(const std::string& kind, gguf::TensorType type) {
  TinyModel model;
  model.formats.emplace(kind, type);
  return model;
}

// Case 57
TEST(MalformedModelTensors, Shapes) {
  expect_malformed(with_shape("token_embd.weight", {64, 287}),
                   {"'token_embd.weight'", "64 x 287", "64 x 288"});
  expect_malformed(with_shape("token_embd.weight", {64, 289}),
                   {"'token_embd.weight'", "64 x 289", "64 x 288"});
  expect_malformed(with_shape("output.weight", {32, 288}), {"'output.weight'", "32 x 288", "64 x 288"});
  expect_malformed(with_shape("output_norm.weight", {63}), {"'output_norm.weight'", "63", "should be 64"});
  expect_malformed(with_shape("blk.1.attn_norm.weight", {64, 2}),
                   {"'blk.1.attn_norm.weight'", "64 x 2", "should be 64"});
  expect_malformed(with_shape("blk.1.attn_q.weight", {64, 32}),
                   {"'blk.1.attn_q.weight'", "64 x 32", "64 x 64"});
  expect_malformed(with_shape("blk.0.attn_k.weight", {64, 64}),
                   {"'blk.0.attn_k.weight'", "64 x 64", "64 x 32"});
  expect_malformed(with_shape("blk.0.attn_v.weight", {32, 64}),
                   {"'blk.0.attn_v.weight'", "32 x 64", "64 x 32"});
  expect_malformed(with_shape("blk.0.attn_output.weight", {64, 64, 2}),
                   {"'blk.0.attn_output.weight'", "64 x 64 x 2"});
  expect_malformed(with_shape("blk.0.ffn_gate.weight", {96, 64}),
                   {"'blk.0.ffn_gate.weight'", "96 x 64", "64 x 96"});
  expect_malformed(with_shape("blk.0.ffn_up.weight", {64, 95}),
                   {"'blk.0.ffn_up.weight'", "64 x 95", "64 x 96"});
  expect_malformed(with_shape("blk.0.ffn_down.weight", {64, 96}),
                   {"'blk.0.ffn_down.weight'", "64 x 96", "96 x 64"});
  expect_malformed(with_shape("blk.0.attn_q.bias", {32}), {"'blk.0.attn_q.bias'", "32", "should be 64"});
  expect_malformed(with_shape("rope_freqs.weight", {16}), {"'rope_freqs.weight'", "16", "should be 8"});
  TinyModel qwen3 = with_shape("blk.0.attn_q_norm.weight", {64});
  qwen3.architecture = "qwen3";
  expect_malformed(qwen3, {"'blk.0.attn_q_norm.weight'", "64", "should be 16"});
}

// Case 57 seen from the other side: what the metadata say.
TEST(MalformedModelTensors, MetadataOfAnotherSize) {
  expect_malformed(with_key("llama.embedding_length", uint32_t{128}),
                   {"'token_embd.weight'", "64 x 288", "128 x 288"});
  expect_malformed(with_key("llama.feed_forward_length", uint32_t{128}),
                   {"'blk.0.ffn_gate.weight'", "64 x 96", "64 x 128"});
  expect_malformed(with_key("llama.attention.head_count", uint32_t{8}),
                   {"'blk.0.attn_q.weight'", "64 x 64", "64 x 128"});
}

// Case 58
TEST(MalformedModelTensors, Missing) {
  for (const char* tensor :
       {"token_embd.weight", "output_norm.weight", "blk.0.attn_norm.weight", "blk.1.attn_q.weight",
        "blk.0.attn_k.weight", "blk.0.attn_v.weight", "blk.1.attn_output.weight", "blk.0.ffn_norm.weight",
        "blk.0.ffn_gate.weight", "blk.0.ffn_up.weight", "blk.1.ffn_down.weight"}) {
    expect_malformed(without(tensor), {"lacks the tensor", tensor, "llama"});
  }
  TinyModel qwen2 = without("blk.1.attn_k.bias");
  qwen2.architecture = "qwen2";
  expect_malformed(qwen2, {"lacks the tensor 'blk.1.attn_k.bias'", "qwen2"});
  TinyModel qwen3 = without("blk.1.attn_k_norm.weight");
  qwen3.architecture = "qwen3";
  expect_malformed(qwen3, {"lacks the tensor 'blk.1.attn_k_norm.weight'", "qwen3"});
}

TEST(UnsupportedTensors, OnesWithoutUse) {
  expect_unsupported(with_shape("blk.0.attn_output.bias", {64}), {"'blk.0.attn_output.bias'"});
  expect_unsupported(with_shape("blk.0.attn_q_norm.weight", {16}), {"'blk.0.attn_q_norm.weight'", "llama"});
  expect_unsupported(with_shape("blk.0.ffn_gate_exps.weight", {64, 96, 4}), {"'blk.0.ffn_gate_exps.weight'"});
  // A layer more than the metadata say.
  expect_unsupported(with_key("llama.block_count", uint32_t{1}), {"'blk.1.attn_norm.weight'", "1 layers"});
  // Old files have this one; it says nothing new.
  const gguf::File file = with_shape("blk.0.attn_rot_embd.weight", {8}).open();
  EXPECT_NO_THROW(model::find_tensors(file, model::read_config(file)));
}

TEST(UnsupportedTensors, Formats) {
  expect_unsupported(with_format("ffn_up", gguf::TensorType::kQ4_1),
                     {"'blk.0.ffn_up.weight'", "Q4_1", "F32, F16, BF16, Q8_0, Q4_0, Q4_K, Q5_K, Q6_K"});
  expect_unsupported(with_format("token_embd", gguf::TensorType::kMXFP4), {"'token_embd.weight'", "MXFP4"});
  expect_unsupported(with_format("attn_norm", gguf::TensorType::kQ8_0),
                     {"'blk.0.attn_norm.weight'", "Q8_0", "F32, F16"});
  expect_unsupported(with_format("output_norm", gguf::TensorType::kI32), {"'output_norm.weight'", "I32"});
}

}  // namespace
}  // namespace motley::test
