// Which search answers which request.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "placement/constraints.hpp"
#include "placement/figures.hpp"
#include "placement/stages.hpp"

namespace motley::placement {

/// The stages chosen, or none where nothing is possible.
struct Choice {
  bool found = false;
  bool spilled = false;  ///< the regular devices do not suffice
  Cuts cuts;
  std::vector<uint32_t> resident_begin;  ///< of each cut, its first layer not in host memory
  double gap = 0;
  std::vector<std::string> warnings;
};

/// Chooses by objective and constraints. With `priority`, the devices named are filled in order and the rest
/// of the layers goes where they cost least in all. With layers in host memory, kCapacity chooses by time:
/// every device is full then. Throws Error{kInvalidArgument} where `device_layers` or `spread` cannot be met.
Choice choose(const Context& context, const Allowed& allowed);

/// Whether the regular devices' memory suffices.
bool fits_devices(const Context& context, const Allowed& allowed, const MemoryModel& memory);

}  // namespace motley::placement
