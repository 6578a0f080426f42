// Machines too large to try every plan: what must hold of any plan, and how long planning takes.
#include <chrono>
#include <cstdio>

#include <gtest/gtest.h>

#include "placement/cards.hpp"
#include "placement/exhaustive.hpp"

namespace motley::placement::test {
namespace {

double milliseconds_to_plan(const Machine& machine, const Workload& workload, const Request& request,
                            Plan& plan) {
  const auto start = std::chrono::steady_clock::now();
  plan = make_plan(machine, workload, request);
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
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
        static_cast<uint64_t>(static_cast<double>(device.memory_bytes) * factor) + workload.scratch_bytes;
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
