// What a device can do at most: the rate at which it reads memory.
#pragma once

#include "kernels/profile.hpp"

namespace motley::kernels {

/// 10^9 bytes a second at which the device reads memory of this use, its own or the host's: the best of
/// several readings of a buffer too large for caches (less where memory is short). Throws Error{kOutOfMemory}
/// where there is none at all.
double measure_bandwidth_gbs(Context& context, vk::MemoryUse use = vk::MemoryUse::kDevice);

}  // namespace motley::kernels
