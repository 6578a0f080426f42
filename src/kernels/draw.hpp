// Drawing the next token on the device, so that its step can begin before the host knows of it.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/cache.hpp"
#include "kernels/top_k.hpp"
#include "kernels/variant.hpp"
#include "vk/recorder.hpp"

namespace motley::kernels {

/// How a token is drawn from the likeliest, in the order in which the steps apply. The names are those of
/// engine::SamplingParameters.
struct DrawRule {
  uint32_t top_k = 1;  ///< from 1 to kMaxTopK
  float top_p = 1.0F;
  float min_p = 0.0F;
  float temperature = 0.0F;  ///< not above 0: the likeliest is taken

  bool operator==(const DrawRule&) const = default;
};

/// Draws by `rule` from what top_k() wrote to `found` for rule.top_k, in single precision, and makes `step`
/// the step buffer of that token's step, one position on; of `cache` the number of slices counts. The chance
/// in the step buffer's word STEP_CHANCES + turn (turn: 0 or 1) decides. Throws Error{kInternal} when a
/// figure or range does not fit.
void draw(Context& context, vk::CommandList& commands, const DrawRule& rule, const Cache& cache,
          const vk::BufferRange& step, uint32_t turn, const vk::BufferRange& found);

/// The token in what draw() left in `found`.
uint32_t read_drawn(std::span<const uint32_t> found);

}  // namespace motley::kernels
