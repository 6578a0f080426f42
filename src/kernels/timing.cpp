#include "kernels/timing.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>

namespace motley::kernels {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kReadingSeconds = 0.005;
constexpr double kBudgetSeconds = 0.06;  // of all readings of one pass, beyond the first two
constexpr double kMostPasses = 128;
constexpr int kMostReadings = 8;
constexpr int kLeastReadings = 2;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

std::unique_ptr<vk::CommandList> record_passes(vk::Device& device, const Pass& pass, int passes) {
  auto commands = std::make_unique<vk::CommandList>(device);
  for (int i = 0; i < passes; ++i) pass(*commands);
  commands->finish();
  return commands;
}

int passes_of_reading(double pass_seconds) {
  return static_cast<int>(std::clamp(std::ceil(kReadingSeconds / pass_seconds), 1.0, kMostPasses));
}

double seconds_of(vk::Device& device, const vk::CommandList& commands) {
  const Clock::time_point start = Clock::now();
  device.wait(device.submit(commands));
  return seconds_since(start);
}

double run_once(vk::Device& device, const Pass& pass) {
  return seconds_of(device, *record_passes(device, pass, 1));
}

double best_pass_seconds(vk::Device& device, const Pass& pass) {
  const std::unique_ptr<vk::CommandList> single = record_passes(device, pass, 1);
  seconds_of(device, *single);
  double best = seconds_of(device, *single);
  const int passes = passes_of_reading(best);
  const std::unique_ptr<vk::CommandList> commands = record_passes(device, pass, passes);
  const Clock::time_point start = Clock::now();
  for (int reading = 0; reading < kMostReadings; ++reading) {
    if (reading >= kLeastReadings && seconds_since(start) > kBudgetSeconds) break;
    best = std::min(best, seconds_of(device, *commands) / passes);
  }
  return best;
}

}  // namespace motley::kernels
