#include "placement/stages.hpp"

#include <algorithm>
#include <utility>

namespace motley::placement {
namespace {

/// a + share * b, element by element, times `weight`.
DeviceTimes blend(const DeviceTimes& a, const DeviceTimes& b, double share, double weight) {
  DeviceTimes result = a;
  for (size_t i = 0; i < a.resident.size(); ++i) {
    result.resident[i] = weight * (a.resident[i] + share * b.resident[i]);
    result.hosted[i] = weight * (a.hosted[i] + share * b.hosted[i]);
  }
  result.output = weight * (a.output + share * b.output);
  result.handoff = weight * (a.handoff + share * b.handoff);
  return result;
}

/// The largest part / whole among the steps of both lists.
double largest_ratio(const DeviceTimes& part, const DeviceTimes& whole) {
  double ratio = 0;
  const auto take = [&](double numerator, double denominator) {
    if (denominator > 0) ratio = std::max(ratio, numerator / denominator);
  };
  for (size_t i = 1; i < part.resident.size(); ++i) {
    take(part.resident[i] - part.resident[i - 1], whole.resident[i] - whole.resident[i - 1]);
    take(part.hosted[i] - part.hosted[i - 1], whole.hosted[i] - whole.hosted[i - 1]);
  }
  take(part.output, whole.output);
  take(part.handoff, whole.handoff);
  return ratio;
}

bool alike(const PlanDevice& a, const PlanDevice& b) {
  return (a.device_class == DeviceClass::kCpu) == (b.device_class == DeviceClass::kCpu) &&
         a.bandwidth_gbs == b.bandwidth_gbs && a.matrix_tflops == b.matrix_tflops &&
         a.link_gbs == b.link_gbs && a.dispatch_us == b.dispatch_us && a.handoff_us == b.handoff_us &&
         a.power_w == b.power_w && a.decode_attention_gflops == b.decode_attention_gflops &&
         a.prefill_attention_gflops == b.prefill_attention_gflops && a.activation_gbs == b.activation_gbs &&
         a.rates == b.rates;
}

}  // namespace

StageSpace::StageSpace(const Machine& machine, const MemoryModel& memory, const CostModel& costs,
                       StageRules rules, Measure measure)
    : memory_(memory), rules_(std::move(rules)), layers_(memory.layers()), measure_(measure) {
  uint64_t most_host_bytes = memory.layer_bytes(0, layers_);
  for (const size_t device : rules_.devices) {
    Lowest lowest;
    for (uint32_t end = 0; end <= layers_; ++end) {
      lowest.plain.push_back(memory.resident_from(device, end, false, false));
      lowest.first.push_back(memory.resident_from(device, end, true, false));
    }
    lowest.last = memory.resident_from(device, layers_, false, true);
    lowest.only = memory.resident_from(device, layers_, true, true);
    lowest_.push_back(std::move(lowest));
    is_cpu_.push_back(machine.devices[device].device_class == DeviceClass::kCpu);
    if (is_cpu_.back()) most_host_bytes += memory.fixed_bytes(device, true, true);
  }
  host_limited_ = most_host_bytes > rules_.host_limit_bytes;
  blend_times(machine, costs, measure);
  find_twins(machine);
}

void StageSpace::blend_times(const Machine& machine, const CostModel& costs, Measure measure) {
  double ratio = 0;
  for (const size_t device : rules_.devices) {
    ratio = std::max(ratio, largest_ratio(costs.prefill(device), costs.decode(device)));
  }
  // At most so much that no plan's prefill outweighs kTieWindow of its decode.
  const double share = ratio > 0 ? kTieWindow / ratio : 0;
  for (const size_t device : rules_.devices) {
    const double weight = measure == Measure::kEnergy ? machine.devices[device].power_w : 1.0;
    times_.push_back(blend(costs.decode(device), costs.prefill(device), share, weight));
  }
}

void StageSpace::find_twins(const Machine& machine) {
  for (uint32_t device = 0; device < devices(); ++device) {
    uint32_t twin = device;
    for (uint32_t other = 0; other < device; ++other) {
      const size_t a = machine_index(device);
      const size_t b = machine_index(other);
      if (memory_.alike(a, b) && alike(machine.devices[a], machine.devices[b])) twin = other;
    }
    twins_.push_back(twin);
  }
}

uint32_t StageSpace::lowest_resident(uint32_t device, uint32_t begin, uint32_t end) const {
  const Lowest& lowest = lowest_[device];
  if (end == layers_) return begin == 0 ? lowest.only : lowest.last;
  return begin == 0 ? lowest.first[end] : lowest.plain[end];
}

bool StageSpace::possible(uint32_t device, uint32_t begin, uint32_t end) const {
  const uint32_t lowest = lowest_resident(device, begin, end);
  if (is_cpu_[device]) return lowest <= begin && end <= rules_.cpu_end;
  if (rules_.spill) return lowest <= end;
  return lowest <= std::clamp(rules_.host_prefix, begin, end);
}

uint32_t StageSpace::resident_from(uint32_t device, uint32_t begin, uint32_t end) const {
  if (is_cpu_[device]) return begin;
  const uint32_t forced = std::clamp(rules_.host_prefix, begin, end);
  return rules_.spill ? std::max(forced, std::min(lowest_resident(device, begin, end), end)) : forced;
}

double StageSpace::cost(uint32_t device, uint32_t begin, uint32_t end) const {
  if (measure_ == Measure::kFill)
    return static_cast<double>(memory_.stage_bytes(machine_index(device), begin, end)) / fill_unit(device);
  const DeviceTimes& times = times_[device];
  const double stage = times.stage(begin, resident_from(device, begin, end), end);
  const double handoffs = ((begin > 0 ? 1 : 0) + (end < layers_ ? 1 : 0)) * times.handoff;
  return measure_ == Measure::kBusy ? std::max(stage, handoffs) : stage + handoffs;
}

double StageSpace::layer_cost(uint32_t device, uint32_t layer) const {
  if (measure_ == Measure::kFill)
    return static_cast<double>(memory_.layer_bytes(layer, layer + 1)) / fill_unit(device);
  return times_[device].resident[layer + 1] - times_[device].resident[layer];
}

double StageSpace::fill_unit(uint32_t device) const {
  return static_cast<double>(std::max<uint64_t>(1, memory_.usable_bytes(machine_index(device))));
}

uint64_t StageSpace::host_bytes(uint32_t device, uint32_t begin, uint32_t end) const {
  if (is_cpu_[device]) return memory_.stage_bytes(machine_index(device), begin, end);
  return memory_.layer_bytes(begin, resident_from(device, begin, end));
}

uint32_t local_index(const StageSpace& space, size_t device) {
  uint32_t index = 0;
  while (space.machine_index(index) != device) ++index;
  return index;
}

double largest_cost(const StageSpace& space, const Cuts& cuts) {
  double largest = 0;
  for (const Cut& cut : cuts) {
    largest = std::max(largest, space.cost(local_index(space, cut.device), cut.begin, cut.end));
  }
  return largest;
}

double total_cost(const StageSpace& space, const Cuts& cuts) {
  double total = 0;
  for (const Cut& cut : cuts) total += space.cost(local_index(space, cut.device), cut.begin, cut.end);
  return total;
}

bool exceeds_host_limit(const StageSpace& space, const Cuts& cuts) {
  if (!space.host_limited()) return false;
  uint64_t bytes = 0;
  for (const Cut& cut : cuts) bytes += space.host_bytes(local_index(space, cut.device), cut.begin, cut.end);
  return bytes > space.rules().host_limit_bytes;
}

}  // namespace motley::placement
