// Which layers go on which device, and why.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <motley/device.hpp>
#include <motley/model.hpp>
#include <motley/session_options.hpp>

namespace motley {

/// What a plan is made for.
enum class Objective {
  kLatency,     ///< one stream of tokens: the fastest device first, and none that makes the whole slower
  kThroughput,  ///< overlapping streams or prompts: all devices finish at the same time
  kCapacity,    ///< the largest contexts: in proportion to memory
  kEfficiency,  ///< the fewest joules a token, where the devices' power is known
};

/// "latency", "throughput", "capacity", "efficiency".
MOTLEY_API const char* to_string(Objective objective) noexcept;

/// What the user says about where a model runs. Devices are named by index, name (with * and ?, or a part of
/// it), UUID or PCI address.
struct PlanOptions {
  Objective objective = Objective::kLatency;
  bool spread = false;                ///< use every suitable device, even when one would do
  std::vector<std::string> devices;   ///< the only ones to use; empty: all
  std::vector<std::string> excluded;  ///< devices not to use
  std::vector<std::string> priority;  ///< devices to fill first, in this order
  /// Shares of the layers, one for each of `devices`; where none are named, for each of the machine's, best
  /// first (in a file of devices, in its order).
  std::vector<double> split;
  std::string layers;               ///< the whole plan by hand: "A:0-19,B:20-31"; a device may come twice
  std::uint64_t reserve_bytes = 0;  ///< to leave free on every device
  std::vector<std::pair<std::string, std::uint64_t>> max_memory;  ///< device and bytes
  std::optional<std::uint32_t> device_layers;  ///< so many layers on devices, the others in host memory
};

/// Consecutive layers on one device, and what that is predicted to cost.
struct PlanStage {
  std::string device;
  std::uint32_t device_index = 0;  ///< as DeviceInfo::index, or the place in the file of devices
  std::uint32_t first_layer = 0;
  std::uint32_t last_layer = 0;   ///< included
  std::uint32_t host_layers = 0;  ///< of these, in host memory and read over the link
  bool embedding = false;
  bool output = false;
  std::uint64_t weights_bytes = 0;  ///< in the device's memory, as the next three
  std::uint64_t kv_bytes = 0;
  std::uint64_t scratch_bytes = 0;
  std::uint64_t host_bytes = 0;    ///< in host memory: host_layers, or all of a software driver's device
  std::uint64_t usable_bytes = 0;  ///< of the device's memory, what the plan might use
  double decode_ms = 0;            ///< one token, hand-offs not included
  double prefill_ms_per_512 = 0;   ///< 512 tokens of a prompt, hand-offs not included
  double handoff_ms = 0;           ///< one token's activations from here to the next stage; 0 for the last
  std::string reason;              ///< why, one sentence
};

/// Where a model's layers lie and what that is predicted to give.
struct Plan {
  struct Unused {
    std::string device;
    std::string reason;
    std::uint32_t device_index = 0;  ///< as PlanStage::device_index
    std::uint64_t usable_bytes = 0;  ///< of its memory, what the plan might have used
  };
  struct Alternative {
    std::string plan;  ///< "best single device", "even split", "memory-proportional", "all devices"
    double decode_tokens_per_second = 0;
    double prefill_tokens_per_second = 0;
    bool feasible = false;
  };

  std::string model;                 ///< its path or shape
  std::uint32_t layers = 0;          ///< of the model
  std::uint32_t context_tokens = 0;  ///< that there is memory for
  Objective objective = Objective::kLatency;
  bool feasible = false;
  std::vector<PlanStage> stages;  ///< in the order of the layers
  std::vector<Unused> unused;
  double decode_tokens_per_second = 0;  ///< at half the context; 0 where nothing was measured
  double prefill_tokens_per_second = 0;
  std::uint32_t chunk_tokens = 0;  ///< tokens of a prompt that go through the stages together
  double load_s = 0;
  std::uint64_t host_bytes = 0;  ///< of host memory, software drivers' devices included
  double joules_per_token = 0;   ///< 0: unknown
  std::vector<Alternative> alternatives;
  std::vector<std::string> warnings;
  std::vector<std::string> estimates;  ///< figures that were not given, and what they were taken to be
};

/// Plans without loading anything. `devices_from` is a file of devices (see the manual page); empty: this
/// machine's, which are measured at their first use. Throws kInvalidArgument for options that contradict each
/// other or cannot be met, saying by how much, and for a malformed file of devices; a model that does not fit
/// gives a plan that is not feasible.
MOTLEY_API Plan make_plan(const Model& model, const PlanOptions& options = {},
                          const SessionOptions& session = {}, const std::filesystem::path& devices_from = {},
                          const DeviceOptions& device_options = {});

/// The plan as one JSON object in lines of two spaces' indentation; its fields are those of Plan.
MOTLEY_API std::string to_json(const Plan& plan);

}  // namespace motley
