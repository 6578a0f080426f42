// What would fit where a model does not.
#pragma once

#include <string>
#include <vector>

#include "placement/constraints.hpp"
#include "placement/figures.hpp"

namespace motley::placement {

/// Sentences with figures: by how much the devices' memory does not suffice, and which smaller context, KV
/// type or weight format would fit without host memory.
std::vector<std::string> advice(const Context& context, const Allowed& allowed);

}  // namespace motley::placement
