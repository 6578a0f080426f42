#include "kernels/round_half.hpp"

#include "base/math.hpp"
#include "kernels/quantize.hpp"
#include "kernels/variant.hpp"
#include "params/round_half.h"

namespace motley::kernels {

uint64_t half_bytes(uint32_t stride, uint32_t tokens) {
  constexpr uint32_t kScalesAnElement = 4;  // of the shader's array
  return uint64_t{stride} * tokens * 2 + uint64_t{round_up(tokens, kScalesAnElement)} * sizeof(float);
}

void round_half(Context& context, vk::CommandList& commands, const Vectors& x, uint32_t width,
                uint32_t tokens) {
  const uint32_t constants[] = {context.profile.workgroup};
  const vk::Pipeline& pipeline =
      context.device.pipeline(choose_only(context.profile, "round_half").shader, constants);
  const shaders::RoundHalfParameters parameters{width, x.stride, tokens};
  commands.dispatch(pipeline, {x.range, x.rounded}, parameters, {tokens, 1, 1});
}

void round_vectors(Context& context, vk::CommandList& commands, const Vectors& x, uint32_t width,
                   uint32_t tokens, const Forms& forms) {
  if (forms.rounded) quantize(context, commands, x, tokens);
  if (forms.wide) quantize_wide(context, commands, x, tokens);
  if (forms.half) round_half(context, commands, x, width, tokens);
}

}  // namespace motley::kernels
