// What particular drivers do differently. Nothing else in Motley looks at a driver's or a vendor's name.
#pragma once

#include <string_view>

namespace motley::placement {

struct Quirks {
  /// A load from a storage buffer costs tens of times what one from a texel buffer does.
  bool slow_storage_loads = false;
  /// Loads by address are faster than those from storage buffers, which the driver checks.
  bool fast_address_loads = false;
  /// Multiplying integers takes the time of multiplying single-precision numbers, or little more.
  bool fast_integer_products = false;
  /// Multiplying four bytes at once is fast, though the driver does not call it accelerated.
  bool fast_packed_dot_products = false;
  /// Of several drivers for one GPU that with the largest is taken; 0 for those without a row.
  int preference = 0;
  /// Why it stands before or behind others, to follow the driver's name in a sentence.
  std::string_view preference_reason;
  /// The environment variable that tells a software driver how many threads to compute with: what was
  /// measured holds for one value of it.
  std::string_view threads_variable;
};

/// The quirks of the driver of that name and version text, as Vulkan reports them; none for unknown drivers.
Quirks find_quirks(std::string_view driver_name, std::string_view driver_info);

}  // namespace motley::placement
