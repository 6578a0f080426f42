#include "vk/device.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "base/error.hpp"
#include "base/log.hpp"
#include "vk/compile_only.hpp"
#include "vk/device_features.hpp"
#include "vk/pipeline.hpp"
#include "vk/pipeline_cache.hpp"
#include "vk/query_facts.hpp"
#include "vk/recorder.hpp"
#include "vk/result.hpp"

namespace motley::vk {
namespace {

struct Preference {
  VkMemoryPropertyFlags wanted = 0;
  VkMemoryPropertyFlags unwanted = 0;
};

/// Best first; the first that a memory type meets wins.
std::vector<Preference> preferences(MemoryUse use, DeviceType type) {
  constexpr VkMemoryPropertyFlags kLocal = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
  constexpr VkMemoryPropertyFlags kMappable =
      VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
  constexpr VkMemoryPropertyFlags kCached = VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
  switch (use) {
    case MemoryUse::kDevice:
      // Where the host's memory is the device's memory, mapping it saves a copy of every weight.
      if (type == DeviceType::kDiscrete || type == DeviceType::kVirtual) return {{kLocal}, {}};
      return {{kLocal | kMappable}, {kLocal}, {}};
    case MemoryUse::kHost:
    case MemoryUse::kUpload:
      // Device-local memory that the host sees is scarce on many cards.
      return {{kMappable, kLocal}, {kMappable}};
    case MemoryUse::kShared:
      return {{kLocal | kMappable}, {kMappable}};
    case MemoryUse::kReadback:
      return {{kMappable | kCached}, {kMappable}};
  }
  return {{}};
}

/// Gives an object to nobody, so that it is never destroyed.
template <typename T>
void leak(T object) noexcept {
  static_cast<void>(new (std::nothrow) T(std::move(object)));  // NOLINT(cppcoreguidelines-owning-memory)
}

}  // namespace

std::shared_ptr<Device> Device::create(std::shared_ptr<Instance> instance, const PhysicalDevice& physical,
                                       const DeviceOptions& options) {
  std::shared_ptr<Device> device(new Device(std::move(instance), physical, options));
  try {
    device->create_device();
  } catch (const Error& error) {
    const DeviceFacts& facts = physical.facts;
    fail(ErrorCode::kNoDevice, "'{}' failed to initialise: {} (driver: {} {})", facts.name, error.what(),
         facts.driver_name, facts.driver_info);
  }
  return device;
}

Device::Device(std::shared_ptr<Instance> instance, const PhysicalDevice& physical,
               const DeviceOptions& options)
    : instance_(std::move(instance)), physical_(physical.handle), facts_(physical.facts), options_(options) {
  vkGetPhysicalDeviceMemoryProperties(physical_, &memory_properties_);
}

void Device::create_device() {
  const int family = find_compute_family(physical_);
  if (family < 0) fail(ErrorCode::kNoDevice, "it has no queue that computes");
  queue_family_ = static_cast<uint32_t>(family);

  const float priority = 1.0F;
  VkDeviceQueueCreateInfo queue{VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO};
  queue.queueFamilyIndex = queue_family_;
  queue.queueCount = 1;
  queue.pQueuePriorities = &priority;

  const DeviceFeatures wanted(facts_, options_);
  VkDeviceCreateInfo info{VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, wanted.features()};
  info.queueCreateInfoCount = 1;
  info.pQueueCreateInfos = &queue;
  info.enabledExtensionCount = static_cast<uint32_t>(wanted.extensions().size());
  info.ppEnabledExtensionNames = wanted.extensions().data();
  check(vkCreateDevice(physical_, &info, nullptr, &handle_), "vkCreateDevice");
  volkLoadDeviceTable(&table_, handle_);
  if (options_.compile_only) leave_only_compilation(table_);
  fault_watch_ = FaultWatch(handle_, table_, facts_.name);
  table_.vkGetDeviceQueue(handle_, queue_family_, 0, &queue_);

  VkSemaphoreTypeCreateInfo type{VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO};
  type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
  VkSemaphoreCreateInfo semaphore{VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, &type};
  VkSemaphore timeline = VK_NULL_HANDLE;
  check(table_.vkCreateSemaphore(handle_, &semaphore, nullptr, &timeline), "vkCreateSemaphore");
  timeline_ = {handle_, timeline, table_.vkDestroySemaphore};
  pipeline_cache_ = std::make_unique<PipelineCache>(*this);
}

Device::~Device() {
  if (handle_ == VK_NULL_HANDLE) return;
  if (!settle()) {
    log(LogLevel::kWarning, "'{}' still hangs; its memory stays taken until this process ends", facts_.name);
    leak(std::move(fault_watch_));
    leak(std::move(kept_));
    leak(std::move(pipelines_));
    leak(std::move(pipeline_cache_));
    leak(std::move(timeline_));
    leak(std::move(instance_));
    return;
  }
  pipelines_.clear();
  pipeline_cache_.reset();
  timeline_ = {};
  fault_watch_ = {};
  table_.vkDestroyDevice(handle_, nullptr);
}

const Pipeline& Device::pipeline(const ShaderCode& shader, std::span<const uint32_t> constants,
                                 uint32_t subgroup_size) {
  const std::lock_guard lock(pipelines_mutex_);
  if (subgroup_size == 0) subgroup_size = options_.subgroup_size;
  PipelineKey key(shader.words.data(), subgroup_size, {constants.begin(), constants.end()});
  auto found = pipelines_.find(key);
  if (found == pipelines_.end()) {
    auto made =
        std::make_unique<Pipeline>(*this, shader, constants, subgroup_size, pipeline_cache_->handle());
    found = pipelines_.emplace(std::move(key), std::move(made)).first;
  }
  return *found->second;
}

std::vector<const Pipeline*> Device::pipelines() const {
  const std::lock_guard lock(pipelines_mutex_);
  std::vector<const Pipeline*> made;
  for (const auto& [key, pipeline] : pipelines_) made.push_back(pipeline.get());
  return made;
}

uint64_t Device::submit(std::span<const CommandList* const> lists) {
  const std::lock_guard lock(queue_mutex_);
  const uint64_t signal = submitted_ + 1;
  const VkSemaphore semaphore = timeline_.get();
  std::vector<VkCommandBuffer> buffers;
  for (const CommandList* const list : lists) buffers.push_back(list->handle());
  VkTimelineSemaphoreSubmitInfo timeline{VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO};
  timeline.signalSemaphoreValueCount = 1;
  timeline.pSignalSemaphoreValues = &signal;
  VkSubmitInfo info{VK_STRUCTURE_TYPE_SUBMIT_INFO, &timeline};
  info.commandBufferCount = static_cast<uint32_t>(buffers.size());
  info.pCommandBuffers = buffers.data();
  info.signalSemaphoreCount = 1;
  info.pSignalSemaphores = &semaphore;
  const VkResult result = table_.vkQueueSubmit(queue_, 1, &info, VK_NULL_HANDLE);
  if (result != VK_SUCCESS) failed_ = true;
  check(result, fmt::format("vkQueueSubmit on '{}'", facts_.name));
  submitted_ = signal;
  return signal;
}

VkResult Device::wait_for(uint64_t submission, std::chrono::nanoseconds limit) {
  const VkSemaphore semaphore = timeline_.get();
  VkSemaphoreWaitInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO};
  info.semaphoreCount = 1;
  info.pSemaphores = &semaphore;
  info.pValues = &submission;
  return table_.vkWaitSemaphores(handle_, &info, static_cast<uint64_t>(limit.count()));
}

