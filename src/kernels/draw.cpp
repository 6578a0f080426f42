#include "kernels/draw.hpp"

#include "base/error.hpp"
#include "params/draw.h"
#include "params/found.h"
#include "params/step.h"

namespace motley::kernels {

void draw(Context& context, vk::CommandList& commands, const DrawRule& rule, const Cache& cache,
          const vk::BufferRange& step, uint32_t turn, const vk::BufferRange& found) {
  if (rule.top_k < 1 || rule.top_k > kMaxTopK || turn > 1 || found.size_bytes < top_k_bytes(rule.top_k) ||
      step.size_bytes <= shaders::STEP_TOKENS * sizeof(uint32_t)) {
    fail(ErrorCode::kInternal, "draw: k = {}, turn {}, {} bytes found, a step buffer of {} bytes", rule.top_k,
         turn, found.size_bytes, step.size_bytes);
  }
  const uint32_t constants[] = {context.profile.workgroup};
  const shaders::DrawParameters parameters{rule.top_k,
                                           top_k_capacity(rule.top_k),
                                           rule.top_p,
                                           rule.min_p,
                                           rule.temperature,
                                           turn,
                                           context.profile.attention_split,
                                           static_cast<uint32_t>(cache.slices.size())};
  commands.dispatch(context.device.pipeline(choose_only(context.profile, "draw").shader, constants),
                    {step, found}, parameters, {1, 1, 1});
}

uint32_t read_drawn(std::span<const uint32_t> found) { return found[shaders::FOUND_DRAWN]; }

}  // namespace motley::kernels
