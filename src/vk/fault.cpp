#include "vk/fault.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <map>
#include <mutex>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace motley::vk {
namespace {

constexpr size_t kSlots = 16;
constexpr uint64_t kHangingWaitNanoseconds = 20'000'000;

struct Watched {
  bool used = false;
  VkDevice device = VK_NULL_HANDLE;
  std::string device_name;
  VolkDeviceTable original{};
  bool lost = false;
  VkSemaphore gate = VK_NULL_HANDLE;  ///< a hanging submission waits for it to reach `openings`
  uint64_t openings = 0;
  bool hanging = false;
  uint64_t limit_bytes = UINT64_MAX;
  uint64_t allocated_bytes = 0;
  std::map<VkDeviceMemory, uint64_t> allocations;
};

struct State {
  std::mutex mutex;
  bool watching = false;
  std::optional<FaultSpec> armed;
  uint64_t calls = 0;
  bool struck = false;
  std::array<Watched, kSlots> slots;
};

State& state() {
  static State* const made = new State;  // outlives the devices of static objects
  return *made;
}

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

/// The kinds of calls that differ in what may befall them.
enum class Call { kOther, kSubmit, kMakesDevice };

/// What the next call returns in place of being made; nothing: it is made. VK_TIMEOUT: it is to hang.
std::optional<VkResult> next_fault(State& of, std::string_view device_name, bool lost, Call call) {
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

std::optional<VkResult> next_fault(size_t slot, Call call) {
  State& of = state();
  const std::lock_guard lock(of.mutex);
  Watched& watched = of.slots[slot];
  const std::optional<VkResult> fault = next_fault(of, watched.device_name, watched.lost, call);
  if (fault == VK_ERROR_DEVICE_LOST) watched.lost = true;
  return fault;
}

/// The function that stands in the table for `Member`, one for each slot: it must know its device without
/// being told, as many functions name a queue or a command buffer only.
template <auto Member, size_t slot, typename Function>
struct Stand;

template <auto Member, size_t slot, typename... Arguments>
struct Stand<Member, slot, VkResult(VKAPI_PTR*)(Arguments...)> {
  static VKAPI_ATTR VkResult VKAPI_CALL call(Arguments... arguments) {
    const std::optional<VkResult> fault = next_fault(slot, Call::kOther);
    return fault ? *fault : (state().slots[slot].original.*Member)(arguments...);
  }
};

template <size_t slot>
VKAPI_ATTR VkResult VKAPI_CALL wait_semaphores(VkDevice device, const VkSemaphoreWaitInfo* info,
                                               uint64_t timeout) {
  const Watched& watched = state().slots[slot];
  const std::optional<VkResult> fault = next_fault(slot, Call::kOther);
  {
    const std::lock_guard lock(state().mutex);
    if (watched.hanging) timeout = std::min(timeout, kHangingWaitNanoseconds);
  }
  // A device that only seems lost still works on what it was given, which must not be freed meanwhile.
  const VkResult result = watched.original.vkWaitSemaphores(device, info, timeout);
  return fault.value_or(result);
}

/// Has the submission wait for a semaphore that nobody signals before the fault is disarmed.
VkResult submit_hanging(Watched& watched, VkQueue queue, VkSubmitInfo info, VkFence fence) {
  const std::lock_guard lock(state().mutex);
  if (watched.gate == VK_NULL_HANDLE) {
    VkSemaphoreTypeCreateInfo type{VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO};
    type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
    const VkSemaphoreCreateInfo semaphore{VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, &type};
    const VkResult made =
        watched.original.vkCreateSemaphore(watched.device, &semaphore, nullptr, &watched.gate);
    if (made != VK_SUCCESS) return made;
  }
  ++watched.openings;
  watched.hanging = true;
  auto timeline = *static_cast<const VkTimelineSemaphoreSubmitInfo*>(info.pNext);
  const VkPipelineStageFlags stages = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
  timeline.waitSemaphoreValueCount = 1;
  timeline.pWaitSemaphoreValues = &watched.openings;
  info.pNext = &timeline;
  info.waitSemaphoreCount = 1;
  info.pWaitSemaphores = &watched.gate;
  info.pWaitDstStageMask = &stages;
  return watched.original.vkQueueSubmit(queue, 1, &info, fence);
}

template <size_t slot>
VKAPI_ATTR VkResult VKAPI_CALL queue_submit(VkQueue queue, uint32_t count, const VkSubmitInfo* infos,
                                            VkFence fence) {
  Watched& watched = state().slots[slot];
  const std::optional<VkResult> fault = next_fault(slot, Call::kSubmit);
  if (!fault) return watched.original.vkQueueSubmit(queue, count, infos, fence);
  return fault == VK_TIMEOUT ? submit_hanging(watched, queue, *infos, fence) : *fault;
}

void open_gate(Watched& watched) {
  if (!std::exchange(watched.hanging, false)) return;
  VkSemaphoreSignalInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO};
  info.semaphore = watched.gate;
  info.value = watched.openings;
  watched.original.vkSignalSemaphore(watched.device, &info);
}

template <size_t slot>
VKAPI_ATTR VkResult VKAPI_CALL allocate_memory(VkDevice device, const VkMemoryAllocateInfo* info,
                                               const VkAllocationCallbacks* callbacks,
                                               VkDeviceMemory* memory) {
  Watched& watched = state().slots[slot];
  if (const std::optional<VkResult> fault = next_fault(slot, Call::kOther)) return *fault;
  if (info->pNext != nullptr) return watched.original.vkAllocateMemory(device, info, callbacks, memory);
  const std::lock_guard lock(state().mutex);
  if (info->allocationSize > watched.limit_bytes - std::min(watched.allocated_bytes, watched.limit_bytes))
    return VK_ERROR_OUT_OF_DEVICE_MEMORY;
  const VkResult result = watched.original.vkAllocateMemory(device, info, callbacks, memory);
  if (result != VK_SUCCESS) return result;
  watched.allocations[*memory] = info->allocationSize;
  watched.allocated_bytes += info->allocationSize;
  return result;
}

template <size_t slot>
VKAPI_ATTR void VKAPI_CALL free_memory(VkDevice device, VkDeviceMemory memory,
                                       const VkAllocationCallbacks* callbacks) {
  Watched& watched = state().slots[slot];
  const std::lock_guard lock(state().mutex);
  watched.original.vkFreeMemory(device, memory, callbacks);
  const auto found = watched.allocations.find(memory);
  if (found == watched.allocations.end()) return;  // imported
  watched.allocated_bytes -= found->second;
  watched.allocations.erase(found);
}

template <auto Member, size_t slot>
void replace(VolkDeviceTable& table) {
  using Function = std::remove_reference_t<decltype(table.*Member)>;
  if (table.*Member != nullptr) table.*Member = &Stand<Member, slot, Function>::call;
}

/// Every function that Motley calls and that may fail.
template <size_t slot>
void replace_all(VolkDeviceTable& table) {
  using Table = VolkDeviceTable;
  replace<&Table::vkAllocateCommandBuffers, slot>(table);
  replace<&Table::vkAllocateDescriptorSets, slot>(table);
  replace<&Table::vkBeginCommandBuffer, slot>(table);
  replace<&Table::vkBindBufferMemory, slot>(table);
  replace<&Table::vkCreateBuffer, slot>(table);
  replace<&Table::vkCreateCommandPool, slot>(table);
  replace<&Table::vkCreateComputePipelines, slot>(table);
  replace<&Table::vkCreateDescriptorPool, slot>(table);
  replace<&Table::vkCreateDescriptorSetLayout, slot>(table);
  replace<&Table::vkCreatePipelineCache, slot>(table);
  replace<&Table::vkCreatePipelineLayout, slot>(table);
  replace<&Table::vkCreateQueryPool, slot>(table);
  replace<&Table::vkCreateSemaphore, slot>(table);
  replace<&Table::vkCreateShaderModule, slot>(table);
  replace<&Table::vkEndCommandBuffer, slot>(table);
  replace<&Table::vkGetMemoryHostPointerPropertiesEXT, slot>(table);
  replace<&Table::vkGetPipelineCacheData, slot>(table);
  replace<&Table::vkGetQueryPoolResults, slot>(table);
  replace<&Table::vkMapMemory, slot>(table);
  table.vkAllocateMemory = &allocate_memory<slot>;
  table.vkFreeMemory = &free_memory<slot>;
  table.vkQueueSubmit = &queue_submit<slot>;
  table.vkWaitSemaphores = &wait_semaphores<slot>;
}

template <size_t... slots>
void replace_in_slot(VolkDeviceTable& table, size_t slot, std::index_sequence<slots...>) {
  ((slot == slots ? replace_all<slots>(table) : void()), ...);
}

std::string name_of(VkPhysicalDevice device) {
  VkPhysicalDeviceProperties properties;
  vkGetPhysicalDeviceProperties(device, &properties);
  return properties.deviceName;
}

/// No device is concerned: the loader itself is asked.
template <typename T>
std::string name_of(const T&) {
  return {};
}

/// Stands for one of volk's global functions.
template <auto* Global, Call kind, typename Function>
struct GlobalStand;

template <auto* Global, Call kind, typename First, typename... Arguments>
struct GlobalStand<Global, kind, VkResult(VKAPI_PTR*)(First, Arguments...)> {
  static inline VkResult(VKAPI_PTR* original)(First, Arguments...) = nullptr;

