#include "kernels/quantize.hpp"

#include "base/math.hpp"
#include "kernels/variant.hpp"
#include "params/quantize.h"

namespace motley::kernels {
namespace {

constexpr uint64_t kBlockBytes = 48;
constexpr uint64_t kWideBlockBytes = 144;

/// Best first.
constexpr RoundingVariant kVariants[] = {
    {{".round", &kRounding, Arithmetic::kInt8Activations}, true},
    {{"", &kAnyDevice}, false},
};

void record(Context& context, vk::CommandList& commands, const char* shader, const Vectors& x,
            const vk::BufferRange& to, uint32_t tokens) {
  const uint32_t workgroup = context.profile.workgroup;
  const uint32_t constants[] = {workgroup};
  const vk::Pipeline& pipeline =
      context.device.pipeline(choose_only(context.profile, shader).shader, constants);
  const shaders::QuantizeParameters parameters{x.stride / kRoundedElements};
  commands.dispatch(pipeline, {x.range, to}, parameters, {div_ceil(parameters.blocks, workgroup), tokens, 1});
}

}  // namespace

uint64_t rounded_bytes(uint32_t stride, uint32_t tokens) {
  return uint64_t{stride / kRoundedElements} * tokens * kBlockBytes;
}

vk::BufferRange wide_range(const Vectors& x, uint32_t tokens) {
  const uint64_t first = vk::padded_bytes(rounded_bytes(x.stride, tokens));
  return {*x.rounded.buffer, x.rounded.offset_bytes + first, wide_bytes(x.stride, tokens) - first};
}

uint64_t wide_bytes(uint32_t stride, uint32_t tokens) {
  return vk::padded_bytes(rounded_bytes(stride, tokens)) +
         uint64_t{stride / kRoundedElements} * tokens * kWideBlockBytes;
}

Choice<RoundingVariant> rounding_choice(const Profile& profile, std::string_view stem, uint32_t width,
                                        const Forms& forms) {
  const bool may_round = forms.rounded && !forms.wide && width % kRoundedElements == 0;
  return choose<RoundingVariant>(profile, stem, kVariants,
                                 [&](const RoundingVariant& row) { return may_round || !row.rounds; });
}

void quantize(Context& context, vk::CommandList& commands, const Vectors& x, uint32_t tokens) {
  record(context, commands, "quantize", x, x.rounded, tokens);
}

void quantize_wide(Context& context, vk::CommandList& commands, const Vectors& x, uint32_t tokens) {
  record(context, commands, "quantize.wide", x, wide_range(x, tokens), tokens);
}

}  // namespace motley::kernels
