// The stages a plan may be made of, and what each costs: the space that is searched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "placement/cost.hpp"
#include "placement/machine.hpp"
#include "placement/memory.hpp"
#include "placement/plan.hpp"

namespace motley::placement {

/// Layers [begin, end) on one device.
struct Cut {
  size_t device = 0;  ///< of the machine
  uint32_t begin = 0;
  uint32_t end = 0;
};
using Cuts = std::vector<Cut>;

/// What is allowed.
struct StageRules {
  std::vector<size_t> devices;  ///< of the machine, at most kMaxDevices, each once
  bool spill = false;           ///< layers that do not fit may be read from host memory
  uint32_t host_prefix = 0;     ///< so many first layers must lie in host memory
  uint32_t cpu_end = std::numeric_limits<uint32_t>::max();  ///< CPU devices hold layers below this only
  /// For layers in host memory and CPU devices together.
  uint64_t host_limit_bytes = std::numeric_limits<uint64_t>::max();
};

/// What the cost of a stage is.
enum class Measure {
  kTime,  ///< ms a token, its parts of the hand-offs included
  kBusy,  ///< ms a token while others are under way: hand-offs overlap with computing, so the longer of both
  kEnergy,  ///< mJ a token
  kFill,    ///< the share of the usable memory that it takes
};

/// Prefill counts in kTime and kEnergy just enough to decide between plans whose decode differs less than
/// this.
inline constexpr double kTieWindow = 5e-4;

/// All possible stages. Devices are numbered 0.. in the order of the rules; machine_index() leads back.
///
/// What the searches rely on: a possible stage that begins after layer 0 stays possible, and costs no more,
/// when it loses its first layers. So the further a pipeline has come, the less the devices left must do.
class StageSpace {
 public:
  StageSpace(const Machine& machine, const MemoryModel& memory, const CostModel& costs, StageRules rules,
             Measure measure);

  uint32_t devices() const { return static_cast<uint32_t>(rules_.devices.size()); }
  uint32_t layers() const { return layers_; }
  const StageRules& rules() const { return rules_; }
  size_t machine_index(uint32_t device) const { return rules_.devices[device]; }
  /// The nearest device before this one that is like it in every figure, or the device itself.
  uint32_t twin(uint32_t device) const { return twins_[device]; }

  bool possible(uint32_t device, uint32_t begin, uint32_t end) const;
  /// The first layer of a possible stage that lies in the device's own memory.
  uint32_t resident_from(uint32_t device, uint32_t begin, uint32_t end) const;
  /// Of a possible stage.
  double cost(uint32_t device, uint32_t begin, uint32_t end) const;
  /// The least that a layer adds to a stage's cost, hand-offs aside.
  double layer_cost(uint32_t device, uint32_t layer) const;
  /// Of a possible stage: layers read over the link, or all of a CPU device's stage.
  uint64_t host_bytes(uint32_t device, uint32_t begin, uint32_t end) const;
  /// Whether host_bytes() can ever exceed the limit.
  bool host_limited() const { return host_limited_; }

 private:
  struct Lowest {
    std::vector<uint32_t> plain, first;
    uint32_t last = 0, only = 0;  // first and last stage in one
  };

  double fill_unit(uint32_t device) const;
  uint32_t lowest_resident(uint32_t device, uint32_t begin, uint32_t end) const;
  void blend_times(const Machine& machine, const CostModel& costs, Measure measure);
  void find_twins(const Machine& machine);

  const MemoryModel& memory_;
  StageRules rules_;
  uint32_t layers_;
  Measure measure_;
  bool host_limited_ = false;
  std::vector<Lowest> lowest_;
  std::vector<DeviceTimes> times_;  // decode with a little prefill, or energy
  std::vector<bool> is_cpu_;
  std::vector<uint32_t> twins_;
};

/// The space's number of a device of the machine, which is one of the space's.
uint32_t local_index(const StageSpace& space, size_t device);

/// The cost of a pipeline's largest stage, and of all its stages.
double largest_cost(const StageSpace& space, const Cuts& cuts);
double total_cost(const StageSpace& space, const Cuts& cuts);

/// Whether the pipeline puts more into host memory than the rules allow.
bool exceeds_host_limit(const StageSpace& space, const Cuts& cuts);

}  // namespace motley::placement
