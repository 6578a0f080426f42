#include "base/math.hpp"

#include <limits>

#include <gtest/gtest.h>

namespace motley {
namespace {

constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();

TEST(Math, MultiplyRefusesWhatDoesNotFit) {
  EXPECT_EQ(checked_multiply(uint64_t{1} << 32, uint64_t{1} << 31), uint64_t{1} << 63);
  EXPECT_FALSE(checked_multiply(uint64_t{1} << 32, uint64_t{1} << 32));
  EXPECT_EQ(checked_multiply(0, kMax), 0u);
  EXPECT_EQ(checked_multiply(1, kMax), kMax);
  EXPECT_FALSE(checked_multiply(2, kMax));
}

TEST(Math, AddRefusesWhatDoesNotFit) {
  EXPECT_EQ(checked_add(kMax - 1, 1), kMax);
  EXPECT_FALSE(checked_add(kMax, 1));
}

TEST(Math, RoundsUp) {
  EXPECT_EQ(div_ceil(7u, 4u), 2u);
  EXPECT_EQ(div_ceil(8u, 4u), 2u);
  EXPECT_EQ(round_up(0u, 64u), 0u);
  EXPECT_EQ(round_up(65u, 64u), 128u);
}

}  // namespace
}  // namespace motley
