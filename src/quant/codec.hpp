// What each weight format implements; only src/quant includes this.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "quant/format.hpp"

namespace motley::quant {

static_assert(std::endian::native == std::endian::little,
              "blocks are little-endian in memory as in the file");

/// Decodes `block_count` blocks at any alignment.
template <Format format>
void decode_blocks(const std::byte* blocks, size_t block_count, float* out);

/// Encodes `block_count` blocks at any alignment.
template <Format format>
void encode_blocks(const float* in, size_t block_count, std::byte* blocks);

#define FORMAT(suffix, name, ggml_type, block_elements, block_bytes)                              \
  template <>                                                                                     \
  void decode_blocks<Format::k##suffix>(const std::byte* blocks, size_t block_count, float* out); \
  template <>                                                                                     \
  void encode_blocks<Format::k##suffix>(const float* in, size_t block_count, std::byte* blocks);
#include "quant/formats.def"
#undef FORMAT

/// Reads a block structure from memory of any alignment.
template <typename Block>
Block load(const std::byte* from) {
  Block block;
  std::memcpy(&block, from, sizeof block);
  return block;
}

template <typename Block>
void store(std::byte* to, const Block& block) {
  std::memcpy(to, &block, sizeof block);
}

/// Copies weights, NaN as 0 and magnitudes above the largest half as that, so that no scale overflows.
inline void copy_finite(const float* in, size_t count, float* out) {
  constexpr float kLargestHalf = 65504.0f;
  for (size_t i = 0; i < count; ++i) {
    const float x = in[i] == in[i] ? in[i] : 0.0f;
    out[i] = std::min(std::max(x, -kLargestHalf), kLargestHalf);
  }
}

/// 1 / x; 0 where x is tiny, far below the smallest half (2^-24), so that no product with the quotient
/// overflows.
inline float reciprocal_or_zero(float x) {
  constexpr float kTiny = 0x1p-100f;
  return x >= kTiny || x <= -kTiny ? 1.0f / x : 0.0f;
}

/// The nearest integer, halves away from zero; |x| < 2^31. Unlike std::round it becomes vector instructions.
inline int round_to_int(float x) {
  const int whole = static_cast<int>(x);
  const float rest = x - static_cast<float>(whole);
  return whole + (rest >= 0.5f ? 1 : 0) - (rest <= -0.5f ? 1 : 0);
}

}  // namespace motley::quant
