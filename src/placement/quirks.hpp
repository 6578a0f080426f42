// What particular drivers do differently. Nothing else in Motley looks at a driver's or a vendor's name.
#pragma once

#include <string_view>

namespace motley::placement {

struct Quirks {
  /// Passing a value from one lane to the others costs tens of cycles, as much as a load.
  bool slow_subgroup_exchange = false;
};

/// The quirks of the driver of that name and version text, as Vulkan reports them; none for unknown drivers.
Quirks find_quirks(std::string_view driver_name, std::string_view driver_info);

}  // namespace motley::placement
