// Which device is the best, and which ones a user means. Pure functions over plain data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace motley::placement {

/// How a device is built into the machine; the order is the order of preference.
enum class DeviceClass { kDiscrete, kIntegrated, kVirtual, kCpu, kOther };

struct Candidate {
  std::string name;
  std::string uuid;
  DeviceClass device_class = DeviceClass::kOther;
  uint64_t device_local_bytes = 0;
  uint32_t subgroup_size = 0;
  std::string pci_address;              ///< "0000:01:00.0"; empty: unknown
  std::string luid;                     ///< hexadecimal; empty: unknown
  std::string driver_name;              ///< as Vulkan reports it
  std::optional<double> bandwidth_gbs;  ///< reading its own memory, where it was measured
};

struct Place {
  size_t index = 0;    ///< into the candidates
  std::string reason;  ///< one sentence
  /// Of a GPU that another driver offers as well, and better: that candidate. It is the one to use.
  std::optional<size_t> same_as;
};

/// All candidates, best first: by class; then by measured bandwidth, where it is known for all of the class;
/// then by device-local memory; then by subgroup size (of software drivers that share the host's memory the
/// one with wider vectors computes faster); then in the order given. A GPU that several drivers offer has its
/// place through the preferred one (placement/quirks.hpp); the others come last. Candidates are the same GPU
/// when their PCI addresses are equal, where both are known, else their LUIDs, else their UUIDs.
std::vector<Place> rank(std::span<const Candidate> candidates);

/// The candidate a user means: an index (of at most two digits), a UUID, a PCI address (the domain 0000 may
/// be left out), a part of the name or a pattern of the whole name with * and ?, all in any case. Of one
/// GPU's drivers the preferred is meant unless the index says otherwise. Throws Error{kNoDevice}, with the
/// list, when none or several fit.
size_t select(std::span<const Candidate> candidates, std::string_view selector);

/// The candidates that a list with commas means, in its order; a name or pattern may fit several. Throws
/// Error{kNoDevice}, with the list of what there is, when a part fits none, Error{kInvalidArgument} when a
/// part is empty or names only devices that were named before it.
std::vector<size_t> select_all(std::span<const Candidate> candidates, std::string_view selectors);

}  // namespace motley::placement
