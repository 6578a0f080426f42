#include "placement/alternatives.hpp"

#include <algorithm>
#include <limits>
#include <optional>

#include "placement/recut.hpp"

namespace motley::placement {
namespace {

double whole_ms(const Context& context, size_t device) {
  const DeviceTimes& times = context.costs.decode(device);
  return times.resident.back() + times.output;
}

bool fits(const Context& context, const Cuts& cuts) {
  const std::vector<uint64_t> missing = missing_bytes(context.memory, cuts);
  return std::ranges::all_of(missing, [](uint64_t bytes) { return bytes == 0; });
}

Alternative evaluate(const Context& context, const char* name, const Cuts& cuts) {
  const Plan plan = plan_of(context, cuts);
  return {name, plan.decode_tokens_per_second, plan.prefill_tokens_per_second, fits(context, cuts)};
}

Alternative best_single(const Context& context, const Allowed& allowed) {
  std::optional<Alternative> best;
  for (const size_t device : allowed.regular) {
    const Alternative one = evaluate(context, "best single device", {{device, 0, context.memory.layers()}});
    const bool better =
        !best || (one.feasible && !best->feasible) ||
        (one.feasible == best->feasible && one.decode_tokens_per_second > best->decode_tokens_per_second);
    if (better) best = one;
  }
  return *best;
}

Alternative by_shares(const Context& context, const char* name, const std::vector<size_t>& devices,
                      const std::vector<double>& shares) {
  return evaluate(context, name, proportional_cuts(context.memory.layers(), devices, shares));
}

/// Balanced below the devices' memory, or regardless of it where that is impossible.
Alternative all_devices(const Context& context, const Allowed& allowed) {
  const Cuts start = balanced_cuts(context, fastest_first(context, allowed.regular));
  StageRules rules;
  for (const Cut& cut : start) rules.devices.push_back(cut.device);
  const StageSpace space(context.machine, context.memory, context.costs, rules, Measure::kTime);
  const auto fitting = recut(space, start, [&](uint32_t device, uint32_t begin, uint32_t end) {
    const double cost = space.cost(device, begin, end);
    return cost * cost;
  });
  return evaluate(context, "all devices", fitting.value_or(start));
}

}  // namespace

std::vector<size_t> fastest_first(const Context& context, std::vector<size_t> devices) {
  std::ranges::stable_sort(devices, {}, [&](size_t device) { return whole_ms(context, device); });
  return devices;
}

Cuts balanced_cuts(const Context& context, const std::vector<size_t>& devices) {
  std::vector<double> speeds;
  for (const size_t device : devices) {
    const double ms = whole_ms(context, device);
    speeds.push_back(ms > 0 ? 1 / ms : 1);
  }
  return proportional_cuts(context.memory.layers(), devices, speeds);
}

std::vector<Alternative> alternatives(const Context& context, const Allowed& allowed) {
  const std::vector<double> even(allowed.regular.size(), 1.0);
  std::vector<double> memory;
  double sum = 0;
  for (const size_t device : allowed.regular) {
    memory.push_back(static_cast<double>(context.memory.usable_bytes(device)));
    sum += memory.back();
  }
  if (sum == 0) memory = even;
  return {best_single(context, allowed), by_shares(context, "even split", allowed.regular, even),
          by_shares(context, "memory-proportional", allowed.regular, memory), all_devices(context, allowed)};
}

}  // namespace motley::placement
