// A weight matrix in device memory.
#pragma once

#include <vector>

#include "kernels/weight_layout.hpp"
#include "vk/buffer.hpp"

namespace motley::kernels {

/// Whole panels in one range a shader can bind; a large matrix has several.
struct WeightPart {
  vk::BufferRange range;
  uint32_t first_row = 0;
  uint32_t rows = 0;
};

struct Weight {
  PackedShape shape{};
  std::vector<WeightPart> parts;
};

/// Activations: vectors of float32 one `stride` elements after another, from the start of the range. What
/// lies between a vector's end and the stride is zero.
struct Vectors {
  vk::BufferRange range;
  uint32_t stride = 0;
  /// Where the same lie rounded to 8 bits (kernels/quantize.hpp) when prepare_matmul() was recorded; without
  /// a buffer they are never rounded.
  vk::BufferRange rounded = {};
};

}  // namespace motley::kernels
