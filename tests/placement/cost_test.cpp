// What times are made of, worked out by hand; and the chunks that prompts are cut into.
#include "placement/cost.hpp"

#include <gtest/gtest.h>

#include "placement/cards.hpp"

namespace motley::placement::test {
namespace {

/// One layer of one matrix: 1e9 bytes, 2e9 weights.
Workload one_matrix() {
  Workload workload;
  LayerCost layer;
  layer.matrices = {{"q4_0", 1'000'000'000, 2'000'000'000, 1, 7}};
  layer.dispatches = 13;
  workload.layers = {layer};
  workload.context = 2000;
  workload.batch = 512;
  return workload;
}

PlanDevice plain_card() {
  PlanDevice device = card("card", 24, 1000, 100, 25, 300);
  device.dispatch_us = 5;
  device.rates = {{"q4_0", 500, 50000, 0, 0}};
  return device;
}

double decode_ms(const PlanDevice& device, const Workload& workload) {
  return CostModel({{device}, {}}, workload).decode(0).stage(0, 0, 1) -
         CostModel({{device}, {}}, workload).decode(0).output;
}

double prefill_ms(const PlanDevice& device, const Workload& workload) {
  const CostModel costs({{device}, {}}, workload);
  return costs.prefill(0).stage(0, 0, 1) - costs.prefill(0).output;
}

TEST(Cost, AProductCostsADispatchOrWhatItWasMeasuredTo) {
  PlanDevice device = plain_card();
  const double read_ms = 2;  // 1e9 bytes at 500 GB/s
  EXPECT_NEAR(decode_ms(device, one_matrix()), read_ms + 13 * 0.005, 1e-9);
  device.rates[0].product_us = 3;  // many at once cost less than one that waits
  EXPECT_NEAR(decode_ms(device, one_matrix()), read_ms + 13 * 0.005, 1e-9);
  device.rates[0].product_us = 20;
  EXPECT_NEAR(decode_ms(device, one_matrix()), read_ms + 6 * 0.005 + 7 * 0.020, 1e-9);
}

TEST(Cost, AttentionIsReadingTheCacheOrItsArithmetic) {
  Workload workload = one_matrix();
  const PlanDevice plain = plain_card();
  const double without = decode_ms(plain, workload);
  workload.layers[0].kv_bytes = 100'000'000;
  workload.layers[0].attention_flops_per_position = 1'000'000;
  // Half of the cache at 1000 GB/s.
  EXPECT_NEAR(decode_ms(plain, workload) - without, 0.05, 1e-9);
  PlanDevice slow = plain;
  slow.decode_attention_gflops = 1;  // 1000 positions of 1e6
  EXPECT_NEAR(decode_ms(slow, workload) - without, 1000, 1e-6);
  PlanDevice fast = plain;
  fast.decode_attention_gflops = 1e6;
  EXPECT_NEAR(decode_ms(fast, workload) - without, 0.05, 1e-9);
}

TEST(Cost, VectorsHaveARateOfTheirOwn) {
  Workload workload = one_matrix();
  PlanDevice device = plain_card();
  const double decode = decode_ms(device, workload);
  const double prefill = prefill_ms(device, workload);
  workload.layers[0].activation_bytes_per_token = 1'000'000;
  device.activation_gbs = 10;
  EXPECT_NEAR(decode_ms(device, workload) - decode, 0.1, 1e-9);
  EXPECT_NEAR(prefill_ms(device, workload) - prefill, 512 * 0.1, 1e-6);
}

TEST(Cost, ProductsOfChunksLieBetweenThoseOfFewAndOfManyTokens) {
  Workload workload = one_matrix();
  PlanDevice device = plain_card();
  device.dispatch_us = 1e-6;
  device.rates[0] = {"q4_0", 500, 50000, 20000, 1e-6};
  const double few_ms = 2 * 2e9 * 32 / 20000e6;    // 6.4
  const double many_ms = 2 * 2e9 * 512 / 50000e6;  // 40.96
  EXPECT_NEAR(prefill_ms(device, workload), many_ms, 1e-6);
  workload.batch = 32;
  EXPECT_NEAR(prefill_ms(device, workload), 16 * few_ms, 1e-6);
  workload.batch = 272;  // the middle; two chunks hold 512 tokens
  EXPECT_NEAR(prefill_ms(device, workload), 2 * (few_ms + many_ms) / 2, 1e-6);
}

TEST(Cost, TheEndOfATokenIsWaitedFor) {
  const PlanDevice device = plain_card();
  const CostModel costs({{device}, {}}, one_matrix());
  // A layer without matrices is 12 dispatches; then comes the latency.
  EXPECT_NEAR(costs.decode(0).output, 12 * 0.005 + 0.060, 1e-9);
}

TEST(Chunks, OneDeviceTakesAllAtOnceAndSeveralTakeTurns) {
  Workload workload = dense_model(32, 8);
  workload.batch = 0;
  workload.scratch[0].token_bytes = kMiB / 10;
  const Plan one = make_plan({{rtx_3090()}, {}}, workload, {});
  EXPECT_EQ(one.chunk_tokens, 512U);
  EXPECT_EQ(one.stages[0].scratch_bytes, workload.scratch[0].bytes + workload.scratch[0].output_bytes);
  Request spread;
  spread.spread = true;
  const Machine two{{rtx_3090(), rtx_3090()}, {}};
  const Plan several = make_plan(two, workload, spread);
  EXPECT_LT(several.chunk_tokens, 512U);
  EXPECT_EQ(several.stages[0].scratch_bytes,
            workload.scratch[0].bytes - (512 - several.chunk_tokens) * workload.scratch[0].token_bytes);
  // No other size is predicted to be faster.
  for (uint32_t batch = 512; batch >= 32; batch /= 2) {
    workload.batch = batch;
    const Plan fixed = make_plan(two, workload, spread);
    EXPECT_EQ(fixed.chunk_tokens, batch);
    if (fixed.stages[0].last_layer == several.stages[0].last_layer) {
      EXPECT_LE(fixed.prefill_tokens_per_second, several.prefill_tokens_per_second * (1 + 1e-9));
    }
  }
}

TEST(Chunks, TheDearerAChunkTheFewer) {
  Workload workload = dense_model(32, 8);
  workload.batch = 0;
  Request spread;
  spread.spread = true;
  PlanDevice device = rtx_3090();
  device.dispatch_us = 0.1;
  device.handoff_us = 1;
  const uint32_t cheap = make_plan({{device, device}, {}}, workload, spread).chunk_tokens;
  device.handoff_us = 50000;
  const uint32_t dear = make_plan({{device, device}, {}}, workload, spread).chunk_tokens;
  EXPECT_LT(cheap, dear);
}

TEST(Chunks, AreNoLongerThanTheContext) {
  Workload workload = dense_model(8, 1);
  workload.batch = 0;
  workload.context = 100;
  EXPECT_EQ(chunk_sizes(workload), (std::vector<uint32_t>{64, 32}));
  workload.context = 5;
  EXPECT_EQ(chunk_sizes(workload), std::vector<uint32_t>{5});
  workload.batch = 3;
  EXPECT_EQ(chunk_sizes(workload), std::vector<uint32_t>{3});
}

}  // namespace
}  // namespace motley::placement::test
