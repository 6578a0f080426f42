// The user's word: kept, or an error that says by how much it cannot be.
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "placement/cards.hpp"

namespace motley::placement::test {
namespace {

const Machine kMachine = {{rtx_4090(), rtx_3060(), rx_6600()}, {}};

/// The message of the error that planning gives; empty and a failure when it gives none.
std::string refusal(const Machine& machine, const Workload& workload, const Request& request) {
  try {
    make_plan(machine, workload, request);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

std::string refusal(const Request& request) { return refusal(kMachine, dense_model(32, 6), request); }

void expect_mentions(const std::string& message, const std::string& part) {
  EXPECT_NE(message.find(part), std::string::npos) << "'" << message << "' lacks '" << part << "'";
}

Plan plan(const Request& request) { return make_plan(kMachine, dense_model(32, 6), request); }

TEST(Constraints, OnlyAndExcluded) {
  Request request;
  request.only = {2, 1};
  EXPECT_EQ(plan(request).stages.at(0).device, 1U);
  request.only.clear();
  request.excluded = {0};
  EXPECT_EQ(plan(request).stages.at(0).device, 1U);
  EXPECT_EQ(plan(request).unused.at(0).reason, "excluded as asked");
}

TEST(Constraints, PriorityComesFirstAndIsFilled) {
  Request request;
  request.priority = {2};
  EXPECT_EQ(plan(request).stages.at(0).device, 2U);
  EXPECT_EQ(plan(request).stages.size(), 1U);
  const Plan larger = make_plan(kMachine, dense_model(32, 16), request);
  EXPECT_EQ(larger.stages.at(0).device, 2U);
  EXPECT_GT(larger.stages.at(0).weights_bytes, 6 * kGiB);
  EXPECT_EQ(larger.stages.at(1).device, 0U);
}

TEST(Constraints, SplitIsKept) {
  Request request;
  request.only = {0, 1};
  request.split = {3, 1};
  const Plan result = plan(request);
  ASSERT_EQ(result.stages.size(), 2U);
  EXPECT_EQ(result.stages[0].last_layer, 23U);
  request.split = {0, 1};
  EXPECT_EQ(plan(request).stages.at(0).device, 1U);
}

TEST(Constraints, LayersAreKeptAndADeviceMayComeTwice) {
  Request request;
  request.layers = {{1, 10, 19}, {0, 0, 9}, {0, 20, 31}};
  Workload workload = dense_model(32, 6);
  workload.tied = true;
  workload.output = workload.embedding;
  const Plan result = make_plan(kMachine, workload, request);
  ASSERT_EQ(result.stages.size(), 3U);
  EXPECT_EQ(result.stages[2].device, 0U);
  EXPECT_TRUE(result.stages[2].output);
  // The tied matrix lies on device 0 once.
  const uint64_t matrix = weights_bytes(workload.embedding);
  const uint64_t layer = weights_bytes(workload.layers[0]);
  EXPECT_EQ(result.stages[0].weights_bytes, 10 * layer + matrix);
  EXPECT_EQ(result.stages[2].weights_bytes, 12 * layer);
}

TEST(Constraints, DeviceLayersLeaveTheRestInHostMemory) {
  Machine machine = kMachine;
  machine.host = {32 * kGiB, 60};
  Request request;
  for (const uint32_t wanted : {0U, 10U, 32U, 99U}) {
    request.device_layers = wanted;
    const Plan result = make_plan(machine, dense_model(32, 6), request);
    uint32_t hosted = 0;
    for (const Stage& stage : result.stages) hosted += stage.host_layers;
    EXPECT_EQ(hosted, 32 - std::min(32U, wanted));
  }
  machine.devices.push_back(software(24));
  machine.devices.back().bandwidth_gbs = 50;
  request.device_layers = 10;
  const Plan with_cpu = make_plan(machine, dense_model(32, 6), request);
  ASSERT_EQ(with_cpu.stages.size(), 2U);
  EXPECT_EQ(with_cpu.stages[0].device, 3U);
  EXPECT_EQ(with_cpu.stages[0].last_layer, 21U);
}

TEST(Constraints, LimitsAndReserve) {
  Request request;
  request.max_memory[0] = 4 * kGiB;
  EXPECT_EQ(plan(request).stages.at(0).device, 1U);
  request.max_memory.clear();
  request.reserve_bytes = 20 * kGiB;
  const std::string message = refusal(request);
  expect_mentions(message, "the memory limits leave 4.0 GiB usable; the model takes 6.8 GiB");
  expect_mentions(message, "at least 2.8 GiB too little");
}

TEST(Constraints, UnknownAndContradictoryDevices) {
  Request request;
  request.only = {3};
  expect_mentions(refusal(request), "names device 3; there are 3 devices");
  request.only = {1, 1};
  expect_mentions(refusal(request), "names 'RTX 3060' twice");
  request.only = {1};
  request.excluded = {1};
  expect_mentions(refusal(request), "'RTX 3060' is both excluded and named");
  request = {};
  request.only = {1};
  request.priority = {0};
  expect_mentions(refusal(request), "'RTX 4090' is named by the priority but is not among");
  request = {};
  request.excluded = {0, 1, 2};
  expect_mentions(refusal(request), "no device is left");
  request = {};
  request.max_memory[7] = kGiB;
  expect_mentions(refusal(request), "the memory limit names device 7");
}

TEST(Constraints, LayersThatCannotBe) {
  Request request;
  request.layers = {{0, 0, 9}, {1, 12, 31}};
  expect_mentions(refusal(request), "layers 10-11 are left out");
  request.layers = {{0, 0, 12}, {1, 12, 31}};
  expect_mentions(refusal(request), "overlap");
  request.layers = {{0, 0, 30}};
  expect_mentions(refusal(request), "layers 31-31 are left out");
  request.layers = {{0, 0, 32}};
  expect_mentions(refusal(request), "the model's layers are 0-31");
  request.layers = {{0, 5, 4}};
  expect_mentions(refusal(request), "layers 5-4");
  request.layers = {{0, 0, 4294967295U}};
  expect_mentions(refusal(request), "the model's layers are 0-31");
  request.layers = {{4, 0, 31}};
  expect_mentions(refusal(request), "names device 4");
  request.layers = {{2, 0, 31}};
  const std::string message = refusal(kMachine, dense_model(32, 12), request);
  expect_mentions(message,
                  "the layers given to 'RX 6600' take 12.8 GiB; 8.0 GiB are usable: 4.8 GiB too much");
}

TEST(Constraints, SplitsThatMakeNoSense) {
  Request request;
  request.split = {1, 1};
  expect_mentions(refusal(request), "the split's shares (2) are not as many as the devices (3): '");
  for (const double share : {-1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    request.split = {1, share, 1};
    expect_mentions(refusal(request), "the share of 'RTX 3060'");
  }
  request.split = {0, 0, 0};
  expect_mentions(refusal(request), "one at least must be above 0");
  request.split = {1, 1, 1};
  request.layers = {{0, 0, 31}};
  expect_mentions(refusal(request), "contradict each other");
  request.layers.clear();
  request.excluded = {1};
  expect_mentions(refusal(request), "'RTX 3060' is both excluded and named");
}

TEST(Constraints, DeviceLayersThatCannotBe) {
  Request request;
  request.device_layers = 10;
  expect_mentions(refusal(request), "22 of 32 layers shall lie in host memory, whose size is not given");
  Machine machine = kMachine;
  machine.host = {2 * kGiB, 60};
  expect_mentions(refusal(machine, dense_model(32, 6), request), "it has 2.0 GiB: ");
  machine.host = {256 * kGiB, 60};
  request.device_layers = 60;
  expect_mentions(refusal(machine, dense_model(64, 60), request),
                  "60 layers on devices cannot be: they take 5");
  machine.devices = {software(16)};
  expect_mentions(refusal(machine, dense_model(32, 6), request), "only CPU devices are left");
}

TEST(Constraints, SpreadNeedsALayerForEach) {
  Request request;
  request.spread = true;
  expect_mentions(refusal(kMachine, dense_model(2, 1), request),
                  "2 layers cannot be spread over 3 devices: 1 too few");
}

TEST(Constraints, EfficiencyNeedsPower) {
  Machine machine{{rtx_4090()}, {}};
  machine.devices[0].power_w = 0;
  Request request;
  request.objective = Objective::kEfficiency;
  const std::string message = refusal(machine, dense_model(32, 6), request);
  expect_mentions(message, "'RTX 4090': its power is not known");
}

TEST(Hostile, FiguresThatAreNone) {
  const double nan = std::nan("");
  for (const double bad : {nan, std::numeric_limits<double>::infinity(), -1.0, 1e300, 1e-300}) {
    for (double PlanDevice::*field :
         {&PlanDevice::bandwidth_gbs, &PlanDevice::matrix_tflops, &PlanDevice::link_gbs,
          &PlanDevice::dispatch_us, &PlanDevice::handoff_us, &PlanDevice::power_w}) {
      Machine machine = kMachine;
      machine.devices[1].*field = bad;
      expect_mentions(refusal(machine, dense_model(32, 6), {}), "device 'RTX 3060': ");
    }
    Machine machine = kMachine;
    machine.host.bandwidth_gbs = bad;
    expect_mentions(refusal(machine, dense_model(32, 6), {}), "host: bandwidth_gbs");
    machine = kMachine;
    machine.devices[0].rates = {{"q4_0", bad, 1}};
    expect_mentions(refusal(machine, dense_model(32, 6), {}), "matvec_gbs of q4_0");
  }
  expect_mentions(refusal({}, dense_model(32, 6), {}), "there are no devices");
  Machine machine;
  machine.devices.assign(17, rtx_3060());
  expect_mentions(refusal(machine, dense_model(32, 6), {}), "17 devices given; at most 16");
}

TEST(Hostile, ModelsThatAreNone) {
  Workload workload;
  expect_mentions(refusal(kMachine, workload, {}), "the model has 0 layers");
  workload = dense_model(32, 6);
  workload.layers.resize(513, workload.layers[0]);
  expect_mentions(refusal(kMachine, workload, {}), "the model has 513 layers");
  workload = dense_model(32, 6);
  workload.layers[7].matrices[0].bytes = std::numeric_limits<uint64_t>::max() - 5;
  expect_mentions(refusal(kMachine, workload, {}), "layer 7: bytes");
  workload = dense_model(32, 6);
  workload.layers[7].matrices[0].active_share = 0;
  expect_mentions(refusal(kMachine, workload, {}), "layer 7: active_share");
}

TEST(Hostile, MemoryWithoutEndAndWithoutAny) {
  Machine machine = kMachine;
  for (PlanDevice& device : machine.devices) device.memory_bytes = std::numeric_limits<uint64_t>::max();
  machine.host.memory_bytes = std::numeric_limits<uint64_t>::max();
  for (const Objective objective : {Objective::kLatency, Objective::kThroughput, Objective::kCapacity}) {
    Request request;
    request.objective = objective;
    EXPECT_TRUE(make_plan(machine, dense_model(32, 6), request).feasible);
  }
  for (PlanDevice& device : machine.devices) device.memory_bytes = 0;
  EXPECT_FALSE(make_plan(machine, dense_model(32, 6), {}).feasible);
  Workload nothing;
  nothing.layers.resize(4);
  for (LayerCost& layer : nothing.layers) layer.dispatches = 0;
  nothing.output.dispatches = 0;
  EXPECT_TRUE(make_plan(machine, nothing, {}).feasible);
  Request request;
  request.objective = Objective::kThroughput;
  EXPECT_TRUE(make_plan(machine, nothing, request).feasible);
}

}  // namespace
}  // namespace motley::placement::test
