#include "kernels/quantize.hpp"

#include "base/math.hpp"
#include "kernels/variant.hpp"
#include "params/quantize.h"

namespace motley::kernels {
namespace {

constexpr uint64_t kBlockBytes = 48;

/// Best first.
constexpr RoundingVariant kVariants[] = {
    {{".round", &kRounding, Arithmetic::kInt8Activations}, true},
    {{"", &kAnyDevice}, false},
};

}  // namespace

uint64_t rounded_bytes(uint32_t stride, uint32_t tokens) {
  return uint64_t{stride / kRoundedElements} * tokens * kBlockBytes;
}

Choice<RoundingVariant> rounding_choice(const Profile& profile, std::string_view stem, uint32_t width,
                                        const Forms& forms) {
  const bool may_round = forms.rounded && width % kRoundedElements == 0;
  return choose<RoundingVariant>(profile, stem, kVariants,
                                 [&](const RoundingVariant& row) { return may_round || !row.rounds; });
}

void quantize(Context& context, vk::CommandList& commands, const Vectors& x, uint32_t tokens) {
  const uint32_t workgroup = context.profile.workgroup;
  const uint32_t constants[] = {workgroup};
  const vk::Pipeline& pipeline =
      context.device.pipeline(choose_only(context.profile, "quantize").shader, constants);
  const shaders::QuantizeParameters parameters{x.stride / kRoundedElements};
  commands.dispatch(pipeline, {x.range, x.rounded}, parameters,
                    {div_ceil(parameters.blocks, workgroup), tokens, 1});
}

}  // namespace motley::kernels
