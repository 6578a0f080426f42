// Machines that people have, and what a planner must make of them.
#include <gtest/gtest.h>

#include "placement/cards.hpp"
#include "placement/exhaustive.hpp"

namespace motley::placement::test {
namespace {

bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

bool mentions(const std::vector<std::string>& texts, const std::string& part) {
  return std::ranges::any_of(texts, [&](const std::string& text) { return mentions(text, part); });
}

std::string all(const std::vector<std::string>& texts) {
  std::string joined;
  for (const std::string& text : texts) joined += text + "\n";
  return joined;
}

uint32_t layers_on(const Plan& plan, size_t device) {
  uint32_t layers = 0;
  for (const Stage& stage : plan.stages) {
    if (stage.device == device) layers += stage.last_layer - stage.first_layer + 1;
  }
  return layers;
}

const Alternative& alternative(const Plan& plan, const std::string& name) {
  for (const Alternative& one : plan.alternatives) {
    if (one.plan == name) return one;
  }
  throw std::runtime_error("no alternative " + name);
}

TEST(Scenario, TwelveMoreMebibytesDoNotMakeACardFaster) {
  PlanDevice slower = rtx_3090();
  slower.memory_bytes += 12 * kMiB;
  const Plan plan = make_plan({{slower, rtx_4090()}, {}}, dense_model(80, 22), {});
  ASSERT_TRUE(plan.feasible);
  EXPECT_EQ(layers_on(plan, 1), 80U);
  EXPECT_TRUE(mentions(plan.stages[0].reason, "fastest of the devices (1008 GB/s)")) << plan.stages[0].reason;
  EXPECT_TRUE(mentions(plan.stages[0].reason, "holds the whole model (22.8 GiB of 24.0 GiB)"))
      << plan.stages[0].reason;
  ASSERT_EQ(plan.unused.size(), 1U);
  EXPECT_EQ(plan.unused[0].device, 0U);
  EXPECT_TRUE(mentions(plan.unused[0].reason, "% slower")) << plan.unused[0].reason;
  EXPECT_TRUE(mentions(plan.unused[0].reason, "936 GB/s against 1008 GB/s")) << plan.unused[0].reason;
}

TEST(Scenario, TheTeslaT4BeforeTheOlderM40) {
  const Plan plan = make_plan({{tesla_m40(), tesla_t4()}, {}}, dense_model(40, 12), {});
  ASSERT_TRUE(plan.feasible);
  EXPECT_EQ(layers_on(plan, 1), 40U);
}

TEST(Scenario, AnIntegratedGpuOfManyGibibytesStaysOut) {
  const Plan plan = make_plan({{radeon_780m(31), rtx_3060()}, {}}, dense_model(32, 9), {});
  ASSERT_TRUE(plan.feasible);
  EXPECT_EQ(layers_on(plan, 1), 32U);
}

TEST(Scenario, SpreadOverEqualCardsIsEvenWithTheOutputCounted) {
  Request request;
  request.spread = true;
  const Machine machine{{rtx_3090(), rtx_3090()}, {}};
  Workload workload = dense_model(64, 18);
  const Plan plan = make_plan(machine, workload, request);
  ASSERT_EQ(plan.stages.size(), 2U);
  // The output, a twentieth of the weights, counts like 3.6 layers.
  EXPECT_EQ(plan.stages[0].last_layer + 1, 34U);
  EXPECT_NEAR(plan.stages[0].decode_ms, plan.stages[1].decode_ms, plan.stages[0].decode_ms / 30);
  workload.output.matrices.clear();
  EXPECT_EQ(make_plan(machine, workload, request).stages[0].last_layer + 1, 32U);
}

TEST(Scenario, TheFastestIsFilledFirst) {
  const Plan plan = make_plan({{rx_6600(), rtx_4090()}, {}}, dense_model(60, 27), {});
  ASSERT_TRUE(plan.feasible);
  ASSERT_EQ(plan.stages.size(), 2U);
  EXPECT_GE(layers_on(plan, 1), 46U);  // 0.405 GiB each, beside the output or the embedding
  EXPECT_EQ(plan.host_bytes, 0U);
  const Stage& filled = plan.stages[plan.stages[0].device == 1 ? 0 : 1];
  EXPECT_GT(filled.weights_bytes + filled.kv_bytes + filled.scratch_bytes, 23 * kGiB);
  EXPECT_FALSE(alternative(plan, "best single device").feasible);
  EXPECT_FALSE(alternative(plan, "even split").feasible);
  EXPECT_GT(alternative(plan, "even split").decode_tokens_per_second, 0);
}

TEST(Scenario, ThroughputSharesByThroughputWithinOneLayer) {
  Request request;
  request.objective = Objective::kThroughput;
  const Machine machine{{rtx_4090(), tesla_t4(), rtx_3060()}, {}};
  Workload workload = dense_model(90, 9);
  workload.output.matrices.clear();
  workload.output.dispatches = 0;
  const Plan plan = make_plan(machine, workload, request);
  ASSERT_EQ(plan.stages.size(), 3U);
  const Oracle oracle(machine, workload, Objective::kThroughput);
  double speed = 0;
  for (const PlanDevice& device : machine.devices) {
    speed += 1 / oracle.layer_ms(device, workload.layers[0], false);
  }
  for (size_t device = 0; device < 3; ++device) {
    const double share = 90 / oracle.layer_ms(machine.devices[device], workload.layers[0], false) / speed;
    EXPECT_NEAR(layers_on(plan, device), share, 1.0) << device;
  }
  EXPECT_GT(plan.decode_tokens_per_second,
            1.5 * alternative(plan, "best single device").decode_tokens_per_second);
}

TEST(Scenario, CapacitySharesByMemory) {
  Request request;
  request.objective = Objective::kCapacity;
  const Plan plan = make_plan({{rtx_4090(), rx_6600()}, {}}, dense_model(64, 8), request);
  ASSERT_EQ(plan.stages.size(), 2U);
  EXPECT_NEAR(layers_on(plan, 0), 48, 3);
}

TEST(Scenario, EfficiencyPrefersTheFrugal) {
  Request request;
  request.objective = Objective::kEfficiency;
  const Machine machine{{tesla_m40(), tesla_t4(), software(32)}, {}};
  const Plan plan = make_plan(machine, dense_model(32, 4), request);
  EXPECT_EQ(layers_on(plan, 1), 32U);
  EXPECT_GT(plan.joules_per_token, 0);
  ASSERT_EQ(plan.unused.size(), 2U);
  EXPECT_TRUE(mentions(plan.unused[1].reason, "power is not known")) << plan.unused[1].reason;
}

TEST(Scenario, NothingFitsSaysWhatWould) {
  const Plan plan = make_plan({{rx_6600()}, {}}, dense_model(32, 7.5, 2), {});
  EXPECT_FALSE(plan.feasible);
  EXPECT_TRUE(plan.stages.empty());
  EXPECT_TRUE(mentions(plan.warnings, "the devices have 8.0 GiB usable: 1.8 GiB too little"))
      << all(plan.warnings);
  EXPECT_TRUE(mentions(plan.warnings, "a context of ")) << all(plan.warnings);
  EXPECT_TRUE(mentions(plan.warnings, "bits a weight would fit (now 4.50)")) << all(plan.warnings);
  EXPECT_FALSE(mentions(plan.warnings, "half as many bits")) << all(plan.warnings);
}

TEST(Scenario, WhatIsSaidToFitDoes) {
  const Workload workload = dense_model(32, 7, 1);
  const Plan plan = make_plan({{rx_6600()}, {}}, workload, {});
  ASSERT_FALSE(plan.feasible);
  EXPECT_TRUE(mentions(plan.warnings, "half as many bits")) << all(plan.warnings);
  uint32_t tokens = 0;
  for (const std::string& warning : plan.warnings) {
    if (mentions(warning, "a context of ")) std::sscanf(warning.c_str(), "a context of %u", &tokens);
  }
  ASSERT_GT(tokens, 0U);
  for (const double factor : {0.99, 1.02}) {
    Workload other = workload;
    for (LayerCost& layer : other.layers) {
      layer.kv_bytes = static_cast<uint64_t>(static_cast<double>(layer.kv_bytes) * factor * tokens / 4096);
    }
    EXPECT_EQ(make_plan({{rx_6600()}, {}}, other, {}).feasible, factor < 1);
  }
}

TEST(Scenario, SpilledLayersAreLoud) {
  const Machine machine{{rx_6600()}, {64 * kGiB, 60}};
  const Plan plan = make_plan(machine, dense_model(32, 12), {});
  ASSERT_TRUE(plan.feasible);
  ASSERT_EQ(plan.stages.size(), 1U);
  EXPECT_GT(plan.stages[0].host_layers, 10U);
  EXPECT_EQ(plan.host_bytes, plan.stages[0].host_bytes);
  EXPECT_TRUE(mentions(plan.warnings, "lie in host memory and are read over the link of 'RX 6600'"))
      << all(plan.warnings);
  EXPECT_TRUE(mentions(plan.warnings, "would fit")) << all(plan.warnings);
  // Half of the layers at 12 GB/s cost far more than the others at 224.
  EXPECT_LT(plan.decode_tokens_per_second,
            0.5 * alternative(plan, "best single device").decode_tokens_per_second);
}

TEST(Scenario, TheCpuOrTheLinkWhicheverIsFaster) {
  PlanDevice cpu = software(48);
  const Workload workload = dense_model(32, 12);
  for (const double cpu_gbs : {2.0, 60.0}) {
    cpu.bandwidth_gbs = cpu_gbs;
    const Plan plan = make_plan({{rx_6600(), cpu}, {64 * kGiB, 60}}, workload, {});
    ASSERT_TRUE(plan.feasible);
    EXPECT_EQ(layers_on(plan, 1) > 0, cpu_gbs > 30) << cpu_gbs;
    EXPECT_FALSE(plan.warnings.empty());
  }
  const Plan fits = make_plan({{rtx_4090(), cpu}, {64 * kGiB, 60}}, workload, {});
  EXPECT_EQ(layers_on(fits, 1), 0U);
  EXPECT_TRUE(fits.warnings.empty()) << all(fits.warnings);
}

TEST(Scenario, ACpuAloneIsADeviceLikeAnyOther) {
  const Plan plan = make_plan({{software(16)}, {32 * kGiB, 40}}, dense_model(16, 2), {});
  EXPECT_EQ(layers_on(plan, 0), 16U);
  EXPECT_TRUE(plan.warnings.empty()) << all(plan.warnings);
}

TEST(Scenario, EqualCardsEvenOutThePrefill) {
  // Decoding is as fast however the layers lie; a pipelined prompt is not.
  const Plan plan = make_plan({{rtx_3090(), rtx_3090()}, {}}, dense_model(64, 36), {});
  ASSERT_EQ(plan.stages.size(), 2U);
  EXPECT_NEAR(layers_on(plan, 0), 32, 3);
}

TEST(Scenario, OfEqualBandwidthTheBetterPrefill) {
  PlanDevice plain = rtx_4090();
  plain.matrix_tflops = 60;
  EXPECT_EQ(layers_on(make_plan({{plain, rtx_4090()}, {}}, dense_model(32, 8), {}), 1), 32U);
  EXPECT_EQ(layers_on(make_plan({{rtx_4090(), plain}, {}}, dense_model(32, 8), {}), 0), 32U);
}

TEST(Scenario, SixteenEqualCards) {
  Machine machine;
  for (int i = 0; i < 16; ++i) machine.devices.push_back(rtx_3060());
  const Plan plan = make_plan(machine, dense_model(126, 170, 4), {});
  ASSERT_TRUE(plan.feasible);
  EXPECT_GE(plan.stages.size(), 15U);
}

TEST(Scenario, MissingFiguresAreEstimatedAndSaid) {
  Machine machine{{card("A card", 8, 0, 0, 0, 0)}, {}};
  machine.devices[0].dispatch_us = machine.devices[0].handoff_us = 0;
  const std::vector<std::string> notes = estimate_missing(machine);
  EXPECT_EQ(notes.size(), 5U);
  EXPECT_TRUE(mentions(notes, "link of 'A card' not given: taken as 12 GB/s")) << all(notes);
  EXPECT_TRUE(estimate_missing(machine).empty());
  EXPECT_EQ(machine.devices[0].power_w, 0);
  EXPECT_TRUE(make_plan({{card("A card", 8, 0, 0, 0, 0)}, {}}, dense_model(16, 2), {}).feasible);
}

TEST(Scenario, AMeasuredMatrixRateIsNoEstimate) {
  Machine machine{{rtx_4090()}, {}};
  machine.devices[0].matrix_tflops = 0;
  machine.devices[0].rates = {{"q4_0", 800, 60000}, {"f16", 900, 80000}};
  const std::vector<std::string> notes = estimate_missing(machine);
  EXPECT_TRUE(notes.empty()) << all(notes);
  // What is computed without weights, attention, is as fast as the fastest of those measured.
  EXPECT_DOUBLE_EQ(machine.devices[0].matrix_tflops * 1000 * kMatmatShare, 80000);

  machine.devices[0].matrix_tflops = 0;
  machine.devices[0].rates = {{"q4_0", 800, 0}};
  EXPECT_TRUE(mentions(estimate_missing(machine), "matrix rate of 'RTX 4090' not given"));
}

}  // namespace
}  // namespace motley::placement::test
