// What a plan's stages add up to.
#pragma once

#include <vector>

#include "placement/cost.hpp"
#include "placement/memory.hpp"
#include "placement/plan.hpp"
#include "placement/stages.hpp"

namespace motley::placement {

/// All that figures are computed from.
struct Context {
  const Machine& machine;
  const Workload& workload;
  const Request& request;
  const MemoryModel& memory;
  const CostModel& costs;
};

/// The stages of a plan, reasons and prefill left empty. `resident_begin` has, for each cut, its first layer
/// that does not lie in host memory.
std::vector<Stage> make_stages(const Context& context, const Cuts& cuts,
                               const std::vector<uint32_t>& resident_begin);

/// Sets the plan's chunks, rates, load time, host bytes and energy from its stages, and their prefill.
void add_up(const Context& context, Plan& plan);

/// One token's time through all stages and hand-offs, ms.
double token_ms(const std::vector<Stage>& stages);

/// The rates of a plan whose stages lie wholly in the devices' memories, whether or not that suffices.
Plan plan_of(const Context& context, const Cuts& cuts);

}  // namespace motley::placement
