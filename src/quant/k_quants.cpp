// Q4_K, Q5_K, Q6_K: super-blocks of 256 weights whose sub-blocks share quantized scales.
// Layouts: block_q4_K, block_q5_K, block_q6_K in ggml-common.h and their dequantize_row_* in ggml-quants.c,
// github.com/ggml-org/llama.cpp.
#include <cmath>

#include "quant/codec.hpp"
#include "quant/scale_search.hpp"

namespace motley::quant {
namespace {

constexpr size_t kElements = 256;

struct BlockQ4_K {
  uint16_t scale;      // of the sub-blocks' scales
  uint16_t minimum;    // of the sub-blocks' minima
  uint8_t packed[12];  // 8 scales and 8 minima of 6 bits
  uint8_t low[128];    // 4 bits a weight
};
static_assert(sizeof(BlockQ4_K) == 144);

struct BlockQ5_K {
  uint16_t scale;
  uint16_t minimum;
  uint8_t packed[12];
  uint8_t high[32];  // the fifth bits: bit s of byte i is that of weight i of sub-block s
  uint8_t low[128];
};
static_assert(sizeof(BlockQ5_K) == 176);

struct BlockQ6_K {
  uint8_t low[128];   // 4 bits a weight
  uint8_t high[64];   // 2 bits a weight
  int8_t scales[16];  // of the sub-blocks
  uint16_t scale;     // of the scales
};
static_assert(sizeof(BlockQ6_K) == 210);

// --- Q4_K and Q5_K: 8 sub-blocks of 32, weight = scale * scales[s] * q - minimum * minima[s] ---

constexpr size_t kAffineSubBlocks = 8;
constexpr size_t kAffineElements = kElements / kAffineSubBlocks;
static_assert(kAffineElements == kAffineRun);
constexpr int kLargestPacked = 63;

struct Affine {
  uint16_t scale;
  uint16_t minimum;
  uint8_t scales[kAffineSubBlocks];
  uint8_t minima[kAffineSubBlocks];
  uint8_t q[kElements];
};

/// The first four scales and minima take the low 6 bits of bytes 0-3 and 4-7; the last four have their low
/// nibbles together in bytes 8-11 and their upper two bits atop of bytes 0-3 and 4-7.
void unpack_scales(const uint8_t* packed, Affine& to) {
  for (size_t s = 0; s < 4; ++s) {
    to.scales[s] = packed[s] & 63;
    to.minima[s] = packed[s + 4] & 63;
    to.scales[s + 4] = static_cast<uint8_t>((packed[s + 8] & 15) | (packed[s] >> 6 << 4));
    to.minima[s + 4] = static_cast<uint8_t>((packed[s + 8] >> 4) | (packed[s + 4] >> 6 << 4));
  }
}

void pack_scales(const Affine& from, uint8_t* packed) {
  for (size_t s = 0; s < 4; ++s) {
    packed[s] = static_cast<uint8_t>(from.scales[s] | (from.scales[s + 4] >> 4 << 6));
    packed[s + 4] = static_cast<uint8_t>(from.minima[s] | (from.minima[s + 4] >> 4 << 6));
    packed[s + 8] = static_cast<uint8_t>((from.scales[s + 4] & 15) | (from.minima[s + 4] & 15) << 4);
  }
}

/// Two sub-blocks share 32 bytes: the even one has the low nibbles, the odd one the high ones.
void unpack_nibbles(const uint8_t* low, uint8_t* q) {
  for (size_t pair = 0; pair < kAffineSubBlocks / 2;
       ++pair, low += kAffineElements, q += 2 * kAffineElements) {
    for (size_t i = 0; i < kAffineElements; ++i) {
      q[i] = low[i] & 15;
      q[i + kAffineElements] = low[i] >> 4;
    }
  }
}

void pack_nibbles(const uint8_t* q, uint8_t* low) {
  for (size_t pair = 0; pair < kAffineSubBlocks / 2;
       ++pair, low += kAffineElements, q += 2 * kAffineElements) {
    for (size_t i = 0; i < kAffineElements; ++i) {
      low[i] = static_cast<uint8_t>((q[i] & 15) | (q[i + kAffineElements] & 15) << 4);
    }
  }
}

template <typename Block>
constexpr bool kHasFifthBit = requires(Block block) {
  block.high;
};

template <typename Block>
Affine unpack(const Block& block) {
  Affine affine;
  affine.scale = block.scale;
  affine.minimum = block.minimum;
  unpack_scales(block.packed, affine);
  unpack_nibbles(block.low, affine.q);
  if constexpr (kHasFifthBit<Block>) {
    for (size_t i = 0; i < kElements; ++i) {
      const int bit = block.high[i % kAffineElements] >> (i / kAffineElements) & 1;
      affine.q[i] = static_cast<uint8_t>(affine.q[i] | bit << 4);
    }
  }
  return affine;
}

template <typename Block>
Block pack(const Affine& affine) {
  Block block{};
  block.scale = affine.scale;
  block.minimum = affine.minimum;
  pack_scales(affine, block.packed);
  pack_nibbles(affine.q, block.low);
  if constexpr (kHasFifthBit<Block>) {
    for (size_t i = 0; i < kElements; ++i) {
      uint8_t& bits = block.high[i % kAffineElements];
      bits = static_cast<uint8_t>(bits | (affine.q[i] >> 4 & 1u) << (i / kAffineElements));
    }
  }
  return block;
}

/// The half that makes `largest` the top of 0..levels.
uint16_t scale_of_levels(float largest, int levels) {
  return float_to_half(largest / static_cast<float>(levels));
}

/// value / step as a level of 0..largest_level.
uint8_t nearest_level(float value, float inverse_step, int largest_level) {
  const float level = std::min(std::max(value * inverse_step, 0.0f), static_cast<float>(largest_level));
  return static_cast<uint8_t>(level + 0.5f);
}

Affine quantize_affine(const float* x, int largest_level) {
  AffineFit fits[kAffineSubBlocks];
  float largest_scale = 0.0f;
  float largest_minimum = 0.0f;
  for (size_t s = 0; s < kAffineSubBlocks; ++s) {
    fits[s] = fit_affine(x + s * kAffineElements, largest_level);
    largest_scale = std::max(largest_scale, fits[s].scale);
    largest_minimum = std::max(largest_minimum, fits[s].minimum);
  }
  Affine affine;
  affine.scale = scale_of_levels(largest_scale, kLargestPacked);
  affine.minimum = scale_of_levels(largest_minimum, kLargestPacked);
  const float scale = half_to_float(affine.scale);
  const float minimum = half_to_float(affine.minimum);
  for (size_t s = 0; s < kAffineSubBlocks; ++s) {
    affine.scales[s] = nearest_level(fits[s].scale, reciprocal_or_zero(scale), kLargestPacked);
    affine.minima[s] = nearest_level(fits[s].minimum, reciprocal_or_zero(minimum), kLargestPacked);
    // The rounded scale and minimum are what the weights are multiplied with: the levels follow them.
    const float inverse_step = reciprocal_or_zero(scale * static_cast<float>(affine.scales[s]));
    const float offset = minimum * static_cast<float>(affine.minima[s]);
    for (size_t i = s * kAffineElements; i < (s + 1) * kAffineElements; ++i) {
      affine.q[i] = nearest_level(x[i] + offset, inverse_step, largest_level);
    }
  }
  return affine;
}

void dequantize_affine(const Affine& affine, float* out) {
  for (size_t s = 0; s < kAffineSubBlocks; ++s) {
    const float step = half_to_float(affine.scale) * static_cast<float>(affine.scales[s]);
    const float offset = half_to_float(affine.minimum) * static_cast<float>(affine.minima[s]);
    for (size_t i = s * kAffineElements; i < (s + 1) * kAffineElements; ++i) {
      out[i] = step * static_cast<float>(affine.q[i]) - offset;
    }
  }
}

template <typename Block>
void decode_affine(const std::byte* blocks, size_t block_count, float* out) {
  for (size_t b = 0; b < block_count; ++b) {
    dequantize_affine(unpack(load<Block>(blocks + b * sizeof(Block))), out + b * kElements);
  }
}

template <typename Block, int largest_level>
void encode_affine(const float* in, size_t block_count, std::byte* blocks) {
  for (size_t b = 0; b < block_count; ++b) {
    float x[kElements];
    copy_finite(in + b * kElements, kElements, x);
    store(blocks + b * sizeof(Block), pack<Block>(quantize_affine(x, largest_level)));
  }
}

// --- Q6_K: 16 sub-blocks of 16, weight = scale * scales[s] * (q - 32) ---

constexpr size_t kSymmetricSubBlocks = 16;
constexpr size_t kSymmetricElements = kElements / kSymmetricSubBlocks;
static_assert(kSymmetricElements == kSymmetricRun);
constexpr int kSymmetricLevels = 32;

/// Where weight i lies: each half of the block has 64 bytes of nibbles and 32 of upper bits, a quarter of the
/// half (32 weights) takes one nibble of 32 of those bytes and one pair of bits of all 32.
struct Position6 {
  size_t low_index;
  size_t low_shift;
  size_t high_index;
  size_t high_shift;
  explicit Position6(size_t i)
      : low_index(i / 128 * 64 + i % 64),
        low_shift(i % 128 / 64 * 4),
        high_index(i / 128 * 32 + i % 32),
        high_shift(i % 128 / 32 * 2) {}
};

BlockQ6_K quantize_q6_k(const float* x) {
  float fits[kSymmetricSubBlocks];
  float extreme = 0.0f;
  for (size_t s = 0; s < kSymmetricSubBlocks; ++s) {
    fits[s] = fit_symmetric(x + s * kSymmetricElements, kSymmetricLevels);
    if (std::abs(fits[s]) > std::abs(extreme)) extreme = fits[s];
  }
  BlockQ6_K block{};
  block.scale = float_to_half(extreme / -128.0f);
  const float scale = half_to_float(block.scale);
  const float inverse_scale = reciprocal_or_zero(scale);
  for (size_t s = 0; s < kSymmetricSubBlocks; ++s) {
    block.scales[s] = static_cast<int8_t>(std::clamp(round_to_int(fits[s] * inverse_scale), -128, 127));
    const float inverse_step = reciprocal_or_zero(scale * static_cast<float>(block.scales[s]));
    for (size_t i = s * kSymmetricElements; i < (s + 1) * kSymmetricElements; ++i) {
      constexpr auto kHalf = static_cast<float>(kSymmetricLevels);
      const float level = std::min(std::max(x[i] * inverse_step, -kHalf), kHalf - 1.0f);
      const auto q = static_cast<uint32_t>(round_to_int(level) + kSymmetricLevels);
      const Position6 at(i);
      block.low[at.low_index] = static_cast<uint8_t>(block.low[at.low_index] | (q & 15) << at.low_shift);
      block.high[at.high_index] = static_cast<uint8_t>(block.high[at.high_index] | q >> 4 << at.high_shift);
    }
  }
  return block;
}

void dequantize_q6_k(const BlockQ6_K& block, float* out) {
  const float scale = half_to_float(block.scale);
  for (size_t i = 0; i < kElements; ++i) {
    const Position6 at(i);
    const uint32_t low = block.low[at.low_index] >> at.low_shift & 15u;
    const uint32_t high = block.high[at.high_index] >> at.high_shift & 3u;
    const float step = scale * static_cast<float>(block.scales[i / kSymmetricElements]);
    out[i] = step * static_cast<float>(static_cast<int>(low | high << 4) - kSymmetricLevels);
  }
}

}  // namespace

template <>
void decode_blocks<Format::kQ4_K>(const std::byte* blocks, size_t block_count, float* out) {
  decode_affine<BlockQ4_K>(blocks, block_count, out);
}

template <>
void encode_blocks<Format::kQ4_K>(const float* in, size_t block_count, std::byte* blocks) {
  encode_affine<BlockQ4_K, 15>(in, block_count, blocks);
}

template <>
void decode_blocks<Format::kQ5_K>(const std::byte* blocks, size_t block_count, float* out) {
  decode_affine<BlockQ5_K>(blocks, block_count, out);
}

template <>
void encode_blocks<Format::kQ5_K>(const float* in, size_t block_count, std::byte* blocks) {
  encode_affine<BlockQ5_K, 31>(in, block_count, blocks);
}

template <>
void decode_blocks<Format::kQ6_K>(const std::byte* blocks, size_t block_count, float* out) {
  for (size_t b = 0; b < block_count; ++b) {
    dequantize_q6_k(load<BlockQ6_K>(blocks + b * sizeof(BlockQ6_K)), out + b * kElements);
  }
}

template <>
void encode_blocks<Format::kQ6_K>(const float* in, size_t block_count, std::byte* blocks) {
  for (size_t b = 0; b < block_count; ++b) {
    float x[kElements];
    copy_finite(in + b * kElements, kElements, x);
    store(blocks + b * sizeof(BlockQ6_K), quantize_q6_k(x));
  }
}

}  // namespace motley::quant
