// Whole models of a few kilobytes with random weights, valid unless told otherwise.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "gguf/file.hpp"
#include "gguf/writer.hpp"

namespace motley::test {

/// A model to write; every member may be changed. Weights are normally distributed, scaled by 1/sqrt(row
/// length); the same members give the same bytes.
struct TinyModel {
  std::string architecture = "llama";
  uint32_t layers = 2;
  uint32_t embedding = 64;
  uint32_t heads = 4;
  uint32_t kv_heads = 2;
  uint32_t head_size = 16;
  uint32_t rope_dimensions = 0;  ///< 0: head_size.
  uint32_t feed_forward = 96;
  /// At least 3. Tokens: <unk>, <s>, </s>, the 256 bytes, then made-up words, cut off after so many.
  uint32_t vocabulary = 288;
  uint32_t context_length = 256;
  float norm_epsilon = 1e-5F;
  float rope_base = 10000.0F;
  bool tied = false;
  bool rope_factors = false;  ///< With rope_freqs.weight, factors rising from 1 to 8.
  bool qkv_bias = false;      ///< Also where the architecture does not ask for it (it does for qwen2).
  uint32_t seed = 1;

  /// The format of all matrices, and by kind ("token_embd", "attn_q", "ffn_down", "output", "attn_norm", ...)
  /// other ones. Vectors are F32 unless given here. Formats that quant cannot encode get zeros.
  gguf::TensorType format = gguf::TensorType::kF32;
  std::map<std::string, gguf::TensorType, std::less<>> formats;

  /// For models with something wrong: keys added or replaced, tensors of another shape or added (of
  /// `format`), keys and tensors left out; all by their full names.
  std::map<std::string, gguf::Value, std::less<>> keys;
  std::map<std::string, std::vector<uint64_t>, std::less<>> shapes;
  std::set<std::string, std::less<>> without;

  /// Tensors whose values are no numbers.
  std::set<std::string, std::less<>> not_numbers;

  gguf::Writer writer() const;
  /// The model as a file in memory, called "tiny.gguf".
  gguf::File open() const;
};

}  // namespace motley::test
