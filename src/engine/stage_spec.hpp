// Which device runs which layers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "vk/device.hpp"

namespace motley::engine {

/// Neighbouring layers that one device runs. A model's stages follow one another without a gap; the first
/// also holds the token embedding, the last the output layer.
struct StageSpec {
  std::shared_ptr<vk::Device> device;
  uint32_t first_layer = 0;
  uint32_t layers = 0;
  /// The first so many of them lie in host memory, weights and KV cache, and are read over the link.
  uint32_t host_layers = 0;
  bool tune = true;  ///< measure which kernel variants are fastest, where that is not known (prepare_kernels)
};

/// The devices of some stages, each once, in the order in which they come.
struct StageDevices {
  std::vector<vk::Device*> devices;
  std::vector<size_t> of_stage;  ///< index into `devices`
};

StageDevices devices_of(std::span<const StageSpec> stages);

}  // namespace motley::engine
