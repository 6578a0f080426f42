#include "engine/model_host.hpp"

#include <algorithm>
#include <utility>

#include "base/host_memory.hpp"
#include "base/log.hpp"
#include "engine/machine.hpp"
#include "engine/workload.hpp"
#include "placement/machine_file.hpp"

namespace motley::engine {
namespace {

constexpr int kLoadAttempts = 8;

std::string join(const std::vector<std::string>& sentences) {
  std::string text;
  for (const std::string& sentence : sentences) text += (text.empty() ? "" : "; ") + sentence;
  return text;
}

std::vector<const vk::DeviceFacts*> facts_of(std::span<const std::shared_ptr<vk::Device>> devices) {
  std::vector<const vk::DeviceFacts*> facts;
  for (const std::shared_ptr<vk::Device>& device : devices) facts.push_back(&device->facts());
  return facts;
}

bool is_software(const placement::PlanDevice& device) {
  return device.device_class == placement::DeviceClass::kCpu;
}

}  // namespace

ModelHost::ModelHost(std::shared_ptr<const gguf::File> file, std::vector<std::shared_ptr<vk::Device>> devices,
                     Options options)
    : file_(std::move(file)),
      devices_(std::move(devices)),
      options_(std::move(options)),
      config_(model::read_config(*file_)) {
  workload_ = make_workload(*file_, options_.session, facts_of(devices_));
  describe_devices();
}

void ModelHost::describe_devices() {
  for (const std::shared_ptr<vk::Device>& device : devices_)
    machine_.devices.push_back(describe_device(*device, workload_));
  machine_.host.memory_bytes = host_available_bytes().value_or(0);
  // More than there are is all of them; and a software driver's memory is host memory.
  std::optional<uint32_t>& device_layers = options_.request.device_layers;
  if (device_layers >= config_.layers || std::ranges::all_of(machine_.devices, is_software))
    device_layers.reset();
  if (options_.names.empty()) placement::number_namesakes(machine_);
  for (size_t i = 0; i < options_.names.size(); ++i) machine_.devices[i].name = options_.names[i];
  if (devices_.size() == 1) return;
  held_back_ = devices_to_hold_back();
  for (size_t i = 0; i < devices_.size(); ++i)
    if (std::ranges::find(held_back_, i) == held_back_.end()) measure(i);
}

/// Software drivers beside real GPUs, unless the user's word is about them.
std::vector<size_t> ModelHost::devices_to_hold_back() const {
  const placement::Request& request = options_.request;
  const auto named = [&](size_t device) {
    return std::ranges::find(request.priority, device) != request.priority.end() ||
           std::ranges::find(request.layers, device, &placement::LayerRange::device) != request.layers.end();
  };
  std::vector<size_t> software;
  if (!request.only.empty() || !request.split.empty() || std::ranges::all_of(machine_.devices, is_software))
    return software;
  for (size_t i = 0; i < devices_.size(); ++i) {
    const placement::PlanDevice& device = machine_.devices[i];
    if (is_software(device) && device.rates.empty() && !named(i)) software.push_back(i);
  }
  return software;
}

void ModelHost::measure(size_t device) {
  try {
    placement::PlanDevice measured = blaming(
        *devices_[device], [&] { return measure_device(*devices_[device], workload_, options_.tune); });
    measured.name = machine_.devices[device].name;
    machine_.devices[device] = std::move(measured);
  } catch (const DeviceFailure& failure) {
    if (!options_.recover) throw;
    log(LogLevel::kWarning, "{}; going on without '{}'", failure.what(), machine_.devices[device].name);
    give_up(device);
  }
}

void ModelHost::take_software_drivers() {
  for (const size_t device : std::exchange(held_back_, {})) measure(device);
}

placement::Plan ModelHost::preview() {
  const std::lock_guard lock(mutex_);
  if (devices_.size() == 1) measure(0);
  find_plan();
  return plan_;
}

void ModelHost::load() {
  const std::lock_guard lock(mutex_);
  load_planned();
}

void ModelHost::load_planned() {
  loaded_.model.reset();  // its memory is needed
  if (given_up_ == devices_.size())
    fail(ErrorCode::kDeviceLost, "no device is left: all of them have failed");
  for (int attempt = 1;; ++attempt) {
    find_plan();
    accept_plan();
    std::vector<StageSpec> stages;
    for (const placement::Stage& stage : plan_.stages) {
      stages.push_back({devices_[stage.device], stage.first_layer, stage.last_layer - stage.first_layer + 1,
                        stage.host_layers, options_.tune});
    }
    try {
      loaded_.model = std::make_shared<const LoadedModel>(file_, stages, options_.progress);
      ++loaded_.number;
      loaded_.chunk_tokens = options_.session.batch == 0 ? plan_.chunk_tokens : 0;
      return;
    } catch (const DeviceFailure& failure) {
      const bool short_of_memory = failure.code() == ErrorCode::kOutOfMemory;
      if (attempt == kLoadAttempts || (!short_of_memory && !options_.recover)) throw;
      log(LogLevel::kWarning, "{}; planning again", failure.what());
      if (short_of_memory) {
        lower_limit(failure);
      } else {
        give_up(index_of(failure.device()));
        if (options_.request.excluded.size() >= devices_.size()) throw;
      }
    }
  }
}

void ModelHost::find_plan() {
  const auto plan = [&] {
    placement::Request request = options_.request;
    request.excluded.insert(request.excluded.end(), held_back_.begin(), held_back_.end());
    placement::Plan found = placement::make_plan(machine_, workload_, request);
    for (placement::Unused& unused : found.unused) {
      if (std::ranges::find(held_back_, unused.device) != held_back_.end())
        unused.reason = "a software driver, not measured yet, and the GPUs suffice: name it to use it";
    }
    return found;
  };
  const bool others_left = options_.request.excluded.size() + held_back_.size() < devices_.size();
  if (!others_left) take_software_drivers();
  plan_ = plan();
  if (!held_back_.empty() && (!plan_.feasible || plan_.host_bytes > 0)) {
    take_software_drivers();
    plan_ = plan();
  }
}

void ModelHost::accept_plan() {
  if (!plan_.feasible)
    fail(ErrorCode::kOutOfMemory, "'{}' does not fit: {}", file_->path().string(), join(plan_.warnings));
  for (const std::string& warning : plan_.warnings) log(LogLevel::kWarning, "{}", warning);
  if (options_.planned) options_.planned(plan_, machine_, options_.request);
}

ModelHost::Loaded ModelHost::loaded() const {
  const std::lock_guard lock(mutex_);
  return loaded_;
}

ModelHost::Loaded ModelHost::loaded_again() {
  const std::lock_guard lock(mutex_);
  if (loaded_.model == nullptr) load_planned();
  return loaded_;
}

placement::Machine ModelHost::machine() const {
  const std::lock_guard lock(mutex_);
  return machine_;
}

placement::Request ModelHost::request() const {
  const std::lock_guard lock(mutex_);
  return options_.request;
}

placement::Plan ModelHost::plan() const {
  const std::lock_guard lock(mutex_);
  return plan_;
}

size_t ModelHost::index_of(const vk::Device& device) const {
  const auto found = std::ranges::find(devices_, &device, &std::shared_ptr<vk::Device>::get);
  return static_cast<size_t>(found - devices_.begin());
}

/// What was planned by hand with the device is planned anew: the user's word was about a machine that is no
/// more.
void ModelHost::give_up(size_t device) {
  placement::Request& request = options_.request;
  std::erase(request.only, device);
  std::erase(request.priority, device);
  request.max_memory.erase(device);
  request.layers.clear();
  request.split.clear();
  request.excluded.push_back(device);
  ++given_up_;
}

void ModelHost::lower_limit(const DeviceFailure& failure) {
  const size_t device = index_of(failure.device());
  uint64_t& usable = machine_.devices[device].memory_bytes;
  // What is free now is what there is; where the driver said so before already, it was too hopeful.
  usable = std::min(failure.device().available_bytes(), usable - usable / 8);
}

ModelHost::Loaded ModelHost::replace(uint64_t number, const DeviceFailure& failure) {
  const std::lock_guard lock(mutex_);
  if (!options_.recover) throw DeviceFailure(failure);
  if (number != loaded_.number && loaded_.model != nullptr) return loaded_;
  if (failure.code() == ErrorCode::kOutOfMemory) {
    log(LogLevel::kWarning, "{}; planning again", failure.what());
    lower_limit(failure);
  } else {
    const size_t device = index_of(failure.device());
    const std::vector<size_t>& excluded = options_.request.excluded;
    if (std::ranges::find(excluded, device) == excluded.end()) give_up(device);
    if (excluded.size() >= devices_.size()) throw DeviceFailure(failure);
    log(LogLevel::kWarning, "{}; going on without '{}'", failure.what(), failure.device().facts().name);
  }
  load_planned();
  return loaded_;
}

}  // namespace motley::engine
