// A lower bound for the cost of any pipeline, from a price for each layer.
#pragma once

#include <cstdint>
#include <vector>

#include "placement/stages.hpp"

namespace motley::placement {

/// The costs of all stages of a space, looked up instead of computed.
class StageTable {
 public:
  /// Stages that begin before `first_layer` and those of the devices in `without` (a bit each) are left out.
  StageTable(const StageSpace& space, uint32_t first_layer, uint32_t without);

  uint32_t devices() const { return devices_; }
  uint32_t layers() const { return layers_; }
  uint32_t first_layer() const { return first_layer_; }
  /// Stages from `begin` on end at begin + 1 .. last_end(); those between may be impossible (infinite cost).
  uint32_t last_end(uint32_t device, uint32_t begin) const { return ends_[device * layers_ + begin]; }
  /// Costs of the stages from `begin` on, indexed by their end.
  const double* costs(uint32_t device, uint32_t begin) const {
    return &costs_[(size_t{device} * layers_ + begin) * (layers_ + 1)];
  }
  bool left_out(uint32_t device) const { return (without_ >> device & 1) != 0; }

 private:
  uint32_t devices_, layers_, first_layer_, without_;
  std::vector<double> costs_;
  std::vector<uint32_t> ends_;
};

/// Prices v, one a layer, bound the cost of every pipeline from below: device d gains at most
/// gain_d = max(0, max over its stages of (sum of v over the stage - cost of the stage)), so any pipeline
/// costs at least sum of v - sum of gain. (The dual of the linear program that picks at most one stage a
/// device and covers each layer once; memory, hand-offs and whole layers are in its stages, so it is tight.)
struct Prices {
  std::vector<double> before;  ///< sums of the prices of all layers before this one
  std::vector<double> gain;    ///< by device
  double bound = 0;
};

/// Prices at what the slowest device that is needed would take; a fair start.
Prices first_prices(const StageSpace& space, const StageTable& table);

/// Better prices, by the subgradient method towards `upper`, the cost of a known pipeline, until the bound is
/// within `precision` of it or `rounds` are done.
Prices improve(const StageTable& table, Prices prices, double upper, double precision, int rounds);

}  // namespace motley::placement
