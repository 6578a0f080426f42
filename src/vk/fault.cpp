#include "vk/fault.hpp"

#include <charconv>
#include <cstdlib>
#include <utility>

#include "base/error.hpp"
#include "vk/fault_state.hpp"

namespace motley::vk {
namespace {

VkResult result_of(Fault fault) {
  switch (fault) {
    case Fault::kOutOfDeviceMemory:
      return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    case Fault::kOutOfHostMemory:
      return VK_ERROR_OUT_OF_HOST_MEMORY;
    case Fault::kInitializationFailed:
      return VK_ERROR_INITIALIZATION_FAILED;
    case Fault::kHang:
      return VK_TIMEOUT;
    case Fault::kDeviceLost:
      break;
  }
  return VK_ERROR_DEVICE_LOST;
}

void open_gate(Watched& watched) {
  if (!std::exchange(watched.hanging, false)) return;
  VkSemaphoreSignalInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO};
  info.semaphore = watched.gate;
  info.value = watched.openings;
  watched.original.vkSignalSemaphore(watched.device, &info);
}

/// Ends what the fault armed before brought about.
void reset(FaultState& of) {
  of.armed.reset();
  of.struck = false;
  for (Watched& watched : of.slots) {
    watched.lost = false;
    open_gate(watched);
  }
}

}  // namespace

FaultState& fault_state() {
  static FaultState* const made = new FaultState;  // outlives the devices of static objects
  return *made;
}

std::optional<VkResult> next_fault(FaultState& of, std::string_view device_name, bool lost, Call call) {
  if (!of.armed.has_value() || device_name.find(of.armed->device) == std::string_view::npos)
    return std::nullopt;
  const Fault fault = of.armed->fault;
  if (fault == Fault::kHang && call != Call::kSubmit) return std::nullopt;
  if (fault == Fault::kInitializationFailed && call != Call::kMakesDevice) return std::nullopt;
  ++of.calls;
  if (lost) return result_of(fault);
  if (of.struck || of.calls < of.armed->at_call) return std::nullopt;
  of.struck = true;
  return result_of(fault);
}

std::optional<FaultSpec> parse_fault(std::string_view text) {
  constexpr std::pair<std::string_view, Fault> kNames[] = {{"lost", Fault::kDeviceLost},
                                                           {"device-memory", Fault::kOutOfDeviceMemory},
                                                           {"host-memory", Fault::kOutOfHostMemory},
                                                           {"init", Fault::kInitializationFailed},
                                                           {"hang", Fault::kHang}};
  FaultSpec spec;
  if (const size_t at = text.find('@'); at != std::string_view::npos) {
    spec.device = text.substr(at + 1);
    text = text.substr(0, at);
  }
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view count = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(count.data(), count.data() + count.size(), spec.at_call);
  if (error != std::errc{} || end != count.data() + count.size() || spec.at_call == 0) return std::nullopt;
  for (const auto& [name, fault] : kNames) {
    if (text.substr(0, colon) != name) continue;
    spec.fault = fault;
    return spec;
  }
  return std::nullopt;
}

void watch_for_faults() {
  FaultState& of = fault_state();
  const std::lock_guard lock(of.mutex);
  of.watching = true;
}

void arm_fault(const FaultSpec& spec) {
  FaultState& of = fault_state();
  const std::lock_guard lock(of.mutex);
  reset(of);
  of.watching = true;
  of.armed = spec;
  of.calls = 0;
}

void disarm_fault() {
  FaultState& of = fault_state();
  const std::lock_guard lock(of.mutex);
  const bool struck = of.struck;
  reset(of);
  of.struck = struck;
}

uint64_t fault_calls() {
  FaultState& of = fault_state();
  const std::lock_guard lock(of.mutex);
  return of.calls;
}

bool fault_struck() {
  FaultState& of = fault_state();
  const std::lock_guard lock(of.mutex);
  return of.struck;
}

void limit_memory(VkDevice device, uint64_t bytes) {
  FaultState& of = fault_state();
  const std::lock_guard lock(of.mutex);
  for (Watched& watched : of.slots)
    if (watched.used && watched.device == device) watched.limit_bytes = bytes;
}

void arm_fault_of_environment() {
#ifndef NDEBUG
  const char* const given = std::getenv("MOTLEY_FAULT");
  if (given == nullptr || *given == '\0') return;
  const std::optional<FaultSpec> spec = parse_fault(given);
  if (!spec) {
    fail(ErrorCode::kInvalidArgument,
         "MOTLEY_FAULT is '{}'; it must be lost:N, device-memory:N, host-memory:N, init:N or hang:N, where N "
         "counts calls from 1, and may end with @ and a part of a device's name",
         given);
  }
  arm_fault(*spec);
#endif
}

}  // namespace motley::vk
