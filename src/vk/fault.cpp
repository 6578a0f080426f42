#include "vk/fault.hpp"

#include <array>
#include <charconv>
#include <mutex>
#include <utility>

namespace motley::vk {
namespace {

constexpr size_t kSlots = 16;

struct Watched {
  bool used = false;
  std::string device_name;
  VolkDeviceTable original{};
  bool lost = false;
};

struct State {
  std::mutex mutex;
  bool ever_armed = false;
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
    case Fault::kHang:
      return VK_TIMEOUT;
    case Fault::kDeviceLost:
      break;
  }
  return VK_ERROR_DEVICE_LOST;
}

/// What the next call on a device returns in place of being made; nothing: it is made.
std::optional<VkResult> next_fault(size_t slot, bool waits) {
  State& of = state();
  const std::lock_guard lock(of.mutex);
  Watched& watched = of.slots[slot];
  if (!of.armed.has_value() || watched.device_name.find(of.armed->device) == std::string::npos)
    return std::nullopt;
  const Fault fault = of.armed->fault;
  if (fault == Fault::kHang && !waits) return std::nullopt;
  ++of.calls;
  if (watched.lost) return result_of(fault);
  if (of.struck || of.calls < of.armed->at_call) return std::nullopt;
  of.struck = true;
  watched.lost = fault == Fault::kDeviceLost || fault == Fault::kHang;
  return result_of(fault);
}

/// The function that stands in the table for `Member`, one for each slot: it must know its device without
/// being told, as many functions name a queue or a command buffer only.
template <auto Member, size_t slot, typename Function>
struct Stand;

template <auto Member, size_t slot, typename... Arguments>
struct Stand<Member, slot, VkResult(VKAPI_PTR*)(Arguments...)> {
  static VKAPI_ATTR VkResult VKAPI_CALL call(Arguments... arguments) {
    constexpr bool kWaits = std::is_same_v<decltype(Member), PFN_vkWaitSemaphores VolkDeviceTable::*>;
    const std::optional<VkResult> fault = next_fault(slot, kWaits);
    if (fault.has_value() && !kWaits) return *fault;
    // A device that only seems lost still works on what it was given, which must not be freed meanwhile.
    const VkResult result = (state().slots[slot].original.*Member)(arguments...);
    return fault.value_or(result);
  }
};

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
  replace<&Table::vkAllocateMemory, slot>(table);
  replace<&Table::vkBeginCommandBuffer, slot>(table);
  replace<&Table::vkBindBufferMemory, slot>(table);
  replace<&Table::vkCreateBuffer, slot>(table);
  replace<&Table::vkCreateCommandPool, slot>(table);
  replace<&Table::vkCreateComputePipelines, slot>(table);
  replace<&Table::vkCreateDescriptorPool, slot>(table);
  replace<&Table::vkCreateDescriptorSetLayout, slot>(table);
  replace<&Table::vkCreatePipelineCache, slot>(table);
  replace<&Table::vkCreatePipelineLayout, slot>(table);
  replace<&Table::vkCreateSemaphore, slot>(table);
  replace<&Table::vkCreateShaderModule, slot>(table);
  replace<&Table::vkEndCommandBuffer, slot>(table);
  replace<&Table::vkGetMemoryHostPointerPropertiesEXT, slot>(table);
  replace<&Table::vkGetPipelineCacheData, slot>(table);
  replace<&Table::vkMapMemory, slot>(table);
  replace<&Table::vkQueueSubmit, slot>(table);
  replace<&Table::vkWaitSemaphores, slot>(table);
}

template <size_t... slots>
void replace_in_slot(VolkDeviceTable& table, size_t slot, std::index_sequence<slots...>) {
  ((slot == slots ? replace_all<slots>(table) : void()), ...);
}

}  // namespace

std::optional<FaultSpec> parse_fault(std::string_view text) {
  constexpr std::pair<std::string_view, Fault> kNames[] = {{"lost", Fault::kDeviceLost},
                                                           {"device-memory", Fault::kOutOfDeviceMemory},
                                                           {"host-memory", Fault::kOutOfHostMemory},
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

void arm_fault(const FaultSpec& spec) {
  State& of = state();
  const std::lock_guard lock(of.mutex);
  of.ever_armed = true;
  of.armed = spec;
  of.calls = 0;
  of.struck = false;
  for (Watched& watched : of.slots) watched.lost = false;
}

void disarm_fault() {
  State& of = state();
  const std::lock_guard lock(of.mutex);
  of.armed.reset();
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

FaultWatch::FaultWatch(VolkDeviceTable& table, std::string_view device_name) {
  State& of = state();
  const std::lock_guard lock(of.mutex);
  if (!of.ever_armed) return;
  for (size_t slot = 0; slot < kSlots; ++slot) {
    if (of.slots[slot].used) continue;
    of.slots[slot] = {true, std::string(device_name), table, false};
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
  of.slots[static_cast<size_t>(slot_)].used = false;
}

}  // namespace motley::vk
