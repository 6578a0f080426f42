#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/impl.hpp"
#include "api/plan_request.hpp"
#include "engine/workload.hpp"
#include "placement/machine_file.hpp"
#include "placement/rank.hpp"
#include "quant/format.hpp"

namespace motley {
namespace {

std::vector<std::string_view> format_names() {
  std::vector<std::string_view> names;
  for (const quant::FormatInfo& format : quant::all_formats()) names.emplace_back(format.stem);
  return names;
}

/// For the devices of a file.
Plan plan_on_paper(const gguf::File& file, const PlanOptions& options, const SessionOptions& session,
                   const std::filesystem::path& devices_from) {
  placement::Machine machine = placement::read_machine_file(devices_from, format_names());
  std::vector<placement::Candidate> candidates;
  for (const placement::PlanDevice& device : machine.devices) {
    placement::Candidate& candidate = candidates.emplace_back();
    candidate.name = device.name;
    candidate.device_class = device.device_class;
    candidate.device_local_bytes = device.memory_bytes;
  }
  const placement::Workload workload = engine::make_workload(file, to_request(session), {});
  const placement::Request request = to_request(options, candidates);
  std::vector<std::string> estimates = placement::estimate_missing(machine);
  Plan plan = to_plan(placement::make_plan(machine, workload, request), machine, request);
  plan.context_tokens = workload.context;
  plan.estimates = std::move(estimates);
  return plan;
}

/// For this machine's devices: what loading the model would carry out.
Plan plan_at_hand(const Model& model, const PlanOptions& options, const SessionOptions& session,
                  const DeviceOptions& device_options) {
  const OpenedDevices opened = open_devices(options, device_options);
  engine::ModelHost host(Access::of(model).file, opened.vulkan_devices(), opened.host_options(session));
  const placement::Plan planned = host.preview();
  placement::Machine machine = host.machine();
  Plan plan = opened.describe(planned, machine, host.request());
  plan.context_tokens = host.context_tokens();
  plan.estimates = placement::estimate_missing(machine);
  return plan;
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
  Plan plan = devices_from.empty() ? plan_at_hand(model, options, session, device_options)
                                   : plan_on_paper(file, options, session, devices_from);
  plan.model = model.path().string();
  plan.layers = model::read_config(file).layers;
  return plan;
}

}  // namespace motley
