// A better pipeline from a good one, by changing the order of its devices.
#pragma once

#include <cstdint>
#include <vector>

#include "placement/prices.hpp"

namespace motley::placement {

/// Devices in the order of the pipeline, and where each one's layers end.
struct Pipeline {
  std::vector<uint32_t> devices;
  std::vector<uint32_t> ends;
  double cost = 0;
};

/// Swaps and moves devices, and puts unused ones (a bit each in `unused`) into the pipeline or in place of
/// others, each time with the best cuts for the order, as long as that makes it cheaper and `steps`, the
/// number of stages looked at, stays below `step_limit`. Gives no proof; it spares the search work.
void improve_order(const StageTable& table, const Prices& prices, uint32_t unused, Pipeline& pipeline,
                   uint64_t& steps, uint64_t step_limit);

}  // namespace motley::placement
