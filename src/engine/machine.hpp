// Devices as the planner sees them.
#pragma once

#include "placement/machine.hpp"
#include "placement/workload.hpp"
#include "vk/device.hpp"

namespace motley::engine {

/// What the driver tells and what was measured earlier, if that was for all of the workload's formats; the
/// planner estimates the rest.
placement::PlanDevice describe_device(const vk::Device& device, const placement::Workload& workload);
/// With figures measured for the workload's formats, now or earlier, by kernels that were tried before, and
/// where `tune` says so the fastest of them (prepare_kernels). Throws as prepare_kernels() and
/// device_measurements().
placement::PlanDevice measure_device(vk::Device& device, const placement::Workload& workload, bool tune);

}  // namespace motley::engine
