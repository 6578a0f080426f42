#include "vk/compile_only.hpp"

namespace motley::vk {
namespace {

template <typename Function>
struct Nothing;

template <typename Result, typename... Arguments>
struct Nothing<Result(VKAPI_PTR*)(Arguments...)> {
  /// A VkResult of zero is VK_SUCCESS.
  static VKAPI_ATTR Result VKAPI_CALL call(Arguments...) { return Result(); }
};

template <typename Function>
void disable(Function& function) {
  function = &Nothing<Function>::call;
}

}  // namespace

void leave_only_compilation(VolkDeviceTable& table) {
  disable(table.vkCreateSemaphore);
  disable(table.vkWaitSemaphores);
  disable(table.vkQueueSubmit);
  disable(table.vkCreateDescriptorPool);
  disable(table.vkAllocateDescriptorSets);
  disable(table.vkUpdateDescriptorSets);
  disable(table.vkCreateCommandPool);
  disable(table.vkAllocateCommandBuffers);
  disable(table.vkBeginCommandBuffer);
  disable(table.vkEndCommandBuffer);
  disable(table.vkCmdBindPipeline);
  disable(table.vkCmdBindDescriptorSets);
  disable(table.vkCmdPushConstants);
  disable(table.vkCmdDispatch);
  disable(table.vkCmdDispatchIndirect);
  disable(table.vkCmdPipelineBarrier);
  disable(table.vkCmdCopyBuffer);
  disable(table.vkCmdFillBuffer);
  disable(table.vkCreateQueryPool);
  disable(table.vkCmdResetQueryPool);
  disable(table.vkCmdWriteTimestamp);
  disable(table.vkGetQueryPoolResults);
}

}  // namespace motley::vk
