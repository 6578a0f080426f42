// Buffers where kernels find them in earnest: in the device's own memory.
#pragma once

#include <span>
#include <vector>

#include "kernels/cache.hpp"
#include "kernels/weight.hpp"
#include "kernels/workbench.hpp"

namespace motley::bench {

/// A copy in the device's own memory.
vk::Buffer on_device(vk::Device& device, const vk::Buffer& from);

/// Vectors of `width` values in the device's own memory, padded as kernels want them.
vk::Buffer vectors_on_device(vk::Device& device, std::span<const float> values, uint32_t width);

/// Room for `count` vectors of `width` values with padding, zeros at first.
vk::Buffer zeros_on_device(vk::Device& device, uint32_t count, uint32_t width);

/// The buffer's floats, wherever they lie.
std::vector<float> read_floats(vk::Device& device, const vk::Buffer& from);

/// A matrix in the device's own memory, as often as is needed so that no cache holds all copies.
class DeviceWeights {
 public:
  DeviceWeights(kernels::Context& context, const kernels::MadeUpMatrix& matrix);

  uint32_t copies() const { return static_cast<uint32_t>(weights_.size()); }
  const kernels::Weight& weight(uint32_t copy) const { return weights_[copy]; }

 private:
  std::vector<vk::Buffer> buffers_;  // the weights point to them
  std::vector<kernels::Weight> weights_;
};

}  // namespace motley::bench