  static VKAPI_ATTR VkResult VKAPI_CALL call(First first, Arguments... arguments) {
    const std::string name = name_of(first);
    std::optional<VkResult> fault;
    {
      State& of = state();
      const std::lock_guard lock(of.mutex);
      fault = next_fault(of, name, false, kind);
    }
    return fault ? *fault : original(first, arguments...);
  }

  /// volk sets its pointers anew for each instance, to the loader's functions.
  static void put() {
    if (*Global == &call) return;
    original = *Global;
    *Global = &call;
  }
};

template <auto* Global, Call kind = Call::kOther>
void replace_global() {
  GlobalStand<Global, kind, std::remove_reference_t<decltype(*Global)>>::put();
}

bool watching() {
  State& of = state();
  const std::lock_guard lock(of.mutex);
  return of.watching;
}

/// Ends what the fault armed before brought about.
void reset(State& of) {
  of.armed.reset();
  of.struck = false;
  for (Watched& watched : of.slots) {
    watched.lost = false;
    open_gate(watched);
  }
}

}  // namespace

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
  State& of = state();
  const std::lock_guard lock(of.mutex);
  of.watching = true;
}

void arm_fault(const FaultSpec& spec) {
  State& of = state();
  const std::lock_guard lock(of.mutex);
  reset(of);
  of.watching = true;
  of.armed = spec;
  of.calls = 0;
}

