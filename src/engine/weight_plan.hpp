// Where every tensor will lie in device memory, worked out before anything is allocated.
#pragma once

#include <cstdint>
#include <vector>

#include "gguf/file.hpp"
#include "kernels/profile.hpp"
#include "kernels/weight_layout.hpp"
#include "model/tensors.hpp"

namespace motley::engine {

/// A tensor's place. Matrices are packed in parts of whole panels that a shader can bind; vectors become
/// float32.
struct PlannedTensor {
  struct Part {
    uint32_t arena = 0;
    uint64_t offset_bytes = 0;
    uint64_t size_bytes = 0;
    uint32_t first_row = 0;
    uint32_t rows = 0;
  };
  const gguf::TensorInfo* tensor = nullptr;
  bool matrix = false;
  kernels::PackedShape shape{};  ///< of a matrix
  std::vector<Part> parts;
};

/// The tensors' places in a few large buffers, none above the device's largest allocation.
struct WeightPlan {
  struct Arena {
    uint64_t size_bytes = 0;
    bool in_host_memory = false;
  };

  std::vector<PlannedTensor> tensors;
  std::vector<Arena> arenas;

  uint64_t total_bytes() const;
  const PlannedTensor& find(const gguf::TensorInfo* tensor) const;
};

/// The first `host_layers` layers are placed in host memory. Throws Error{kOutOfMemory} when a single panel
/// of rows is larger than the device can bind.
WeightPlan plan_weights(const model::Tensors& tensors, const vk::DeviceFacts& facts,
                        const kernels::Profile& profile, uint32_t host_layers = 0);

}  // namespace motley::engine
