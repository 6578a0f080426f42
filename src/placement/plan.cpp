#include "placement/plan.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "placement/alternatives.hpp"
#include "placement/choose.hpp"
#include "placement/constraints.hpp"
#include "placement/explain.hpp"
#include "placement/figures.hpp"

namespace motley::placement {
namespace {

Choice choose_by_hand(const Context& context, const Allowed& allowed) {
  Choice choice;
  choice.found = true;
  choice.cuts = cuts_by_hand(context.machine, context.memory, context.request, allowed);
  for (const Cut& cut : choice.cuts) choice.resident_begin.push_back(cut.begin);
  return choice;
}

/// Limits that the user set, and without which the model would fit, are an error, not a plan.
void blame_limits(const Context& context, const Allowed& allowed) {
  if (context.request.max_memory.empty() && context.request.reserve_bytes == 0) return;
  Request unlimited = context.request;
  unlimited.max_memory.clear();
  unlimited.reserve_bytes = 0;
  const Allowed more = resolve(context.machine, unlimited);
  const MemoryModel memory(context.workload, more.usable_bytes);
  if (!fits_devices(context, more, memory)) return;
  uint64_t usable = 0;
  for (const size_t device : allowed.regular) usable = saturating_sum(usable, allowed.usable_bytes[device]);
  const uint64_t needed = memory.least_bytes_from(0);
  fail(ErrorCode::kInvalidArgument,
       "the memory limits leave {} usable; the model takes {} or more: at least {} too little. Raise the "
       "limit or "
       "reserve less",
       gibibytes(usable), gibibytes(needed), gibibytes(needed - std::min(needed, usable)));
}

}  // namespace

Plan make_plan(const Machine& given, const Workload& workload, const Request& request) {
  Machine machine = given;
  estimate_missing(machine);
  check_workload(workload, machine.devices.size());
  const Allowed allowed = resolve(machine, request);
  const MemoryModel memory(workload, allowed.usable_bytes);
  const CostModel costs(machine, workload);
  const Context context{machine, workload, request, memory, costs};

  const bool by_hand = !request.layers.empty() || !request.split.empty();
  const Choice choice = by_hand ? choose_by_hand(context, allowed) : choose(context, allowed);
  if (!choice.found) blame_limits(context, allowed);
  Plan plan;
  plan.objective = request.objective;
  plan.feasible = choice.found;
  plan.gap = choice.gap;
  if (choice.found) {
    plan.stages = make_stages(context, choice.cuts, choice.resident_begin);
    add_up(context, plan);
  }
  plan.alternatives = alternatives(context, allowed);
  explain(context, allowed, choice, plan);
  return plan;
}

}  // namespace motley::placement
