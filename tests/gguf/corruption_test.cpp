// Files that broke on their way: whatever happens to the metadata, reading ends with an error or with a
// usable file.
#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "gguf/refusal.hpp"
#include "support/gguf_samples.hpp"

// The fuzzer's entry point: 0 when the bytes were accepted and everything in them was used, -1 when refused.
// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace motley::test {
namespace {

using Bytes = std::vector<std::byte>;

bool accepted(const Bytes& bytes) {
  return LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()) == 0;
}

/// The bytes before the first tensor's data.
size_t metadata_bytes(const Bytes& bytes) {
  const gguf::File file = open_bytes(bytes);
  return file.tensors().empty() ? bytes.size() : file.tensors().front().offset_bytes;
}

void flip_every_bit(Bytes bytes) {
  const size_t size = metadata_bytes(bytes);
  size_t refused = 0;
  for (size_t i = 0; i < size; ++i) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      const std::byte mask{static_cast<unsigned char>(1U << bit)};
      bytes[i] ^= mask;
      refused += accepted(bytes) ? 0U : 1U;
      bytes[i] ^= mask;
    }
  }
  // Every bit of magic, counts and most of the lengths and types is guarded; text and figures are not.
  EXPECT_GT(refused, size);
  EXPECT_LT(refused, size * 8);
  EXPECT_TRUE(accepted(bytes));
}

TEST(Corruption, EveryTruncationOfAModelIsRefused) {
  const Bytes bytes = sample_model().bytes();
  const gguf::File file = open_bytes(bytes);
  const gguf::TensorInfo& last = file.tensors().back();
  for (size_t size = 0; size < last.offset_bytes + last.size_bytes; ++size) {
    EXPECT_FALSE(accepted(Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)))) << size;
  }
  EXPECT_TRUE(accepted(bytes));
}

TEST(Corruption, EveryTruncationOfAVocabularyIsRefused) {
  const Bytes bytes = sample_vocabulary();
  // All but the padding at the end, which holds nothing.
  const auto end =
      std::find_if(bytes.rbegin(), bytes.rend(), [](std::byte b) { return b != std::byte{0}; }).base();
  for (auto cut = bytes.begin(); cut < end; ++cut) {
    EXPECT_FALSE(accepted(Bytes(bytes.begin(), cut))) << cut - bytes.begin();
  }
  EXPECT_TRUE(accepted(bytes));
}

TEST(Corruption, EveryBitFlipOfAModel) { flip_every_bit(sample_model().bytes()); }

TEST(Corruption, EveryBitFlipOfAVocabulary) { flip_every_bit(sample_vocabulary()); }

TEST(Corruption, RandomDamage) {
  const Bytes seeds[] = {sample_model().bytes(), sample_vocabulary()};
  const uint64_t interesting[] = {0, 1, 0x7F, 0xFF, 0x7FFFFFFF, 0xFFFFFFFF, uint64_t{1} << 63, ~uint64_t{0}};
  std::mt19937_64 random(1);
  const auto below = [&random](size_t limit) { return static_cast<size_t>(random() % limit); };
  size_t refused = 0;
  for (int round = 0; round < 5000; ++round) {
    Bytes bytes = seeds[below(2)];
    for (size_t hits = 1 + below(4); hits > 0; --hits) {
      const uint64_t figure = interesting[below(8)];
      const size_t width = size_t{1} << below(4);
      std::memcpy(bytes.data() + below(bytes.size() - width), &figure, width);
    }
    if (below(8) == 0) bytes.resize(below(bytes.size()));
    refused += accepted(bytes) ? 0U : 1U;
  }
  EXPECT_GT(refused, 1000U);
}

}  // namespace
}  // namespace motley::test
