// Pseudo-random weights in every format, any stretch of them at any time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "quant/format.hpp"

namespace motley::model {

/// The weights of one tensor, spread around `mean` (floating-point formats; 0 in the others) with a standard
/// deviation of about 0.02. Quantized weights are uniformly distributed within a block, the others as the sum
/// of two uniform numbers; all are finite, and scales are normal numbers, never 0.
///
/// The bytes are a function of these members and of the position alone: a counter goes through the mixing
/// function of SplitMix64 (Steele, Lea, Flood 2014), so that any stretch can be made by itself and by any
/// number of threads.
struct SyntheticWeights {
  quant::Format format = quant::Format::kF32;
  uint64_t key = 0;
  float mean = 0.0F;

  /// Fills `out` with the bytes from `offset_bytes` on. Throws Error{kUnsupported} for a format that it does
  /// not make.
  void read_at(uint64_t offset_bytes, std::span<std::byte> out) const;
};

/// Well mixed keys: tensors of other names or seeds have nothing in common.
uint64_t synthetic_key(uint64_t seed, std::string_view tensor_name);

}  // namespace motley::model
