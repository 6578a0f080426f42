// What the plans not taken would have cost.
#pragma once

#include <vector>

#include "placement/constraints.hpp"
#include "placement/figures.hpp"
#include "placement/plan.hpp"

namespace motley::placement {

/// "best single device", "even split", "memory-proportional" and "all devices" (each device a part that takes
/// it equally long, the fastest first), over the devices that may hold layers like any other. Nothing lies in
/// host memory; where a device's memory does not suffice, the plan is not feasible and its rates are what
/// they would be if it did.
std::vector<Alternative> alternatives(const Context& context, const Allowed& allowed);

/// A pipeline over these devices in this order, each part taking about equally long, whatever the memory.
Cuts balanced_cuts(const Context& context, const std::vector<size_t>& devices);

/// The devices, those that decode the whole model soonest first.
std::vector<size_t> fastest_first(const Context& context, std::vector<size_t> devices);

}  // namespace motley::placement
