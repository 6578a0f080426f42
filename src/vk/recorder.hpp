// Commands recorded once and submitted any number of times; barriers follow from what the shaders read and
// write.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <vector>

#include "vk/buffer.hpp"
#include "vk/pipeline.hpp"
#include "vk/step_timer.hpp"

namespace motley::vk {

/// A primary command buffer. Record, finish(), then submit it as often as wanted; the buffers it names must
/// live as long.
///
/// Each step's reads and writes (for a dispatch: as the shader's `readonly` and `writeonly` say) are compared
/// with those recorded since the last barrier, and a barrier is put where one depends on another. A step that
/// conflicts with nothing runs beside the ones before it.
class CommandList {
 public:
  /// With `timed`, each step waits for the one before and is timed. Throws as StepTimer then.
  explicit CommandList(Device& device, bool timed = false);
  CommandList(const CommandList&) = delete;
  CommandList& operator=(const CommandList&) = delete;
  ~CommandList();

  /// Runs `groups` workgroups. `ranges[i]` is bound as binding i, or named for what the shader reads by
  /// address; `parameters` is the push-constant block; `work` is what it is judged by where it is timed.
  template <typename Parameters>
  void dispatch(const Pipeline& pipeline, std::initializer_list<BufferRange> ranges,
                const Parameters& parameters, std::array<uint32_t, 3> groups, const Work& work = {}) {
    bind(pipeline, {ranges.begin(), ranges.size()}, std::as_bytes(std::span(&parameters, 1)), work);
    record_dispatch(pipeline, groups);
  }
  /// As dispatch, with the three group counts read from `groups` (12 bytes) when the commands run.
  template <typename Parameters>
  void dispatch_indirect(const Pipeline& pipeline, std::span<const BufferRange> ranges,
                         const Parameters& parameters, const BufferRange& groups, const Work& work = {}) {
    use(groups, true, false);
    bind(pipeline, ranges, std::as_bytes(std::span(&parameters, 1)), work);
    record_dispatch_indirect(groups);
  }
  void copy(const BufferRange& from, const BufferRange& to);
  /// Fills with a 32-bit value; offset and size are multiples of 4.
  void fill(const BufferRange& range, uint32_t value);

  /// Ends recording; what was written is then visible to the host after Device::wait.
  void finish();

  VkCommandBuffer handle() const { return buffer_; }
  uint32_t dispatch_count() const { return dispatches_; }
  uint32_t barrier_count() const { return barriers_; }
  /// Of a timed list that has run: its steps, in their order. Empty for others.
  std::vector<StepTime> step_times() const { return timer_ ? timer_->read() : std::vector<StepTime>(); }

 private:
  struct Access {
    BufferRange range;
    bool writes;
  };

  void bind(const Pipeline& pipeline, std::span<const BufferRange> ranges,
            std::span<const std::byte> parameters, const Work& work);
  void record_dispatch(const Pipeline& pipeline, std::array<uint32_t, 3> groups);
  void record_dispatch_indirect(const BufferRange& groups);
  VkDescriptorSet allocate_set(const Pipeline& pipeline);
  VkBufferView make_view(const BufferRange& range);
  void check_range(const Pipeline& pipeline, const ShaderInterface::Binding& binding,
                   const BufferRange& range) const;
  /// Declares an access of the step about to be recorded.
  void use(const BufferRange& range, bool reads, bool writes);
  /// Puts a barrier if the declared accesses conflict with earlier ones, then counts them as earlier. The
  /// step begins here, and ends with end_step().
  void begin_step(std::string_view name, const Work& work);
  void end_step();
  void barrier(VkPipelineStageFlags to_stages, VkAccessFlags to_access);

  Device& device_;
  DeviceHandle<VkCommandPool> command_pool_;
  std::vector<DeviceHandle<VkDescriptorPool>> descriptor_pools_;
  std::vector<DeviceHandle<VkBufferView>> views_;
  VkCommandBuffer buffer_ = VK_NULL_HANDLE;
  std::vector<Access> earlier_;
  std::vector<Access> current_;
  VkPipeline bound_ = VK_NULL_HANDLE;
  uint32_t dispatches_ = 0;
  uint32_t barriers_ = 0;
  std::unique_ptr<StepTimer> timer_;  ///< null: not timed
};

}  // namespace motley::vk
