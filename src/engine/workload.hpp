// What a model asks of the devices that run it, as the planner wants to know it.
#pragma once

#include <span>

#include "engine/session_plan.hpp"
#include "gguf/file.hpp"
#include "placement/workload.hpp"
#include "vk/device_facts.hpp"

namespace motley::engine {

/// Bytes as they are packed and allocated, the most that any of `devices` would need; without devices, as on
/// a discrete GPU. Reads no weights. Throws as model::read_config and model::find_tensors do.
placement::Workload make_workload(const gguf::File& file, const SessionRequest& request,
                                  std::span<const vk::DeviceFacts* const> devices);

}  // namespace motley::engine
