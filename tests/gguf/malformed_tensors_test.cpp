// Tensor tables that must be refused.
#include <gtest/gtest.h>

#include "gguf/refusal.hpp"

namespace motley::test {
namespace {

constexpr uint64_t kHuge = ~uint64_t{0};
constexpr uint32_t kF32 = 0;
constexpr uint32_t kQ8 = 8;

/// One tensor "w" whose row starts at byte 24, with `data_bytes` of data behind it. The shape stands at
/// byte 37.
GgufBytes one(const std::vector<uint64_t>& shape, uint32_t type, uint64_t offset = 0,
              size_t data_bytes = 256) {
  return GgufBytes().header(1, 0).tensor("w", shape, type, offset).pad().zeros(data_bytes);
}

TEST(HonestTensors, AreAccepted) {
  EXPECT_NO_THROW(open_bytes(one({8, 8}, kF32).bytes()));
  EXPECT_NO_THROW(open_bytes(one({2, 2, 2, 8}, kF32).bytes()));
  EXPECT_NO_THROW(open_bytes(one({224}, kQ8).bytes()));
  EXPECT_NO_THROW(open_bytes(one({8}, kF32, 224).bytes()));
}

TEST(MalformedTensor, Name) {
  using std::string_view_literals::operator""sv;
  const auto named = [](std::string_view name) {
    return GgufBytes().header(1, 0).tensor(name, {8}, kF32, 0).pad().zeros(32);
  };
  EXPECT_NO_THROW(open_bytes(named(std::string(64, 'n')).bytes()));
  expect_malformed(named(std::string(65, 'n')), {"tensor 1 of 1", "at byte 24", "65", "64"});
  expect_malformed(GgufBytes().header(1, 0).number<uint64_t>(kHuge).zeros(64),
                   {"at byte 24", "18446744073709551615"});
  expect_malformed(named("").zeros(1), {"at byte 24", "0 bytes"});
  expect_malformed(named("a\0b"sv), {"at byte 24", "character 1", "0x00"});
}

TEST(MalformedTensor, DuplicateName) {
  const GgufBytes file =
      GgufBytes().header(2, 0).tensor("w", {8}, kF32, 0).tensor("w", {8}, kF32, 32).pad().zeros(64);
  expect_malformed(file, {"tensor 'w'", "at byte 57", "twice", "at byte 24"});
}

TEST(MalformedTensor, DimensionCount) {
  expect_malformed(one({}, kF32), {"tensor 'w'", "at byte 33", "0 dimensions", "1 to 4"});
  expect_malformed(one({1, 1, 1, 1, 1}, kF32), {"tensor 'w'", "at byte 33", "5 dimensions", "1 to 4"});
  const GgufBytes file = GgufBytes().header(1, 0).string("w").number<uint32_t>(0xFFFFFFFF).zeros(64);
  expect_malformed(file, {"tensor 'w'", "at byte 33", "4294967295"});
}

TEST(MalformedTensor, Dimensions) {
  expect_malformed(one({8, kHuge}, kF32), {"tensor 'w'", "at byte 37", "dimension 1 is -1"});
  expect_malformed(one({0}, kF32), {"tensor 'w'", "dimension 0 is 0"});
  expect_malformed(one({8, 0}, kF32), {"dimension 1 is 0"});
  // The products wrap to 0 and to a negative number.
  expect_malformed(one({uint64_t{1} << 32, uint64_t{1} << 32}, kF32),
                   {"tensor 'w'", "4294967296 x 4294967296"});
  expect_malformed(one({uint64_t{1} << 32, uint64_t{1} << 31}, kF32), {"4294967296 x 2147483648"});
}

TEST(MalformedTensor, BytesWrap) {
  // 2^62 elements fit 64 bits, their 2^64 bytes do not.
  expect_malformed(one({uint64_t{1} << 31, uint64_t{1} << 31}, kF32),
                   {"tensor 'w'", "4611686018427387904", "F32"});
  expect_malformed(one({uint64_t{1} << 40, uint64_t{1} << 22}, kF32), {"tensor 'w'", "64 bits"});
}

TEST(MalformedTensor, Type) {
  expect_malformed(one({8}, 0xFFFFFFFF), {"tensor 'w'", "at byte 45", "number -1", "0 to 42"});
  expect_malformed(one({8}, 43), {"tensor 'w'", "at byte 45", "number 43", "0 to 42"});
  for (const uint32_t retired : {4U, 5U, 31U, 32U, 33U, 36U, 37U, 38U}) {
    expect_refused(one({32}, retired), ErrorCode::kUnsupported, {"tensor 'w'", "at byte 45", "retired"});
  }
}

TEST(MalformedTensor, RowIsNoMultipleOfTheBlock) {
  expect_malformed(one({33}, kQ8), {"tensor 'w'", "at byte 45", "33", "32", "Q8_0"});
  // The elements together would fill whole blocks.
  expect_malformed(one({16, 2}, kQ8), {"tensor 'w'", "16", "32", "Q8_0"});
}

TEST(MalformedTensor, Offset) {
  expect_malformed(one({8}, kF32, 16), {"tensor 'w'", "at byte 49", "offset 16", "32 bytes"});
  expect_malformed(one({8}, kF32, kHuge - 31), {"tensor 'w'", "at byte 49", "past the end"});
  expect_malformed(one({8}, kF32, kHuge - 95), {"tensor 'w'", "past the end"});
  expect_malformed(one({8}, kF32, 256), {"tensor 'w'", "at byte 49", "offset 256", "past the end"});
  expect_malformed(one({65}, kF32), {"tensor 'w'", "260 bytes", "past the end"});
}

TEST(MalformedTensor, LastByteMissing) {
  EXPECT_NO_THROW(open_bytes(one({8, 8}, kF32, 0, 256).bytes()));
  expect_malformed(one({8, 8}, kF32, 0, 255), {"tensor 'w'", "256 bytes", "past the end", "byte 351"});
}

TEST(MalformedTensors, Overlap) {
  GgufBytes file = GgufBytes().header(2, 0);
  file.tensor("second", {8}, kF32, 32).tensor("first", {16}, kF32, 0).pad().zeros(64);
  expect_malformed(file, {"tensor 'second'", "within tensor 'first'"});
  file = GgufBytes().header(2, 0).tensor("a", {8}, kF32, 0).tensor("b", {8}, kF32, 0).pad().zeros(64);
  expect_malformed(file, {"within tensor"});
}

TEST(MalformedTensors, SumOfSizesWraps) {
  // Each size fits 64 bits; together they wrap, alone or with the overhead of the header.
  const uint64_t half = uint64_t{1} << 61;  // elements of F32: 2^63 bytes
  GgufBytes file = GgufBytes().header(2, 0);
  file.tensor("a", {half}, kF32, 0).tensor("b", {half}, kF32, uint64_t{1} << 63).pad().zeros(64);
  expect_malformed(file, {"tensor 'a'", "past the end"});
  file = GgufBytes().header(2, 0);
  file.tensor("a", {8}, kF32, 0).tensor("b", {uint64_t{1} << 60, 3}, kF32, 32).pad().zeros(64);
  expect_malformed(file, {"tensor 'b'", "past the end"});
  file = GgufBytes().header(1, 0).tensor("a", {(uint64_t{1} << 62) - 16, 1}, kF32, 0).pad().zeros(64);
  expect_malformed(file, {"tensor 'a'", "past the end"});
}

TEST(MalformedTensors, MemoryForTheLargestTable) {
  GgufBytes file = GgufBytes().header(131072, 0);
  for (uint64_t i = 0; i < 131072; ++i) file.tensor("tensor." + std::to_string(i), {8}, kF32, i * 32);
  file.pad().zeros(131072 * 32 - 1);
  expect_malformed(file, {"tensor 'tensor.131071'", "past the end"});
}

}  // namespace
}  // namespace motley::test
