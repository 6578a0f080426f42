#include "engine/device_failure.hpp"

#include <algorithm>
#include <cmath>

namespace motley::engine {

void refuse_nan(const vk::Device& device, std::span<const float> values) {
  if (std::ranges::none_of(values, [](float value) { return std::isnan(value); })) return;
  const Error error(
      ErrorCode::kDeviceLost,
      fmt::format(
          "'{}' gave values that are no numbers: its driver is at fault, or the model file is damaged",
          device.facts().name));
  throw DeviceFailure(device, error, true);
}

}  // namespace motley::engine