void Device::wait(uint64_t submission, std::chrono::nanoseconds limit) {
  const VkResult result = wait_for(submission, limit);
  if (result != VK_SUCCESS) failed_ = true;
  if (result == VK_TIMEOUT) {
    hangs_ = true;
    fail(ErrorCode::kDeviceLost, "'{}' did not finish its work within {} s: it hangs or is far too slow",
         facts_.name, std::chrono::duration_cast<std::chrono::seconds>(limit).count());
  }
  if (result != VK_SUCCESS) settle();  // who is told of the failure frees what was being used
  check(result, fmt::format("vkWaitSemaphores on '{}'", facts_.name));
}

bool Device::settle() noexcept {
  constexpr std::chrono::seconds kLimitAfterFailure{1};
  std::vector<std::shared_ptr<void>> unused;
  {
    const std::lock_guard lock(queue_mutex_);
    std::chrono::seconds limit = kWaitLimit;
    if (failed_) limit = kLimitAfterFailure;
    if (hangs_) limit = {};
    hangs_ = submitted_ > 0 && wait_for(submitted_, limit) == VK_TIMEOUT;
    if (hangs_) return false;
    const std::lock_guard kept_lock(kept_mutex_);
    unused.swap(kept_);
  }
  while (!unused.empty()) unused.pop_back();  // host memory came before the buffers that import it
  return true;
}

