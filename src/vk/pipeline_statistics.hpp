// What a driver's compiler says of the pipelines it made.
#pragma once

#include <string>
#include <vector>

#include "vk/device.hpp"
#include "vk/pipeline.hpp"

namespace motley::vk {

/// A figure in the driver's own words, e.g. "VGPRs" or "Spilled VGPRs".
struct PipelineStatistic {
  std::string name;
  double value = 0;
};

/// The driver's figures for one pipeline, in its order. Throws Error{kInternal} when the device was not made
/// with DeviceOptions::compile_only. Source: VK_KHR_pipeline_executable_properties.
std::vector<PipelineStatistic> pipeline_statistics(const Device& device, const Pipeline& pipeline);

}  // namespace motley::vk
