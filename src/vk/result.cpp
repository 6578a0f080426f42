#include "vk/result.hpp"

#include "base/error.hpp"

namespace motley::vk {
namespace {

ErrorCode code_of(VkResult result) {
  switch (result) {
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
    case VK_ERROR_OUT_OF_HOST_MEMORY:
    case VK_ERROR_OUT_OF_POOL_MEMORY:
    case VK_ERROR_FRAGMENTED_POOL:
    case VK_ERROR_MEMORY_MAP_FAILED:  // there are no addresses left
    case VK_ERROR_TOO_MANY_OBJECTS:   // allocations, of which some drivers allow 4096
      return ErrorCode::kOutOfMemory;
    case VK_ERROR_DEVICE_LOST:
    case VK_ERROR_INITIALIZATION_FAILED:
    case VK_ERROR_UNKNOWN:
      return ErrorCode::kDeviceLost;
    default:
      return ErrorCode::kInternal;
  }
}

}  // namespace

std::string_view result_name(VkResult result) {
#define MOTLEY_NAME(name) \
  case name:              \
    return #name;
  switch (result) {
    MOTLEY_NAME(VK_SUCCESS)
    MOTLEY_NAME(VK_TIMEOUT)
    MOTLEY_NAME(VK_NOT_READY)
    MOTLEY_NAME(VK_INCOMPLETE)
    MOTLEY_NAME(VK_ERROR_OUT_OF_HOST_MEMORY)
    MOTLEY_NAME(VK_ERROR_OUT_OF_DEVICE_MEMORY)
    MOTLEY_NAME(VK_ERROR_INITIALIZATION_FAILED)
    MOTLEY_NAME(VK_ERROR_DEVICE_LOST)
    MOTLEY_NAME(VK_ERROR_MEMORY_MAP_FAILED)
    MOTLEY_NAME(VK_ERROR_LAYER_NOT_PRESENT)
    MOTLEY_NAME(VK_ERROR_EXTENSION_NOT_PRESENT)
    MOTLEY_NAME(VK_ERROR_FEATURE_NOT_PRESENT)
    MOTLEY_NAME(VK_ERROR_INCOMPATIBLE_DRIVER)
    MOTLEY_NAME(VK_ERROR_TOO_MANY_OBJECTS)
    MOTLEY_NAME(VK_ERROR_FRAGMENTED_POOL)
    MOTLEY_NAME(VK_ERROR_OUT_OF_POOL_MEMORY)
    MOTLEY_NAME(VK_ERROR_UNKNOWN)
    default:
      return "unknown VkResult";
  }
#undef MOTLEY_NAME
}

void check(VkResult result, std::string_view what) {
  if (result >= VK_SUCCESS) return;
  fail(code_of(result), "{} failed with {} ({})", what, result_name(result), static_cast<int>(result));
}

}  // namespace motley::vk
