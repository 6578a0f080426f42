// Asks a driver for everything in DeviceFacts.
#pragma once

#include <string_view>

#include <volk.h>

#include "vk/device_facts.hpp"

namespace motley::vk {

DeviceFacts query_facts(VkPhysicalDevice device);

/// Whether the driver offers the device extension of that name.
bool has_device_extension(VkPhysicalDevice device, std::string_view name);

/// The first queue family that computes, preferring one without graphics; -1 when there is none.
int find_compute_family(VkPhysicalDevice device);

}  // namespace motley::vk
