// Which device is the best. Pure functions over plain data.
#pragma once

#include <cstddef>
#include <cstdint>
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
};

struct Place {
  size_t index = 0;    ///< into the candidates
  std::string reason;  ///< one sentence
};

/// All candidates, best first: by class, then by device-local memory, then by subgroup size (of software
/// drivers that share the host's memory the one with wider vectors computes faster), then in the order given.
std::vector<Place> rank(std::span<const Candidate> candidates);

/// The candidate a user means: an index, a UUID, or a part of the name in any case. Throws Error{kNoDevice},
/// with the list, when none or several fit.
size_t select(std::span<const Candidate> candidates, std::string_view selector);

}  // namespace motley::placement
