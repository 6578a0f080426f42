// The user's word on placement in the planner's terms.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include <motley/motley.hpp>

#include "placement/plan.hpp"
#include "placement/rank.hpp"

namespace motley {

/// Names as a plan tells them, so that they can be asked for: "RTX 3090", "RTX 3090 #2".
void number_namesakes(std::vector<placement::Candidate>& candidates);

/// The planner's request for `options`; its devices are indices into `devices`. Throws Error{kNoDevice} for
/// devices that are not there and Error{kInvalidArgument} for layers that cannot be read.
placement::Request to_request(const PlanOptions& options, std::span<const placement::Candidate> devices);

/// Reads "A:0-19,B:20-31"; a single layer may be written "A:7". Devices are named in full or as
/// placement::select() understands them; their names may hold colons and commas.
std::vector<placement::LayerRange> parse_layers(std::string_view text,
                                                std::span<const placement::Candidate> devices);

/// What the planner's answer on `machine` is to the caller: names for indices.
Plan to_plan(placement::Plan plan, const placement::Machine& machine, const placement::Request& request);

}  // namespace motley
