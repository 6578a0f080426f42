#include "gguf/fields.hpp"

#include <gtest/gtest.h>

#include "gguf/refusal.hpp"
#include "support/gguf_samples.hpp"

namespace motley::test {
namespace {

using gguf::ValueType;

class Fields : public testing::Test {
 protected:
  template <typename Action>
  void expect_error(Action action, std::initializer_list<const char*> figures) const {
    try {
      action();
      ADD_FAILURE() << "nothing was thrown";
    } catch (const Error& error) {
      const std::string message = error.what();
      EXPECT_EQ(error.code(), ErrorCode::kMalformedModel) << message;
      EXPECT_NE(message.find("case.gguf"), std::string::npos) << message;
      for (const char* figure : figures)
        EXPECT_NE(message.find(figure), std::string::npos) << figure << ": " << message;
    }
  }

  const std::vector<std::byte> bytes_ = sample_model().bytes();
  const gguf::File file_ = open_bytes(bytes_);
};

TEST_F(Fields, Found) {
  EXPECT_EQ(get_uint(file_, "t.uint16"), 60000U);
  EXPECT_EQ(get_uint(file_, "t.uint16", 60000, 60000), 60000U);
  EXPECT_EQ(get_int(file_, "t.int8"), -100);
  EXPECT_EQ(get_float(file_, "t.float64"), 0.1);
  EXPECT_EQ(get_float(file_, "t.uint8"), 200);
  EXPECT_TRUE(get_bool(file_, "t.yes"));
  EXPECT_EQ(get_string(file_, "general.architecture"), "llama");
  EXPECT_EQ(get_array(file_, "a.uint8").size(), 3U);
  EXPECT_EQ(get_array(file_, "a.strings", ValueType::kString).string_at(0), "<unk>");
}

TEST_F(Fields, Absent) {
  EXPECT_EQ(find_uint(file_, "absent"), std::nullopt);
  EXPECT_EQ(find_int(file_, "absent"), std::nullopt);
  EXPECT_EQ(find_float(file_, "absent"), std::nullopt);
  EXPECT_EQ(find_bool(file_, "absent"), std::nullopt);
  EXPECT_EQ(find_string(file_, "absent"), nullptr);
  EXPECT_EQ(find_array(file_, "absent"), nullptr);
  EXPECT_EQ(find_array(file_, "absent", ValueType::kString), nullptr);
  expect_error([&] { get_uint(file_, "absent"); }, {"'absent'", "lacks"});
  expect_error([&] { get_string(file_, "absent"); }, {"'absent'", "lacks", "a string"});
  expect_error([&] { get_array(file_, "absent", ValueType::kString); }, {"'absent'", "an array of strings"});
}

TEST_F(Fields, OfAnotherKind) {
  expect_error([&] { find_uint(file_, "t.int8"); }, {"'t.int8'", "an integer from 0 on", "int8", "-100"});
  expect_error([&] { get_uint(file_, "general.architecture"); }, {"string", "llama"});
  expect_error([&] { get_int(file_, "t.uint64"); }, {"an integer", "uint64", "9223372036854775808"});
  expect_error([&] { get_float(file_, "t.yes"); }, {"a number", "bool", "true"});
  expect_error([&] { get_bool(file_, "t.uint8"); }, {"a boolean", "uint8", "200"});
  expect_error([&] { get_string(file_, "a.strings"); }, {"a string", "array of 3 strings"});
  expect_error([&] { get_array(file_, "t.uint8"); }, {"an array", "uint8"});
  expect_error([&] { get_array(file_, "a.int32", ValueType::kString); },
               {"array of strings", "array of 3 int32s"});
}

TEST_F(Fields, OutOfRange) {
  expect_error([&] { get_uint(file_, "t.uint8", 1, 199); }, {"'t.uint8'", "200", "1 to 199"});
  expect_error([&] { get_uint(file_, "t.uint8", 201); }, {"200", "201 to"});
}

}  // namespace
}  // namespace motley::test
