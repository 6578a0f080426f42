#include "vk/result.hpp"

#include "base/error.hpp"

namespace motley::vk {

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
  ErrorCode code = ErrorCode::kInternal;
  if (result == VK_ERROR_OUT_OF_DEVICE_MEMORY || result == VK_ERROR_OUT_OF_HOST_MEMORY) {
    code = ErrorCode::kOutOfMemory;
  } else if (result == VK_ERROR_DEVICE_LOST) {
    code = ErrorCode::kDeviceLost;
  }
  fail(code, "{} failed with {} ({})", what, result_name(result), static_cast<int>(result));
}

}  // namespace motley::vk
