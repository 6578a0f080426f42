#include "kernels/memory.hpp"

#include <algorithm>

#include "base/math.hpp"
#include "kernels/timing.hpp"

namespace motley::bench {
namespace {

constexpr const char* kPurpose = "benchmark of kernels";
constexpr uint64_t kMostCopies = 32;

}  // namespace

vk::Buffer on_device(vk::Device& device, const vk::Buffer& from) {
  vk::Buffer to(device, from.size_bytes(), vk::MemoryUse::kDevice, kPurpose);
  kernels::run_once(device, [&](vk::CommandList& commands) { commands.copy(from, to); });
  return to;
}

vk::Buffer vectors_on_device(vk::Device& device, std::span<const float> values, uint32_t width) {
  return on_device(device, kernels::upload_vectors(device, values, width));
}

vk::Buffer zeros_on_device(vk::Device& device, uint32_t count, uint32_t width) {
  vk::Buffer buffer(device, uint64_t{count} * kernels::padded_stride(width) * sizeof(float),
                    vk::MemoryUse::kDevice, kPurpose);
  kernels::run_once(device, [&](vk::CommandList& commands) { commands.fill(buffer, 0); });
  return buffer;
}

std::vector<float> read_floats(vk::Device& device, const vk::Buffer& from) {
  const vk::Buffer to(device, from.size_bytes(), vk::MemoryUse::kReadback, kPurpose);
  kernels::run_once(device, [&](vk::CommandList& commands) { commands.copy(from, to); });
  const std::span<const float> floats = to.mapped_as<float>();
  return {floats.begin(), floats.end()};
}

DeviceWeights::DeviceWeights(kernels::Context& context, const kernels::MadeUpMatrix& matrix) {
  const kernels::Profile& profile = context.profile;
  vk::Buffer packed;
  const kernels::Weight first = matrix.pack(context, packed);
  const uint64_t beyond_caches = profile.matvec_buffers * profile.matvec_buffer_bytes;
  const uint64_t affordable = context.device.available_bytes() / 2 / packed.size_bytes();
  const uint64_t copies = std::clamp<uint64_t>(
      std::min(affordable, div_ceil(beyond_caches, packed.size_bytes())), 1, kMostCopies);
  for (uint64_t copy = 0; copy < copies; ++copy) buffers_.push_back(on_device(context.device, packed));
  for (const vk::Buffer& buffer : buffers_) {
    weights_.push_back(first);
    for (kernels::WeightPart& part : weights_.back().parts) part.range.buffer = &buffer;
  }
}

}  // namespace motley::bench
