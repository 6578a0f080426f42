#include "kernels/top_k.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.hpp"
#include "kernels/fixture.hpp"

namespace motley::kernels {
namespace {

using Entries = std::vector<std::pair<uint32_t, float>>;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

Entries sorted_entries(std::span<const float> logits, uint32_t k) {
  std::vector<uint32_t> ids(logits.size());
  std::iota(ids.begin(), ids.end(), 0U);
  std::stable_sort(ids.begin(), ids.end(), [&](uint32_t a, uint32_t b) { return logits[a] > logits[b]; });
  Entries entries;
  for (const uint32_t id : std::span(ids).first(std::min<size_t>(k, ids.size())))
    entries.emplace_back(id, logits[id]);
  return entries;
}

class TopKTest : public test::KernelTest {
 protected:
  /// What top_k writes for these logits.
  std::vector<uint32_t> find(std::span<const float> logits, uint32_t k) {
    const vk::Buffer logits_buffer = upload(logits);
    const vk::Buffer out(device(), top_k_bytes(k), vk::MemoryUse::kShared, "test data");
    std::ranges::fill(out.mapped_as<uint32_t>(), 0xFFFFFFFFU);
    run([&](vk::CommandList& commands) {
      top_k(context(), commands, logits_buffer, static_cast<uint32_t>(logits.size()), k, out);
    });
    const std::span<const uint32_t> words = out.mapped_as<uint32_t>();
    return {words.begin(), words.end()};
  }

