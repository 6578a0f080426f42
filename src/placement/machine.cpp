#include "placement/machine.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace motley::placement {
namespace {

/// Beyond these no device is, and times computed from them keep their precision.
constexpr double kSmallest = 1e-6;
constexpr double kLargest = 1e9;

void check_figure(const std::string& owner, std::string_view field, double figure) {
  const bool plausible = figure == 0 || (figure >= kSmallest && figure <= kLargest);
  if (plausible) return;
  fail(ErrorCode::kInvalidArgument, "{}: {} is {}; it must be 0 (not given) or from {} to {}", owner, field,
       figure, kSmallest, kLargest);
}

void check_device(const PlanDevice& device) {
  const std::string owner = fmt::format("device '{}'", device.name);
  check_figure(owner, "bandwidth_gbs", device.bandwidth_gbs);
  check_figure(owner, "matrix_tflops", device.matrix_tflops);
  check_figure(owner, "link_gbs", device.link_gbs);
  check_figure(owner, "dispatch_us", device.dispatch_us);
  check_figure(owner, "handoff_us", device.handoff_us);
  check_figure(owner, "power_w", device.power_w);
  check_figure(owner, "decode_attention_gflops", device.decode_attention_gflops);
  check_figure(owner, "prefill_attention_gflops", device.prefill_attention_gflops);
  check_figure(owner, "activation_gbs", device.activation_gbs);
  for (const FormatRate& rate : device.rates) {
    check_figure(owner, fmt::format("matvec_gbs of {}", rate.format), rate.matvec_gbs);
    check_figure(owner, fmt::format("matmat_gflops of {}", rate.format), rate.matmat_gflops);
    check_figure(owner, fmt::format("few_gflops of {}", rate.format), rate.few_gflops);
    check_figure(owner, fmt::format("product_us of {}", rate.format), rate.product_us);
  }
}

/// What a device of a class is like when nothing is known of it. Bandwidths and peaks are those of the slower
/// cards in use; links are what PCIe 3 x16 reaches; the software drivers' dispatch cost is measured (20-50
/// us).
struct Typical {
  double bandwidth_gbs;
  double tflops_per_gbs;
  double link_gbs;  ///< 0: its memory is the host's, so its link is its bandwidth
  double dispatch_us;
  double handoff_us;
};

Typical typical(DeviceClass device_class) {
  switch (device_class) {
    case DeviceClass::kDiscrete:
      return {300, 0.08, 12, 5, 60};
    case DeviceClass::kIntegrated:
      return {60, 0.05, 0, 8, 60};
    case DeviceClass::kCpu:
      return {20, 0.01, 0, 25, 60};
    case DeviceClass::kVirtual:
    case DeviceClass::kOther:
      break;
  }
  return {100, 0.05, 6, 10, 100};
}

double best_rate(const PlanDevice& device, double FormatRate::*figure) {
  double best = 0;
  for (const FormatRate& rate : device.rates) best = std::max(best, rate.*figure);
  return best;
}

void estimate_device(PlanDevice& device, const Host& host, std::vector<std::string>& notes) {
  const Typical guess = typical(device.device_class);
  const auto fill = [&](double& figure, double estimate, const char* what, const char* unit) {
    if (figure != 0) return;
    figure = std::clamp(estimate, kSmallest, kLargest);
    notes.push_back(fmt::format("{} of '{}' not given: taken as {:.3g} {}", what, device.name, figure, unit));
  };
  const double matvec_gbs = best_rate(device, &FormatRate::matvec_gbs);
  const double matmat_gflops = best_rate(device, &FormatRate::matmat_gflops);
  double bandwidth_gbs = guess.bandwidth_gbs;
  if (matvec_gbs > 0) {
    bandwidth_gbs = matvec_gbs / kMatvecShare;
  } else if (device.matrix_tflops > 0) {
    bandwidth_gbs = device.matrix_tflops / guess.tflops_per_gbs;
  } else if (device.device_class == DeviceClass::kCpu && host.bandwidth_gbs > 0) {
    bandwidth_gbs = host.bandwidth_gbs;
  }
  fill(device.bandwidth_gbs, bandwidth_gbs, "bandwidth", "GB/s");
  if (device.matrix_tflops == 0 && matmat_gflops > 0) {
    // No estimate: prefill takes kMatmatShare of it, which gives the measured rate again.
    device.matrix_tflops = std::clamp(matmat_gflops / 1000 / kMatmatShare, kSmallest, kLargest);
  }
  fill(device.matrix_tflops, device.bandwidth_gbs * guess.tflops_per_gbs, "matrix rate", "TFLOP/s");
  fill(device.link_gbs, guess.link_gbs > 0 ? guess.link_gbs : device.bandwidth_gbs, "link", "GB/s");
  fill(device.dispatch_us, guess.dispatch_us, "dispatch cost", "us");
  fill(device.handoff_us, guess.handoff_us, "hand-off", "us");
}

}  // namespace

void check_machine(const Machine& machine) {
  if (machine.devices.empty()) {
    fail(ErrorCode::kInvalidArgument, "there are no devices to plan for; at least one is needed");
  }
  if (machine.devices.size() > kMaxDevices) {
    fail(ErrorCode::kInvalidArgument, "{} devices given; at most {} are planned for: leave some out",
         machine.devices.size(), kMaxDevices);
  }
  for (const PlanDevice& device : machine.devices) check_device(device);
  check_figure("host", "bandwidth_gbs", machine.host.bandwidth_gbs);
}

std::vector<std::string> estimate_missing(Machine& machine) {
  check_machine(machine);
  std::vector<std::string> notes;
  for (PlanDevice& device : machine.devices) estimate_device(device, machine.host, notes);
  return notes;
}

}  // namespace motley::placement
