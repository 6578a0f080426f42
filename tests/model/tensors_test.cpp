#include "model/tensors.hpp"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include "model/refusal.hpp"

namespace motley::test {
namespace {

std::string name_of(const gguf::TensorInfo* tensor) { return tensor != nullptr ? tensor->name : "none"; }

TEST(FindTensors, MapsEveryName) {
  TinyModel tiny;
  tiny.architecture = "qwen3";
  tiny.qkv_bias = true;
  tiny.rope_factors = true;
  const gguf::File file = tiny.open();
  const model::Tensors tensors = model::find_tensors(file, model::read_config(file));
  EXPECT_EQ(name_of(tensors.token_embedding), "token_embd.weight");
  EXPECT_EQ(name_of(tensors.output_norm), "output_norm.weight");
  EXPECT_EQ(name_of(tensors.output), "output.weight");
  EXPECT_EQ(name_of(tensors.rope_factors), "rope_freqs.weight");
  ASSERT_EQ(tensors.layers.size(), 2U);
  const model::LayerTensors& layer = tensors.layers[1];
  EXPECT_EQ(name_of(layer.attention_norm), "blk.1.attn_norm.weight");
  EXPECT_EQ(name_of(layer.q), "blk.1.attn_q.weight");
  EXPECT_EQ(name_of(layer.k), "blk.1.attn_k.weight");
  EXPECT_EQ(name_of(layer.v), "blk.1.attn_v.weight");
  EXPECT_EQ(name_of(layer.q_bias), "blk.1.attn_q.bias");
  EXPECT_EQ(name_of(layer.k_bias), "blk.1.attn_k.bias");
  EXPECT_EQ(name_of(layer.v_bias), "blk.1.attn_v.bias");
  EXPECT_EQ(name_of(layer.q_norm), "blk.1.attn_q_norm.weight");
  EXPECT_EQ(name_of(layer.k_norm), "blk.1.attn_k_norm.weight");
  EXPECT_EQ(name_of(layer.attention_output), "blk.1.attn_output.weight");
  EXPECT_EQ(name_of(layer.feed_forward_norm), "blk.1.ffn_norm.weight");
  EXPECT_EQ(name_of(layer.gate), "blk.1.ffn_gate.weight");
  EXPECT_EQ(name_of(layer.up), "blk.1.ffn_up.weight");
  EXPECT_EQ(name_of(layer.down), "blk.1.ffn_down.weight");
}

TEST(FindTensors, LeavesOutWhatTheModelLacks) {
  TinyModel tiny;
  tiny.tied = true;
  const gguf::File file = tiny.open();
  const model::Tensors tensors = model::find_tensors(file, model::read_config(file));
  EXPECT_EQ(tensors.output, tensors.token_embedding);
  EXPECT_EQ(tensors.rope_factors, nullptr);
  for (const model::LayerTensors& layer : tensors.layers) {
    EXPECT_EQ(name_of(layer.q_bias), "none");
    EXPECT_EQ(name_of(layer.q_norm), "none");
  }
}

TEST(FindTensors, PresentNamesEveryTensorOfTheFileOnce) {
  for (const char* architecture : {"llama", "qwen2", "qwen3"}) {
    for (const bool tied : {false, true}) {
      TinyModel tiny;
      tiny.architecture = architecture;
      tiny.tied = tied;
      tiny.rope_factors = true;
      const gguf::File file = tiny.open();
      const model::Tensors tensors = model::find_tensors(file, model::read_config(file));
      std::multiset<std::string> found;
      for (const gguf::TensorInfo* tensor : tensors.present()) found.insert(tensor->name);
      std::multiset<std::string> wanted;
      for (const gguf::TensorInfo& tensor : file.tensors()) wanted.insert(tensor.name);
      EXPECT_EQ(found, wanted) << architecture;
    }
  }
}

TEST(FindTensors, CountsParametersAndBytes) {
  TinyModel tiny;
  tiny.rope_factors = true;
  tiny.format = gguf::TensorType::kQ8_0;
  constexpr uint64_t kLayerVectors = 64 + 64;
  constexpr uint64_t kRow = 64;
  constexpr uint64_t kLayerMatrices = kRow * (64 + 2 * 32 + 64 + 3 * 96);
  constexpr uint64_t kEmbedding = kRow * 288;
  const gguf::File file = tiny.open();
  const model::Tensors tensors = model::find_tensors(file, model::read_config(file));
  EXPECT_EQ(model::parameter_count(tensors), 2 * (kLayerVectors + kLayerMatrices) + 64 + 2 * kEmbedding);
  EXPECT_EQ(model::size_bytes(tensors.layers[0]), kLayerVectors * 4 + kLayerMatrices / 32 * 34);
  uint64_t bytes = 0;
  for (const gguf::TensorInfo& tensor : file.tensors()) bytes += tensor.size_bytes;
  EXPECT_EQ(model::size_bytes(tensors), bytes);

  tiny.tied = true;
  const gguf::File tied = tiny.open();
  EXPECT_EQ(model::parameter_count(model::find_tensors(tied, model::read_config(tied))),
            2 * (kLayerVectors + kLayerMatrices) + 64 + kEmbedding);
}

TEST(FindTensors, AcceptsAnyMixtureOfFormats) {
  TinyModel tiny;
  tiny.embedding = 256;
  tiny.feed_forward = 256;
  tiny.heads = 4;
  tiny.head_size = 64;
  tiny.formats = {{"token_embd", gguf::TensorType::kQ6_K},  {"attn_q", gguf::TensorType::kQ4_K},
                  {"attn_k", gguf::TensorType::kQ5_K},      {"attn_v", gguf::TensorType::kQ8_0},
                  {"attn_output", gguf::TensorType::kQ4_0}, {"ffn_up", gguf::TensorType::kF16},
                  {"ffn_down", gguf::TensorType::kBF16},    {"attn_norm", gguf::TensorType::kF16},
                  {"ffn_norm", gguf::TensorType::kBF16}};
  const gguf::File file = tiny.open();
  EXPECT_NO_THROW(model::find_tensors(file, model::read_config(file)));
}

}  // namespace
}  // namespace motley::test
