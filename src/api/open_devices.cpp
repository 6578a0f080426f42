#include <algorithm>

#include "api/impl.hpp"
#include "api/plan_request.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "engine/device_measurements.hpp"
#include "placement/rank.hpp"

namespace motley {
namespace {

/// What the user may name, in the loader's order, by the names that plans tell.
std::vector<placement::Candidate> candidates_of(const vk::Instance& instance) {
  const engine::MeasurementCache cache;
  std::vector<placement::Candidate> candidates;
  for (const vk::PhysicalDevice& device : instance.devices())
    candidates.push_back(engine::to_candidate(device.facts, cache));
  number_namesakes(candidates);
  return candidates;
}

bool contains(const std::vector<size_t>& list, size_t device) {
  return std::ranges::find(list, device) != list.end();
}

bool is_named(const placement::Request& request, size_t device) {
  return contains(request.only, device) || contains(request.priority, device) ||
         std::ranges::find(request.layers, device, &placement::LayerRange::device) != request.layers.end();
}

/// Why the device at that place is not opened; empty: it is. Of a GPU that two drivers offer, one is enough
/// unless both are asked for.
std::string why_left_out(const placement::Place& place, const placement::Request& request) {
  if (contains(request.excluded, place.index)) return "excluded as asked";
  if (!request.only.empty())
    return contains(request.only, place.index) ? "" : "not among the devices asked for";
  return place.same_as && !is_named(request, place.index) ? place.reason : "";
}

/// The candidates to open, best first; the others are told of in `left_out`.
std::vector<size_t> choose(const std::vector<placement::Candidate>& candidates,
                           const placement::Request& request, std::vector<Plan::Unused>& left_out) {
  std::vector<size_t> chosen;
  for (placement::Place& place : placement::rank(candidates)) {
    const placement::Candidate& candidate = candidates[place.index];
    if (contains(request.excluded, place.index) && is_named(request, place.index))
      fail(ErrorCode::kInvalidArgument, "'{}' is both asked for and excluded", candidate.name);
    std::string reason = why_left_out(place, request);
    if (reason.empty()) {
      chosen.push_back(place.index);
    } else {
      left_out.push_back({candidate.name, std::move(reason), static_cast<uint32_t>(place.index),
                          candidate.device_local_bytes});
    }
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

engine::ModelHost::Options OpenedDevices::host_options(const SessionOptions& session) const {
  engine::ModelHost::Options options;
  options.session = to_request(session);
  options.request = request;
  options.names = names;
  return options;
}

std::vector<std::shared_ptr<vk::Device>> OpenedDevices::vulkan_devices() const {
  std::vector<std::shared_ptr<vk::Device>> result;
  for (const Device& device : devices) result.push_back(Access::of(device).device);
  return result;
}

Plan OpenedDevices::describe(const placement::Plan& planned, const placement::Machine& machine,
                             const placement::Request& asked) const {
  Plan plan = to_plan(planned, machine, asked);
  for (PlanStage& stage : plan.stages) stage.device_index = devices[stage.device_index].info().index;
  for (Plan::Unused& unused : plan.unused) unused.device_index = devices[unused.device_index].info().index;
  plan.unused.insert(plan.unused.end(), left_out.begin(), left_out.end());
  const bool measured = std::ranges::all_of(
      planned.stages, [&](const auto& stage) { return !machine.devices[stage.device].rates.empty(); });
  if (!measured) {
    // What the planner predicts has no ground.
    plan.decode_tokens_per_second = plan.prefill_tokens_per_second = 0;
    for (PlanStage& stage : plan.stages) stage.decode_ms = stage.prefill_ms_per_512 = 0;
  }
  return plan;
}

OpenedDevices open_devices(const PlanOptions& plan, const DeviceOptions& options) {
  const std::vector<placement::Candidate> candidates =
      candidates_of(*vk::Instance::create({options.validate}));
  OpenedDevices opened;
  opened.request = to_request(plan, candidates);
  const std::vector<size_t> chosen = choose(candidates, opened.request, opened.left_out);
  std::vector<size_t> indices;
  for (const size_t index : chosen) {
    try {
      opened.devices.push_back(Device::open(std::to_string(index), options));
    } catch (const Error& error) {
      const bool last_hope = index == chosen.back() && indices.empty();
      if (error.code() != ErrorCode::kNoDevice || last_hope || is_named(opened.request, index)) throw;
      log(LogLevel::kWarning, "{}; going on without '{}'", error.what(), candidates[index].name);
      opened.left_out.push_back({candidates[index].name, error.what(), static_cast<uint32_t>(index),
                                 candidates[index].device_local_bytes});
      continue;
    }
    opened.names.push_back(candidates[index].name);
    indices.push_back(index);
  }
  renumber(opened.request, indices, candidates);
  return opened;
}

}  // namespace motley
