#include <algorithm>
#include <type_traits>
#include <utility>

#include "vk/fault.hpp"
#include "vk/fault_state.hpp"

namespace motley::vk {
namespace {

constexpr uint64_t kHangingWaitNanoseconds = 20'000'000;

std::optional<VkResult> next_fault(size_t slot, Call call) {
  FaultState& of = fault_state();
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
    return fault ? *fault : (fault_state().slots[slot].original.*Member)(arguments...);
  }
};

template <size_t slot>
VKAPI_ATTR VkResult VKAPI_CALL wait_semaphores(VkDevice device, const VkSemaphoreWaitInfo* info,
                                               uint64_t timeout) {
  const Watched& watched = fault_state().slots[slot];
  const std::optional<VkResult> fault = next_fault(slot, Call::kOther);
  {
    const std::lock_guard lock(fault_state().mutex);
    if (watched.hanging) timeout = std::min(timeout, kHangingWaitNanoseconds);
  }
  // A device that only seems lost still works on what it was given, which must not be freed meanwhile.
  const VkResult result = watched.original.vkWaitSemaphores(device, info, timeout);
  return fault.value_or(result);
}

/// Has the submission wait for a semaphore that nobody signals before the fault is disarmed.
VkResult submit_hanging(Watched& watched, VkQueue queue, VkSubmitInfo info, VkFence fence) {
  const std::lock_guard lock(fault_state().mutex);
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
  Watched& watched = fault_state().slots[slot];
  const std::optional<VkResult> fault = next_fault(slot, Call::kSubmit);
  if (!fault) return watched.original.vkQueueSubmit(queue, count, infos, fence);
  return fault == VK_TIMEOUT ? submit_hanging(watched, queue, *infos, fence) : *fault;
}

/// Whether it is the host's memory that is taken, and none of the device's.
bool is_import(const VkMemoryAllocateInfo& info) {
  for (auto* next = static_cast<const VkBaseInStructure*>(info.pNext); next != nullptr; next = next->pNext)
    if (next->sType == VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT) return true;
  return false;
}

template <size_t slot>
VKAPI_ATTR VkResult VKAPI_CALL allocate_memory(VkDevice device, const VkMemoryAllocateInfo* info,
                                               const VkAllocationCallbacks* callbacks,
                                               VkDeviceMemory* memory) {
  Watched& watched = fault_state().slots[slot];
  if (const std::optional<VkResult> fault = next_fault(slot, Call::kOther)) return *fault;
  if (is_import(*info)) return watched.original.vkAllocateMemory(device, info, callbacks, memory);
  const std::lock_guard lock(fault_state().mutex);
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
  Watched& watched = fault_state().slots[slot];
  const std::lock_guard lock(fault_state().mutex);
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
      FaultState& of = fault_state();
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
  FaultState& of = fault_state();
  const std::lock_guard lock(of.mutex);
  return of.watching;
}

}  // namespace

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
  FaultState& of = fault_state();
  const std::lock_guard lock(of.mutex);
  if (!of.watching) return;
  for (size_t slot = 0; slot < kFaultSlots; ++slot) {
    Watched& watched = of.slots[slot];
    if (watched.used) continue;
    watched = {};
    watched.used = true;
    watched.device = device;
    watched.device_name = device_name;
    watched.original = table;
    slot_ = static_cast<int>(slot);
    replace_in_slot(table, slot, std::make_index_sequence<kFaultSlots>());
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
  FaultState& of = fault_state();
  const std::lock_guard lock(of.mutex);
  Watched& watched = of.slots[static_cast<size_t>(slot_)];
  if (watched.gate != VK_NULL_HANDLE)
    watched.original.vkDestroySemaphore(watched.device, watched.gate, nullptr);
  watched.used = false;
}

}  // namespace motley::vk
