// Every VkResult is checked; a failure becomes motley::Error.
#pragma once

#include <string_view>

#include <volk.h>

namespace motley::vk {

/// The enumerant's name, e.g. "VK_ERROR_DEVICE_LOST", or its number when unknown.
std::string_view result_name(VkResult result);

/// Throws Error when `result` is a failure. `what` names the call and its object ("vkQueueSubmit on 'RTX
/// 4090'"). Out of memory becomes kOutOfMemory, a lost device kDeviceLost, everything else kInternal.
void check(VkResult result, std::string_view what);

}  // namespace motley::vk
