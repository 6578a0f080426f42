// Key-values that must be refused.
#include <gtest/gtest.h>

#include "gguf/refusal.hpp"

namespace motley::test {
namespace {

using gguf::ValueType;

constexpr uint64_t kHuge = ~uint64_t{0};

/// A header for one key-value, whose bytes start at byte 24.
GgufBytes one() { return GgufBytes().header(0, 1); }

/// One key "a.b" of that type, whose value starts at byte 39.
GgufBytes one(ValueType type) { return one().key("a.b", type); }

TEST(MalformedKey, Length) {
  expect_malformed(one().number<uint64_t>(kHuge).zeros(20),
                   {"key-value 1 of 1", "at byte 24", "18446744073709551615"});
  // Position and length wrap to a position within the file.
  expect_malformed(one().number<uint64_t>(kHuge - 31).zeros(20), {"at byte 24", "18446744073709551584"});
  expect_malformed(one().number<uint64_t>(65536).zeros(70000), {"at byte 24", "65536", "65535"});
  expect_malformed(one().number<uint64_t>(200).zeros(20), {"at byte 32", "ends at byte 52", "200"});
  expect_malformed(one().string("").number<uint32_t>(0).zeros(2), {"at byte 24", "empty"});
  const std::string longest(65535, 'k');
  EXPECT_NO_THROW(open_bytes(one().key(longest, ValueType::kUint8).number<uint8_t>(1).bytes()));
}

TEST(MalformedKey, Characters) {
  using std::string_view_literals::operator""sv;
  expect_malformed(one().key("a\0b"sv, ValueType::kUint8).zeros(1), {"at byte 24", "character 1", "0x00"});
  expect_malformed(one().key("a\xC3\xA9", ValueType::kUint8).zeros(1), {"at byte 24", "character 1", "0xc3"});
  expect_malformed(one().key("a\x1B[2J", ValueType::kUint8).zeros(1), {"at byte 24", "0x1b"});
}

TEST(MalformedKey, Duplicate) {
  GgufBytes file = GgufBytes().header(0, 3);
  file.key("a", ValueType::kUint8).number<uint8_t>(1);
  file.key("b", ValueType::kUint8).number<uint8_t>(2);
  file.key("a", ValueType::kUint8).number<uint8_t>(3);
  expect_malformed(file, {"key 'a'", "at byte 52", "twice", "at byte 24"});
}

TEST(MalformedValue, UnknownTypes) {
  expect_malformed(one().key("a.b", static_cast<ValueType>(13)).zeros(8),
                   {"key 'a.b'", "at byte 35", "type 13", "0 to 12"});
  expect_malformed(one().key("a.b", static_cast<ValueType>(0xFFFFFFFF)).zeros(8),
                   {"at byte 35", "4294967295"});
  expect_malformed(one(ValueType::kArray).array(13, 1).zeros(8),
                   {"key 'a.b'", "at byte 39", "element type 13"});
}

TEST(MalformedValue, ArrayLength) {
  const auto uint32 = static_cast<uint32_t>(ValueType::kUint32);
  const auto string = static_cast<uint32_t>(ValueType::kString);
  expect_malformed(one(ValueType::kArray).array(uint32, uint64_t{1} << 60).zeros(8),
                   {"key 'a.b'", "at byte 43", "1152921504606846976", "hold 2"});
  // Four times the count wraps to 4.
  expect_malformed(one(ValueType::kArray).array(uint32, (uint64_t{1} << 62) + 1).zeros(8),
                   {"at byte 43", "4611686018427387905", "hold 2"});
  expect_malformed(one(ValueType::kArray).array(string, kHuge).zeros(64), {"at byte 43", "hold 8"});
  expect_malformed(one(ValueType::kArray).array(uint32, 3).zeros(11), {"at byte 43", "hold 2"});
}

TEST(MalformedValue, NestedArrays) {
  const auto array = static_cast<uint32_t>(ValueType::kArray);
  const auto nested = [&](int depth) {
    GgufBytes file = one(ValueType::kArray);
    for (int i = 1; i < depth; ++i) file.array(array, 1);
    return file.array(0, 0);
  };
  EXPECT_NO_THROW(open_bytes(nested(4).bytes()));
  expect_malformed(nested(5), {"key 'a.b'", "at byte 87", "5 deep", "4"});
  expect_malformed(nested(100000), {"key 'a.b'", "5 deep"});
  // Empty arrays take little of the file, but a row each in memory.
  expect_malformed(one(ValueType::kArray).array(array, 65537).zeros(size_t{65537} * 12),
                   {"at byte 43", "65537", "65536"});
  expect_malformed(one(ValueType::kArray).array(array, kHuge).zeros(64), {"at byte 43", "hold 5"});
}

TEST(MalformedValue, StringLongerThanTheFile) {
  expect_malformed(one(ValueType::kString).number<uint64_t>(kHuge).zeros(8),
                   {"key 'a.b'", "at byte 39", "only 8"});
  expect_malformed(one(ValueType::kString).number<uint64_t>(9).zeros(8), {"at byte 39", "9 bytes", "only 8"});
  const auto string = static_cast<uint32_t>(ValueType::kString);
  expect_malformed(one(ValueType::kArray).array(string, 2).string("ok").number<uint64_t>(kHuge - 7).zeros(8),
                   {"key 'a.b'", "at byte 61", "only 8"});
}

TEST(MalformedValue, Booleans) {
  expect_malformed(one(ValueType::kBool).number<uint8_t>(2), {"key 'a.b'", "at byte 39", "is 2", "0 and 1"});
  const auto boolean = static_cast<uint32_t>(ValueType::kBool);
  expect_malformed(one(ValueType::kArray).array(boolean, 3).text("\1\1\xFF"),
                   {"at byte 53", "is 255", "0 and 1"});
}

TEST(MalformedAlignment, Figures) {
  const auto aligned = [](uint32_t alignment) {
    return one().key("general.alignment", ValueType::kUint32).number<uint32_t>(alignment);
  };
  for (const uint32_t good : {8U, 16U, 32U, 4096U, 1U << 20})
    EXPECT_NO_THROW(open_bytes(aligned(good).bytes()));
  expect_malformed(aligned(0),
                   {"key 'general.alignment'", "at byte 53", "is 0 bytes", "power of two from 8"});
  expect_malformed(aligned(4), {"at byte 53", "is 4 bytes"});
  expect_malformed(aligned(24), {"at byte 53", "is 24 bytes"});
  expect_malformed(aligned(uint32_t{1} << 31), {"at byte 53", "2147483648", "1048576"});
}

TEST(MalformedAlignment, Type) {
  expect_malformed(one().key("general.alignment", ValueType::kUint64).number<uint64_t>(32),
                   {"key 'general.alignment'", "at byte 49", "uint64", "uint32"});
  expect_malformed(one().key("general.alignment", ValueType::kString).string("32"), {"at byte 49", "string"});
}

/// Some bytes, then zeros without end: a large model whose metadata are damaged.
class EndlessSource final : public gguf::ByteSource {
 public:
  explicit EndlessSource(const GgufBytes& begin) : begin_(begin.bytes()) {}
  uint64_t size_bytes() const override { return uint64_t{1} << 40; }
  const std::filesystem::path& path() const override { return path_; }
  void read_at(uint64_t offset_bytes, std::span<std::byte> out) const override {
    for (std::byte& byte : out) {
      byte = offset_bytes < begin_.size() ? begin_[offset_bytes] : std::byte{0};
      ++offset_bytes;
    }
  }