MemoryUsage Device::memory_usage() const {
  const std::lock_guard lock(memory_mutex_);
  return memory_usage_;
}

MemoryBudget Device::memory_budget() const {
  VkPhysicalDeviceMemoryBudgetPropertiesEXT budget{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT};
  VkPhysicalDeviceMemoryProperties2 properties{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2};
  if (facts_.memory_budget) properties.pNext = &budget;
  vkGetPhysicalDeviceMemoryProperties2(physical_, &properties);
  const VkPhysicalDeviceMemoryProperties& memory = properties.memoryProperties;
  MemoryBudget result;
  if (facts_.memory_budget) result.others_bytes = 0;
  for (uint32_t i = 0; i < memory.memoryHeapCount; ++i) {
    const VkMemoryHeap& heap = memory.memoryHeaps[i];
    if ((heap.flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) == 0) continue;
    if (facts_.memory_budget) {
      // Some drivers report a budget above the heap or a usage above the budget; neither is believed.
      const uint64_t limit = std::min(budget.heapBudget[i], heap.size);
      result.available_bytes += limit - std::min(budget.heapUsage[i], limit);
      *result.others_bytes += heap.size - limit;
    } else {
      result.available_bytes += heap.size - std::min(heap.size, memory_usage().now_bytes);
    }
  }
  return result;
}

uint32_t Device::memory_type(uint32_t allowed_bits, MemoryUse use) const {
  for (const Preference& preference : preferences(use, facts_.type)) {
    int best = -1;
    for (uint32_t i = 0; i < memory_properties_.memoryTypeCount; ++i) {
      const VkMemoryPropertyFlags flags = memory_properties_.memoryTypes[i].propertyFlags;
      if ((allowed_bits & (1U << i)) == 0 || (flags & preference.wanted) != preference.wanted ||
          (flags & preference.unwanted) != 0) {
        continue;
      }
      const auto heap_size = [&](uint32_t t) {
        return memory_properties_.memoryHeaps[memory_properties_.memoryTypes[t].heapIndex].size;
      };
      if (best < 0 || heap_size(i) > heap_size(static_cast<uint32_t>(best))) best = static_cast<int>(i);
    }
    if (best >= 0) return static_cast<uint32_t>(best);
  }
  fail(ErrorCode::kUnsupported, "'{}' has no memory type for this use", facts_.name);
}

void Device::count_memory(int64_t bytes) {
  const std::lock_guard lock(memory_mutex_);
  memory_usage_.now_bytes += static_cast<uint64_t>(bytes);
  memory_usage_.peak_bytes = std::max(memory_usage_.peak_bytes, memory_usage_.now_bytes);
}

}  // namespace motley::vk
