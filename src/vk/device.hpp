// A logical device with one compute queue, its memory, its pipelines and bounded waiting.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <volk.h>

#include "vk/device_facts.hpp"
#include "vk/fault.hpp"
#include "vk/handle.hpp"
#include "vk/instance.hpp"

namespace motley::vk {

class CommandList;
class Pipeline;
class PipelineCache;
struct ShaderCode;

/// Where a buffer lies.
enum class MemoryUse {
  kDevice,    ///< fastest for the device; host-visible only where all memory is (integrated, CPU)
  kHost,      ///< the host's memory, read by the device in place: for what its own memory has no room for
  kShared,    ///< written by the host and read by the device often: BAR or unified memory where there is any
  kUpload,    ///< host memory the device copies from
  kReadback,  ///< host memory the device copies to, cached for the host's reads
};

struct DeviceOptions {
  /// Only pipelines are real, and pipeline_statistics() tells what the driver's compiler made of them.
  /// Buffers take no memory, recorded commands do nothing.
  bool compile_only = false;
  /// The subgroup size of shaders that do not ask for one; 0: the driver's choice.
  uint32_t subgroup_size = 0;
};

/// Device-local memory as the driver sees it.
struct MemoryBudget {
  uint64_t available_bytes = 0;          ///< may still be allocated
  std::optional<uint64_t> others_bytes;  ///< taken by the system and other programs, where the driver tells
};

struct MemoryUsage {
  uint64_t now_bytes = 0;
  uint64_t peak_bytes = 0;
};

/// One VkDevice. Neither copied nor moved; buffers, pipelines and command lists refer to it and must not
/// outlive it. Thread-safe.
class Device {
 public:
  /// Throws Error{kNoDevice}, naming the call, its result and the driver, when the device fails to
  /// initialise.
  static std::shared_ptr<Device> create(std::shared_ptr<Instance> instance, const PhysicalDevice& physical,
                                        const DeviceOptions& options = {});

  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  ~Device();

  const DeviceFacts& facts() const { return facts_; }
  const DeviceOptions& options() const { return options_; }
  const Instance& instance() const { return *instance_; }
  const std::shared_ptr<Instance>& shared_instance() const { return instance_; }
  VkDevice handle() const { return handle_; }
  const VolkDeviceTable& table() const { return table_; }
  uint32_t queue_family() const { return queue_family_; }

  /// The pipeline of a shader with these specialization constants (constant 0 is local_size_x), made at first
  /// use, for subgroups of that size (0: it does not matter). Throws Error{kUnsupported} when the device has
  /// no such subgroups, or when the workgroup is larger than it allows.
  const Pipeline& pipeline(const ShaderCode& shader, std::span<const uint32_t> constants,
                           uint32_t subgroup_size = 0);
  /// Every pipeline made so far, in no particular order.
  std::vector<const Pipeline*> pipelines() const;

  /// Starts the commands, one list after another; returns the number to wait for. Submissions run in order.
  uint64_t submit(std::span<const CommandList* const> lists);
  uint64_t submit(const CommandList& commands) {
    const CommandList* const one = &commands;
    return submit(std::span(&one, 1));
  }
  /// Waits until the submission of that number is done. Throws Error{kDeviceLost} when it takes longer than
  /// `limit`; with any other error, nothing is being done any more.
  void wait(uint64_t submission, std::chrono::nanoseconds limit = kWaitLimit);
  /// Waits until nothing is being done any more, so that memory can be freed; does not throw, and hardly
  /// waits for a device that failed before. False when it still works.
  bool settle() noexcept;
  /// Whether it did not finish in time what it was given. It may still be at work on it.
  bool hangs() const noexcept { return hangs_; }
  /// Takes what a hanging device may still use, and frees it, last come first, once settle() finds the device
  /// idle.
  template <typename... T>
  void keep(T... objects) noexcept {
    const std::lock_guard lock(kept_mutex_);
    kept_.push_back(std::make_shared<std::tuple<T...>>(std::move(objects)...));
  }

  /// Memory allocated through this device now, and the most there was.
  MemoryUsage memory_usage() const;
  /// Bytes that may still be allocated in device-local memory: the driver's budget where it tells one, else
  /// the heaps' sizes less what this device allocated itself.
  uint64_t available_bytes() const { return memory_budget().available_bytes; }
  MemoryBudget memory_budget() const;

  /// A hang is told from slow work by this bound; the longest submission is a prefill chunk on a CPU driver.
  static constexpr std::chrono::minutes kWaitLimit{5};

 private:
  friend class Buffer;

  Device(std::shared_ptr<Instance> instance, const PhysicalDevice& physical, const DeviceOptions& options);
  void create_device();
  VkResult wait_for(uint64_t submission, std::chrono::nanoseconds limit);
  uint32_t memory_type(uint32_t allowed_bits, MemoryUse use) const;
  void count_memory(int64_t bytes);

  std::shared_ptr<Instance> instance_;
  VkPhysicalDevice physical_;
  DeviceFacts facts_;
  DeviceOptions options_;
  VkPhysicalDeviceMemoryProperties memory_properties_{};
  uint32_t queue_family_ = 0;
  VkDevice handle_ = VK_NULL_HANDLE;
  VolkDeviceTable table_{};
  FaultWatch fault_watch_;
  VkQueue queue_ = VK_NULL_HANDLE;
  DeviceHandle<VkSemaphore> timeline_;
  std::mutex queue_mutex_;
  uint64_t submitted_ = 0;
  std::atomic<bool> failed_{false};
  std::atomic<bool> hangs_{false};
  std::mutex kept_mutex_;
  std::vector<std::shared_ptr<void>> kept_;

  std::unique_ptr<PipelineCache> pipeline_cache_;
  /// The shader, its subgroup size, its constants.
  using PipelineKey = std::tuple<const void*, uint32_t, std::vector<uint32_t>>;
  mutable std::mutex pipelines_mutex_;
  std::map<PipelineKey, std::unique_ptr<Pipeline>> pipelines_;

  mutable std::mutex memory_mutex_;
  MemoryUsage memory_usage_;
};

}  // namespace motley::vk
