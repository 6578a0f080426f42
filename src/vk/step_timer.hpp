// When each step of recorded commands ran, by the device's own clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "vk/handle.hpp"

namespace motley::vk {

class Device;

struct Amount {
  double bytes = 0;
  double flops = 0;
};

/// What a step must at least move and compute, to judge its time by. A part may grow with a number that is
/// known only when the commands run: how many positions the tokens attend to.
struct Work {
  Amount fixed;
  Amount per_position;
};

/// One run of one step. Times count from the first step of its command list.
struct StepTime {
  std::string_view name;  ///< the shader's, "copy" or "fill"; lives as long as the program
  Work work;
  double start_ns = 0;
  double end_ns = 0;
};

/// Timestamps around the steps of one command buffer.
class StepTimer {
 public:
  /// Throws Error{kUnsupported} when the device's queue tells no time.
  explicit StepTimer(const Device& device);

  /// Records the timestamps before and after a step. What runs before must be over: the caller puts a
  /// barrier.
  void begin(VkCommandBuffer commands, std::string_view name, const Work& work);
  void end(VkCommandBuffer commands) const;

  /// Of the last time that the commands ran, which must be over.
  std::vector<StepTime> read() const;

 private:
  struct Step {
    std::string_view name;
    Work work;
  };

  const Device& device_;
  std::vector<DeviceHandle<VkQueryPool>> pools_;
  std::vector<Step> steps_;
};

}  // namespace motley::vk
