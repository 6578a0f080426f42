#include "placement/cost.hpp"

#include <algorithm>

#include "base/math.hpp"

namespace motley::placement {
namespace {

constexpr double kMsPerUs = 1e-3;

/// ms for so many bytes at so many 1e9 bytes per second; also for FLOPs and GFLOP/s.
double ms(double amount, double giga_per_second) { return amount / (giga_per_second * 1e6); }

double product_flops(const MatrixCost& matrix, double tokens) {
  return 2.0 * static_cast<double>(matrix.weights) * matrix.active_share * tokens;
}

/// One device's speed with each format.
class Rates {
 public:
  explicit Rates(const PlanDevice& device)
      : device_(device),
        other_{{},
               device.bandwidth_gbs * kMatvecShare,
               device.matrix_tflops * 1000 * kMatmatShare,
               0,
               device.dispatch_us} {
    // A format that was not measured is taken to be like the slowest that was.
    take_slowest(&FormatRate::matvec_gbs);
    take_slowest(&FormatRate::matmat_gflops);
  }

  /// Figures of 0 are filled in, but for `few_gflops`.
  FormatRate of(const std::string& format) const {
    const auto found = std::ranges::find(device_.rates, format, &FormatRate::format);
    if (found == device_.rates.end()) return other_;
    FormatRate rate = *found;
    if (rate.matvec_gbs == 0) rate.matvec_gbs = other_.matvec_gbs;
    if (rate.matmat_gflops == 0) rate.matmat_gflops = other_.matmat_gflops;
    rate.product_us = std::max(rate.product_us, device_.dispatch_us);
    return rate;
  }

 private:
  void take_slowest(double FormatRate::*figure) {
    bool first = true;
    for (const FormatRate& rate : device_.rates) {
      if (rate.*figure == 0) continue;
      other_.*figure = first ? rate.*figure : std::min(other_.*figure, rate.*figure);
      first = false;
    }
  }

  const PlanDevice& device_;
  FormatRate other_;
};

struct LayerTimes {
  double resident = 0, hosted = 0;
};

class DeviceCost {
 public:
  DeviceCost(const PlanDevice& device, const Host& host)
      : device_(device),
        rates_(device),
        activation_gbs_(device.activation_gbs > 0 ? device.activation_gbs : device.bandwidth_gbs),
        prefill_attention_gflops_(device.prefill_attention_gflops > 0
                                      ? device.prefill_attention_gflops
                                      : device.matrix_tflops * 1000 * kMatmatShare),
        link_gbs_(std::min(device.link_gbs, device.bandwidth_gbs)) {
    if (host.bandwidth_gbs > 0) link_gbs_ = std::min(link_gbs_, host.bandwidth_gbs);
  }

  LayerTimes decode(const LayerCost& layer, uint32_t context) const {
    const double kv_bytes = static_cast<double>(layer.kv_bytes) / 2;
    double bytes = static_cast<double>(layer.vector_bytes) + kv_bytes;
    double compute_ms = ms(static_cast<double>(layer.vector_bytes), device_.bandwidth_gbs) +
                        attention_ms(layer, kv_bytes, context) + activations_ms(layer, 1);
    for (const MatrixCost& matrix : layer.matrices) {
      const double active = static_cast<double>(matrix.bytes) * matrix.active_share;
      compute_ms += ms(active, rates_.of(matrix.format).matvec_gbs);
      bytes += active;
    }
    const double fixed_ms = overhead_ms(layer);
    return {compute_ms + fixed_ms, std::max(compute_ms, ms(bytes, link_gbs_)) + fixed_ms};
  }

  /// kPrefillTokens, so many at once.
  LayerTimes prefill(const LayerCost& layer, uint32_t chunk_tokens) const {
    const uint32_t chunks = div_ceil(kPrefillTokens, chunk_tokens);
    double bytes = static_cast<double>(layer.vector_bytes);
    double chunk_ms = ms(bytes, device_.bandwidth_gbs);
    for (const MatrixCost& matrix : layer.matrices) {
      chunk_ms += products_ms(matrix, chunk_tokens);
      bytes += static_cast<double>(matrix.bytes);
    }
    const double attention_flops =
        static_cast<double>(layer.attention_flops_per_position) * kPrefillTokens * (kPrefillTokens / 2);
    const double compute_ms = chunks * chunk_ms + ms(attention_flops, prefill_attention_gflops_) +
                              activations_ms(layer, kPrefillTokens);
    const double fixed_ms = chunks * overhead_ms(layer);
    return {compute_ms + fixed_ms, std::max(compute_ms, chunks * ms(bytes, link_gbs_)) + fixed_ms};
  }

