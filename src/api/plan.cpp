#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "api/impl.hpp"
#include "api/plan_request.hpp"
#include "base/error.hpp"
#include "base/host_memory.hpp"
#include "engine/machine.hpp"
#include "engine/workload.hpp"
#include "placement/machine_file.hpp"
#include "placement/rank.hpp"
#include "quant/format.hpp"

namespace motley {
namespace {

/// What a plan is made for.
struct Subject {
  placement::Machine machine;
  placement::Workload workload;
  placement::Request request;
  std::map<size_t, std::string> twins;  ///< devices that another driver offers as well and better: why
};

std::vector<std::string_view> format_names() {
  std::vector<std::string_view> names;
  for (const quant::FormatInfo& format : quant::all_formats()) names.emplace_back(format.stem);
  return names;
}

Subject written_down(const gguf::File& file, const PlanOptions& options, const SessionOptions& session,
                     const std::filesystem::path& devices_from) {
  Subject subject;
  subject.machine = placement::read_machine_file(devices_from, format_names());
  subject.workload = engine::make_workload(file, to_request(session), {});
  std::vector<placement::Candidate> candidates;
  for (const placement::PlanDevice& device : subject.machine.devices) {
    candidates.push_back({.name = device.name,
                          .uuid = {},
                          .device_class = device.device_class,
                          .device_local_bytes = device.memory_bytes,
                          .subgroup_size = 0,
                          .pci_address = {},
                          .luid = {},
                          .driver_name = {},
                          .bandwidth_gbs = {}});
  }
  subject.request = to_request(options, candidates);
  return subject;
}

bool contains(const std::vector<size_t>& devices, size_t device) {
  return std::ranges::find(devices, device) != devices.end();
}

/// This machine's devices, those measured that may be used. Of a GPU that two drivers offer, one is enough
/// unless both are asked for.
Subject at_hand(const gguf::File& file, const PlanOptions& options, const SessionOptions& session,
                const DeviceOptions& device_options) {
  const std::shared_ptr<vk::Instance> instance = vk::Instance::create({device_options.validate});
  const std::vector<placement::Candidate> candidates = candidates_of(*instance);
  std::vector<const vk::DeviceFacts*> facts;
  for (const vk::PhysicalDevice& device : instance->devices()) facts.push_back(&device.facts);
  if (facts.empty()) {
    fail(ErrorCode::kNoDevice,
         "the Vulkan drivers offer no device with Vulkan 1.2: plan for a file of devices, or install a "
         "driver");
  }
  Subject subject;
  subject.request = to_request(options, candidates);
  placement::Request& request = subject.request;
  for (const placement::Place& place : placement::rank(candidates)) {
    const bool said = contains(request.only, place.index) || contains(request.excluded, place.index);
    if (!place.same_as || said) continue;
    request.excluded.push_back(place.index);
    subject.twins[place.index] = place.reason;
  }
  subject.workload = engine::make_workload(file, to_request(session), facts);
  for (size_t i = 0; i < facts.size(); ++i) {
    const bool usable = !contains(request.excluded, i) && (request.only.empty() || contains(request.only, i));
    const std::shared_ptr<vk::Device> device = vk::Device::create(instance, instance->devices()[i]);
    subject.machine.devices.push_back(usable ? engine::measure_device(*device, subject.workload)
                                             : engine::describe_device(*device));
    subject.machine.devices.back().name = candidates[i].name;
  }
  subject.machine.host.memory_bytes = host_available_bytes().value_or(0);
  return subject;
}

}  // namespace

const char* to_string(Objective objective) noexcept {
  switch (objective) {
    case Objective::kLatency:
      return "latency";
    case Objective::kThroughput:
      return "throughput";
    case Objective::kCapacity:
      return "capacity";
    case Objective::kEfficiency:
      return "efficiency";
  }
  return "unknown";
}

Plan make_plan(const Model& model, const PlanOptions& options, const SessionOptions& session,
               const std::filesystem::path& devices_from, const DeviceOptions& device_options) {
  const gguf::File& file = *Access::of(model).file;
  Subject subject = devices_from.empty() ? at_hand(file, options, session, device_options)
                                         : written_down(file, options, session, devices_from);
  std::vector<std::string> estimates = placement::estimate_missing(subject.machine);
  Plan plan = to_plan(placement::make_plan(subject.machine, subject.workload, subject.request),
                      subject.machine, subject.request);
  plan.model = model.path().string();
  plan.layers = static_cast<uint32_t>(subject.workload.layers.size());
  plan.context_tokens = subject.workload.context;
  plan.estimates = std::move(estimates);
  for (Plan::Unused& unused : plan.unused) {
    const auto twin = subject.twins.find(unused.device_index);
    if (twin != subject.twins.end()) unused.reason = twin->second;
  }
  return plan;
}

}  // namespace motley
