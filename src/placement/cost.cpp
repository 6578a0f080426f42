#include "placement/cost.hpp"

#include <algorithm>

namespace motley::placement {
namespace {

constexpr double kMsPerUs = 1e-3;

/// ms for so many bytes at so many 1e9 bytes per second; also for FLOPs and GFLOP/s.
double ms(double amount, double giga_per_second) { return amount / (giga_per_second * 1e6); }

/// One device's speed with each format.
class Rates {
 public:
  explicit Rates(const PlanDevice& device)
      : device_(device),
        matvec_gbs_(device.bandwidth_gbs * kMatvecShare),
        matmat_gflops_(device.matrix_tflops * 1000 * kMatmatShare) {
    // A format that was not measured is taken to be like the slowest that was.
    bool first_matvec = true;
    bool first_matmat = true;
    for (const FormatRate& rate : device.rates) {
      take_slowest(matvec_gbs_, rate.matvec_gbs, first_matvec);
      take_slowest(matmat_gflops_, rate.matmat_gflops, first_matmat);
    }
  }

  double matvec_gbs(const std::string& format) const {
    return find(format, &FormatRate::matvec_gbs, matvec_gbs_);
  }
  double matmat_gflops(const std::string& format) const {
    return find(format, &FormatRate::matmat_gflops, matmat_gflops_);
  }
  /// For arithmetic without weights (attention).
  double attention_gflops() const { return device_.matrix_tflops * 1000 * kMatmatShare; }

 private:
  static void take_slowest(double& slowest, double rate, bool& first) {
    if (rate == 0) return;
    slowest = first ? rate : std::min(slowest, rate);
    first = false;
  }
  double find(const std::string& format, double FormatRate::*figure, double otherwise) const {
    for (const FormatRate& rate : device_.rates) {
      if (rate.format == format && rate.*figure > 0) return rate.*figure;
    }
    return otherwise;
  }

  const PlanDevice& device_;
  double matvec_gbs_, matmat_gflops_;
};

struct LayerTimes {
  double resident = 0, hosted = 0;
};

class DeviceCost {
 public:
  DeviceCost(const PlanDevice& device, const Host& host, uint32_t chunks)
      : device_(device),
        rates_(device),
        chunks_(chunks),
        link_gbs_(std::min(device.link_gbs, device.bandwidth_gbs)) {
    if (host.bandwidth_gbs > 0) link_gbs_ = std::min(link_gbs_, host.bandwidth_gbs);
  }

  LayerTimes decode(const LayerCost& layer) const {
    double matrices_ms = 0;
    double bytes = static_cast<double>(layer.vector_bytes) + kv_read_bytes(layer);
    double matrix_bytes = 0;
    for (const MatrixCost& matrix : layer.matrices) {
      const double active = static_cast<double>(matrix.bytes) * matrix.active_share;
      matrices_ms += ms(active, rates_.matvec_gbs(matrix.format));
      matrix_bytes += active;
    }
    const double dispatch_ms = layer.dispatches * device_.dispatch_us * kMsPerUs;
    const double compute_ms = matrices_ms + ms(bytes, device_.bandwidth_gbs);
    return {compute_ms + dispatch_ms,
            std::max(compute_ms, ms(matrix_bytes + bytes, link_gbs_)) + dispatch_ms};
  }

  LayerTimes prefill(const LayerCost& layer) const {
    double compute_ms =
        ms(static_cast<double>(layer.attention_flops_per_position) * kPrefillTokens * (kPrefillTokens / 2),
           rates_.attention_gflops());
    double bytes = static_cast<double>(layer.vector_bytes);
    for (const MatrixCost& matrix : layer.matrices) {
      const double flops = 2.0 * static_cast<double>(matrix.weights) * matrix.active_share * kPrefillTokens;
      const double matrix_bytes = static_cast<double>(matrix.bytes);
      compute_ms += std::max(ms(flops, rates_.matmat_gflops(matrix.format)),
                             chunks_ * ms(matrix_bytes, rates_.matvec_gbs(matrix.format)));
      bytes += matrix_bytes;
    }
    compute_ms += chunks_ * ms(static_cast<double>(layer.vector_bytes), device_.bandwidth_gbs);
    const double dispatch_ms = chunks_ * layer.dispatches * device_.dispatch_us * kMsPerUs;
    return {compute_ms + dispatch_ms, std::max(compute_ms, chunks_ * ms(bytes, link_gbs_)) + dispatch_ms};
  }

  double handoff_ms(double hops, double bytes) const {
    return hops * device_.handoff_us * kMsPerUs / 2 + ms(bytes, device_.link_gbs);
  }

 private:
  static double kv_read_bytes(const LayerCost& layer) { return static_cast<double>(layer.kv_bytes) / 2; }

  const PlanDevice& device_;
  Rates rates_;
  uint32_t chunks_;
  double link_gbs_;
};

template <typename Cost>
DeviceTimes accumulate(const Workload& workload, Cost cost) {
  DeviceTimes times;
  times.resident.push_back(0);
  times.hosted.push_back(0);
  for (const LayerCost& layer : workload.layers) {
    const LayerTimes layer_times = cost(layer);
    times.resident.push_back(times.resident.back() + layer_times.resident);
    times.hosted.push_back(times.hosted.back() + layer_times.hosted);
  }
  return times;
}

}  // namespace

CostModel::CostModel(const Machine& machine, const Workload& workload) : chunks_(prefill_chunks(workload)) {
  const double token_bytes = static_cast<double>(workload.handoff_bytes_per_token);
  for (const PlanDevice& device : machine.devices) {
    const DeviceCost cost(device, machine.host, chunks_);
    decode_.push_back(accumulate(workload, [&](const LayerCost& layer) { return cost.decode(layer); }));
    prefill_.push_back(accumulate(workload, [&](const LayerCost& layer) { return cost.prefill(layer); }));
    decode_.back().output = cost.decode(workload.output).resident;
    // Prefill asks for the logits of the last token alone, so the output layer works as it does for decoding.
    prefill_.back().output = decode_.back().output;
    decode_.back().handoff = cost.handoff_ms(1, token_bytes);
    prefill_.back().handoff = cost.handoff_ms(chunks_, kPrefillTokens * token_bytes);
  }
}

}  // namespace motley::placement
