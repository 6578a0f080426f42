#include "placement/quirks.hpp"

namespace motley::placement {
namespace {

struct Row {
  std::string_view driver_name;
  std::string_view info_prefix;
  Quirks quirks;
};

constexpr std::string_view kLayered = "hands everything on to another driver";

/// The first that fits is taken. Names as the drivers report them (VkPhysicalDeviceDriverProperties).
constexpr Row kRows[] = {
    // Measured on Mesa 22.3.6 and 26.2.6; the figures are in shaders/kernels/matmul.comp.
    {"llvmpipe",
     "Mesa 22.",
     {.slow_storage_loads = true, .fast_integer_products = true, .threads_variable = "LP_NUM_THREADS"}},
    {"llvmpipe",
     "",
     {.fast_address_loads = true, .fast_integer_products = true, .threads_variable = "LP_NUM_THREADS"}},
    {"SwiftShader driver", "", {.fast_packed_dot_products = true}},
    // AMD ended its own drivers for Linux in 2025 in favour of RADV (release notes of Radeon Software for
    // Linux
    // 25.10.1; github.com/GPUOpen-Drivers/AMDVLK is archived).
    {"radv", "", {.preference = 2, .preference_reason = "is the one that AMD goes on with"}},
    {"AMD proprietary driver", "", {.preference = 1, .preference_reason = "is no longer maintained"}},
    {"AMD open-source driver", "", {.preference = 1, .preference_reason = "is no longer maintained"}},
    // NVIDIA's own has VK_NV_cooperative_matrix2, which NVK lacks.
    {"NVIDIA", "", {.preference = 2, .preference_reason = "is the vendor's own"}},
    {"NVK", "", {.preference = 1, .preference_reason = "is not the vendor's own"}},
    // Vulkan on Direct3D 12, on Metal, and in a virtual machine.
    {"Dozen", "", {.preference = -1, .preference_reason = kLayered}},
    {"MoltenVK", "", {.preference = -1, .preference_reason = kLayered}},
    {"venus", "", {.preference = -1, .preference_reason = kLayered}},
};

}  // namespace

Quirks find_quirks(std::string_view driver_name, std::string_view driver_info) {
  for (const Row& row : kRows) {
    if (driver_name == row.driver_name && driver_info.starts_with(row.info_prefix)) return row.quirks;
  }
  return {};
}

}  // namespace motley::placement
