#include "kernels/elementwise.hpp"

#include "base/error.hpp"
#include "base/math.hpp"
#include "kernels/variant.hpp"
#include "params/rms_norm.h"
#include "params/swiglu.h"

namespace motley::kernels {

void rms_norm(Context& context, vk::CommandList& commands, const vk::BufferRange& weight, const Vectors& x,
              uint32_t first, const Vectors& y, uint32_t width, uint32_t tokens, float epsilon) {
  const uint32_t constants[] = {context.profile.workgroup};
  const vk::Pipeline& pipeline =
      context.device.pipeline(choose_only(context.profile, "rms_norm").shader, constants);
  const shaders::RmsNormParameters parameters{width, x.stride, first * x.stride, y.stride, epsilon};
  commands.dispatch(pipeline, {weight, x.range, y.range}, parameters, {1, tokens, 1},
                    {{8.0 * width * tokens, 0}, {}});
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
            uint32_t width, uint32_t tokens) {
  if (gate.stride != up.stride) fail(ErrorCode::kInternal, "swiglu is given two strides");
  const uint32_t workgroup = context.profile.workgroup;
  const uint32_t constants[] = {workgroup};
  const vk::Pipeline& pipeline =
      context.device.pipeline(choose_only(context.profile, "swiglu").shader, constants);
  const shaders::SwigluParameters parameters{width, gate.stride};
  commands.dispatch(pipeline, {gate.range, up.range}, parameters, {div_ceil(width, workgroup), tokens, 1},
                    {{12.0 * width * tokens, 0}, {}});
}

}  // namespace motley::kernels
