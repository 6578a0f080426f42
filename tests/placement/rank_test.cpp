#include "placement/rank.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace motley::placement {
namespace {

const std::vector<Candidate> kMachine = {
    {"llvmpipe", "00000000-0000-0000-0000-000000000001", DeviceClass::kCpu, uint64_t{64} << 30},
    {"Radeon 780M", "00000000-0000-0000-0000-000000000002", DeviceClass::kIntegrated, uint64_t{31} << 30},
    {"Tesla M40", "00000000-0000-0000-0000-000000000003", DeviceClass::kDiscrete, uint64_t{12} << 30},
    {"RTX 4090", "00000000-0000-0000-0000-000000000004", DeviceClass::kDiscrete, uint64_t{24} << 30},
};

TEST(Rank, PutsKindBeforeMemory) {
  std::vector<size_t> order;
  for (const Place& place : rank(kMachine)) order.push_back(place.index);
  EXPECT_EQ(order, (std::vector<size_t>{3, 2, 1, 0}));
  EXPECT_NE(rank(kMachine).front().reason.find("24.0 GiB"), std::string::npos);
}

TEST(Rank, OfTwoWithTheSameMemoryPrefersWiderVectors) {
  const std::vector<Candidate> software = {{"SwiftShader", "", DeviceClass::kCpu, uint64_t{2} << 30, 4},
                                           {"llvmpipe", "", DeviceClass::kCpu, uint64_t{2} << 30, 8}};
  EXPECT_EQ(rank(software).front().index, 1U);
}

TEST(Select, ByIndexUuidOrName) {
  EXPECT_EQ(select(kMachine, "2"), 2U);
  EXPECT_EQ(select(kMachine, "00000000-0000-0000-0000-000000000004"), 3U);
  EXPECT_EQ(select(kMachine, "780m"), 1U);
}

TEST(Select, RefusesNoneAndSeveral) {
  for (const char* selector : {"4", "Arc", "e"}) {
    try {
      select(kMachine, selector);
      FAIL() << selector;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kNoDevice);
      EXPECT_NE(std::string(error.what()).find("Tesla M40"), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace motley::placement
