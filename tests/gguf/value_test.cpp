#include "gguf/value.hpp"

#include <span>

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace motley::gguf {
namespace {

template <typename T>
Array numbers(const std::vector<T>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return Array(value_type_of<T>(), std::vector<std::byte>(bytes.begin(), bytes.end()));
}

TEST(Value, IntegersConvertWhereTheyFit) {
  EXPECT_EQ(Value(uint8_t{200}).as_int(), 200);
  EXPECT_EQ(Value(int16_t{200}).as_uint(), 200U);
  EXPECT_EQ(Value(int16_t{-1}).as_uint(), std::nullopt);
  EXPECT_EQ(Value(int64_t{-5}).as_int(), -5);
  EXPECT_EQ(Value(uint64_t{1} << 63).as_int(), std::nullopt);
  EXPECT_EQ(Value(~uint64_t{0}).as_uint(), ~uint64_t{0});
  EXPECT_EQ(Value(int32_t{-3}).as_float(), -3.0);
}

TEST(Value, OtherKindsDoNotConvert) {
  EXPECT_EQ(Value(1.0F).as_uint(), std::nullopt);
  EXPECT_EQ(Value(true).as_uint(), std::nullopt);
  EXPECT_EQ(Value(true).as_float(), std::nullopt);
  EXPECT_EQ(Value(uint8_t{1}).as_bool(), std::nullopt);
  EXPECT_EQ(Value(std::string("1")).as_uint(), std::nullopt);
  EXPECT_EQ(Value(uint8_t{1}).as_string(), nullptr);
  EXPECT_EQ(Value(std::string("a")).as_array(), nullptr);
  EXPECT_EQ(*Value(std::string("a")).as_string(), "a");
  EXPECT_EQ(Value(true).as_bool(), true);
  EXPECT_EQ(Value(0.5F).as_float(), 0.5);
}

TEST(Array, Numbers) {
  const Array array = numbers<int32_t>({-1, 2});
  EXPECT_EQ(array.element_type(), ValueType::kInt32);
  EXPECT_TRUE(array.is_integer());
  ASSERT_EQ(array.size(), 2U);
  EXPECT_EQ(array.int_at(0), -1);
  EXPECT_EQ(array.uint_at(0), std::nullopt);
  EXPECT_EQ(array.uint_at(1), 2U);
  EXPECT_EQ(array.float_at(1), 2.0);
  EXPECT_EQ(array.bool_at(1), std::nullopt);
  EXPECT_THROW(array.int_at(2), Error);
  EXPECT_THROW(array.string_at(0), Error);
  EXPECT_TRUE(array.strings().empty());
  EXPECT_FALSE(numbers<float>({1}).is_integer());
  EXPECT_EQ(numbers<double>({0.25}).float_at(0), 0.25);
}

TEST(Array, Strings) {
  const Array array = Array::of_strings({"one", "", "three"});
  EXPECT_EQ(array.element_type(), ValueType::kString);
  ASSERT_EQ(array.size(), 3U);
  EXPECT_EQ(array.string_at(0), "one");
  EXPECT_EQ(array.string_at(1), "");
  EXPECT_EQ(array.strings(), (std::vector<std::string_view>{"one", "", "three"}));
  EXPECT_EQ(array.uint_at(0), std::nullopt);
  EXPECT_THROW(array.string_at(3), Error);
  EXPECT_FALSE(array.is_integer());
}

TEST(Array, NestedArrays) {
  const Array array = Array::of_arrays({numbers<uint8_t>({1, 2}), Array::of_strings({"x"})});
  EXPECT_EQ(array.element_type(), ValueType::kArray);
  ASSERT_EQ(array.size(), 2U);
  EXPECT_EQ(array.depth(), 2U);
  EXPECT_EQ(array.array_at(0).uint_at(1), 2U);
  EXPECT_EQ(array.array_at(1).string_at(0), "x");
  EXPECT_EQ(array.value_at(1).as_array()->size(), 1U);
  EXPECT_EQ(array.uint_at(0), std::nullopt);
  EXPECT_THROW(array.string_at(0), Error);
}

TEST(Array, RefusesWhatIsNoArray) {
  EXPECT_THROW(Array(ValueType::kUint32, std::vector<std::byte>(3)), Error);
  EXPECT_THROW(Array(ValueType::kString, std::vector<std::byte>(3)), Error);
  EXPECT_THROW(Array(ValueType::kBool, std::vector<std::byte>{std::byte{2}}), Error);
  EXPECT_THROW(Array("abc", {2, 1}), Error);
  EXPECT_THROW(Array("abc", {4}), Error);
}

TEST(ToString, Scalars) {
  EXPECT_EQ(to_string(Value(~uint64_t{0}), 3), "18446744073709551615");
  EXPECT_EQ(to_string(Value(int8_t{-7}), 3), "-7");
  EXPECT_EQ(to_string(Value(1e-5F), 3), "1e-05");
  EXPECT_EQ(to_string(Value(10000.0F), 3), "10000");
  EXPECT_EQ(to_string(Value(0.1), 3), "0.1");
  EXPECT_EQ(to_string(Value(true), 3), "true");
}

TEST(ToString, StringsCannotDisturbATerminal) {
  EXPECT_EQ(to_string(Value(std::string("a\n\"b\"\\\t\x1B[2J")), 3), R"("a\n\"b\"\\\t\x1b[2J")");
  EXPECT_EQ(escaped("\xE2\x96\x81\xC3\xA9\xF0\x9F\x98\x80"), "\xE2\x96\x81\xC3\xA9\xF0\x9F\x98\x80");
  // Broken, overlong, a surrogate, beyond Unicode, a C1 control character, cut short.
  EXPECT_EQ(escaped("\xFF"), "\\xff");
  EXPECT_EQ(escaped("\xC0\x80"), "\\xc0\\x80");
  EXPECT_EQ(escaped("\xE0\x80\x80"), "\\xe0\\x80\\x80");
  EXPECT_EQ(escaped("\xED\xA0\x80"), "\\xed\\xa0\\x80");
  EXPECT_EQ(escaped("\xF4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
  EXPECT_EQ(escaped("\xC2\x9B"), "\\xc2\\x9b");
  EXPECT_EQ(escaped("\xE2\x96"), "\\xe2\\x96");
  EXPECT_EQ(escaped("abcdef", 3), "abc...");
}

TEST(ToString, Arrays) {
  const Value array(numbers<uint32_t>({1, 2, 3, 4}));
  EXPECT_EQ(to_string(array, 4), "[1, 2, 3, 4]");
  EXPECT_EQ(to_string(array, 2), "[1, 2, ... 2 more]");
  EXPECT_EQ(to_string(array, 0), "[... 4 more]");
  EXPECT_EQ(to_string(Value(Array::of_arrays({Array::of_strings({"a", "b"})})), 1), "[[\"a\", ... 1 more]]");
}

TEST(DescribeType, NamesKindAndLength) {
  EXPECT_EQ(describe_type(Value(1.0F)), "float32");
  EXPECT_EQ(describe_type(Value(Array::of_strings({"a", "b"}))), "array of 2 strings");
  EXPECT_EQ(describe_type(Value(Array::of_strings({"a"}))), "array of 1 string");
  EXPECT_STREQ(to_string(static_cast<ValueType>(13)), "unknown");
}

}  // namespace
}  // namespace motley::gguf
