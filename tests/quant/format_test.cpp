#include "quant/format.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <motley/error.hpp>

namespace motley::quant {
namespace {

TEST(Format, TableFollowsTheEnumeration) {
  ASSERT_EQ(all_formats().size(), 8u);
  for (size_t i = 0; i < all_formats().size(); ++i) {
    const FormatInfo& row = all_formats()[i];
    EXPECT_EQ(static_cast<size_t>(row.format), i);
    EXPECT_EQ(&info(row.format), &row);
    EXPECT_EQ(from_ggml_type(row.ggml_type), row.format);
  }
}

TEST(Format, RowsCarryTheFactsOfTheFormat) {
  const FormatInfo& row = info(Format::kQ4_K);
  EXPECT_STREQ(row.name, "Q4_K");
  EXPECT_STREQ(row.stem, "q4_k");
  EXPECT_EQ(row.ggml_type, 12u);
  EXPECT_EQ(row.block_elements, 256u);
  EXPECT_EQ(row.block_bytes, 144u);
  EXPECT_STREQ(info(Format::kBF16).stem, "bf16");
  EXPECT_EQ(from_ggml_type(30), Format::kBF16);
}

TEST(Format, UnknownNumbersAreNothing) {
  EXPECT_EQ(from_ggml_type(3), std::nullopt);  // Q4_1
  EXPECT_EQ(from_ggml_type(0xffffffffu), std::nullopt);
}

TEST(Format, ListNamesAll) { EXPECT_EQ(supported_list(), "F32, F16, BF16, Q8_0, Q4_0, Q4_K, Q5_K, Q6_K"); }

/// The message of the error that decoding `size_bytes` into `elements` throws; empty where it throws none.
std::string decode_refusal(Format format, size_t size_bytes, size_t elements) {
  const std::vector<std::byte> blocks(size_bytes);
  std::vector<float> out(elements);
  try {
    decode(format, blocks, out);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.what();
  }
  return "";
}

TEST(Format, SizesThatDisagreeAreRefused) {
  EXPECT_EQ(decode_refusal(Format::kQ4_0, 36, 64), "");
  EXPECT_EQ(decode_refusal(Format::kQ4_0, 0, 0), "");
  EXPECT_EQ(decode_refusal(Format::kQ4_0, 36, 63),
            "63 weights are no whole number of Q4_0 blocks, which hold 32 each");
  EXPECT_EQ(decode_refusal(Format::kQ4_0, 37, 64),
            "64 weights in Q4_0 are 2 blocks of 18 bytes, but the buffer has 37 bytes");
  EXPECT_NE(decode_refusal(Format::kQ4_0, 18, 64), "");
  EXPECT_NE(decode_refusal(Format::kF16, 6, 2), "");
  std::vector<std::byte> blocks(18);
  EXPECT_THROW(encode(Format::kQ4_0, std::vector<float>(64), blocks), Error);
}

}  // namespace
}  // namespace motley::quant