  void check(std::span<const float> logits, uint32_t k) {
    const std::optional<Entries> got = read_top_k(find(logits, k), k);
    ASSERT_TRUE(got.has_value()) << logits.size() << " logits, k " << k;
    const Entries wanted = sorted_entries(logits, k);
    ASSERT_EQ(got->size(), wanted.size()) << logits.size() << " logits, k " << k;
    for (size_t i = 0; i < wanted.size(); ++i) {
      ASSERT_EQ((*got)[i].first, wanted[i].first) << logits.size() << " logits, k " << k << ", place " << i;
      ASSERT_EQ(std::bit_cast<uint32_t>((*got)[i].second), std::bit_cast<uint32_t>(wanted[i].second));
    }
  }
};

TEST_P(TopKTest, LargestOfRandomLogits) {
  for (const uint32_t count : {1U, 2U, 7U, 255U, 1000U, 5003U}) {
    const std::vector<float> logits = test::random_values(count, count, 5.0F);
    for (const uint32_t k : {1U, 2U, 40U, 256U}) check(logits, k);
  }
}

TEST_P(TopKTest, AnyWorkgroup) {
  const std::vector<float> logits = test::random_values(3001, 3, 5.0F);
  // The large ones share few of the kernel's slots, whose own largest then tell little.
  std::vector<float> uneven = logits;
  for (size_t i = 0; i < uneven.size(); ++i) uneven[i] += i % 256 < 20 ? 100.0F : 0.0F;
  for (const uint32_t workgroup : {1U, 16U, 33U, 128U}) {
    context().profile.workgroup = workgroup;
    for (const uint32_t k : {1U, 16U, 40U, 256U}) {
      check(logits, k);
      check(uneven, k);
    }
  }
}

TEST_P(TopKTest, TheLargestVocabularies) {
  std::vector<float> logits = test::random_values(262144, 17);
  check(logits, 40);
  // Lavapipe ends loops early after 65,535 turns; here every loop runs.
  for (size_t i = 0; i < logits.size(); ++i) logits[i] += i % 256 < 20 ? 100.0F : 0.0F;
  check(logits, 40);
  check(logits, 256);
}

TEST_P(TopKTest, LogitsInOrder) {
  std::vector<float> logits(4000);
  for (size_t i = 0; i < logits.size(); ++i) logits[i] = -50.0F + 0.025F * static_cast<float>(i);
  check(logits, 50);
  std::ranges::reverse(logits);
  check(logits, 50);
  for (size_t i = 0; i < logits.size(); ++i) logits[i] = -1.0F - static_cast<float>(i % 97);
  check(logits, 41);
}

TEST_P(TopKTest, SmallestStepsBetweenLogits) {
  std::vector<float> logits(3000);
  const uint32_t middle = std::bit_cast<uint32_t>(-1.0F);
  for (uint32_t i = 0; i < logits.size(); ++i) logits[i] = std::bit_cast<float>(middle + (i * 7919) % 3000);
  for (const uint32_t k : {1U, 3U, 200U}) check(logits, k);
}

TEST_P(TopKTest, EqualsComeByRisingId) {
  std::vector<float> logits = test::random_values(5000, 11);
  for (float& logit : logits) logit = std::round(logit * 20.0F);
  for (const uint32_t k : {1U, 10U, 100U}) check(logits, k);
  logits.assign(100, 2.5F);
  check(logits, 1);
  check(logits, 100);
  check({{-1.0F, -0.0F, 0.0F, -3.0F, 0.0F}}, 1);
  check({{-1.0F, 0.0F, -0.0F, -3.0F, 0.0F}}, 2);
}

TEST_P(TopKTest, TooManyEqualsAreReported) {
  std::vector<float> logits(2000, 1.0F);
  for (const uint32_t k : {1U, 40U, 256U}) {
    EXPECT_EQ(read_top_k(find(logits, k), k), std::nullopt) << "k " << k;
  }
  logits[1234] = 2.0F;
  check(logits, 1);
  EXPECT_EQ(read_top_k(find(logits, 2), 2), std::nullopt);
  EXPECT_EQ(read_top_k_counts(find(logits, 2)).found, 2000U);
}

TEST_P(TopKTest, InfinitiesAndTinyLogits) {
  std::vector<float> logits(600, -kInfinity);
  logits[500] = -3.4e38F;
  logits[400] = -1e-42F;  // subnormal
  logits[300] = 1e-42F;
  logits[200] = 3.4e38F;
  logits[100] = kInfinity;
  check(logits, 1);
  check(logits, 5);
  EXPECT_EQ(read_top_k(find(logits, 6), 6), std::nullopt);
  logits.resize(200);
  check(logits, 150);
}

TEST_P(TopKTest, NanIsReported) {
  std::vector<float> logits = test::random_values(1000, 13);
  logits[7] = kNan;
  logits[8] = -kNan;
  logits[999] = std::bit_cast<float>(0x7F800001U);
  for (const uint32_t k : {1U, 30U}) {
    const std::vector<uint32_t> out = find(logits, k);
    EXPECT_EQ(read_top_k_counts(out).nans, 3U);
    EXPECT_EQ(read_top_k(out, k), std::nullopt);
  }
  logits.assign(10, kNan);
  EXPECT_EQ(read_top_k_counts(find(logits, 4)).nans, 10U);
  EXPECT_EQ(read_top_k_counts(find(logits, 4)).found, 0U);
}

TEST_P(TopKTest, RefusesWhatDoesNotFit) {
  const vk::Buffer logits = zeros(10);
  const vk::Buffer out(device(), top_k_bytes(3), vk::MemoryUse::kShared, "test data");
  vk::CommandList commands(device());
  EXPECT_THROW(top_k(context(), commands, logits, 10, 0, out), Error);
  EXPECT_THROW(top_k(context(), commands, logits, 10, kMaxTopK + 1, out), Error);
  EXPECT_THROW(top_k(context(), commands, logits, 11, 3, out), Error);
  EXPECT_THROW(top_k(context(), commands, logits, 0, 3, out), Error);
  EXPECT_THROW(top_k(context(), commands, logits, 10, 4, out), Error);
  EXPECT_THROW(read_top_k(std::vector<uint32_t>(2), 1), Error);
}

MOTLEY_ON_EVERY_DEVICE(TopKTest);

}  // namespace
}  // namespace motley::kernels
