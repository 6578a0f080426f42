// Machines too large to try every plan: what must hold of any plan, and how long planning takes.
#include <cstdio>
#include <ctime>

#include <gtest/gtest.h>

#include "placement/cards.hpp"
#include "placement/exhaustive.hpp"

namespace motley::placement::test {
namespace {

const Stage& stage_of(const Plan& plan, const Piece& piece) {
  return *std::ranges::find(plan.stages, piece.begin, &Stage::first_layer);
}

double milliseconds_to_plan(const Machine& machine, const Workload& workload, const Request& request,
                            Plan& plan) {
  const std::clock_t start = std::clock();
  plan = make_plan(machine, workload, request);
  return 1000.0 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

/// 16 devices, all different, whose memory together is `room` times what the model needs.
Machine sixteen(Random& random, const Workload& workload, double room) {
  Machine machine;
  for (int i = 0; i < 16; ++i) {
    machine.devices.push_back(random_device(random, gibibytes_of(workload), "card"));
  }
  double sum = 0;
  for (const PlanDevice& device : machine.devices) sum += static_cast<double>(device.memory_bytes);
  const double factor = room * gibibytes_of(workload) * static_cast<double>(kGiB) / sum;
  for (PlanDevice& device : machine.devices) {
    device.memory_bytes =
        static_cast<uint64_t>(static_cast<double>(device.memory_bytes) * factor) + workload.scratch[0].bytes;
  }
  return machine;
}

Workload unequal_layers(Random& random) {
  Workload workload = random_model(random, 128);
  for (LayerCost& layer : workload.layers) {
    layer.matrices[0].bytes += random.below(20) * kMiB;
    layer.matrices[0].weights += random.below(20) * kMiB;
  }
  return workload;
}

/// Seldom 16: those take longest.
Machine random_machine(Random& random, const Workload& workload) {
  Machine machine;
  const uint32_t count = random.one_in(8) ? 16 : 1 + random.below(9);
  for (uint32_t i = 0; i < count; ++i) {
    const bool again = i > 0 && random.one_in(4);
    machine.devices.push_back(again ? machine.devices.back()
                                    : random_device(random, gibibytes_of(workload), "card"));
    if (random.one_in(2)) machine.devices.back().memory_bytes /= count;
  }
  return machine;
}

void expect_sound(const Machine& machine, const Workload& workload, const Plan& plan) {
  const Oracle oracle(machine, workload, plan.objective);
  uint32_t next = 0;
  double sum_ms = 0;
  double largest_ms = 0;
  for (const Piece& piece : pieces_of(plan)) {
    EXPECT_EQ(piece.begin, next);
    EXPECT_GT(piece.end, piece.begin);
    next = piece.end;
    const Stage& stage = stage_of(plan, piece);
    EXPECT_EQ(oracle.bytes(piece), stage.weights_bytes + stage.kv_bytes + stage.scratch_bytes);
    EXPECT_LE(oracle.bytes(piece), machine.devices[piece.device].memory_bytes);
    EXPECT_EQ(stage.embedding, piece.begin == 0);
    EXPECT_EQ(stage.output, piece.end == workload.layers.size());
    EXPECT_NEAR(stage.decode_ms, oracle.decode_ms(piece), 1e-9 * stage.decode_ms);
    EXPECT_FALSE(stage.reason.empty());
    sum_ms += oracle.decode_ms(piece) + oracle.handoff_ms(piece);
    largest_ms = std::max({largest_ms, oracle.decode_ms(piece), oracle.handoff_ms(piece)});
  }
  EXPECT_EQ(next, workload.layers.size());
  const double step_ms = plan.objective == Objective::kThroughput ? largest_ms : sum_ms;
  EXPECT_NEAR(plan.decode_tokens_per_second, 1000 / step_ms, 1e-6 / step_ms);
  EXPECT_GT(plan.prefill_tokens_per_second, 0);
  EXPECT_EQ(plan.stages.size() + plan.unused.size(), machine.devices.size());
  EXPECT_EQ(plan.alternatives.size(), 4U);
}

TEST(Large, AnyPlanIsSound) {
  int feasible = 0;
  for (uint32_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    Random random(20000 + seed);
    Workload workload = random_model(random, 1 + random.below(128));
    const Machine machine = random_machine(random, workload);
    vary_scratch(random, machine, workload);
    Request request;
    request.objective = static_cast<Objective>(random.below(4));
    const Plan plan = make_plan(machine, workload, request);
    if (!plan.feasible) continue;
    ++feasible;
    expect_sound(machine, workload, plan);
  }
  EXPECT_GT(feasible, 100);
}

TEST(Large, MoreIsNeverSlower) {
  for (uint32_t seed = 0; seed < 120; ++seed) {
    SCOPED_TRACE(seed);
    Random random(30000 + seed);
    const Workload workload = random_model(random, 1 + random.below(64));
    Machine machine = random_machine(random, workload);
    if (machine.devices.size() > 8) machine.devices.resize(8);
    Request request;
    if (random.one_in(2)) request.objective = Objective::kThroughput;
    const double before = make_plan(machine, workload, request).decode_tokens_per_second;
    Machine more = machine;
    PlanDevice& grown = more.devices[random.below(static_cast<uint32_t>(more.devices.size()))];
    grown.memory_bytes += grown.memory_bytes / 4;
    EXPECT_GE(make_plan(more, workload, request).decode_tokens_per_second, before * 0.999);
    more = machine;
    more.devices.push_back(random_device(random, gibibytes_of(workload), "another"));
    EXPECT_GE(make_plan(more, workload, request).decode_tokens_per_second, before * 0.999);
  }
}

TEST(Large, EffortNarrowsTheGap) {
  Random random(77);
  const Workload workload = unequal_layers(random);
  const Machine machine = sixteen(random, workload, 1.3);
  Request request;
  const Plan quick = make_plan(machine, workload, request);
  request.effort = 40;
  const Plan thorough = make_plan(machine, workload, request);
  EXPECT_GT(quick.gap, 0.001);  // as hard as it gets
  EXPECT_LT(thorough.gap, quick.gap);
  EXPECT_GE(thorough.decode_tokens_per_second, quick.decode_tokens_per_second * 0.999);
  EXPECT_LE(thorough.decode_tokens_per_second, quick.decode_tokens_per_second / (1 - quick.gap - 0.001));
}

TEST(Large, SixteenDevicesInTime) {
  constexpr double kLimitMs = 10;
  constexpr double kBusyMachine = 20;
  for (const Objective objective :
       {Objective::kLatency, Objective::kThroughput, Objective::kCapacity, Objective::kEfficiency}) {
    double longest_ms = 0;
    double widest_gap = 0;
    for (const double room : {1.02, 1.1, 1.3, 2.0, 5.0, 20.0}) {
      for (uint32_t seed = 0; seed < 4; ++seed) {
        Random random(77 + seed);
        const Workload workload = unequal_layers(random);
        const Machine machine = sixteen(random, workload, room);
        Request request;
        request.objective = objective;
        Plan plan;
        const double ms = milliseconds_to_plan(machine, workload, request, plan);
        if (std::getenv("V"))
          printf("  room %.2f seed %u: %.2f ms feasible %d stages %zu gap %.5f\n", room, seed, ms,
                 plan.feasible, plan.stages.size(), plan.gap);
        longest_ms = std::max(longest_ms, ms);
        widest_gap = std::max(widest_gap, plan.gap);
      }
    }
    std::printf("objective %d: longest %.1f ms, widest gap %.4f %%\n", static_cast<int>(objective),
                longest_ms, 100 * widest_gap);
    EXPECT_LE(longest_ms, kLimitMs * kBusyMachine);
  }
}

}  // namespace
}  // namespace motley::placement::test
