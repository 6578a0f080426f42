// Small GGUF files with a bit of everything, written by the honest writer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gguf/writer.hpp"

namespace motley::test {

/// `count` bytes that differ: `first`, `first + 1`, ...
inline std::vector<std::byte> counting_bytes(size_t count, unsigned first = 0) {
  std::vector<std::byte> bytes(count);
  for (size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::byte>((first + i) & 0xFFU);
  return bytes;
}

/// Metadata of every type, arrays of every kind, tensors of several types and shapes.
inline gguf::Writer sample_model() {
  using gguf::Array;
  using gguf::TensorType;
  using gguf::Value;
  gguf::Writer writer;
  writer.add("general.architecture", "llama");
  writer.add("t.uint8", uint8_t{200});
  writer.add("t.int8", int8_t{-100});
  writer.add("t.uint16", uint16_t{60000});
  writer.add("t.int16", int16_t{-30000});
  writer.add("t.uint32", uint32_t{4000000000});
  writer.add("t.int32", int32_t{-2000000000});
  writer.add("t.uint64", uint64_t{1} << 63);
  writer.add("t.int64", int64_t{-1} << 62);
  writer.add("t.float32", 1e-5F);
  writer.add("t.float64", 0.1);
  writer.add("t.yes", true);
  writer.add("t.no", false);
  writer.add("t.empty", "");
  writer.add_array("a.uint8", std::vector<uint8_t>{1, 2, 3});
  writer.add_array("a.int32", std::vector<int32_t>{-1, 0, 1});
  writer.add_array("a.float32", std::vector<float>{0.5F, -2.0F});
  writer.add_array("a.strings", std::vector<std::string>{"<unk>", "", "\xE2\x96\x81once"});
  writer.add_array("a.none", std::vector<uint64_t>{});
  writer.add("a.bools", Value(Array(gguf::ValueType::kBool, {std::byte{1}, std::byte{0}})));
  writer.add("a.nested", Value(Array::of_arrays({Array::of_strings({"x", "y"}),
                                                 Array(gguf::ValueType::kUint8, {std::byte{7}})})));
  writer.add_tensor("norm.weight", TensorType::kF32, {3}, counting_bytes(12));
  writer.add_tensor("blk.0.w", TensorType::kQ8_0, {32, 2}, counting_bytes(68, 12));
  writer.add_tensor("blk.0.e", TensorType::kF16, {2, 3, 2, 1}, counting_bytes(24, 80));
  return writer;
}

/// A vocabulary without tensors, as version 2.
inline std::vector<std::byte> sample_vocabulary() {
  gguf::Writer writer(64);
  writer.add("tokenizer.ggml.model", "llama");
  writer.add_array("tokenizer.ggml.tokens", std::vector<std::string>{"<unk>", "<s>", "</s>", "a", "b", "ab"});
  writer.add_array("tokenizer.ggml.scores", std::vector<float>{0, 0, 0, -1, -2, -3});
  writer.add("tokenizer.ggml.bos_token_id", uint32_t{1});
  std::vector<std::byte> bytes = writer.bytes();
  bytes[4] = std::byte{2};
  return bytes;
}

}  // namespace motley::test
