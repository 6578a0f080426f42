// Every plan there is, one after the other, with the costs worked out afresh from the figures.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <vector>

#include "placement/plan.hpp"

namespace motley::placement::test {

/// One stage as the oracle sees it.
struct Piece {
  size_t device = 0;
  uint32_t begin = 0, end = 0;
  uint32_t hosted = 0;
};

class Oracle {
 public:
  /// No figure of the machine may be missing.
  Oracle(const Machine& machine, const Workload& workload, Objective objective)
      : machine_(machine), workload_(workload), objective_(objective) {}

  uint64_t layer_bytes(uint32_t layer) const {
    return weights_bytes(workload_.layers[layer]) + workload_.layers[layer].kv_bytes;
  }

  /// In the device's memory.
  uint64_t bytes(const Piece& piece) const {
    const bool first = piece.begin == 0;
    const bool last = piece.end == workload_.layers.size();
    const Scratch& scratch = workload_.scratch_on(piece.device);
    uint64_t sum = scratch.bytes + (last ? scratch.output_bytes : 0);
    if (first) sum += weights_bytes(workload_.embedding);
    if (last) {
      sum += first && workload_.tied ? workload_.output.vector_bytes : weights_bytes(workload_.output);
    }
    for (uint32_t layer = piece.begin + piece.hosted; layer < piece.end; ++layer) sum += layer_bytes(layer);
    return sum;
  }

  uint64_t host_bytes(const Piece& piece) const {
    if (is_cpu(piece.device)) return bytes(piece);
    uint64_t sum = 0;
    for (uint32_t layer = piece.begin; layer < piece.begin + piece.hosted; ++layer) sum += layer_bytes(layer);
    return sum;
  }

  bool is_cpu(size_t device) const { return machine_.devices[device].device_class == DeviceClass::kCpu; }

  double rate_gbs(const PlanDevice& device, const std::string& format) const {
    double slowest = std::numeric_limits<double>::infinity();
    for (const FormatRate& rate : device.rates) {
      if (rate.format == format) return rate.matvec_gbs;
      slowest = std::min(slowest, rate.matvec_gbs);
    }
    return device.rates.empty() ? kMatvecShare * device.bandwidth_gbs : slowest;
  }

  double layer_ms(const PlanDevice& device, const LayerCost& layer, bool hosted) const {
    double seconds = 0;
    double read = static_cast<double>(layer.vector_bytes) + 0.5 * static_cast<double>(layer.kv_bytes);
    seconds += read / 1e9 / device.bandwidth_gbs;
    for (const MatrixCost& matrix : layer.matrices) {
      const double active = static_cast<double>(matrix.bytes) * matrix.active_share;
      seconds += active / 1e9 / rate_gbs(device, matrix.format);
      read += active;
    }
    double link_gbs = std::min(device.link_gbs, device.bandwidth_gbs);
    if (machine_.host.bandwidth_gbs > 0) link_gbs = std::min(link_gbs, machine_.host.bandwidth_gbs);
    if (hosted) seconds = std::max(seconds, read / 1e9 / link_gbs);
    return 1e3 * seconds + layer.dispatches * device.dispatch_us / 1e3;
  }

  double decode_ms(const Piece& piece) const {
    const PlanDevice& device = machine_.devices[piece.device];
    double ms = 0;
    for (uint32_t layer = piece.begin; layer < piece.end; ++layer) {
      ms += layer_ms(device, workload_.layers[layer], layer < piece.begin + piece.hosted);
    }
    if (piece.end < workload_.layers.size()) return ms;
    return ms + layer_ms(device, workload_.output, false) + device.handoff_us / 1e3;
  }

  /// Half a device's latency and the token's bytes over its link, for each hand-off it takes part in.
  double handoff_ms(const Piece& piece) const {
    const PlanDevice& device = machine_.devices[piece.device];
    const double part = device.handoff_us / 2e3 +
                        static_cast<double>(workload_.handoff_bytes_per_token) / device.link_gbs / 1e6;
    return (piece.begin > 0 ? part : 0) + (piece.end < workload_.layers.size() ? part : 0);
  }

  /// What the objective wants least of.
  double value(const std::vector<Piece>& pieces) const {
    double sum = 0;
    double largest = 0;
    for (const Piece& piece : pieces) {
      double cost = decode_ms(piece) + handoff_ms(piece);
      if (objective_ == Objective::kThroughput) cost = std::max(decode_ms(piece), handoff_ms(piece));
      if (objective_ == Objective::kEfficiency) cost *= machine_.devices[piece.device].power_w;
      if (objective_ == Objective::kCapacity) {
        cost = static_cast<double>(bytes(piece)) /
               static_cast<double>(machine_.devices[piece.device].memory_bytes);
      }
      sum += cost;
      largest = std::max(largest, cost);
    }
    const bool even = objective_ == Objective::kThroughput || objective_ == Objective::kCapacity;
    return even ? largest : sum;
  }

  /// The least value of all plans over these devices; nothing where none is possible.
  std::optional<double> best(const std::vector<size_t>& devices, bool spill) {
    best_.reset();
    spill_ = spill;
    std::vector<Piece> pieces;
    descend(devices, pieces, 0);
    return best_;
  }

 private:
  void descend(const std::vector<size_t>& left, std::vector<Piece>& pieces, uint32_t begin) {
    const auto layers = static_cast<uint32_t>(workload_.layers.size());
    for (const size_t device : left) {
      std::vector<size_t> others = left;
      std::erase(others, device);
      for (uint32_t end = begin + 1; end <= layers; ++end) {
        Piece piece{device, begin, end, 0};
        const uint64_t usable = machine_.devices[device].memory_bytes;
        const bool may_host = spill_ && !is_cpu(device);
        while (bytes(piece) > usable && may_host && piece.hosted < end - begin) ++piece.hosted;
        if (bytes(piece) > usable) continue;
        pieces.push_back(piece);
        if (end < layers) {
          descend(others, pieces, end);
        } else {
          offer(pieces);
        }
        pieces.pop_back();
      }
    }
  }

  void offer(const std::vector<Piece>& pieces) {
    uint64_t host = 0;
    for (const Piece& piece : pieces) host += host_bytes(piece);
    if (machine_.host.memory_bytes > 0 && host > machine_.host.memory_bytes) return;
    const double found = value(pieces);
    if (!best_ || found < *best_) best_ = found;
  }

  const Machine& machine_;
  const Workload& workload_;
  Objective objective_;
  bool spill_ = false;
  std::optional<double> best_;
};

inline std::vector<Piece> pieces_of(const Plan& plan) {
  std::vector<Piece> pieces;
  for (const Stage& stage : plan.stages) {
    pieces.push_back({stage.device, stage.first_layer, stage.last_layer + 1, stage.host_layers});
  }
  return pieces;
}

}  // namespace motley::placement::test
