// Q8_0 and Q4_0: 32 weights with one half-precision scale, weight = scale * q.
// Layouts: block_q8_0, block_q4_0 in ggml-common.h, github.com/ggml-org/llama.cpp.
#include <cmath>

#include "quant/codec.hpp"

namespace motley::quant {
namespace {

constexpr size_t kElements = 32;

struct BlockQ8_0 {
  uint16_t scale;
  int8_t q[kElements];
};
static_assert(sizeof(BlockQ8_0) == 34);

struct BlockQ4_0 {
  uint16_t scale;
  uint8_t q[kElements / 2];  // low nibbles: the first 16 weights, high nibbles: the last 16; each is q + 8
};
static_assert(sizeof(BlockQ4_0) == 18);

BlockQ8_0 encode_q8_0(const float* x) {
  float largest = 0.0f;
  for (size_t i = 0; i < kElements; ++i) largest = std::max(largest, std::abs(x[i]));
  const float scale = largest / 127.0f;
  const float inverse = reciprocal_or_zero(scale);
  BlockQ8_0 block{};
  block.scale = float_to_half(scale);
  for (size_t i = 0; i < kElements; ++i) block.q[i] = static_cast<int8_t>(round_to_int(x[i] * inverse));
  return block;
}

BlockQ4_0 encode_q4_0(const float* x) {
  // The weight of the largest magnitude becomes -8, the level that has no positive counterpart.
  float extreme = 0.0f;
  for (size_t i = 0; i < kElements; ++i) {
    if (std::abs(x[i]) > std::abs(extreme)) extreme = x[i];
  }
  const float scale = extreme / -8.0f;
  const float inverse = reciprocal_or_zero(scale);
  uint8_t level[kElements];
  for (size_t i = 0; i < kElements; ++i) {
    level[i] = static_cast<uint8_t>(std::min(15, static_cast<int>(x[i] * inverse + 8.5f)));
  }
  BlockQ4_0 block{};
  block.scale = float_to_half(scale);
  for (size_t i = 0; i < kElements / 2; ++i) {
    block.q[i] = static_cast<uint8_t>(level[i] | level[i + kElements / 2] << 4);
  }
  return block;
}

template <typename Block, Block (*encode_block)(const float*)>
void encode_all(const float* in, size_t block_count, std::byte* blocks) {
  for (size_t b = 0; b < block_count; ++b) {
    float x[kElements];
    copy_finite(in + b * kElements, kElements, x);
    store(blocks + b * sizeof(Block), encode_block(x));
  }
}

}  // namespace

template <>
void decode_blocks<Format::kQ8_0>(const std::byte* blocks, size_t block_count, float* out) {
  for (size_t b = 0; b < block_count; ++b, out += kElements) {
    const auto block = load<BlockQ8_0>(blocks + b * sizeof(BlockQ8_0));
    const float scale = half_to_float(block.scale);
    for (size_t i = 0; i < kElements; ++i) out[i] = scale * static_cast<float>(block.q[i]);
  }
}

template <>
void encode_blocks<Format::kQ8_0>(const float* in, size_t block_count, std::byte* blocks) {
  encode_all<BlockQ8_0, encode_q8_0>(in, block_count, blocks);
}

template <>
void decode_blocks<Format::kQ4_0>(const std::byte* blocks, size_t block_count, float* out) {
  for (size_t b = 0; b < block_count; ++b, out += kElements) {
    const auto block = load<BlockQ4_0>(blocks + b * sizeof(BlockQ4_0));
    const float scale = half_to_float(block.scale);
    for (size_t i = 0; i < kElements / 2; ++i) {
      out[i] = scale * static_cast<float>((block.q[i] & 15) - 8);
      out[i + kElements / 2] = scale * static_cast<float>((block.q[i] >> 4) - 8);
    }
  }
}

template <>
void encode_blocks<Format::kQ4_0>(const float* in, size_t block_count, std::byte* blocks) {
  encode_all<BlockQ4_0, encode_q4_0>(in, block_count, blocks);
}

}  // namespace motley::quant
