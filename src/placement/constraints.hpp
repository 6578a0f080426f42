// What the user's word leaves to plan with.
#pragma once

#include <cstdint>
#include <vector>

#include "placement/plan.hpp"
#include "placement/stages.hpp"

namespace motley::placement {

/// Who may hold layers, and how much.
struct Allowed {
  std::vector<uint64_t> usable_bytes;  ///< of every device of the machine
  std::vector<size_t> regular;         ///< may hold layers like any other
  std::vector<size_t> reluctant;       ///< CPU devices: where needed, or where a token gets faster
  std::vector<Unused> ruled_out;       ///< the others, and why
};

/// Throws Error{kInvalidArgument} for devices that do not exist, are named twice, both asked for and
/// excluded, for orders that exclude each other (`layers` with `split`, ...) and for none left.
Allowed resolve(const Machine& machine, const Request& request);

/// The stages of `layers` or `split`. Throws Error{kInvalidArgument} when they leave layers out, overlap,
/// have shares that make no sense, or need more memory than a device has: by how much.
Cuts cuts_by_hand(const Machine& machine, const MemoryModel& memory, const Request& request,
                  const Allowed& allowed);

/// Cuts of so many layers in proportion to the shares, rounded; devices whose share rounds to nothing are
/// left out. The shares' sum is positive and finite.
Cuts proportional_cuts(uint32_t layers, const std::vector<size_t>& devices,
                       const std::vector<double>& shares);

/// By how many bytes each device of the machine is overdrawn by stages that lie wholly in it.
std::vector<uint64_t> missing_bytes(const MemoryModel& memory, const Cuts& cuts);

}  // namespace motley::placement
