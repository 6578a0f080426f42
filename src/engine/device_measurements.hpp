// What the planner is told of a device: facts, and figures measured once and kept.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "engine/measurement_cache.hpp"
#include "kernels/measurement.hpp"
#include "placement/machine.hpp"
#include "placement/rank.hpp"
#include "vk/device.hpp"

namespace motley::engine {

/// What the cache knows of a device; nothing unless it has at least these formats.
std::optional<kernels::Measurements> known_measurements(const vk::DeviceFacts& facts,
                                                        const MeasurementCache& cache,
                                                        std::span<const quant::Format> formats);

/// The figures of a device with at least these formats (none: those of the device alone). What the cache
/// lacks is measured and added to it; `again` measures anew and forgets the rest. Takes what a driver needs
/// to compile two kernels a format, then a few tenths of a second a format. The device must not be at work
/// meanwhile. Throws as kernels::measure_device().
kernels::Measurements device_measurements(kernels::Context& context, const MeasurementCache& cache,
                                          std::span<const quant::Format> formats, bool again = false);

placement::DeviceClass class_of(vk::DeviceType type);

/// A device for the ranking, with its bandwidth where the cache has it.
placement::Candidate to_candidate(const vk::DeviceFacts& facts, const MeasurementCache& cache);

/// A device for the planner. Usable memory is what is available now less a thirty-second for what drivers and
/// other programs take by the way; a software driver's memory is the host's, so it is never more than that
/// has free. Power is the limit, where the system tells it.
placement::PlanDevice to_plan_device(const vk::Device& device, const kernels::Measurements& measured);

}  // namespace motley::engine
