#include "engine/device_measurements.hpp"

#include <algorithm>
#include <optional>

#include "base/host_memory.hpp"
#include "engine/power.hpp"

namespace motley::engine {
namespace {

using kernels::Measurements;

bool has_all(const std::optional<Measurements>& known, std::span<const quant::Format> formats) {
  return known &&
         std::ranges::all_of(formats, [&](quant::Format format) { return known->find(format) != nullptr; });
}

uint64_t usable_bytes(const vk::Device& device) {
  uint64_t bytes = device.available_bytes();
  if (device.facts().type == vk::DeviceType::kCpu) {
    if (const auto host = host_available_bytes()) bytes = std::min(bytes, *host);
  }
  return bytes - bytes / 32;
}

}  // namespace

std::optional<Measurements> known_measurements(const vk::DeviceFacts& facts, const MeasurementCache& cache,
                                               std::span<const quant::Format> formats) {
  auto known = cache.load(facts);
  if (!has_all(known, formats)) known.reset();
  return known;
}

Measurements device_measurements(kernels::Context& context, const MeasurementCache& cache,
                                 std::span<const quant::Format> formats, bool again) {
  const vk::DeviceFacts& facts = context.device.facts();
  if (!again) {
    if (auto known = known_measurements(facts, cache, formats)) return *std::move(known);
  }
  const DeviceFiles::Turn turn(cache.files());
  std::optional<Measurements> known;
  // Who had the turn before may have measured the same.
  if (!again) known = cache.load(facts);
  if (has_all(known, formats)) return *std::move(known);
  if (!known) known = kernels::measure_device(context);
  for (const quant::Format format : formats) {
    if (known->find(format) == nullptr) known->formats.push_back(kernels::measure_format(context, format));
  }
  cache.save(facts, *known);
  return *std::move(known);
}

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

placement::Candidate to_candidate(const vk::DeviceFacts& facts, const MeasurementCache& cache) {
  placement::Candidate candidate{.name = facts.name,
                                 .uuid = facts.uuid_string(),
                                 .device_class = class_of(facts.type),
                                 .device_local_bytes = facts.device_local_bytes(),
                                 .subgroup_size = facts.subgroup_size,
                                 .pci_address = facts.pci_address,
                                 .luid = facts.luid_string(),
                                 .driver_name = facts.driver_name,
                                 .bandwidth_gbs = std::nullopt};
  if (const auto known = cache.load(facts)) candidate.bandwidth_gbs = known->bandwidth_gbs;
  return candidate;
}

placement::PlanDevice to_plan_device(const vk::Device& device, const Measurements& measured) {
  const vk::DeviceFacts& facts = device.facts();
  placement::PlanDevice result;
  result.name = facts.name;
  result.device_class = class_of(facts.type);
  result.memory_bytes = usable_bytes(device);
  result.bandwidth_gbs = measured.bandwidth_gbs;
  // Layers in host memory are read by kernels, which is what a plan asks of the link most.
  result.link_gbs = measured.host_read_gbs;
  result.dispatch_us = measured.dispatch_us;
  result.handoff_us = measured.handoff_us;
  result.power_w = PowerMeter(facts.pci_address).limit_watts().value_or(0);
  result.decode_attention_gflops = measured.decode_attention_gflops;
  result.prefill_attention_gflops = measured.prefill_attention_gflops;
  result.activation_gbs = measured.activation_gbs;
  for (const kernels::FormatMeasurement& format : measured.formats) {
    result.rates.push_back({quant::info(format.format).stem, format.matvec_gbs, format.matmat_gflops,
                            format.few_gflops, format.product_us});
  }
  return result;
}

}  // namespace motley::engine
