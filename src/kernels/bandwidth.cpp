#include "kernels/bandwidth.hpp"

#include <algorithm>

#include "kernels/timing.hpp"
#include "kernels/variant.hpp"
#include "params/bandwidth.h"
#include "vk/buffer.hpp"
#include "vk/recorder.hpp"

namespace motley::kernels {
namespace {

constexpr uint64_t kMebibyte = uint64_t{1} << 20;
constexpr uint64_t kElementBytes = 16;
constexpr uint32_t kUnroll = 4;  // loads an iteration of the shader

/// Best first.
constexpr Variant kVariants[] = {{".t", &kTexels}, {"", &kAnyDevice}};

/// Pinning host memory costs time, and the link is slow enough for less.
constexpr uint64_t kHostBytes = 64 * kMebibyte;

Choice<Variant> choose(const Profile& profile) {
  return choose<Variant>(profile, "bandwidth", kVariants, [](const Variant&) { return true; });
}

}  // namespace

double measure_bandwidth_gbs(Context& context, vk::MemoryUse use) {
  vk::Device& device = context.device;
  const uint64_t bindable = device.facts().max_storage_buffer_range_bytes / kMebibyte * kMebibyte;
  const uint64_t affordable = std::max<uint64_t>(device.available_bytes() / 4 / kMebibyte, 1) * kMebibyte;
  uint64_t bytes = std::min({context.profile.bandwidth_buffer_bytes, bindable, affordable});
  if (use != vk::MemoryUse::kDevice) bytes = std::min(bytes, kHostBytes);
  const uint32_t workgroup = context.profile.workgroup;
  const uint64_t most_groups = std::max<uint64_t>(bytes / (kElementBytes * kUnroll * workgroup), 1);
  const auto groups =
      static_cast<uint32_t>(std::min<uint64_t>(context.profile.bandwidth_groups, most_groups));
  const uint32_t invocations = workgroup * groups;
  const vk::Buffer data(device, bytes, use, "bandwidth measurement");
  const vk::Buffer sums(device, uint64_t{invocations} * 4, vk::MemoryUse::kDevice, "bandwidth measurement");
  run_once(device, [&](vk::CommandList& commands) { commands.fill(data, 0x3F800000); });

  // What does not divide evenly is left out and not counted.
  const auto count = static_cast<uint32_t>(bytes / kElementBytes / invocations / kUnroll * kUnroll);
  // All workgroups together walk through a GPU's memory; a CPU's cores each through a stretch of their own,
  // as they do with weights, or they would hardly ever read a page's next line.
  const shaders::BandwidthParameters parameters =
      context.profile.reads_in_stretches ? shaders::BandwidthParameters{count, workgroup, count * workgroup}
                                         : shaders::BandwidthParameters{count, invocations, workgroup};
  const uint32_t constants[] = {workgroup};
  const vk::Pipeline& pipeline = device.pipeline(choose(context.profile).shader, constants);
  const double seconds = best_pass_seconds(device, [&](vk::CommandList& commands) {
    commands.dispatch(pipeline, {data, sums}, parameters, {groups, 1, 1});
  });
  return static_cast<double>(uint64_t{count} * invocations * kElementBytes) / seconds / 1e9;
}

}  // namespace motley::kernels
