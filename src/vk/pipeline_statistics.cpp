#include "vk/pipeline_statistics.hpp"

#include "base/error.hpp"
#include "vk/result.hpp"

namespace motley::vk {
namespace {

double value_of(const VkPipelineExecutableStatisticKHR& statistic) {
  switch (statistic.format) {
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_BOOL32_KHR:
      return statistic.value.b32 == VK_TRUE ? 1 : 0;
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_INT64_KHR:
      return static_cast<double>(statistic.value.i64);
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_UINT64_KHR:
      return static_cast<double>(statistic.value.u64);
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_FLOAT64_KHR:
      return statistic.value.f64;
    default:
      fail(ErrorCode::kUnsupported, "the driver gives its statistic '{}' in an unknown form", statistic.name);
  }
}

}  // namespace

std::vector<PipelineStatistic> pipeline_statistics(const Device& device, const Pipeline& pipeline) {
  if (!device.options().compile_only)
    fail(ErrorCode::kInternal, "'{}' was not opened to compile only", device.facts().name);
  const VolkDeviceTable& table = device.table();
  VkPipelineInfoKHR of_pipeline{VK_STRUCTURE_TYPE_PIPELINE_INFO_KHR};
  of_pipeline.pipeline = pipeline.handle();
  uint32_t executables = 0;
  check(table.vkGetPipelineExecutablePropertiesKHR(device.handle(), &of_pipeline, &executables, nullptr),
        "vkGetPipelineExecutablePropertiesKHR");
  std::vector<PipelineStatistic> result;
  for (uint32_t i = 0; i < executables; ++i) {
    VkPipelineExecutableInfoKHR executable{VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR};
    executable.pipeline = pipeline.handle();
    executable.executableIndex = i;
    uint32_t count = 0;
    check(table.vkGetPipelineExecutableStatisticsKHR(device.handle(), &executable, &count, nullptr),
          "vkGetPipelineExecutableStatisticsKHR");
    std::vector<VkPipelineExecutableStatisticKHR> statistics(
        count, {VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR});
    check(table.vkGetPipelineExecutableStatisticsKHR(device.handle(), &executable, &count, statistics.data()),
          "vkGetPipelineExecutableStatisticsKHR");
    for (const VkPipelineExecutableStatisticKHR& statistic : statistics)
      result.push_back({statistic.name, value_of(statistic)});
  }
  return result;
}

}  // namespace motley::vk
