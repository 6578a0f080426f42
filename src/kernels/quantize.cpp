#include "kernels/quantize.hpp"

#include "base/math.hpp"
#include "kernels/variant.hpp"
#include "params/quantize.h"

namespace motley::kernels {
namespace {

constexpr uint32_t kBlockElements = 32;
constexpr uint64_t kBlockBytes = 48;

}  // namespace

uint64_t rounded_bytes(uint32_t stride, uint32_t tokens) {
  return uint64_t{stride / kBlockElements} * tokens * kBlockBytes;
}

void quantize(Context& context, vk::CommandList& commands, const Vectors& x, uint32_t tokens) {
  const uint32_t workgroup = context.profile.workgroup;
  const uint32_t constants[] = {workgroup};
  const vk::Pipeline& pipeline =
      context.device.pipeline(choose_only(context.profile, "quantize").shader, constants);
  const shaders::QuantizeParameters parameters{x.stride / kBlockElements};
  commands.dispatch(pipeline, {x.range, x.rounded}, parameters,
                    {div_ceil(parameters.blocks, workgroup), tokens, 1});
}

}  // namespace motley::kernels