void disarm_fault() {
  State& of = state();
  const std::lock_guard lock(of.mutex);
  const bool struck = of.struck;
  reset(of);
  of.struck = struck;
}

uint64_t fault_calls() {
  State& of = state();
  const std::lock_guard lock(of.mutex);
  return of.calls;
}

bool fault_struck() {
  State& of = state();
  const std::lock_guard lock(of.mutex);
  return of.struck;
}

void limit_memory(std::string_view device_name, uint64_t bytes) {
  State& of = state();
  const std::lock_guard lock(of.mutex);
  for (Watched& watched : of.slots)
    if (watched.used && watched.device_name == device_name) watched.limit_bytes = bytes;
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

void watch_loader_functions() {
  if (!watching()) return;
  replace_global<&vkCreateInstance, Call::kMakesDevice>();
  replace_global<&vkEnumerateInstanceLayerProperties>();
}

void watch_instance_functions() {
  if (!watching()) return;
  replace_global<&vkEnumeratePhysicalDevices, Call::kMakesDevice>();
  replace_global<&vkEnumerateDeviceExtensionProperties>();
  replace_global<&vkCreateDevice, Call::kMakesDevice>();
}

FaultWatch::FaultWatch(VkDevice device, VolkDeviceTable& table, std::string_view device_name) {
  State& of = state();
  const std::lock_guard lock(of.mutex);
  if (!of.watching) return;
  for (size_t slot = 0; slot < kSlots; ++slot) {
    Watched& watched = of.slots[slot];
    if (watched.used) continue;
    watched = {};
    watched.used = true;
    watched.device = device;
    watched.device_name = device_name;
    watched.original = table;
    slot_ = static_cast<int>(slot);
    replace_in_slot(table, slot, std::make_index_sequence<kSlots>());
    return;
  }
}

FaultWatch::FaultWatch(FaultWatch&& other) noexcept : slot_(std::exchange(other.slot_, -1)) {}

FaultWatch& FaultWatch::operator=(FaultWatch&& other) noexcept {
  std::swap(slot_, other.slot_);
  return *this;
}

FaultWatch::~FaultWatch() {
  if (slot_ < 0) return;
  State& of = state();
  const std::lock_guard lock(of.mutex);
  Watched& watched = of.slots[static_cast<size_t>(slot_)];
  if (watched.gate != VK_NULL_HANDLE)
    watched.original.vkDestroySemaphore(watched.device, watched.gate, nullptr);
  watched.used = false;
}

}  // namespace motley::vk
