// Other cuts for a pipeline whose devices and their order are settled.
#pragma once

#include <functional>
#include <optional>

#include "placement/stages.hpp"

namespace motley::placement {

/// What a stage counts; not finite: the stage is not allowed.
using StageValue = std::function<double(uint32_t device, uint32_t begin, uint32_t end)>;

/// The cuts whose values have the least sum, by dynamic programming over the cut points: exact for the order.
/// Every device keeps at least one layer. Nothing where no cuts are possible.
std::optional<Cuts> recut(const StageSpace& space, const Cuts& cuts, const StageValue& value);

/// Cuts for the same order whose largest stage costs no more, as even as possible: with the least sum of
/// squared costs.
Cuts recut_evenly(const StageSpace& space, const Cuts& cuts);

/// Cuts whose sum of costs is within `slack` of the given ones' and whose longest prefill stage is as short
/// as that allows: a prompt's chunks are pipelined over the stages, so even stages make it faster.
Cuts recut_for_prefill(const StageSpace& space, const CostModel& costs, const Cuts& cuts, double slack);

}  // namespace motley::placement
