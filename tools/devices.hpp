// The list of Vulkan devices, for `motley devices` and for --list-devices.
#pragma once

#include <motley/motley.hpp>

namespace motley::tools {

/// Prints a table, best device first; returns the exit code. Throws Error{kNoDevice} where there is none.
int list_devices_as_table(const DeviceOptions& options = {});

}  // namespace motley::tools
