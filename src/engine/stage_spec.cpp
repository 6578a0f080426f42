#include "engine/stage_spec.hpp"

#include <algorithm>

namespace motley::engine {

StageDevices devices_of(std::span<const StageSpec> stages) {
  StageDevices result;
  for (const StageSpec& stage : stages) {
    const auto found = std::ranges::find(result.devices, stage.device.get());
    result.of_stage.push_back(static_cast<size_t>(found - result.devices.begin()));
    if (found == result.devices.end()) result.devices.push_back(stage.device.get());
  }
  return result;
}

}  // namespace motley::engine
