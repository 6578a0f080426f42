#include "vk/recorder.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "vk/result.hpp"

namespace motley::vk {
namespace {

constexpr uint32_t kSetsPerPool = 128;
constexpr uint32_t kBuffersPerSet = 10;

constexpr VkPipelineStageFlags kDeviceStages = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT |
                                               VK_PIPELINE_STAGE_TRANSFER_BIT |
                                               VK_PIPELINE_STAGE_DRAW_INDIRECT_BIT;
constexpr VkAccessFlags kDeviceAccess = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT |
                                        VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT |
                                        VK_ACCESS_INDIRECT_COMMAND_READ_BIT;
constexpr VkAccessFlags kDeviceWrites = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;

}  // namespace

CommandList::CommandList(Device& device, bool timed) : device_(device) {
  const VolkDeviceTable& table = device.table();
  VkCommandPoolCreateInfo pool_info{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
  pool_info.queueFamilyIndex = device.queue_family();
  VkCommandPool pool = VK_NULL_HANDLE;
  check(table.vkCreateCommandPool(device.handle(), &pool_info, nullptr, &pool), "vkCreateCommandPool");
  command_pool_ = {device.handle(), pool, table.vkDestroyCommandPool};

  VkCommandBufferAllocateInfo info{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
  info.commandPool = pool;
  info.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  info.commandBufferCount = 1;
  check(table.vkAllocateCommandBuffers(device.handle(), &info, &buffer_), "vkAllocateCommandBuffers");
  VkCommandBufferBeginInfo begin{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
  // A step may be submitted again before it has ended.
  begin.flags = VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT;
  check(table.vkBeginCommandBuffer(buffer_, &begin), "vkBeginCommandBuffer");
  // Whatever an earlier submission left behind is finished and visible before the first step.
  barrier(kDeviceStages, kDeviceAccess);
  barriers_ = 0;
  if (timed) timer_ = std::make_unique<StepTimer>(device);
}

CommandList::~CommandList() {
  if (device_.hangs())
    device_.keep(std::move(command_pool_), std::move(descriptor_pools_), std::move(views_),
                 std::move(timer_));
}

void CommandList::copy(const BufferRange& from, const BufferRange& to) {
  if (from.size_bytes != to.size_bytes) fail(ErrorCode::kInternal, "a copy of two sizes");
  use(from, true, false);
  use(to, false, true);
  begin_step("copy", {{2.0 * static_cast<double>(from.size_bytes), 0}, {}});
  const VkBufferCopy region{from.offset_bytes, to.offset_bytes, from.size_bytes};
  device_.table().vkCmdCopyBuffer(buffer_, from.buffer->handle(), to.buffer->handle(), 1, &region);
  end_step();
}

void CommandList::fill(const BufferRange& range, uint32_t value) {
  use(range, false, true);
  begin_step("fill", {{static_cast<double>(range.size_bytes), 0}, {}});
  device_.table().vkCmdFillBuffer(buffer_, range.buffer->handle(), range.offset_bytes, range.size_bytes,
                                  value);
  end_step();
}

void CommandList::finish() {
  barrier(VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
  --barriers_;
  check(device_.table().vkEndCommandBuffer(buffer_), "vkEndCommandBuffer");
}

void CommandList::bind(const Pipeline& pipeline, std::span<const BufferRange> ranges,
                       std::span<const std::byte> parameters, const Work& work) {
  const ShaderInterface& interface = pipeline.interface();
  if (ranges.size() != interface.bindings.size() || parameters.size() != interface.push_constant_bytes) {
    fail(ErrorCode::kInternal, "shader '{}' has {} bindings and {} bytes of parameters; given were {} and {}",
         pipeline.name(), interface.bindings.size(), interface.push_constant_bytes, ranges.size(),
         parameters.size());
  }
  for (size_t i = 0; i < ranges.size(); ++i) {
    check_range(pipeline, interface.bindings[i], ranges[i]);
    use(ranges[i], interface.bindings[i].reads, interface.bindings[i].writes);
  }
  begin_step(pipeline.name(), work);

  const VolkDeviceTable& table = device_.table();
  const VkDescriptorSet set = allocate_set(pipeline);
  std::array<VkDescriptorBufferInfo, kBuffersPerSet> buffers{};
  std::array<VkBufferView, kBuffersPerSet> views{};
  std::array<VkWriteDescriptorSet, kBuffersPerSet> writes{};
  uint32_t count = 0;
  for (uint32_t i = 0; i < ranges.size(); ++i) {
    if (interface.bindings[i].by_address) continue;
    VkWriteDescriptorSet& write = writes[count++];
    write = {VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET};
    write.dstSet = set;
    write.dstBinding = i;
    write.descriptorCount = 1;
    write.descriptorType = descriptor_type(interface.bindings[i]);
    if (interface.bindings[i].texels) {
      views[i] = make_view(ranges[i]);
      write.pTexelBufferView = &views[i];
    } else {
      buffers[i] = {ranges[i].buffer->handle(), ranges[i].offset_bytes, ranges[i].size_bytes};
      write.pBufferInfo = &buffers[i];
    }
  }
  table.vkUpdateDescriptorSets(device_.handle(), count, writes.data(), 0, nullptr);
  if (bound_ != pipeline.handle()) {
    table.vkCmdBindPipeline(buffer_, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline.handle());
    bound_ = pipeline.handle();
  }
  table.vkCmdBindDescriptorSets(buffer_, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline.layout(), 0, 1, &set, 0,
                                nullptr);
  table.vkCmdPushConstants(buffer_, pipeline.layout(), VK_SHADER_STAGE_COMPUTE_BIT, 0,
                           static_cast<uint32_t>(parameters.size()), parameters.data());
}

void CommandList::record_dispatch(const Pipeline& pipeline, std::array<uint32_t, 3> groups) {
  const std::array<uint32_t, 3>& limit = device_.facts().max_workgroup_count;
  if (groups[0] > limit[0] || groups[1] > limit[1] || groups[2] > limit[2]) {
    fail(ErrorCode::kInternal,
         "shader '{}' is dispatched with {} x {} x {} workgroups; '{}' allows {} x {} x {}", pipeline.name(),
         groups[0], groups[1], groups[2], device_.facts().name, limit[0], limit[1], limit[2]);
  }
  device_.table().vkCmdDispatch(buffer_, groups[0], groups[1], groups[2]);
  end_step();
  ++dispatches_;
}

void CommandList::record_dispatch_indirect(const BufferRange& groups) {
  device_.table().vkCmdDispatchIndirect(buffer_, groups.buffer->handle(), groups.offset_bytes);
  end_step();
  ++dispatches_;
}

VkDescriptorSet CommandList::allocate_set(const Pipeline& pipeline) {
  const VolkDeviceTable& table = device_.table();
  if (pipeline.interface().bindings.size() > kBuffersPerSet) {
    fail(ErrorCode::kInternal, "shader '{}' has more than {} bindings", pipeline.name(), kBuffersPerSet);
  }
  if (dispatches_ % kSetsPerPool == 0) {
    const std::array<VkDescriptorPoolSize, 2> sizes{
        {{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, kSetsPerPool * kBuffersPerSet},
         {VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER, kSetsPerPool * kBuffersPerSet}}};
    VkDescriptorPoolCreateInfo info{VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO};
    info.maxSets = kSetsPerPool;
    info.poolSizeCount = static_cast<uint32_t>(sizes.size());
    info.pPoolSizes = sizes.data();
    VkDescriptorPool pool = VK_NULL_HANDLE;
    check(table.vkCreateDescriptorPool(device_.handle(), &info, nullptr, &pool), "vkCreateDescriptorPool");
    descriptor_pools_.emplace_back(device_.handle(), pool, table.vkDestroyDescriptorPool);
  }
  const VkDescriptorSetLayout layout = pipeline.set_layout();
  VkDescriptorSetAllocateInfo info{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO};
  info.descriptorPool = descriptor_pools_.back().get();
  info.descriptorSetCount = 1;
  info.pSetLayouts = &layout;
  VkDescriptorSet set = VK_NULL_HANDLE;
  check(table.vkAllocateDescriptorSets(device_.handle(), &info, &set), "vkAllocateDescriptorSets");
  return set;
}

VkBufferView CommandList::make_view(const BufferRange& range) {
  VkBufferViewCreateInfo info{VK_STRUCTURE_TYPE_BUFFER_VIEW_CREATE_INFO};
  info.buffer = range.buffer->handle();
  info.format = VK_FORMAT_R32G32B32A32_UINT;
  info.offset = range.offset_bytes;
  info.range = range.size_bytes / kTexelBytes * kTexelBytes;
  VkBufferView view = VK_NULL_HANDLE;
  check(device_.table().vkCreateBufferView(device_.handle(), &info, nullptr, &view), "vkCreateBufferView");
  views_.emplace_back(device_.handle(), view, device_.table().vkDestroyBufferView);
  return view;
}

void CommandList::check_range(const Pipeline& pipeline, const ShaderInterface::Binding& binding,
                              const BufferRange& range) const {
  const DeviceFacts& facts = device_.facts();
  const uint64_t limit = binding.texels ? facts.max_texel_buffer_bytes : facts.max_storage_buffer_range_bytes;
  const uint64_t alignment =
      binding.texels ? facts.texel_buffer_alignment_bytes : facts.storage_buffer_alignment_bytes;
  if (range.buffer == nullptr || range.size_bytes < (binding.texels ? kTexelBytes : 1) ||
      range.offset_bytes + range.size_bytes > range.buffer->size_bytes() || range.size_bytes > limit ||
      range.offset_bytes % alignment != 0) {
    fail(ErrorCode::kInternal,
         "shader '{}' is given bytes {}+{} of a buffer of {}; '{}' binds at most {}, aligned to {}",
         pipeline.name(), range.offset_bytes, range.size_bytes,
         range.buffer == nullptr ? 0 : range.buffer->size_bytes(), facts.name, limit, alignment);
  }
}

void CommandList::use(const BufferRange& range, bool reads, bool writes) {
  if (reads || writes) current_.push_back({range, writes});
}

void CommandList::begin_step(std::string_view name, const Work& work) {
  const bool conflict = std::any_of(current_.begin(), current_.end(), [&](const Access& now) {
    return std::any_of(earlier_.begin(), earlier_.end(), [&](const Access& before) {
      return (now.writes || before.writes) && now.range.overlaps(before.range);
    });
  });
  // A timed step has the device to itself.
  if (conflict || (timer_ && !earlier_.empty())) barrier(kDeviceStages, kDeviceAccess);
  earlier_.insert(earlier_.end(), current_.begin(), current_.end());
  current_.clear();
  if (timer_) timer_->begin(buffer_, name, work);
}

void CommandList::end_step() {
  if (timer_) timer_->end(buffer_);
}

void CommandList::barrier(VkPipelineStageFlags to_stages, VkAccessFlags to_access) {
  VkMemoryBarrier memory{VK_STRUCTURE_TYPE_MEMORY_BARRIER};
  memory.srcAccessMask = kDeviceWrites;
  memory.dstAccessMask = to_access;
  device_.table().vkCmdPipelineBarrier(buffer_, kDeviceStages, to_stages, 0, 1, &memory, 0, nullptr, 0,
                                       nullptr);
  earlier_.clear();
  ++barriers_;
}

}  // namespace motley::vk
