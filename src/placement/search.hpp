// The pipeline whose stages cost least together.
#pragma once

#include <cstdint>
#include <optional>

#include "placement/stages.hpp"

namespace motley::placement {

/// A pipeline begun: what is left to the search.
struct SearchStart {
  uint32_t used = 0;   ///< devices that are settled, a bit each
  uint32_t begin = 0;  ///< the first layer to place
  uint64_t host_bytes = 0;
};

struct SearchResult {
  Cuts cuts;
  double cost = 0;
  double gap = 0;  ///< no pipeline costs less than (1 - gap) * cost: proven
};

/// Stages looked at before a search is content with what it has proven: about 10 ms with 16 devices and 128
/// layers.
inline constexpr uint64_t kStepBudget = 2'500'000;

/// The cheapest pipeline, or nothing where none is possible.
///
/// Exact to 0.02 %, unless `gap` says otherwise, and this is why. What a pipeline can still become depends on
/// the set of devices used, the layers placed and (where host memory is short) the host bytes taken, but not
/// on the order so far, since a hand-off's cost is a sum of both devices' parts. So dynamic programming over
/// (layers placed, set) finds the optimum. It is kept small by three rules that lose nothing: states from
/// which the remaining devices cannot hold the remaining layers are dropped (exactly, see reach.hpp); so are
/// states whose price bound (see prices.hpp) shows that they cannot beat the best known pipeline by 0.02 %;
/// of devices alike in every figure the first comes first. Sweeps keep a growing number of states for each
/// layer, with better prices and a better known pipeline each time, and stop when nothing was cut off, when
/// what was cut off cannot be better, or when the budget of steps is spent. Up to eight devices nothing was
/// ever cut off in the end; beyond, it may be where many unlike devices are needed and their memory just
/// about suffices. Only then does `gap` exceed 0.02 %; it is the distance to a bound, so the pipeline is
/// mostly much better than it says: over 24 machines of 16 devices made to be hard it said 1.6 % on average
/// and 14 % at worst, where 0.4 % and 4.7 % were true.
///
/// Where host memory is not short, a pipeline is found whenever one is possible, by the first rule.
std::optional<SearchResult> minimise_total(const StageSpace& space, const SearchStart& start = {},
                                           uint64_t step_budget = kStepBudget);

}  // namespace motley::placement
