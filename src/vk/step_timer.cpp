#include "vk/step_timer.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "vk/device.hpp"
#include "vk/result.hpp"

namespace motley::vk {
namespace {

constexpr uint32_t kStepsPerPool = 128;
constexpr VkPipelineStageFlagBits kStage = VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT;

}  // namespace

StepTimer::StepTimer(const Device& device) : device_(device) {
  const DeviceFacts& facts = device.facts();
  if (facts.timestamp_bits == 0)
    fail(ErrorCode::kUnsupported, "'{}' has no clock for its commands: kernels cannot be timed", facts.name);
}

void StepTimer::begin(VkCommandBuffer commands, std::string_view name, const Work& work) {
  const VolkDeviceTable& table = device_.table();
  const auto step = static_cast<uint32_t>(steps_.size()) % kStepsPerPool;
  if (step == 0) {
    VkQueryPoolCreateInfo info{VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO};
    info.queryType = VK_QUERY_TYPE_TIMESTAMP;
    info.queryCount = 2 * kStepsPerPool;
    VkQueryPool pool = VK_NULL_HANDLE;
    check(table.vkCreateQueryPool(device_.handle(), &info, nullptr, &pool), "vkCreateQueryPool");
    pools_.emplace_back(device_.handle(), pool, table.vkDestroyQueryPool);
    table.vkCmdResetQueryPool(commands, pool, 0, info.queryCount);
  }
  steps_.push_back({name, work});
  table.vkCmdWriteTimestamp(commands, kStage, pools_.back().get(), 2 * step);
}

void StepTimer::end(VkCommandBuffer commands) const {
  const auto step = static_cast<uint32_t>(steps_.size() - 1) % kStepsPerPool;
  device_.table().vkCmdWriteTimestamp(commands, kStage, pools_.back().get(), 2 * step + 1);
}

std::vector<StepTime> StepTimer::read() const {
  const DeviceFacts& facts = device_.facts();
  const uint64_t mask = facts.timestamp_bits >= 64 ? UINT64_MAX : (uint64_t{1} << facts.timestamp_bits) - 1;
  std::vector<StepTime> times;
  uint64_t first_tick = 0;
  for (size_t pool = 0; pool < pools_.size(); ++pool) {
    const size_t first = pool * kStepsPerPool;
    const size_t steps = std::min<size_t>(steps_.size() - first, kStepsPerPool);
    std::array<uint64_t, 2 * kStepsPerPool> ticks{};
    check(device_.table().vkGetQueryPoolResults(device_.handle(), pools_[pool].get(), 0,
                                                static_cast<uint32_t>(2 * steps), sizeof(ticks), ticks.data(),
                                                sizeof(uint64_t), VK_QUERY_RESULT_64_BIT),
          "vkGetQueryPoolResults");
    if (pool == 0) first_tick = ticks[0];
    // The clock may have wrapped round since the first step.
    const auto ns = [&](uint64_t tick) {
      return static_cast<double>((tick - first_tick) & mask) * facts.timestamp_period_ns;
    };
    for (size_t i = 0; i < steps; ++i)
      times.push_back(
          {steps_[first + i].name, steps_[first + i].work, ns(ticks[2 * i]), ns(ticks[2 * i + 1])});
  }
  return times;
}

}  // namespace motley::vk
