#include "kernels/elementwise.hpp"

#include "base/error.hpp"
#include "base/math.hpp"
#include "kernels/quantize.hpp"
#include "kernels/round_half.hpp"
#include "kernels/variant.hpp"
#include "params/rms_norm.h"
#include "params/swiglu.h"

namespace motley::kernels {

void rms_norm(Context& context, vk::CommandList& commands, const vk::BufferRange& weight, const Vectors& x,
              uint32_t first, const Vectors& y, uint32_t width, uint32_t tokens, float epsilon,
              const Forms& forms) {
  const auto [variant, shader] = rounding_choice(context.profile, "rms_norm", width, forms);
  const shaders::RmsNormParameters parameters{width, x.stride, first * x.stride, y.stride, epsilon};
  const std::array<uint32_t, 3> groups{1, tokens, 1};
  const vk::Work work{{8.0 * width * tokens, 0}, {}};
  if (variant.rounds) {
    const uint32_t constants[] = {context.profile.workgroup, forms.exact};
    commands.dispatch(context.device.pipeline(shader, constants), {weight, x.range, y.range, y.rounded},
                      parameters, groups, work);
    return;
  }
  const uint32_t constants[] = {context.profile.workgroup};
  commands.dispatch(context.device.pipeline(shader, constants), {weight, x.range, y.range}, parameters,
                    groups, work);
  round_vectors(context, commands, y, width, tokens, forms);
}

void rms_norm_heads(Context& context, vk::CommandList& commands, const vk::BufferRange& weight,
                    const Vectors& y, uint32_t width, uint32_t heads, uint32_t tokens, float epsilon) {
  const uint32_t constants[] = {context.profile.head_workgroup};
  const vk::Pipeline& pipeline =
      context.device.pipeline(choose_only(context.profile, "rms_norm.in_place").shader, constants);
  const shaders::RmsNormParameters parameters{width, y.stride, 0, y.stride, epsilon};
  commands.dispatch(pipeline, {weight, y.range}, parameters, {heads, tokens, 1},
                    {{8.0 * width * heads * tokens, 0}, {}});
}

void swiglu(Context& context, vk::CommandList& commands, const Vectors& gate, const Vectors& up,
            uint32_t width, uint32_t tokens, const Forms& forms) {
  if (gate.stride != up.stride) fail(ErrorCode::kInternal, "swiglu is given two strides");
  const uint32_t workgroup = context.profile.workgroup;
  const auto [variant, shader] = rounding_choice(context.profile, "swiglu", width, forms);
  const shaders::SwigluParameters parameters{width, gate.stride};
  const vk::Work work{{12.0 * width * tokens, 0}, {}};
  if (variant.rounds) {
    const uint32_t constants[] = {workgroup, forms.exact};
    commands.dispatch(context.device.pipeline(shader, constants), {gate.range, up.range, gate.rounded},
                      parameters, {div_ceil(width / kRoundedElements, workgroup), tokens, 1}, work);
    return;
  }
  const uint32_t constants[] = {workgroup};
  commands.dispatch(context.device.pipeline(shader, constants), {gate.range, up.range}, parameters,
                    {div_ceil(width, workgroup), tokens, 1}, work);
  round_vectors(context, commands, gate, width, tokens, forms);
}

}  // namespace motley::kernels
