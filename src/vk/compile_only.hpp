// A device that makes pipelines and nothing else.
#pragma once

#include <volk.h>

namespace motley::vk {

/// Puts functions that do nothing in place of all that needs memory, queues or command buffers, and leave
/// handles empty: recording then makes the pipelines it needs, on a driver that can do no more than that.
void leave_only_compilation(VolkDeviceTable& table);

}  // namespace motley::vk