 private:
  std::vector<std::byte> begin_;
  std::filesystem::path path_ = "endless.gguf";
};

TEST(MalformedValue, MayNotTakeAWholeLargeFile) {
  const auto string = static_cast<uint32_t>(ValueType::kString);
  const auto uint64 = static_cast<uint32_t>(ValueType::kUint64);
  const GgufBytes cases[] = {
      one(ValueType::kString).number<uint64_t>(uint64_t{1} << 39),
      one(ValueType::kArray).array(uint64, uint64_t{1} << 35),
      one(ValueType::kArray).array(string, uint64_t{1} << 35),
      one(ValueType::kArray).array(string, 2).number<uint64_t>(uint64_t{1} << 39),
  };
  for (const GgufBytes& begin : cases) {
    const AllocationMeter meter;
    try {
      gguf::File::from_source(std::make_unique<EndlessSource>(begin));
      ADD_FAILURE() << "the file was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUnsupported) << error.what();
      EXPECT_NE(std::string(error.what()).find("key 'a.b'"), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find("268435456"), std::string::npos) << error.what();
    }
    EXPECT_LE(meter.peak_bytes(), 1U << 20);
  }
}

TEST(HonestMetadata, StringsMayHoldAnyBytes) {
  using std::string_view_literals::operator""sv;
  const GgufBytes bytes = one(ValueType::kString).string("\xFF\0x"sv);
  EXPECT_EQ(*open_bytes(bytes.bytes()).find("a.b")->as_string(), "\xFF\0x"sv);
}

TEST(HonestMetadata, LargeFilesTakeNoMoreMemoryThanTheirBytes) {
  // 2 million strings of 3 bytes: tables of the usual kind would take a multiple of the file.
  GgufBytes file = one(ValueType::kArray).array(static_cast<uint32_t>(ValueType::kString), 2000000);
  for (int i = 0; i < 2000000; ++i) file.string("abc");
  const AllocationMeter meter;
  EXPECT_EQ(open_bytes(file.bytes()).find("a.b")->as_array()->string_at(1999999), "abc");
  EXPECT_LE(meter.peak_bytes(), file.size() + (1 << 20));
}

}  // namespace
}  // namespace motley::test
