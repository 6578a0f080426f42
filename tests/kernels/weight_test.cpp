#include "kernels/weight.hpp"

#include <gtest/gtest.h>

namespace motley::kernels {
namespace {

constexpr uint64_t kPlenty = uint64_t{1} << 30;

/// A matrix in memory from `offset_bytes` on.
Weight weight_at(const vk::Buffer& buffer, uint64_t offset_bytes, uint32_t rows,
                 quant::Format format = quant::Format::kQ4_0, uint32_t columns = 256) {
  const PackedShape shape{format, rows, columns, 8};
  return {shape, {{{buffer, offset_bytes, shape.packed_bytes()}, 0, rows}}};
}

class JoinTest : public testing::Test {
 protected:
  vk::Buffer buffer_;
  Weight first_ = weight_at(buffer_, 4096, 128);
  uint64_t behind_ = 4096 + first_.shape.packed_bytes();
};

TEST_F(JoinTest, NeighboursOfOneShapeAreOne) {
  const Weight next = weight_at(buffer_, behind_, 33);
  const std::optional<Weight> both = join(first_, next, kPlenty);
  ASSERT_TRUE(both);
  EXPECT_EQ(both->shape.rows, 161U);
  ASSERT_EQ(both->parts.size(), 1U);
  EXPECT_EQ(both->parts[0].rows, 161U);
  EXPECT_EQ(both->parts[0].range.offset_bytes, 4096U);
  EXPECT_EQ(both->parts[0].range.size_bytes, both->shape.packed_bytes());
}

TEST_F(JoinTest, OthersStayApart) {
  EXPECT_FALSE(join(first_, weight_at(buffer_, behind_ + 256, 64), kPlenty)) << "a gap";
  EXPECT_FALSE(join(first_, weight_at(buffer_, behind_, 64, quant::Format::kQ8_0), kPlenty));
  EXPECT_FALSE(join(first_, weight_at(buffer_, behind_, 64, quant::Format::kQ4_0, 512), kPlenty));
  const vk::Buffer another;
  EXPECT_FALSE(join(first_, weight_at(another, behind_, 64), kPlenty));
  const Weight next = weight_at(buffer_, behind_, 64);
  const uint64_t bytes = first_.shape.packed_bytes() + next.shape.packed_bytes();
  EXPECT_TRUE(join(first_, next, bytes));
  EXPECT_FALSE(join(first_, next, bytes - 1)) << "no shader could bind it";
  Weight parted = next;
  parted.parts.push_back(parted.parts[0]);
  EXPECT_FALSE(join(first_, parted, kPlenty));
}

TEST_F(JoinTest, RowsThatLeaveAPanelUnfilledStayApart) {
  const Weight odd = weight_at(buffer_, 0, 96);
  EXPECT_FALSE(join(odd, weight_at(buffer_, odd.shape.packed_bytes(), 64), kPlenty));
}

}  // namespace
}  // namespace motley::kernels
