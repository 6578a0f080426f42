#include "gguf/tensor_type.hpp"

#include <string>

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace motley::gguf {
namespace {

TEST(TensorType, BitsPerWeight) {
  const auto bits = [](TensorType type) {
    const TensorTypeInfo& info = tensor_type_info(type);
    return 8.0 * info.block_bytes / info.block_elements;
  };
  EXPECT_EQ(bits(TensorType::kF32), 32);
  EXPECT_EQ(bits(TensorType::kBF16), 16);
  EXPECT_EQ(bits(TensorType::kQ4_0), 4.5);
  EXPECT_EQ(bits(TensorType::kQ8_0), 8.5);
  EXPECT_EQ(bits(TensorType::kQ2_K), 2.625);
  EXPECT_EQ(bits(TensorType::kQ3_K), 3.4375);
  EXPECT_EQ(bits(TensorType::kQ4_K), 4.5);
  EXPECT_EQ(bits(TensorType::kQ5_K), 5.5);
  EXPECT_EQ(bits(TensorType::kQ6_K), 6.5625);
  EXPECT_EQ(bits(TensorType::kIQ2_XXS), 2.0625);
  EXPECT_EQ(bits(TensorType::kIQ4_XS), 4.25);
  EXPECT_EQ(bits(TensorType::kIQ1_M), 1.75);
  EXPECT_EQ(bits(TensorType::kTQ1_0), 1.6875);
  EXPECT_EQ(bits(TensorType::kMXFP4), 4.25);
}

TEST(TensorType, NumbersAreKnownRetiredOrUnknown) {
  uint32_t known = 0;
  uint32_t retired = 0;
  for (uint32_t number = 0; number < 100; ++number) {
    const TensorTypeInfo* info = find_tensor_type(number);
    known += info != nullptr ? 1U : 0U;
    retired += retired_tensor_type(number) != nullptr ? 1U : 0U;
    EXPECT_FALSE(info != nullptr && retired_tensor_type(number) != nullptr) << number;
    EXPECT_EQ(info == nullptr ? number : static_cast<uint32_t>(info->type), number);
  }
  EXPECT_EQ(known, tensor_types().size());
  EXPECT_EQ(retired, 8U);
  EXPECT_EQ(known + retired, 43U);
  EXPECT_EQ(find_tensor_type(0xFFFFFFFF), nullptr);
}

TEST(TensorType, Names) {
  for (const TensorTypeInfo& info : tensor_types()) EXPECT_EQ(tensor_type_from_name(info.name), info.type);
  EXPECT_EQ(tensor_type_from_name("q4_k"), TensorType::kQ4_K);
  EXPECT_EQ(tensor_type_from_name("Q4_"), std::nullopt);
  EXPECT_EQ(tensor_type_from_name("Q4_0_4_4"), std::nullopt);
  EXPECT_STREQ(to_string(TensorType::kIQ2_XXS), "IQ2_XXS");
  EXPECT_THROW(tensor_type_info(static_cast<TensorType>(4)), Error);
}

}  // namespace
}  // namespace motley::gguf
