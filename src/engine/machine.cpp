#include "engine/machine.hpp"

#include <algorithm>

#include "engine/device_measurements.hpp"
#include "engine/tuned_kernels.hpp"

namespace motley::engine {
namespace {

std::vector<quant::Format> formats_of(const placement::Workload& workload) {
  std::vector<quant::Format> formats;
  const auto add = [&](const placement::LayerCost& layer) {
    for (const placement::MatrixCost& matrix : layer.matrices) {
      for (const quant::FormatInfo& info : quant::all_formats()) {
        if (matrix.format == info.stem && std::ranges::find(formats, info.format) == formats.end())
          formats.push_back(info.format);
      }
    }
  };
  for (const placement::LayerCost& layer : workload.layers) add(layer);
  add(workload.output);
  return formats;
}

}  // namespace

placement::PlanDevice describe_device(const vk::Device& device, const placement::Workload& workload) {
  const auto known = known_measurements(device.facts(), MeasurementCache(), formats_of(workload));
  return to_plan_device(device, known.value_or(kernels::Measurements{}));
}

placement::PlanDevice measure_device(vk::Device& device, const placement::Workload& workload, bool tune) {
  kernels::Context context(device);
  const std::vector<quant::Format> formats = formats_of(workload);
  prepare_kernels(context,
                  {.products = formats, .tables = {}, .caches = {kernels::KernelNeeds::CacheTypes{}}}, tune);
  return to_plan_device(device, device_measurements(context, MeasurementCache(), formats));
}

}  // namespace motley::engine
