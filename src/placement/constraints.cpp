#include "placement/constraints.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "base/error.hpp"
#include "placement/explain.hpp"

namespace motley::placement {
namespace {

bool contains(const std::vector<size_t>& list, size_t device) {
  return std::ranges::find(list, device) != list.end();
}

void check_index(const Machine& machine, size_t device, const char* option) {
  if (device < machine.devices.size()) return;
  fail(ErrorCode::kInvalidArgument, "{} names device {}; there are {} devices, numbered from 0", option,
       device, machine.devices.size());
}

void check_list(const Machine& machine, const std::vector<size_t>& list, const char* option) {
  std::set<size_t> seen;
  for (const size_t device : list) {
    check_index(machine, device, option);
    if (!seen.insert(device).second) {
      fail(ErrorCode::kInvalidArgument, "{} names '{}' twice", option, machine.devices[device].name);
    }
  }
}

void check_allowed(const Machine& machine, const Request& request, size_t device, const char* option) {
  const std::string& name = machine.devices[device].name;
  if (contains(request.excluded, device)) {
    fail(ErrorCode::kInvalidArgument, "'{}' is both excluded and named by {}: drop one", name, option);
  }
  if (!request.only.empty() && !contains(request.only, device)) {
    fail(ErrorCode::kInvalidArgument, "'{}' is named by {} but is not among the devices allowed", name,
         option);
  }
}

void check_devices(const Machine& machine, const Request& request) {
  check_list(machine, request.only, "the list of devices");
  check_list(machine, request.excluded, "the list of excluded devices");
  check_list(machine, request.priority, "the priority");
  for (const size_t device : request.only) check_allowed(machine, request, device, "the list of devices");
  for (const size_t device : request.priority) check_allowed(machine, request, device, "the priority");
  for (const LayerRange& range : request.layers) {
    check_index(machine, range.device, "the list of layers");
    check_allowed(machine, request, range.device, "the list of layers");
  }
  for (const auto& [device, bytes] : request.max_memory) check_index(machine, device, "the memory limit");
}

void check_together(const Request& request) {
  const auto refuse = [](bool both, const char* one, const char* other) {
    if (both) {
      fail(ErrorCode::kInvalidArgument, "{} and {} contradict each other: give one of them", one, other);
    }
  };
  const bool layers = !request.layers.empty();
  const bool split = !request.split.empty();
  refuse(layers && split, "explicit layers", "a split");
  refuse(layers && request.device_layers, "explicit layers", "a number of layers on devices");
  refuse(split && request.device_layers, "a split", "a number of layers on devices");
  refuse(layers && request.spread, "explicit layers", "spreading");
  refuse(split && request.spread, "a split", "spreading");
  refuse(layers && !request.priority.empty(), "explicit layers", "a priority");
  refuse(split && !request.priority.empty(), "a split", "a priority");
  refuse(request.spread && !request.priority.empty(), "spreading", "a priority");
  refuse(request.spread && request.device_layers.has_value(), "spreading", "a number of layers on devices");
}

uint64_t usable_bytes(const Machine& machine, const Request& request, size_t device) {
  const PlanDevice& figures = machine.devices[device];
  uint64_t bytes = figures.memory_bytes;
  if (figures.device_class == DeviceClass::kCpu && machine.host.memory_bytes > 0) {
    bytes = std::min(bytes, machine.host.memory_bytes);
  }
  bytes -= std::min(bytes, request.reserve_bytes);
  const auto limit = request.max_memory.find(device);
  return limit == request.max_memory.end() ? bytes : std::min(bytes, limit->second);
}

/// Why the device may not be used at all; empty: it may.
std::string ruled_out(const Machine& machine, const Request& request, size_t device) {
  if (contains(request.excluded, device)) return "excluded as asked";
  if (!request.only.empty() && !contains(request.only, device)) return "not among the devices asked for";
  if (request.objective == Objective::kEfficiency && machine.devices[device].power_w == 0) {
    return "its power is not known, so its tokens per joule are not either";
  }
  return "";
}

void check_some_left(const Machine& machine, const Request& request, const Allowed& allowed) {
  if (!allowed.regular.empty()) return;
  std::string list;
  for (const Unused& unused : allowed.ruled_out) {
    list += fmt::format("\n  '{}': {}", machine.devices[unused.device].name, unused.reason);
  }
  const char* advice = request.objective == Objective::kEfficiency
                           ? "; give the power of a device, or choose another objective"
                           : "";
  fail(ErrorCode::kInvalidArgument, "no device is left to plan with{}:{}", advice, list);
}

/// Ranges that cover every layer once, in order.
Cuts cuts_of_ranges(const Machine& machine, uint32_t layers, const Request& request) {
  std::vector<LayerRange> ranges = request.layers;
  std::ranges::stable_sort(ranges, {}, &LayerRange::first);
  Cuts cuts;
  uint32_t next = 0;
  for (const LayerRange& range : ranges) {
    const std::string& name = machine.devices[range.device].name;
    if (range.last < range.first || range.last >= layers) {
      fail(ErrorCode::kInvalidArgument, "layers {}-{} for '{}': the model's layers are 0-{}", range.first,
           range.last, name, layers - 1);
    }
    if (range.first < next) {
      fail(ErrorCode::kInvalidArgument,
           "layers {}-{} for '{}' overlap others: layers up to {} are given already", range.first, range.last,
           name, next - 1);
    }
    if (range.first > next) {
      fail(ErrorCode::kInvalidArgument, "layers {}-{} are left out: give them to a device", next,
           range.first - 1);
    }
    cuts.push_back({range.device, range.first, range.last + 1});
    next = range.last + 1;
  }
  if (next < layers) {
    fail(ErrorCode::kInvalidArgument, "layers {}-{} are left out: give them to a device", next, layers - 1);
  }
  return cuts;
}

Cuts cuts_of_split(const Machine& machine, uint32_t layers, const Request& request) {
  std::vector<size_t> devices = request.only;
  if (devices.empty()) {
    devices.resize(machine.devices.size());
    std::iota(devices.begin(), devices.end(), size_t{0});
  }
  if (request.split.size() != devices.size()) {
    std::string names;
    for (const size_t device : devices)
      names += fmt::format("{}'{}'", names.empty() ? "" : ", ", machine.devices[device].name);
    fail(ErrorCode::kInvalidArgument, "the split's shares ({}) are not as many as the devices ({}): {}",
         request.split.size(), devices.size(), names);
  }
  double sum = 0;
  for (size_t i = 0; i < devices.size(); ++i) {
    const double share = request.split[i];
    const std::string& name = machine.devices[devices[i]].name;
    if (!(share >= 0) || !std::isfinite(share)) {
      fail(ErrorCode::kInvalidArgument, "the share of '{}' is {}; it must be 0 or more", name, share);
    }
    if (share > 0) check_allowed(machine, request, devices[i], "the split");
    sum += share;
  }
  if (!(sum > 0) || !std::isfinite(sum)) {
    fail(ErrorCode::kInvalidArgument, "the shares of the split sum up to {}; one at least must be above 0",
         sum);
  }
  return proportional_cuts(layers, devices, request.split);
}

}  // namespace

Allowed resolve(const Machine& machine, const Request& request) {
  check_devices(machine, request);
  check_together(request);
  Allowed allowed;
  for (size_t device = 0; device < machine.devices.size(); ++device) {
    allowed.usable_bytes.push_back(usable_bytes(machine, request, device));
    const std::string reason = ruled_out(machine, request, device);
    if (!reason.empty()) {
      allowed.ruled_out.push_back({device, reason});
      continue;
    }
    const bool asked = contains(request.only, device) || contains(request.priority, device);
    const bool cpu = machine.devices[device].device_class == DeviceClass::kCpu;
    (cpu && !asked ? allowed.reluctant : allowed.regular).push_back(device);
  }
  if (allowed.regular.empty()) std::swap(allowed.regular, allowed.reluctant);
  check_some_left(machine, request, allowed);
  return allowed;
}

Cuts proportional_cuts(uint32_t layers, const std::vector<size_t>& devices,
                       const std::vector<double>& shares) {
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  Cuts cuts;
  double done = 0;
  uint32_t begin = 0;
  for (size_t i = 0; i < devices.size(); ++i) {
    done += shares[i];
    const bool rest_is_nothing = std::all_of(shares.begin() + static_cast<ptrdiff_t>(i) + 1, shares.end(),
                                             [](double s) { return s == 0; });
    const auto end = rest_is_nothing
                         ? layers
                         : std::min(layers, static_cast<uint32_t>(std::lround(layers * (done / sum))));
    if (end > begin) cuts.push_back({devices[i], begin, end});
    begin = std::max(begin, end);
  }
  return cuts;
}

std::vector<uint64_t> missing_bytes(const MemoryModel& memory, const Cuts& cuts) {
  std::vector<uint64_t> needed(memory.usable_bytes().size(), 0);
  for (const Cut& cut : cuts) needed[cut.device] += memory.stage_bytes(cut.device, cut.begin, cut.end);
  // A tied matrix that first and last stage of one device both use lies there once.
  if (cuts.size() > 1 && cuts.front().device == cuts.back().device) {
    const uint64_t twice = memory.outer_weights_bytes(true, false) + memory.outer_weights_bytes(false, true);
    needed[cuts.front().device] -= twice - memory.outer_weights_bytes(true, true);
  }
  for (size_t device = 0; device < needed.size(); ++device) {
    needed[device] -= std::min(needed[device], memory.usable_bytes(device));
  }
  return needed;
}

Cuts cuts_by_hand(const Machine& machine, const MemoryModel& memory, const Request& request,
                  const Allowed& allowed) {
  Cuts cuts = request.layers.empty() ? cuts_of_split(machine, memory.layers(), request)
                                     : cuts_of_ranges(machine, memory.layers(), request);
  const std::vector<uint64_t> missing = missing_bytes(memory, cuts);
  for (size_t device = 0; device < missing.size(); ++device) {
    if (missing[device] == 0) continue;
    fail(ErrorCode::kInvalidArgument,
         "the layers given to '{}' take {}; {} are usable: {} too much. Give it fewer layers",
         machine.devices[device].name, gibibytes(missing[device] + allowed.usable_bytes[device]),
         gibibytes(allowed.usable_bytes[device]), gibibytes(missing[device]));
  }
  return cuts;
}

}  // namespace motley::placement
