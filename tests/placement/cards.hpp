// Real cards and models as plain figures, and random ones.
#pragma once

#include <cstdint>
#include <random>
#include <string>

#include "placement/plan.hpp"

namespace motley::placement::test {

inline constexpr uint64_t kMiB = uint64_t{1} << 20;
inline constexpr uint64_t kGiB = uint64_t{1} << 30;

/// Bandwidth and matrix rates as the makers publish them; power is the board's limit.
inline PlanDevice card(std::string name, double gibibytes, double bandwidth_gbs, double matrix_tflops,
                       double link_gbs, double power_w, DeviceClass device_class = DeviceClass::kDiscrete) {
  PlanDevice device;
  device.name = std::move(name);
  device.device_class = device_class;
  device.memory_bytes = static_cast<uint64_t>(gibibytes * static_cast<double>(kGiB));
  device.bandwidth_gbs = bandwidth_gbs;
  device.matrix_tflops = matrix_tflops;
  device.link_gbs = link_gbs;
  device.dispatch_us = 4;
  device.handoff_us = 60;
  device.power_w = power_w;
  return device;
}

inline PlanDevice rtx_4090() { return card("RTX 4090", 24, 1008, 165, 25, 450); }
inline PlanDevice rtx_3090() { return card("RTX 3090", 24, 936, 71, 25, 350); }
inline PlanDevice tesla_t4() { return card("Tesla T4", 16, 320, 65, 12, 70); }
inline PlanDevice tesla_m40() { return card("Tesla M40", 24, 288, 7, 12, 250); }
inline PlanDevice rtx_3060() { return card("RTX 3060", 12, 360, 51, 12, 170); }
inline PlanDevice rx_6600() { return card("RX 6600", 8, 224, 18, 12, 132); }
inline PlanDevice radeon_780m(double gibibytes) {
  return card("Radeon 780M", gibibytes, 90, 16, 60, 45, DeviceClass::kIntegrated);
}
inline PlanDevice software(double gibibytes) {
  PlanDevice device = card("llvmpipe", gibibytes, 20, 0.1, 10, 0, DeviceClass::kCpu);
  device.dispatch_us = 25;
  return device;
}

/// A dense model of equal layers, `gibibytes` of weights in all, the output a twentieth of that.
inline Workload dense_model(uint32_t layers, double gibibytes, double kv_gibibytes = 0.5) {
  constexpr double kBytesPerWeight = 0.5625;  // 4.5 bits
  const double bytes = gibibytes * static_cast<double>(kGiB);
  const auto matrix = [&](double share) {
    return MatrixCost{"q4_0", static_cast<uint64_t>(bytes * share),
                      static_cast<uint64_t>(bytes * share / kBytesPerWeight), 1};
  };
  Workload workload;
  LayerCost layer;
  layer.matrices = {matrix(0.9 / layers)};
  layer.kv_bytes = static_cast<uint64_t>(kv_gibibytes * static_cast<double>(kGiB) / layers);
  layer.attention_flops_per_position = 4 * 4096;
  workload.layers.assign(layers, layer);
  workload.embedding.matrices = {matrix(0.05)};
  workload.output.matrices = {matrix(0.05)};
  workload.context = 4096;
  workload.batch = 128;
  workload.handoff_bytes_per_token = 4096 * 4;
  workload.scratch = {{.bytes = 200 * kMiB, .output_bytes = 60 * kMiB}};
  return workload;
}

/// Repeatable random figures; the same on every standard library.
class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}
  uint32_t below(uint32_t limit) { return static_cast<uint32_t>(engine_() % limit); }
  double real(double low, double high) {
    return low + (high - low) * (static_cast<double>(engine_()) / 4294967296.0);
  }
  bool one_in(uint32_t count) { return below(count) == 0; }

 private:
  std::mt19937 engine_;
};

/// Layers of unlike sizes and formats; sometimes of equal ones, as models have.
inline Scratch random_scratch(Random& random) {
  return {.bytes = static_cast<uint64_t>(random.real(1, 50)) * kMiB,
          .output_bytes = static_cast<uint64_t>(random.real(1, 50)) * kMiB};
}

inline Workload random_model(Random& random, uint32_t layers) {
  const char* const formats[] = {"q4_0", "q6_k", "f16"};
  const auto matrix = [&](double mebibytes) {
    const uint32_t format = random.below(3);
    const auto bytes = static_cast<uint64_t>(mebibytes * static_cast<double>(kMiB));
    return MatrixCost{formats[format], bytes, bytes * 2 / (format + 1), random.one_in(4) ? 0.25 : 1.0};
  };
  Workload workload;
  const bool equal = random.one_in(3);
  const double size = random.real(5, 300);
  for (uint32_t i = 0; i < layers; ++i) {
    LayerCost layer;
    layer.matrices = {matrix(size * random.real(0.5, 1.5)), matrix(size * random.real(0.1, 0.4))};
    layer.vector_bytes = 32768;
    layer.kv_bytes = static_cast<uint64_t>(size * random.real(0.05, 0.3) * static_cast<double>(kMiB));
    layer.attention_flops_per_position = 16384;
    workload.layers.push_back(equal && i > 0 ? workload.layers[0] : layer);
  }
  workload.embedding.matrices = {matrix(size * random.real(0.1, 2))};
  workload.tied = random.one_in(2);
  workload.output = workload.embedding;
  if (!workload.tied) workload.output.matrices = {matrix(size * random.real(0.1, 2))};
  workload.context = 4096;
  workload.batch = random.one_in(2) ? 64 : 512;
  workload.handoff_bytes_per_token = 16384;
  workload.scratch = {random_scratch(random)};
  return workload;
}

inline PlanDevice random_device(Random& random, double model_gibibytes, const std::string& name) {
  PlanDevice device = card(name, model_gibibytes * random.real(0.1, 1.3), random.real(50, 1500),
                           random.real(3, 300), random.real(3, 50), random.real(40, 500));
  device.dispatch_us = random.real(1, 20);
  device.handoff_us = random.real(10, 500);
  if (random.one_in(2)) {
    device.rates = {{"q4_0", device.bandwidth_gbs * random.real(0.3, 0.9), 1000 * random.real(1, 100)},
                    {"q6_k", device.bandwidth_gbs * random.real(0.3, 0.9), 1000 * random.real(1, 100)}};
  }
  return device;
}

/// Kernels of one machine's devices need not take the same scratch memory.
inline void vary_scratch(Random& random, const Machine& machine, Workload& workload) {
  if (random.one_in(2)) return;
  workload.scratch.resize(machine.devices.size(), workload.scratch[0]);
  for (Scratch& scratch : workload.scratch)
    if (random.one_in(2)) scratch = random_scratch(random);
}

inline double gibibytes_of(const Workload& workload) {
  uint64_t bytes = weights_bytes(workload.embedding) + weights_bytes(workload.output);
  for (const LayerCost& layer : workload.layers) bytes += weights_bytes(layer) + layer.kv_bytes;
  return static_cast<double>(bytes) / static_cast<double>(kGiB);
}

}  // namespace motley::placement::test
