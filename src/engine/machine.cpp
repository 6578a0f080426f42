#include "engine/model_host.hpp"
#include "kernels/bandwidth.hpp"

namespace motley::engine {
namespace {

placement::DeviceClass class_of(vk::DeviceType type) {
  switch (type) {
    case vk::DeviceType::kDiscrete:
      return placement::DeviceClass::kDiscrete;
    case vk::DeviceType::kIntegrated:
      return placement::DeviceClass::kIntegrated;
    case vk::DeviceType::kVirtual:
      return placement::DeviceClass::kVirtual;
    case vk::DeviceType::kCpu:
      return placement::DeviceClass::kCpu;
    case vk::DeviceType::kOther:
      break;
  }
  return placement::DeviceClass::kOther;
}

}  // namespace

placement::PlanDevice describe_device(vk::Device& device, bool measure) {
  placement::PlanDevice planned;
  planned.name = device.facts().name;
  planned.device_class = class_of(device.facts().type);
  planned.memory_bytes = device.available_bytes();
  if (measure) {
    kernels::Context context(device);
    planned.bandwidth_gbs = kernels::measure_bandwidth_gbs(context);
  }
  return planned;
}

}  // namespace motley::engine
