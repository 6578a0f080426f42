// Which device holds which layers, how fast that will be, and why.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "placement/machine.hpp"
#include "placement/workload.hpp"

namespace motley::placement {

enum class Objective {
  kLatency,     ///< one stream: the least sum of stage times and hand-offs
  kThroughput,  ///< overlapping streams: the least largest stage time
  kCapacity,    ///< proportional to usable memory: the least fill of the fullest device
  kEfficiency,  ///< the least energy a token; devices of unknown power are left out
};

/// Layers first to last, both included, on one device.
struct LayerRange {
  size_t device = 0;
  uint32_t first = 0;
  uint32_t last = 0;
};

/// What the user asks for. Devices are indices into Machine::devices.
struct Request {
  Objective objective = Objective::kLatency;
  /// Every suitable (not CPU) device gets a part, balanced by time (by memory for kCapacity).
  bool spread = false;
  std::vector<size_t> only;  ///< devices allowed; empty: all. A CPU device named here is one like any other.
  std::vector<size_t> excluded;
  std::vector<size_t> priority;  ///< first in the pipeline, in this order, each filled before the next
  /// Shares of the layers, one per device of `only` (of the machine where that is empty), in that order.
  std::vector<double> split;
  std::vector<LayerRange> layers;         ///< the whole plan by hand; a device may come twice
  std::map<size_t, uint64_t> max_memory;  ///< bytes, by device
  uint64_t reserve_bytes = 0;             ///< of every device's memory, left free
  /// So many layers, the last ones, lie in the memory of devices that are not CPUs, the others in host
  /// memory.
  std::optional<uint32_t> device_layers;
  /// Times the usual search, about 10 ms at most. More pays where Plan::gap is large: ten or more unlike
  /// devices whose memory just about suffices. From 1 to 1000; others are taken as the nearest.
  uint32_t effort = 1;
};

/// Consecutive layers on one device.
struct Stage {
  size_t device = 0;
  uint32_t first_layer = 0;
  uint32_t last_layer = 0;  ///< included
  bool embedding = false;
  bool output = false;
  /// The first so many of its layers lie in host memory, weights and KV cache, and are read over the link.
  uint32_t host_layers = 0;
  uint64_t weights_bytes = 0;  ///< in the device's memory, as the next two
  uint64_t kv_bytes = 0;
  uint64_t scratch_bytes = 0;
  uint64_t host_bytes = 0;        ///< in host memory: host_layers, or all of a CPU device's stage
  double decode_ms = 0;           ///< one token, hand-offs not included
  double prefill_ms_per_512 = 0;  ///< 512 tokens, hand-offs not included
  double handoff_ms = 0;          ///< one token's activations from here to the next stage; 0 for the last
  double load_s = 0;              ///< its weights over its link
  std::string reason;
};

struct Unused {
  size_t device = 0;
  std::string reason;
};

struct Alternative {
  std::string plan;
  double decode_tokens_per_second = 0;  ///< what it would reach, were there memory enough
  double prefill_tokens_per_second = 0;
  bool feasible = false;
};

struct Plan {
  Objective objective = Objective::kLatency;
  bool feasible = false;
  std::vector<Stage> stages;  ///< in the order of the layers; empty when not feasible
  std::vector<Unused> unused;
  /// One stream (kThroughput: all overlapping streams together) at half the context.
  double decode_tokens_per_second = 0;
  double prefill_tokens_per_second = 0;  ///< a prompt of 512 tokens, its chunks pipelined over the stages
  uint32_t chunk_tokens = 0;             ///< tokens of such a chunk
  double load_s = 0;                     ///< one device after the other
  uint64_t host_bytes = 0;               ///< in host memory, CPU devices included
  double joules_per_token = 0;           ///< 0 where the power of a used device is not known
  /// Proven: no plan is better by more than this share (see search.hpp). 0 for plans made by hand.
  double gap = 0;
  /// "best single device", "even split", "memory-proportional", "all devices"
  std::vector<Alternative> alternatives;
  std::vector<std::string> warnings;  ///< layers in host memory and their price; what would fit
};

/// Plans. Figures of the machine that are 0 are estimated as by estimate_missing(). A model that does not fit
/// gives a plan that is not feasible, with what would fit in `warnings`.
///
/// The space searched: each device holds at most one run of layers, in any order of devices; embedding with
/// the first stage, output with the last. CPU devices hold layers when the others do not suffice, when named
/// in `only` or `priority`, or when a token gets faster by it. Layers lie in host memory only when the
/// devices do not suffice, or when `device_layers` says so. Of plans within 0.05 % the one with the better
/// prefill.
///
/// Throws Error{kInvalidArgument} for figures that make no sense and for constraints that contradict each
/// other or cannot be met, saying by how much.
Plan make_plan(const Machine& given, const Workload& workload, const Request& request);

}  // namespace motley::placement
