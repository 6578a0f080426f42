// What the kernels of one stage took, by the device's clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "vk/step_timer.hpp"

namespace motley::engine {

/// One run of one kernel.
struct KernelRun {
  std::string_view kernel;
  bool decode = false;  ///< of a token decoded, not of a prompt's
  std::chrono::steady_clock::time_point start;
  std::chrono::duration<double> time{};
};

/// All runs of one kernel together.
struct KernelSum {
  std::string_view kernel;
  bool decode = false;
  uint64_t runs = 0;
  std::chrono::duration<double> time{};
  double bytes = 0;  ///< moved at least; 0 where nobody counted
  double flops = 0;
};

class KernelTimes {
 public:
  /// Adds the steps of a command list. The device's clock is not the host's: the last step is taken to have
  /// ended at `end`, when the host learned of it. `position` is that of the first token.
  void add(std::span<const vk::StepTime> steps, bool decode, uint32_t position,
           std::chrono::steady_clock::time_point end);

  /// In the order in which the kernels first ran.
  const std::vector<KernelSum>& sums() const { return sums_; }
  /// In their order; of very many only the first.
  const std::vector<KernelRun>& runs() const { return runs_; }

 private:
  std::vector<KernelSum> sums_;
  std::vector<KernelRun> runs_;
};

}  // namespace motley::engine
