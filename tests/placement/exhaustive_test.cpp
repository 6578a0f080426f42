// The planner against every plan there is, on small random machines.
#include "placement/exhaustive.hpp"

#include <gtest/gtest.h>

#include "placement/cards.hpp"

namespace motley::placement::test {
namespace {

constexpr Objective kObjectives[] = {Objective::kLatency, Objective::kThroughput, Objective::kCapacity,
                                     Objective::kEfficiency};

std::vector<size_t> devices_of(const Machine& machine, bool cpu) {
  std::vector<size_t> devices;
  for (size_t i = 0; i < machine.devices.size(); ++i) {
    if ((machine.devices[i].device_class == DeviceClass::kCpu) == cpu) devices.push_back(i);
  }
  return devices;
}

TEST(Exhaustive, NoPlanIsBetterByMoreThanAThousandth) {
  int feasible = 0;
  int several = 0;
  for (uint32_t seed = 0; seed < 800; ++seed) {
    Random random(seed);
    Workload workload = random_model(random, 1 + random.below(10));
    Machine machine;
    const uint32_t count = 1 + random.below(4);
    for (uint32_t i = 0; i < count; ++i) {
      const bool again = i > 0 && random.one_in(4);
      machine.devices.push_back(again ? machine.devices.back()
                                      : random_device(random, gibibytes_of(workload), "card"));
    }
    vary_scratch(random, machine, workload);
    for (const Objective objective : kObjectives) {
      Request request;
      request.objective = objective;
      const Plan plan = make_plan(machine, workload, request);
      Oracle oracle(machine, workload, objective);
      const auto best = oracle.best(devices_of(machine, false), false);
      ASSERT_EQ(plan.feasible, best.has_value()) << "seed " << seed;
      if (!best) continue;
      ++feasible;
      if (plan.stages.size() > 1) ++several;
      const double value = oracle.value(pieces_of(plan));
      EXPECT_LE(value, *best * 1.001) << "seed " << seed << " objective " << static_cast<int>(objective);
      EXPECT_GE(value, *best * (1 - 1e-9)) << "seed " << seed << ": an impossible plan?";
      EXPECT_LE(plan.gap, 2.1e-4) << "seed " << seed;
    }
  }
  // The machines must be such that there is something to choose.
  EXPECT_GT(feasible, 1500);
  EXPECT_GT(several, 800);
}

/// Machines with CPU devices and host memory, often too small.
TEST(Exhaustive, LayersInHostMemory) {
  int spilled = 0;
  int on_cpu = 0;
  int infeasible = 0;
  for (uint32_t seed = 0; seed < 600; ++seed) {
    Random random(10000 + seed);
    Workload workload = random_model(random, 1 + random.below(8));
    const double size = gibibytes_of(workload);
    Machine machine;
    const uint32_t count = 1 + random.below(2);
    for (uint32_t i = 0; i < count; ++i) {
      machine.devices.push_back(random_device(random, size * 0.5, "card"));
    }
    const uint32_t cpus = random.below(3);
    for (uint32_t i = 0; i < cpus; ++i) {
      machine.devices.push_back(software(size * random.real(0.2, 1.2)));
      machine.devices.back().bandwidth_gbs = random.real(5, 60);
    }
    machine.host.memory_bytes = static_cast<uint64_t>(size * random.real(0.2, 1.5) * double(kGiB));
    vary_scratch(random, machine, workload);
    machine.host.bandwidth_gbs = random.real(5, 60);
    for (PlanDevice& device : machine.devices) {
      if (device.device_class != DeviceClass::kCpu) continue;
      device.memory_bytes = std::min(device.memory_bytes, machine.host.memory_bytes);
    }
    const Plan plan = make_plan(machine, workload, {});
    Oracle oracle(machine, workload, Objective::kLatency);
    const std::vector<size_t> gpus = devices_of(machine, false);
    std::vector<size_t> all = gpus;
    for (const size_t cpu : devices_of(machine, true)) all.push_back(cpu);
    const bool fits = oracle.best(gpus, false).has_value();
    const auto best = oracle.best(all, !fits);
    ASSERT_EQ(plan.feasible, best.has_value()) << "seed " << seed;
    if (!best) {
      ++infeasible;
      continue;
    }
    EXPECT_LE(oracle.value(pieces_of(plan)), *best * 1.001) << "seed " << seed;
    EXPECT_GE(oracle.value(pieces_of(plan)), *best * (1 - 1e-9)) << "seed " << seed;
    uint64_t host_bytes = 0;
    for (const Piece& piece : pieces_of(plan)) {
      host_bytes += oracle.host_bytes(piece);
      if (piece.hosted > 0) ++spilled;
      if (oracle.is_cpu(piece.device)) ++on_cpu;
    }
    EXPECT_EQ(host_bytes, plan.host_bytes);
    EXPECT_LE(host_bytes, machine.host.memory_bytes);
    EXPECT_EQ(host_bytes > 0 && !fits, !plan.warnings.empty()) << "seed " << seed;
  }
  EXPECT_GT(spilled, 50);
  EXPECT_GT(on_cpu, 50);
  EXPECT_GT(infeasible, 20);
}

}  // namespace
}  // namespace motley::placement::test
