// How many of the last layers each set of devices can hold; and from it the plan whose largest stage is
// least.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "placement/stages.hpp"

namespace motley::placement {

/// For every set of devices, how early a pipeline of them may begin when every stage is possible and costs no
/// more than a limit.
///
/// Exact: the earliest layer from which set R can hold everything to the end is the least, over the device d
/// of R that comes first, of how early d can begin where R without d begins; for what begins late never does
/// worse than what begins early (see StageSpace). 2^n * n / 2 table lookups.
class Reach {
 public:
  /// With `use_all`, every device of a set must hold a layer; devices not in it hold at least one each
  /// before.
  Reach(const StageSpace& space, double limit, bool use_all = false);

  /// The least layer above 0 from which the devices of `set` (a bit each) can hold all to the end, or
  /// layers() + 1 when they cannot hold even the last.
  uint32_t begin(uint32_t set) const { return begin_[set]; }

  /// Stages for [begin, layers()), where `begin` >= begin(set); they use no device without need.
  Cuts cuts(uint32_t set, uint32_t begin) const;

  /// A whole pipeline, its first stage beginning at layer 0, with the fewest devices; nothing where none is
  /// possible.
  std::optional<Cuts> whole() const;

 private:
  uint32_t before(uint32_t device, uint32_t set) const;

  const StageSpace& space_;
  double limit_;
  bool use_all_;
  std::vector<uint32_t> lowest_;       // [device][end]: where a stage that ends there can begin; end: nowhere
  std::vector<uint32_t> lowest_last_;  // [device]: where the last stage can begin; layers(): nowhere
  std::vector<uint32_t> begin_;        // [set]
};

/// Whether any pipeline is possible at all.
bool feasible(const StageSpace& space);

/// The pipeline whose largest stage costs least, to 0.02 %: the limit is bisected, each answer exact.
/// Nothing where no pipeline is possible. The stages are then evened out below that largest cost.
std::optional<Cuts> minimise_largest(const StageSpace& space, bool use_all = false);

}  // namespace motley::placement
