// The ranking, one GPU through several drivers, and what users call devices.
#include "placement/rank.hpp"

#include <utility>

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

TEST(Select, ListsWhatIsKnownOfTheDevices) {
  Candidate numbered{"RTX 4090", "", DeviceClass::kDiscrete, uint64_t{24} << 30, 32};
  numbered.pci_address = "0000:01:00.0";
  const std::vector<Candidate> devices{
      {"Tesla M40", "", DeviceClass::kDiscrete, uint64_t{24} << 30, 32},  // of a file: a name alone
      numbered,
      {"llvmpipe", "00000000-0000-0000-0000-000000000001", DeviceClass::kCpu, uint64_t{2} << 30, 8}};
  try {
    select(devices, "Arc");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "no device is called 'Arc'; there are:\n"
                 "  0: Tesla M40\n"
                 "  1: RTX 4090 (PCI 0000:01:00.0)\n"
                 "  2: llvmpipe (UUID 00000000-0000-0000-0000-000000000001)");
  }
}

/// A card as each of two drivers shows it.
Candidate card(const char* name, const char* driver, const char* pci, const char* uuid = "") {
  Candidate candidate{name, uuid, DeviceClass::kDiscrete, uint64_t{24} << 30, 32};
  candidate.driver_name = driver;
  candidate.pci_address = pci;
  return candidate;
}

std::string reason(std::span<const Candidate> candidates, size_t index) {
  for (const Place& place : rank(candidates)) {
    if (place.index == index) return place.reason;
  }
  return "no place";
}

TEST(Rank, MeasuredBandwidthComesBeforeMemoryWithinAClass) {
  std::vector<Candidate> cards = {
      {"RTX 3090", "", DeviceClass::kDiscrete, (uint64_t{24} << 30) + (12 << 20), 32},
      {"RTX 4090", "", DeviceClass::kDiscrete, uint64_t{24} << 30, 32},
      {"Radeon 780M", "", DeviceClass::kIntegrated, uint64_t{31} << 30, 32}};
  EXPECT_EQ(rank(cards).front().index, 0U);  // not measured: the larger memory, if by little
  EXPECT_NE(reason(cards, 1).find("24.012 GiB"), std::string::npos) << reason(cards, 1);
  cards[1].bandwidth_gbs = 1008;
  EXPECT_EQ(rank(cards).front().index, 0U);  // a figure for one of them tells nothing
  cards[0].bandwidth_gbs = 936;
  EXPECT_EQ(rank(cards).front().index, 1U);
  EXPECT_NE(reason(cards, 1).find("1st"), std::string::npos) << reason(cards, 1);
  const std::string second = reason(cards, 0);
  EXPECT_TRUE(second.starts_with("2nd: ")) << second;
  EXPECT_NE(second.find("936 GB/s, the 1st at 1008"), std::string::npos) << second;
  cards[2].bandwidth_gbs = 5000;  // of another class: behind all the same
  EXPECT_EQ(rank(cards).back().index, 2U);
  EXPECT_NE(reason(cards, 2).find("the 2nd is discrete"), std::string::npos) << reason(cards, 2);
}

TEST(Rank, OrdinalsAsInEnglish) {
  const std::vector<Candidate> many(23, Candidate{"card", "", DeviceClass::kDiscrete, 1, 32});
  const std::vector<Place> places = rank(many);
  EXPECT_TRUE(places[2].reason.starts_with("3rd: ")) << places[2].reason;
  EXPECT_TRUE(places[10].reason.starts_with("11th: ")) << places[10].reason;
  EXPECT_TRUE(places[21].reason.starts_with("22nd: ")) << places[21].reason;
  for (size_t i = 0; i < many.size(); ++i) EXPECT_EQ(places[i].index, i);
}

TEST(Rank, OneGpuThroughTwoDriversCountsOnce) {
  const std::vector<Candidate> cards = {
      card("AMD Radeon RX 7900 XTX", "AMD open-source driver", "0000:03:00.0"),
      card("AMD Radeon RX 7900 XTX (RADV NAVI31)", "radv", "0000:03:00.0"),
      card("NVIDIA GeForce RTX 4090 (NVK AD102)", "NVK", "0000:01:00.0"),
      card("NVIDIA GeForce RTX 4090", "NVIDIA", "0000:01:00.0"),
      card("NVIDIA GeForce RTX 4090", "NVIDIA", "0000:02:00.0")};
  const std::vector<Place> places = rank(cards);
  ASSERT_EQ(places.size(), 5U);
  std::vector<size_t> used;
  for (const Place& place : places) {
    if (!place.same_as) used.push_back(place.index);
  }
  EXPECT_EQ(used, (std::vector<size_t>{1, 3, 4}));
  EXPECT_EQ(places[3].same_as, 1U);
  EXPECT_EQ(places[4].same_as, 3U);
  EXPECT_NE(places[3].reason.find("PCI address 0000:03:00.0"), std::string::npos) << places[3].reason;
  EXPECT_NE(places[3].reason.find("'radv' is the one that AMD goes on with"), std::string::npos)
      << places[3].reason;
}

