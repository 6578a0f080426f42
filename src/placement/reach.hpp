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
  ///
  /// With a `width`, so many sets of each size are followed, those that seem to have come furthest: quicker,
  /// and what is found is true, but what is not found may still be possible.
  Reach(const StageSpace& space, double limit, bool use_all = false, size_t width = 0);

  /// The least layer above 0 from which the devices of `set` (a bit each) can hold all to the end, or
  /// above layers() when they cannot hold even the last.
  uint32_t begin(uint32_t set) const { return begin_[set]; }

  /// Stages for [begin, layers()), where `begin` >= begin(set); they use no device without need.
  Cuts cuts(uint32_t set, uint32_t begin) const;

  /// A whole pipeline, its first stage beginning at layer 0, with the fewest devices; nothing where none is
  /// possible.
  std::optional<Cuts> whole() const;

 private:
  void tabulate(uint32_t device);
  void follow_all();
  void follow(size_t width);
  uint16_t leave_some(uint32_t set, uint16_t begin) const;
  /// Where `device` can begin when what follows it begins at `after`.
  uint16_t before(uint32_t device, uint16_t after) const {
    return lowest_[device * (space_.layers() + 3) + after];
  }

  const StageSpace& space_;
  double limit_;
  bool use_all_;
  uint16_t dead_;  ///< the "begin" of sets that cannot be used up
  /// For each device, by where what follows begins: where it can begin. `after` itself where it can hold
  /// nothing and may stay unused; layers() + 1 stands for nothing that follows.
  std::vector<uint16_t> lowest_;
  std::vector<uint16_t> begin_;  ///< by set
};

/// Whether any pipeline is possible at all.
bool feasible(const StageSpace& space);

/// The pipeline whose largest stage costs least, to 0.04 %: the limit is bisected, each answer exact.
/// Nothing where no pipeline is possible. The stages are then evened out below that largest cost.
std::optional<Cuts> minimise_largest(const StageSpace& space, bool use_all = false);

}  // namespace motley::placement
