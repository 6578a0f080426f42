#include "placement/choose.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "placement/explain.hpp"
#include "placement/reach.hpp"
#include "placement/recut.hpp"
#include "placement/search.hpp"

namespace motley::placement {
namespace {

/// How far a pipeline may be made slower for the sake of an evener prefill.
constexpr double kPrefillSlack = 2e-4;

bool evens_out(const Request& request, bool spill) {
  return request.spread || request.objective == Objective::kThroughput ||
         (request.objective == Objective::kCapacity && !spill);
}

Measure measure_of(const Request& request, bool spill) {
  if (request.objective == Objective::kCapacity && !spill) return Measure::kFill;
  if (evens_out(request, spill)) return Measure::kBusy;
  return request.objective == Objective::kEfficiency ? Measure::kEnergy : Measure::kTime;
}

uint64_t step_budget(const Context& context) {
  return kStepBudget * std::clamp(context.request.effort, 1U, 1000U);
}

StageRules rules_for(const Context& context, std::vector<size_t> devices) {
  StageRules rules;
  rules.devices = std::move(devices);
  std::ranges::sort(rules.devices);
  if (context.machine.host.memory_bytes > 0) rules.host_limit_bytes = context.machine.host.memory_bytes;
  return rules;
}

template <typename T>
std::vector<T> joined(std::vector<T> a, const std::vector<T>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Choice take(const StageSpace& space, Cuts cuts, double gap) {
  Choice choice;
  choice.found = true;
  choice.gap = gap;
  for (const Cut& cut : cuts) {
    choice.resident_begin.push_back(space.resident_from(local_index(space, cut.device), cut.begin, cut.end));
  }
  choice.cuts = std::move(cuts);
  return choice;
}

/// The priority's devices filled in order: their stages, and where the search goes on.
struct Filled {
  Cuts cuts;
  SearchStart start;
};

Filled fill(const StageSpace& space, const std::vector<size_t>& priority, size_t count) {
  Filled filled;
  const uint32_t layers = space.layers();
  for (size_t i = 0; i < count && filled.start.begin < layers; ++i) {
    const uint32_t device = local_index(space, priority[i]);
    const uint32_t begin = filled.start.begin;
    uint32_t end = layers;
    const auto holds = [&](uint32_t last) {
      return space.possible(device, begin, last) &&
             (space.resident_from(device, begin, last) == begin || last <= space.rules().host_prefix);
    };
    while (end > begin && !holds(end)) --end;
    filled.start.used |= uint32_t{1} << device;
    if (end == begin) continue;
    filled.start.host_bytes += space.host_bytes(device, begin, end);
    filled.cuts.push_back({priority[i], begin, end});
    filled.start.begin = end;
  }
  return filled;
}

Choice choose_with_priority(const Context& context, const StageSpace& space) {
  const std::vector<size_t>& priority = context.request.priority;
  for (size_t count = priority.size(); count > 0; --count) {
    Filled filled = fill(space, priority, count);
    Choice choice;
    if (filled.start.begin == space.layers()) {
      choice = take(space, filled.cuts, 0);
    } else if (auto rest = minimise_total(space, filled.start, step_budget(context))) {
      choice = take(space, joined(filled.cuts, rest->cuts), rest->gap);
    } else {
      continue;
    }
    if (exceeds_host_limit(space, choice.cuts)) continue;
    if (count < priority.size()) {
      choice.warnings.push_back(
          fmt::format("the priority is kept for its first {} of {} devices only: with "
                      "more of them filled first, the model does not fit",
                      count, priority.size()));
    }
    return choice;
  }
  return {};
}

Choice choose_in(const Context& context, const StageSpace& space) {
  const bool spill = space.rules().spill;
  if (!context.request.priority.empty()) {
    Choice choice = choose_with_priority(context, space);
    if (choice.found) return choice;
  }
  if (evens_out(context.request, spill)) {
    const auto cuts = minimise_largest(space, context.request.spread);
    if (!cuts) return {};
    if (!exceeds_host_limit(space, *cuts)) return take(space, *cuts, 0);
  }
  const auto result = minimise_total(space, {}, step_budget(context));
  if (!result) return {};
  if (context.request.objective != Objective::kLatency) return take(space, result->cuts, result->gap);
  return take(space, recut_for_prefill(space, context.costs, result->cuts, kPrefillSlack), result->gap);
}

std::string memory_figures(const Context& context, const Allowed& allowed, uint32_t first_layer) {
  uint64_t usable = 0;
  for (const size_t device : allowed.regular) {
    usable = saturating_sum(usable, context.memory.usable_bytes(device));
  }
  const MemoryModel& memory = context.memory;
  const uint64_t needed = memory.least_bytes_from(first_layer);
  if (needed <= usable) {
    return fmt::format("they take {} of {} usable, but cannot be cut so that each part fits its device",
                       gibibytes(needed), gibibytes(usable));
  }
  return fmt::format("they take {}; {} are usable: {} too much", gibibytes(needed), gibibytes(usable),
                     gibibytes(needed - usable));
}

/// So many last layers in devices' memory, the others in the host's.
Choice choose_device_layers(const Context& context, const Allowed& allowed) {
  const uint32_t layers = context.memory.layers();
  const uint32_t wanted = std::min(layers, *context.request.device_layers);
  const auto is_cpu = [&](size_t device) {
    return context.machine.devices[device].device_class == DeviceClass::kCpu;
  };
  if (wanted > 0 && std::ranges::all_of(allowed.regular, is_cpu)) {
    fail(ErrorCode::kInvalidArgument, "{} layers on devices are asked for, but only CPU devices are left",
         wanted);
  }
  if (wanted < layers && context.machine.host.memory_bytes == 0) {
    fail(ErrorCode::kInvalidArgument,
         "{} of {} layers shall lie in host memory, whose size is not given: give it, or all layers to "
         "devices",
         layers - wanted, layers);
  }
  StageRules rules = rules_for(context, joined(allowed.regular, allowed.reluctant));
  rules.host_prefix = layers - wanted;
  rules.cpu_end = rules.host_prefix;
  const StageSpace space(context.machine, context.memory, context.costs, rules,
                         measure_of(context.request, true));
  Choice choice = choose_in(context, space);
  if (choice.found) {
    choice.spilled = wanted < layers;
    return choice;
  }
  const uint64_t host_bytes = context.memory.layer_bytes(0, rules.host_prefix);
  if (host_bytes > rules.host_limit_bytes) {
    fail(ErrorCode::kInvalidArgument, "the {} layers for host memory take {}; it has {}: {} too much",
         rules.host_prefix, gibibytes(host_bytes), gibibytes(rules.host_limit_bytes),
         gibibytes(host_bytes - rules.host_limit_bytes));
  }
  fail(ErrorCode::kInvalidArgument, "{} layers on devices cannot be: {}", wanted,
       memory_figures(context, allowed, rules.host_prefix));
}

/// Devices on which spreading may insist: those that can hold one layer at least.
std::vector<size_t> able(const Context& context, const std::vector<size_t>& devices) {
  const MemoryModel& memory = context.memory;
  std::vector<size_t> result;
  for (const size_t device : devices) {
    bool holds = false;
    for (uint32_t layer = 0; layer < memory.layers() && !holds; ++layer) {
      holds = memory.scratch_bytes(device, false) + memory.layer_bytes(layer, layer + 1) <=
              memory.usable_bytes(device);
    }
    if (holds) result.push_back(device);
  }
  return result;
}

Choice choose_spread(const Context& context, const Allowed& allowed) {
  const std::vector<size_t> devices = able(context, allowed.regular);
  if (devices.size() > context.memory.layers()) {
    fail(ErrorCode::kInvalidArgument,
         "{} layers cannot be spread over {} devices: {} too few; name fewer devices",
         context.memory.layers(), devices.size(), devices.size() - context.memory.layers());
  }
  if (devices.empty()) return {};
  const StageSpace space(context.machine, context.memory, context.costs, rules_for(context, devices),
                         measure_of(context.request, false));
  return choose_in(context, space);
}

}  // namespace

bool fits_devices(const Context& context, const Allowed& allowed, const MemoryModel& memory) {
  return feasible(StageSpace(context.machine, memory, context.costs, rules_for(context, allowed.regular),
                             Measure::kTime));
}

Choice choose(const Context& context, const Allowed& allowed) {
  if (context.request.device_layers) return choose_device_layers(context, allowed);
  if (context.request.spread) {
    Choice choice = choose_spread(context, allowed);
    if (choice.found) return choice;
  }
  const Objective objective = context.request.objective;
  const bool for_speed = objective == Objective::kLatency || objective == Objective::kThroughput;
  // Without CPU devices the search itself finds out whether the devices suffice.
  const bool suffice = allowed.reluctant.empty() || fits_devices(context, allowed, context.memory);
  if (!context.request.spread && suffice) {
    const auto devices = for_speed && context.request.priority.empty()
                             ? joined(allowed.regular, allowed.reluctant)
                             : allowed.regular;
    const StageSpace space(context.machine, context.memory, context.costs, rules_for(context, devices),
                           measure_of(context.request, false));
    Choice choice = choose_in(context, space);
    if (choice.found) return choice;
  }
  StageRules rules = rules_for(
      context, context.request.spread ? allowed.regular : joined(allowed.regular, allowed.reluctant));
  rules.spill = context.machine.host.memory_bytes > 0;
  const StageSpace space(context.machine, context.memory, context.costs, rules,
                         measure_of(context.request, true));
  Choice choice = choose_in(context, space);
  choice.spilled = choice.found;
  return choice;
}

}  // namespace motley::placement
