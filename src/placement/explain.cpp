#include "placement/explain.hpp"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "base/math.hpp"
#include "placement/advice.hpp"
#include "placement/alternatives.hpp"

namespace motley::placement {
namespace {

bool is_reluctant(const Allowed& allowed, size_t device) {
  return std::ranges::find(allowed.reluctant, device) != allowed.reluctant.end();
}

std::string memory_of(const Context& context, const Stage& stage) {
  return fmt::format("{} of {}", gibibytes(stage.weights_bytes + stage.kv_bytes + stage.scratch_bytes),
                     gibibytes(context.memory.usable_bytes(stage.device)));
}

/// "fastest of the devices (1008 GB/s)" and the like.
std::string speed_of(const Context& context, const Allowed& allowed, size_t device) {
  const double gbs = context.machine.devices[device].bandwidth_gbs;
  const std::vector<size_t> order = fastest_first(context, allowed.regular);
  const auto place = std::ranges::find(order, device) - order.begin();
  if (order.size() == 1 && place == 0) return fmt::format("the only device ({:.4g} GB/s)", gbs);
  if (place == 0) return fmt::format("fastest of the devices ({:.4g} GB/s)", gbs);
  return fmt::format("{:.4g} GB/s", gbs);
}

std::string share_of(const Context& context, const Plan& plan, const Stage& stage) {
  switch (context.request.spread && plan.objective != Objective::kCapacity ? Objective::kThroughput
                                                                           : plan.objective) {
    case Objective::kThroughput:
      return "as many layers as let no device take longer than needed";
    case Objective::kCapacity:
      return "a share in proportion to its memory";
    case Objective::kLatency:
    case Objective::kEfficiency:
      break;
  }
  const uint32_t layers = context.memory.layers();
  const uint32_t next = stage.last_layer + 1;
  // Shorter chunks were chosen once the layers had their places.
  const uint64_t used =
      stage.weights_bytes + stage.kv_bytes + context.memory.scratch_bytes(stage.device, stage.output);
  const uint64_t room =
      context.memory.usable_bytes(stage.device) - std::min(used, context.memory.usable_bytes(stage.device));
  // A neighbour at either end might move here; the first stage has none before, the last none behind.
  for (const uint32_t neighbour : {next, stage.first_layer - 1}) {
    if (neighbour < layers && context.memory.layer_bytes(neighbour, neighbour + 1) > room) {
      return fmt::format("full: another layer takes {}",
                         gibibytes(context.memory.layer_bytes(neighbour, neighbour + 1)));
    }
  }
  return "what the others do not hold";
}

std::string hosted_reason(const Context& context, const Stage& stage) {
  if (stage.host_layers == 0) return "";
  return fmt::format("; reads {} of its layers ({}) from host memory over its link ({:.4g} GB/s)",
                     stage.host_layers, gibibytes(stage.host_bytes),
                     context.machine.devices[stage.device].link_gbs);
}

std::string stage_reason(const Context& context, const Allowed& allowed, const Choice& choice,
                         const Plan& plan, const Stage& stage) {
  if (!context.request.layers.empty()) return fmt::format("as asked ({})", memory_of(context, stage));
  if (!context.request.split.empty()) {
    return fmt::format("its share of the split asked for ({})", memory_of(context, stage));
  }
  const bool whole = plan.stages.size() == 1;
  if (is_reluctant(allowed, stage.device)) {
    return fmt::format("{} layers on the CPU ({}): {}", stage.last_layer - stage.first_layer + 1,
                       memory_of(context, stage),
                       choice.spilled ? "the other devices' memory does not suffice, and this is faster than "
                                        "reading them over a link"
                                      : "faster with it");
  }
  const auto& priority = context.request.priority;
  const bool first = std::ranges::find(priority, stage.device) != priority.end();
  const std::string held =
      whole && stage.host_layers == 0
          ? fmt::format("holds the whole model ({})", memory_of(context, stage))
          : fmt::format("holds layers {}-{} ({}): {}", stage.first_layer + stage.host_layers,
                        stage.last_layer, memory_of(context, stage),
                        first ? "filled first, as asked" : share_of(context, plan, stage));
  if (stage.host_layers > stage.last_layer - stage.first_layer) {
    return fmt::format("{}; holds no layer itself{}", speed_of(context, allowed, stage.device),
                       hosted_reason(context, stage));
  }
  return fmt::format("{}; {}{}", speed_of(context, allowed, stage.device), held,
                     hosted_reason(context, stage));
}

/// What the plan would be with this device taking part by its speed.
std::string reason_by_figures(const Context& context, const Plan& plan, size_t device) {
  std::vector<size_t> devices;
  double slowest_gbs = std::numeric_limits<double>::infinity();
  for (const Stage& stage : plan.stages) {
    if (std::ranges::find(devices, stage.device) != devices.end()) continue;
    devices.push_back(stage.device);
    slowest_gbs = std::min(slowest_gbs, context.machine.devices[stage.device].bandwidth_gbs);
  }
  devices.push_back(device);
  const Plan with = plan_of(context, balanced_cuts(context, devices));
  const PlanDevice& figures = context.machine.devices[device];
  const std::string against = fmt::format("hand-off {:.4g} us + {:.4g} GB/s against {:.4g} GB/s",
                                          figures.handoff_us, figures.bandwidth_gbs, slowest_gbs);
  if (plan.objective == Objective::kEfficiency && plan.joules_per_token > 0) {
    return fmt::format("leaving it out: with a share by its speed a token would take {:.3g} J, not {:.3g} J",
                       with.joules_per_token, plan.joules_per_token);
  }
  const double slower = plan.decode_tokens_per_second / with.decode_tokens_per_second - 1;
  if (with.stages.size() <= plan.stages.size() || !(slower > 0.001)) {
    return fmt::format("leaving it out: nothing would get faster with it ({})", against);
  }
  return fmt::format("leaving it out: with a share by its speed the plan would be {:.{}f} % slower ({})",
                     100 * slower, slower < 0.1 ? 1 : 0, against);
}

std::string unused_reason(const Context& context, const Allowed& allowed, const Plan& plan, size_t device) {
  if (!context.request.layers.empty()) return "not named by the layers asked for";
  if (!context.request.split.empty()) return "its share of the split is nothing";
  if (!plan.feasible) return "the model does not fit";
  uint64_t least = std::numeric_limits<uint64_t>::max();
  for (uint32_t layer = 0; layer < context.memory.layers(); ++layer) {
    least = std::min(least, context.memory.layer_bytes(layer, layer + 1));
  }
  least = saturating_sum(least, context.memory.scratch_bytes(device, false));
  if (least > context.memory.usable_bytes(device)) {
    return fmt::format("too small: one layer and scratch memory take {}, {} are usable", gibibytes(least),
                       gibibytes(context.memory.usable_bytes(device)));
  }
  if (is_reluctant(allowed, device) && plan.objective != Objective::kLatency) {
    return "a CPU device, and the other devices suffice";
  }
  return reason_by_figures(context, plan, device);
}

/// Says loudly what host memory costs.
void warn_of_host_memory(const Context& context, const Allowed& allowed, const Plan& plan,
                         std::vector<std::string>& warnings) {
  for (const Stage& stage : plan.stages) {
    const bool cpu = is_reluctant(allowed, stage.device);
    if (stage.host_layers == 0 && !cpu) continue;
    const DeviceTimes& times = context.costs.decode(stage.device);
    const uint32_t end = stage.first_layer + stage.host_layers;
    const double host_ms = cpu ? stage.decode_ms : times.hosted[end] - times.hosted[stage.first_layer];
    warnings.push_back(fmt::format(
        "{} of {} layers ({}) lie in host memory and are {} '{}': {:.4g} of a token's {:.4g} ms",
        cpu ? stage.last_layer - stage.first_layer + 1 : stage.host_layers, context.memory.layers(),
        gibibytes(stage.host_bytes), cpu ? "computed on the CPU by" : "read over the link of",
        context.machine.devices[stage.device].name, host_ms, token_ms(plan.stages)));
  }
}

}  // namespace

std::string gibibytes(uint64_t bytes) {
  constexpr double kMebi = 1 << 20;
  const auto figure = static_cast<double>(bytes);
  if (figure >= 0.1 * kMebi * 1024) return fmt::format("{:.1f} GiB", figure / kMebi / 1024);
  if (figure >= 0.1 * kMebi) return fmt::format("{:.1f} MiB", figure / kMebi);
  return fmt::format("{} bytes", bytes);
}

uint64_t saturating_sum(uint64_t a, uint64_t b) {
  return checked_add(a, b).value_or(std::numeric_limits<uint64_t>::max());
}

void explain(const Context& context, const Allowed& allowed, const Choice& choice, Plan& plan) {
  for (Stage& stage : plan.stages) stage.reason = stage_reason(context, allowed, choice, plan, stage);
  plan.unused = allowed.ruled_out;
  for (size_t device = 0; device < context.machine.devices.size(); ++device) {
    const auto is_it = [device](const auto& entry) { return entry.device == device; };
    if (std::ranges::any_of(plan.stages, is_it) || std::ranges::any_of(allowed.ruled_out, is_it)) continue;
    plan.unused.push_back({device, unused_reason(context, allowed, plan, device)});
  }
  std::ranges::sort(plan.unused, {}, &Unused::device);
  plan.warnings = choice.warnings;
  warn_of_host_memory(context, allowed, plan, plan.warnings);
  if (!plan.feasible || (choice.spilled && !context.request.device_layers)) {
    for (std::string& sentence : advice(context, allowed)) plan.warnings.push_back(std::move(sentence));
  }
}

}  // namespace motley::placement
