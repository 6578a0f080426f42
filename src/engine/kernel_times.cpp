#include "engine/kernel_times.hpp"

#include <algorithm>

namespace motley::engine {
namespace {

constexpr size_t kMostRuns = size_t{1} << 18;  // about 10 MiB

KernelSum& sum_of(std::vector<KernelSum>& sums, std::string_view kernel, bool decode) {
  const auto found = std::ranges::find_if(
      sums, [&](const KernelSum& sum) { return sum.kernel == kernel && sum.decode == decode; });
  if (found != sums.end()) return *found;
  return sums.emplace_back(KernelSum{kernel, decode});
}

}  // namespace

void KernelTimes::add(std::span<const vk::StepTime> steps, bool decode, uint32_t position,
                      std::chrono::steady_clock::time_point end) {
  using Nanoseconds = std::chrono::duration<double, std::nano>;
  if (steps.empty()) return;
  const double end_ns = steps.back().end_ns;
  for (const vk::StepTime& step : steps) {
    const Nanoseconds time(step.end_ns - step.start_ns);
    KernelSum& sum = sum_of(sums_, step.name, decode);
    ++sum.runs;
    sum.time += time;
    sum.bytes += step.work.fixed.bytes + position * step.work.per_position.bytes;
    sum.flops += step.work.fixed.flops + position * step.work.per_position.flops;
    if (runs_.size() == kMostRuns) continue;
    const auto before_end =
        std::chrono::duration_cast<std::chrono::nanoseconds>(Nanoseconds(end_ns - step.start_ns));
    runs_.push_back({step.name, decode, end - before_end, time});
  }
}

}  // namespace motley::engine