  /// Submitting and waiting.
  double latency_ms() const { return device_.handoff_us * kMsPerUs; }
  double handoff_ms(double hops, double bytes) const {
    return hops * latency_ms() / 2 + ms(bytes, device_.link_gbs);
  }

 private:
  double overhead_ms(const LayerCost& layer) const {
    double us = 0;
    uint32_t products = 0;
    for (const MatrixCost& matrix : layer.matrices) {
      us += matrix.products * rates_.of(matrix.format).product_us;
      products += matrix.products;
    }
    us += (layer.dispatches - std::min(products, layer.dispatches)) * device_.dispatch_us;
    return us * kMsPerUs;
  }

  double attention_ms(const LayerCost& layer, double kv_bytes, uint32_t context) const {
    const double read_ms = ms(kv_bytes, device_.bandwidth_gbs);
    if (device_.decode_attention_gflops == 0) return read_ms;
    const double flops = static_cast<double>(layer.attention_flops_per_position) * context / 2;
    return std::max(read_ms, ms(flops, device_.decode_attention_gflops));
  }

  double activations_ms(const LayerCost& layer, double tokens) const {
    return ms(tokens * static_cast<double>(layer.activation_bytes_per_token), activation_gbs_);
  }

  double products_ms(const MatrixCost& matrix, uint32_t tokens) const {
    const FormatRate rate = rates_.of(matrix.format);
    if (rate.few_gflops == 0) {
      return std::max(ms(product_flops(matrix, tokens), rate.matmat_gflops),
                      ms(static_cast<double>(matrix.bytes), rate.matvec_gbs));
    }
    const double few_ms = ms(product_flops(matrix, kFewTokens), rate.few_gflops);
    const double many_ms = ms(product_flops(matrix, kManyTokens), rate.matmat_gflops);
    // Readings may be disturbed: more tokens never cost less.
    const double token_ms = std::max(0.0, many_ms - few_ms) / (kManyTokens - kFewTokens);
    if (tokens >= kFewTokens) return few_ms + token_ms * (tokens - kFewTokens);
    return std::max(few_ms - token_ms * (kFewTokens - tokens), few_ms * tokens / kFewTokens);
  }

  const PlanDevice& device_;
  Rates rates_;
  double activation_gbs_, prefill_attention_gflops_, link_gbs_;
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

CostModel::CostModel(const Machine& machine, const Workload& workload) {
  // Where the chunks are free, stages are compared by chunks short enough to keep several devices at work.
  constexpr uint32_t kReferenceTokens = 64;
  for (const uint32_t tokens : chunk_sizes(workload)) {
    if (tokens >= kReferenceTokens) reference_ = prefills_.size();
    prefills_.push_back({tokens, div_ceil(kPrefillTokens, tokens), {}});
  }
  const double token_bytes = static_cast<double>(workload.handoff_bytes_per_token);
  for (const PlanDevice& device : machine.devices) {
    const DeviceCost cost(device, machine.host);
    DeviceTimes& decode = decode_.emplace_back(
        accumulate(workload, [&](const LayerCost& layer) { return cost.decode(layer, workload.context); }));
    const double output_ms = cost.decode(workload.output, workload.context).resident;
    decode.output = output_ms + cost.latency_ms();
    decode.handoff = cost.handoff_ms(1, token_bytes);
    for (ChunkedPrefill& prefill : prefills_) {
      DeviceTimes& times = prefill.devices.emplace_back(accumulate(
          workload, [&](const LayerCost& layer) { return cost.prefill(layer, prefill.chunk_tokens); }));
      // Prefill asks for the logits of the last token alone, so the output layer works as it does for
      // decoding.
      times.output = output_ms + prefill.chunks * cost.latency_ms();
      times.handoff = cost.handoff_ms(prefill.chunks, kPrefillTokens * token_bytes);
    }
  }
}

}  // namespace motley::placement
