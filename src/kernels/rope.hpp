// Rotary positions, and storing keys and values.
#pragma once

#include "kernels/cache.hpp"
#include "kernels/variant.hpp"
#include "kernels/weight.hpp"
#include "vk/recorder.hpp"

namespace motley::kernels {

struct RopeShape {
  uint32_t heads = 0;    ///< query heads
  uint32_t rotated = 0;  ///< elements of a head that are rotated, a multiple of 4
  bool halves = false;   ///< pairs (i, i + rotated/2), else (2i, 2i + 1)
};

/// Rotates q in place and stores rotated k and plain v of `tokens` tokens from the step's position on.
/// `table` holds [position][rotated / 2] pairs (cos, sin).
void rope_and_store(Context& context, vk::CommandList& commands, const RopeShape& shape,
                    const vk::BufferRange& step, const vk::BufferRange& table, const Vectors& q,
                    const Vectors& k, const Vectors& v, const Cache& cache, uint32_t tokens);

/// The variant for a cache of these types.
Choice<Variant> rope_choice(const Profile& profile, const CacheShape& cache);

}  // namespace motley::kernels
