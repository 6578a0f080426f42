#include "kernels/bandwidth.hpp"

#include <algorithm>
#include <chrono>

#include "params/bandwidth.h"
#include "shader_table.hpp"
#include "vk/buffer.hpp"
#include "vk/recorder.hpp"

namespace motley::kernels {
namespace {

constexpr uint64_t kMebibyte = uint64_t{1} << 20;
constexpr int kReadings = 5;

}  // namespace

double measure_bandwidth_gbs(Context& context) {
  vk::Device& device = context.device;
  const uint64_t bindable = device.facts().max_storage_buffer_range_bytes / kMebibyte * kMebibyte;
  const uint64_t affordable = std::max<uint64_t>(device.available_bytes() / 4 / kMebibyte, 1) * kMebibyte;
  const uint64_t bytes = std::min({context.profile.bandwidth_buffer_bytes, bindable, affordable});
  const uint32_t workgroup = context.profile.workgroup;
  const uint32_t groups = context.profile.bandwidth_groups;
  const uint32_t invocations = workgroup * groups;
  const vk::Buffer data(device, bytes, vk::MemoryUse::kDevice, "bandwidth measurement");
  const vk::Buffer sums(device, uint64_t{invocations} * 4, vk::MemoryUse::kDevice, "bandwidth measurement");

  // Four loads an iteration; what does not divide evenly is left out and not counted.
  const auto count = static_cast<uint32_t>(bytes / 16 / invocations / 4 * 4);
  const shaders::BandwidthParameters parameters{count, invocations};
  const uint32_t constants[] = {workgroup};
  vk::CommandList fill(device);
  fill.fill(data, 0x3F800000);
  fill.finish();
  device.wait(device.submit(fill));
  vk::CommandList commands(device);
  commands.dispatch(device.pipeline(shaders::get("bandwidth"), constants), {data, sums}, parameters,
                    {groups, 1, 1});
  commands.finish();
  double best_seconds = 1e9;
  for (int i = 0; i <= kReadings; ++i) {
    const auto start = std::chrono::steady_clock::now();
    device.wait(device.submit(commands));
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    if (i > 0) best_seconds = std::min(best_seconds, taken.count());  // the first run compiles
  }
  return static_cast<double>(uint64_t{count} * invocations * 16) / best_seconds / 1e9;
}

}  // namespace motley::kernels
