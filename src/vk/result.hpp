// Every VkResult is checked; a failure becomes motley::Error.
#pragma once

#include <string_view>

#include <volk.h>

namespace motley::vk {

/// The enumerant's name, e.g. "VK_ERROR_DEVICE_LOST", or its number when unknown.
std::string_view result_name(VkResult result);

/// Throws Error when `result` is a failure. `what` names the call and its object ("vkQueueSubmit on 'RTX
/// 4090'"). What is out of memory of some kind becomes kOutOfMemory, a device or driver that fails
/// kDeviceLost, and everything else, which Motley must have caused, kInternal.
void check(VkResult result, std::string_view what);

}  // namespace motley::vk