TEST(Rank, PciAddressBeforeLuidBeforeUuid) {
  std::vector<Candidate> cards = {card("A", "x", "0000:01:00.0", "11111111-0000-0000-0000-000000000000"),
                                  card("A", "y", "0000:02:00.0", "11111111-0000-0000-0000-000000000000")};
  const auto twins = [&] { return rank(cards).back().same_as.has_value(); };
  EXPECT_FALSE(twins());  // two slots, whatever the UUIDs say
  cards[1].pci_address.clear();
  EXPECT_TRUE(twins());
  EXPECT_EQ(rank(cards).front().index, 0U);  // no driver is preferred: the first
  cards[0].luid = "0000000000000001";
  cards[1].luid = "0000000000000002";
  EXPECT_FALSE(twins());
  cards[1].luid = cards[0].luid;
  EXPECT_TRUE(twins());
  cards[0].luid = cards[1].luid = "0000000000000000";  // unknown, as the UUIDs are
  cards[0].uuid = cards[1].uuid = "00000000-0000-0000-0000-000000000000";
  EXPECT_FALSE(twins());
}

TEST(Select, TakesThePreferredDriverUnlessTheIndexSaysOtherwise) {
  const std::vector<Candidate> cards = {card("RTX 4090 (NVK AD102)", "NVK", "0000:01:00.0", "1-2"),
                                        card("RTX 4090", "NVIDIA", "0000:01:00.0", "1-2")};
  EXPECT_EQ(select(cards, "4090"), 1U);
  EXPECT_EQ(select(cards, "1-2"), 1U);
  EXPECT_EQ(select(cards, "0000:01:00.0"), 1U);
  EXPECT_EQ(select(cards, "01:00.0"), 1U);
  EXPECT_EQ(select(cards, "nvk"), 0U);  // only the other is called so
  EXPECT_EQ(select(cards, "0"), 0U);
}

TEST(Select, Patterns) {
  EXPECT_EQ(select(kMachine, "rtx*"), 3U);
  EXPECT_EQ(select(kMachine, "*M40"), 2U);
  EXPECT_EQ(select(kMachine, "????? m4?"), 2U);
  EXPECT_THROW(select(kMachine, "tesla?"), Error);  // the whole name, not a part of it
  EXPECT_THROW(select(kMachine, "*"), Error);
}

std::vector<size_t> indices(std::initializer_list<size_t> values) { return values; }

TEST(SelectAll, ListsInTheOrderGiven) {
  EXPECT_EQ(select_all(kMachine, "RTX 4090,llvmpipe"), indices({3, 0}));
  EXPECT_EQ(select_all(kMachine, "2, 780M"), indices({2, 1}));
  EXPECT_EQ(select_all(kMachine, "*"), indices({0, 1, 2, 3}));
  EXPECT_EQ(select_all(kMachine, "4090,*"), indices({3, 0, 1, 2}));  // what was named before is left out
  EXPECT_EQ(select_all(kMachine, "*e*"), indices({0, 1, 2}));
}

TEST(SelectAll, ANameMayHoldACommaItself) {
  const std::vector<Candidate> cpu = {{"llvmpipe (LLVM 15.0.6, 256 bits)", "1", DeviceClass::kCpu, 1, 8},
                                      {"other", "2", DeviceClass::kCpu, 1, 8}};
  EXPECT_EQ(select_all(cpu, "llvmpipe (LLVM 15.0.6, 256 bits)"), indices({0}));
}

TEST(SelectAll, SaysWhatIsWrong) {
  const auto complaint = [](const char* selectors) -> std::pair<ErrorCode, std::string> {
    try {
      select_all(kMachine, selectors);
    } catch (const Error& error) {
      return {error.code(), error.what()};
    }
    return {ErrorCode::kInternal, "no complaint"};
  };
  EXPECT_EQ(complaint("4090,Arc").first, ErrorCode::kNoDevice);
  EXPECT_NE(complaint("4090,Arc").second.find("Tesla M40"), std::string::npos);
  EXPECT_EQ(complaint("9").first, ErrorCode::kNoDevice);
  for (const char* wrong : {"", "0,", ",0", "0,,1", "0,0", "4090,3", "*,0"})
    EXPECT_EQ(complaint(wrong).first, ErrorCode::kInvalidArgument) << wrong;
  EXPECT_NE(complaint("4090,3").second.find("'RTX 4090' twice"), std::string::npos);
}

}  // namespace
}  // namespace motley::placement
