#include "placement/quirks.hpp"

namespace motley::placement {
namespace {

struct Row {
  std::string_view driver_name;
  std::string_view info_prefix;
  Quirks quirks;
};

constexpr Row kRows[] = {
    // Measured on Mesa 22.3.6: 30 cycles a broadcast; on 26.2 one or two.
    {"llvmpipe", "Mesa 22.", {.slow_subgroup_exchange = true}},
};

}  // namespace

Quirks find_quirks(std::string_view driver_name, std::string_view driver_info) {
  for (const Row& row : kRows) {
    if (driver_name == row.driver_name && driver_info.starts_with(row.info_prefix)) return row.quirks;
  }
  return {};
}

}  // namespace motley::placement
