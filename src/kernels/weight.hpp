// A weight matrix in device memory.
#pragma once

#include <optional>
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

/// Rows that fill whole panels of any number of lanes, and whose products fill the 256 bytes to which ranges
/// are aligned: matrices of multiples of it can follow each other without a gap.
inline constexpr uint32_t kWholeRows = 64;

/// Whether matrices of these shapes can be one, the second's rows after the first's: of one format and width,
/// without padding between them.
bool can_join(const PackedShape& first, const PackedShape& next);

/// Both as one matrix, where their shapes allow it, they lie so in memory and are one part each, together at
/// most `most_bytes`; otherwise nothing.
std::optional<Weight> join(const Weight& first, const Weight& next, uint64_t most_bytes);

/// Activations: vectors of float32 one `stride` elements after another, from the start of the range. What
/// lies between a vector's end and the stride is zero.
struct Vectors {
  vk::BufferRange range;
  uint32_t stride = 0;
  /// Where the same lie rounded (kernels/quantize.hpp, kernels/round_half.hpp), for the products that read
  /// that; without a buffer they are never rounded.
  vk::BufferRange rounded = {};
};

/// In which forms vectors are read, so that the kernel that makes them writes what is needed.
struct Forms {
  bool exact = true;
  bool rounded = false;  ///< to 8 bits
  bool wide = false;     ///< the same with a word for each element, for several tokens
  bool half = false;     ///< rounded to half precision; never beside the others, whose room it takes
};

}  // namespace motley::kernels
