#include <algorithm>

#include "api/impl.hpp"
#include "api/plan_request.hpp"
#include "base/error.hpp"
#include "engine/device_measurements.hpp"
#include "placement/rank.hpp"

namespace motley {
namespace {

/// The devices to open, best first: those asked for, or each GPU once.
std::vector<size_t> choose(const std::vector<placement::Candidate>& candidates,
                           const placement::Request& request) {
  const auto has = [](const std::vector<size_t>& list, size_t device) {
    return std::ranges::find(list, device) != list.end();
  };
  const auto named = [&](size_t device) {
    return has(request.only, device) || has(request.priority, device) ||
           std::ranges::find(request.layers, device, &placement::LayerRange::device) != request.layers.end();
  };
  std::vector<size_t> chosen;
  for (const placement::Place& place : placement::rank(candidates)) {
    if (has(request.excluded, place.index) && named(place.index)) {
      fail(ErrorCode::kInvalidArgument, "'{}' is both asked for and excluded", candidates[place.index].name);
    }
    const bool allowed = request.only.empty() ? !place.same_as.has_value() || named(place.index)
                                              : has(request.only, place.index);
    if (allowed && !has(request.excluded, place.index)) chosen.push_back(place.index);
  }
  if (chosen.empty()) {
    fail(ErrorCode::kNoDevice,
         "no device is left to run on; a software driver always works: apt install mesa-vulkan-drivers");
  }
  return chosen;
}

/// Numbers of candidates become numbers of opened devices.
void renumber(placement::Request& request, const std::vector<size_t>& opened,
              const std::vector<placement::Candidate>& candidates) {
  const auto number = [&](size_t device) {
    const auto found = std::ranges::find(opened, device);
    if (found == opened.end()) {
      fail(ErrorCode::kInvalidArgument, "'{}' is asked for, but not among the devices to use",
           candidates[device].name);
    }
    return static_cast<size_t>(found - opened.begin());
  };
  for (size_t& device : request.only) device = number(device);
  for (size_t& device : request.priority) device = number(device);
  for (placement::LayerRange& range : request.layers) range.device = number(range.device);
  std::map<size_t, uint64_t> max_memory;
  for (const auto& [device, bytes] : request.max_memory) {
    if (std::ranges::find(opened, device) != opened.end()) max_memory[number(device)] = bytes;
  }
  request.max_memory = std::move(max_memory);
  request.excluded.clear();
}

}  // namespace

std::vector<placement::Candidate> candidates_of(const vk::Instance& instance) {
  const engine::MeasurementCache cache;
  std::vector<placement::Candidate> candidates;
  for (const vk::PhysicalDevice& device : instance.devices())
    candidates.push_back(engine::to_candidate(device.facts, cache));
  number_namesakes(candidates);
  return candidates;
}

OpenedDevices open_devices(const PlanOptions& plan, const DeviceOptions& options) {
  const std::vector<placement::Candidate> candidates =
      candidates_of(*vk::Instance::create({options.validate}));
  OpenedDevices opened;
  opened.request = to_request(plan, candidates);
  const std::vector<size_t> chosen = choose(candidates, opened.request);
  renumber(opened.request, chosen, candidates);
  for (const size_t index : chosen) opened.devices.push_back(Device::open(std::to_string(index), options));
  return opened;
}

}  // namespace motley
