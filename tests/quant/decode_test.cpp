// The decoders against figures from an independent one: gguf.quants.dequantize of the Python package gguf
// (numpy).
#include <array>
#include <bit>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "quant/format.hpp"

namespace motley::quant {
namespace {

constexpr size_t kBlocks = 3;

/// Bytes of a linear congruential generator, with halves of ordinary, negative and subnormal value as scales.
std::vector<std::byte> sample_blocks(const FormatInfo& row, std::initializer_list<size_t> half_offsets) {
  std::vector<std::byte> blocks(kBlocks * row.block_bytes);
  uint32_t state = 12345;
  for (std::byte& byte : blocks) {
    state = state * 1664525u + 1013904223u;
    byte = static_cast<std::byte>(state >> 24);
  }
  constexpr uint16_t kScales[] = {0x2c66, 0xa8cd, 0x0123};
  for (size_t block = 0; block < kBlocks; ++block) {
    size_t turn = block;
    for (const size_t offset : half_offsets) {
      std::memcpy(&blocks[block * row.block_bytes + offset], &kScales[turn++ % 3], sizeof(uint16_t));
    }
  }
  return blocks;
}

/// FNV-1a over the bytes of the numbers.
uint64_t hash_of(const std::vector<float>& values) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const float value : values) {
    for (const auto byte : std::bit_cast<std::array<uint8_t, 4>>(value))
      hash = (hash ^ byte) * 0x100000001b3u;
  }
  return hash;
}

struct Expected {
  Format format;
  std::initializer_list<size_t> half_offsets;  // where the scales lie in a block
  float samples[5];                            // elements 0, 1, 17, middle + 5 and last
  uint64_t hash;                               // of all elements, bit for bit
};

const Expected kExpected[] = {
    {Format::kQ8_0,
     {0},
     {-0x1.014fp+3f, -0x1.9d74p+2f, -0x1.c97p-1f, 0x1.9811p+1f, 0x1.476p-10f},
     0xfe1e91a54a02bda4},
    {Format::kQ4_0,
     {0},
     {0x1.a64p-3f, -0x1.a64p-2f, 0x1.198p-3f, 0x1.334p-4f, 0x1.23p-14f},
     0xf1ca3a396f843526},
    {Format::kQ4_K,
     {0, 2},
     {0x1.d4a6p+3f, 0x1.d4a6p+3f, 0x1.c63fp+4f, -0x1.6f4854p+3f, -0x1.2230b8p+1f},
     0x89c6a9fa1ba7870f},
    {Format::kQ5_K,
     {0, 2},
     {0x1.d5098p+5f, 0x1.1680cp+6f, 0x1.9a43p+4f, -0x1.0a7bbcp+2f, 0x1.5e1cp-8f},
     0x1bbd2fead70adc8a},
    {Format::kQ6_K,
     {208},
     {0x1.d39bep+6f, 0x1.bd578p+6f, -0x1.85ac9p+7f, 0x1.e6144p+5f, -0x1.8708p-8f},
     0x3ed36290a50954e2},
};

TEST(Decode, BitForBitAsTheIndependentDecoder) {
  for (const Expected& expected : kExpected) {
    const FormatInfo& row = info(expected.format);
    SCOPED_TRACE(row.name);
    std::vector<float> out(kBlocks * row.block_elements);
    decode(expected.format, sample_blocks(row, expected.half_offsets), out);
    EXPECT_EQ(out[0], expected.samples[0]);
    EXPECT_EQ(out[1], expected.samples[1]);
    EXPECT_EQ(out[17], expected.samples[2]);
    EXPECT_EQ(out[out.size() / 2 + 5], expected.samples[3]);
    EXPECT_EQ(out.back(), expected.samples[4]);
    EXPECT_EQ(hash_of(out), expected.hash);
  }
}

TEST(Decode, AlignmentDoesNotMatter) {
  for (const FormatInfo& row : all_formats()) {
    SCOPED_TRACE(row.name);
    std::vector<std::byte> blocks(kBlocks * row.block_bytes, std::byte{0x2b});
    std::vector<float> aligned(kBlocks * row.block_elements);
    decode(row.format, blocks, aligned);
    blocks.insert(blocks.begin(), std::byte{0});
    std::vector<float> shifted(aligned.size());
    decode(row.format, std::span(blocks).subspan(1), shifted);
    EXPECT_EQ(aligned, shifted);
    std::vector<std::byte> again(blocks.size());
    encode(row.format, shifted, std::span(again).subspan(1));
    EXPECT_EQ(again[0], std::byte{0});
  }
}

}  // namespace
}  // namespace motley::quant
