#include "kernels/weight_layout.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/error.hpp"
#include "base/math.hpp"

namespace motley::kernels {
namespace {

using quant::Format;

constexpr uint32_t kMaxUnitWords = 105;
constexpr uint32_t kQuantsPerBlock = 32;

uint32_t load_half(const uint8_t* bytes) { return static_cast<uint32_t>(bytes[0] | (bytes[1] << 8)); }

uint32_t load_word(const uint8_t* bytes) {
  uint32_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

/// Low nibbles of 32 quants as four words: byte i has quant i low and quant 16 + i high, the way Q4_0 has
/// them.
void pack_nibbles(const uint8_t* quants, uint32_t* words) {
  for (uint32_t word = 0; word < 4; ++word) {
    uint32_t packed = 0;
    for (uint32_t byte = 0; byte < 4; ++byte) {
      const uint32_t low = quants[4 * word + byte] & 15U;
      const uint32_t high = quants[16 + 4 * word + byte] & 15U;
      packed |= (low | (high << 4)) << (8 * byte);
    }
    words[word] = packed;
  }
}

/// Blocks whose bytes are no whole words are packed in pairs, their halves d together in word 0.
void pack_q4_0(const uint8_t* first, const uint8_t* second, uint32_t* words) {
  words[0] = load_half(first) | (load_half(second) << 16);
  std::memcpy(words + 1, first + 2, 16);
  std::memcpy(words + 5, second + 2, 16);
}

void pack_q8_0(const uint8_t* first, const uint8_t* second, uint32_t* words) {
  words[0] = load_half(first) | (load_half(second) << 16);
  std::memcpy(words + 1, first + 2, 32);
  std::memcpy(words + 9, second + 2, 32);
}

/// The 6-bit scales and minimums of Q4_K and Q5_K: ggml spreads them over 12 bytes so that the first four
/// pairs lie whole in bytes 0-7 and the rest in what is left (ggml-quants.c, get_scale_min_k4).
void pack_k_header(const uint8_t* block, uint32_t* words) {
  const uint8_t* packed = block + 4;
  words[0] = load_word(block);
  words[1] = words[2] = words[3] = 0;
  for (uint32_t b = 0; b < 8; ++b) {
    uint32_t scale = 0;
    uint32_t minimum = 0;
    if (b < 4) {
      scale = packed[b] & 63U;
      minimum = packed[b + 4] & 63U;
    } else {
      scale = (packed[b + 4] & 15U) | ((packed[b - 4] >> 6U) << 4U);
      minimum = (packed[b + 4] >> 4U) | ((packed[b] >> 6U) << 4U);
    }
    words[1] |= (scale & 15U) << (4 * b);
    words[2] |= (minimum & 15U) << (4 * b);
    words[3] |= (scale >> 4U) << (2 * b);
    words[3] |= (minimum >> 4U) << (16 + 2 * b);
  }
}

void pack_q4_k(const uint8_t* block, uint32_t* words) {
  pack_k_header(block, words);
  const uint8_t* nibbles = block + 16;
  for (size_t b = 0; b < 8; ++b) {
    std::array<uint8_t, kQuantsPerBlock> quants{};
    for (uint32_t i = 0; i < kQuantsPerBlock; ++i) {
      quants[i] = static_cast<uint8_t>(nibbles[32 * (b / 2) + i] >> (4 * (b % 2)));
    }
    pack_nibbles(quants.data(), words + 4 + 4 * b);
  }
}

void pack_q5_k(const uint8_t* block, uint32_t* words) {
  pack_k_header(block, words);
  const uint8_t* high_bits = block + 16;
  const uint8_t* nibbles = block + 48;
  for (size_t b = 0; b < 8; ++b) {
    std::array<uint8_t, kQuantsPerBlock> quants{};
    uint32_t high = 0;
    for (uint32_t i = 0; i < kQuantsPerBlock; ++i) {
      quants[i] = static_cast<uint8_t>(nibbles[32 * (b / 2) + i] >> (4 * (b % 2)));
      high |= ((high_bits[i] >> b) & 1U) << i;
    }
    pack_nibbles(quants.data(), words + 4 + 5 * b);
    words[8 + 5 * b] = high;
  }
}

/// One super-block of Q6_K into its half of the unit (number 0 or 1). ggml interleaves: in each half of 128
/// weights, byte l of ql holds the low nibbles of weights l and l + 64, byte l of qh the high pairs of l, l +
/// 32, l + 64, l + 96.
void pack_q6_k(const uint8_t* block, uint32_t number, uint32_t* words) {
  const uint8_t* scales = block + 192;
  words[0] |= load_half(block + 208) << (16 * number);
  for (size_t b = 0; b < 8; ++b) {
    const uint8_t* ql = block + 64 * (b / 4);
    const uint8_t* qh = block + 128 + 32 * (b / 4);
    const size_t quarter = b % 4;
    const size_t target = size_t{8} * number + b;
    std::array<uint8_t, kQuantsPerBlock> quants{};
    std::array<uint32_t, 2> high{};
    for (uint32_t i = 0; i < kQuantsPerBlock; ++i) {
      quants[i] = static_cast<uint8_t>(ql[32 * (quarter % 2) + i] >> (4 * (quarter / 2)));
      high[i / 16] |= ((qh[i] >> (2 * quarter)) & 3U) << (2 * (i % 16));
    }
    pack_nibbles(quants.data(), words + 9 + 6 * target);
    words[13 + 6 * target] = high[0];
    words[14 + 6 * target] = high[1];
    words[1 + target / 2] |=
        (static_cast<uint32_t>(scales[2 * b]) | (static_cast<uint32_t>(scales[2 * b + 1]) << 8))
        << (16 * (target % 2));
  }
}

/// Packs a unit from whole blocks; `blocks` is as long as a unit needs.
void pack_unit(Format format, const uint8_t* blocks, uint32_t* words) {
  const uint32_t block_bytes = quant::info(format).block_bytes;
  switch (format) {
    case Format::kF32:
    case Format::kF16:
    case Format::kBF16:
      std::memcpy(words, blocks, size_t{32} * block_bytes);
      break;
    case Format::kQ8_0:
      pack_q8_0(blocks, blocks + block_bytes, words);
      break;
    case Format::kQ4_0:
      pack_q4_0(blocks, blocks + block_bytes, words);
      break;
    case Format::kQ4_K:
      pack_q4_k(blocks, words);
      break;
    case Format::kQ5_K:
      pack_q5_k(blocks, words);
      break;
    case Format::kQ6_K:
      std::fill_n(words, kMaxUnitWords, 0U);
      pack_q6_k(blocks, 0, words);
      pack_q6_k(blocks + block_bytes, 1, words);
      break;
  }
}

}  // namespace

UnitLayout unit_layout(Format format) {
  switch (format) {
    case Format::kF32:
      return {32, 32};
    case Format::kF16:
    case Format::kBF16:
      return {32, 16};
    case Format::kQ8_0:
      return {64, 17};
    case Format::kQ4_0:
      return {64, 9};
    case Format::kQ4_K:
      return {256, 36};
    case Format::kQ5_K:
      return {256, 44};
    case Format::kQ6_K:
      return {512, 105};
  }
  fail(ErrorCode::kInternal, "a weight format without a packed layout");
}

uint32_t PackedShape::units() const { return div_ceil(columns, unit_layout(format).elements); }

uint64_t PackedShape::panel_bytes() const {
  return uint64_t{units()} * unit_layout(format).words * panel_rows() * sizeof(uint32_t);
}

void pack_panel(const PackedShape& shape, uint32_t rows, std::span<const std::byte> blocks,
                std::span<uint32_t> out) {
  const quant::FormatInfo& format = quant::info(shape.format);
  const UnitLayout unit = unit_layout(shape.format);
  const size_t row_bytes = size_t{shape.columns} / format.block_elements * format.block_bytes;
  const size_t unit_bytes = size_t{unit.elements} / format.block_elements * format.block_bytes;
  if (rows > shape.panel_rows() || blocks.size() != rows * row_bytes ||
      out.size() * 4 != shape.panel_bytes()) {
    fail(ErrorCode::kInternal, "packing {} rows from {} bytes into {} words", rows, blocks.size(),
         out.size());
  }
  std::array<uint8_t, 512 * sizeof(float)> padded{};
  std::array<uint32_t, kMaxUnitWords> words{};
  const uint32_t panel_rows = shape.panel_rows();
  if (rows < panel_rows) std::fill(out.begin(), out.end(), 0U);
  for (uint32_t row = 0; row < rows; ++row) {
    const auto* from = reinterpret_cast<const uint8_t*>(blocks.data()) + row * row_bytes;
    uint32_t* to = out.data() + row;  // row = 4 * lane + row of the lane: the order within a word already
    for (size_t done = 0; done < row_bytes; done += unit_bytes) {
      const uint8_t* source = from + done;
      if (row_bytes - done < unit_bytes) {
        padded.fill(0);
        std::memcpy(padded.data(), source, row_bytes - done);
        source = padded.data();
      }
      pack_unit(shape.format, source, words.data());
      for (uint32_t word = 0; word < unit.words; ++word, to += panel_rows) *to = words[word];
    }
  }
}

}  // namespace motley::kernels
