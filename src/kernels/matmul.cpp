#include "kernels/matmul.hpp"

#include <algorithm>
#include <bit>
#include <string>

#include "base/error.hpp"
#include "base/math.hpp"
#include "params/matmul.h"

namespace motley::kernels {
namespace {

constexpr Requirement kInt8Texels{
    [](const Profile& profile) { return profile.int8_activations && profile.texel_loads; },
    "fast products of integers, texel buffers faster than storage buffers"};
constexpr Requirement kSubgroup16{[](const Profile& profile) { return profile.broadcast == 16; },
                                  "subgroups of 16"};
constexpr Requirement kSubgroup8{[](const Profile& profile) { return profile.broadcast == 8; },
                                 "subgroups of 8"};
constexpr Requirement kSubgroup4{[](const Profile& profile) { return profile.broadcast == 4; },
                                 "subgroups of 4"};

/// Best first; the first that suits device and tokens is taken. The figures are beside the flavours' meaning
/// in matmul.comp.
constexpr MatmulVariant kVariants[] = {
    {{".i8.t.n8p2", &kInt8Texels, Arithmetic::kInt8Activations}, 8, 2},
    {{".i8.t", &kInt8Texels, Arithmetic::kInt8Activations}, 1, 1},
    {{".i8.n8p2", &kIntegerProducts, Arithmetic::kInt8Activations}, 8, 2},
    {{".i8", &kIntegerProducts, Arithmetic::kInt8Activations}, 1, 1},
    {{".t.n8p2", &kTexels}, 8, 2},
    {{".t.p2", &kTexels}, 1, 2},
    {{".b16.n8", &kSubgroup16}, 8, 1},
    {{".b16", &kSubgroup16}, 1, 1},
    {{".b8.n8", &kSubgroup8}, 8, 1},
    {{".b8", &kSubgroup8}, 1, 1},
    {{".b4.n8p4", &kSubgroup4}, 8, 4},
    {{".b4.p4", &kSubgroup4}, 1, 4},
    {{".n8", &kAnyDevice}, 8, 1},
    {{"", &kAnyDevice}, 1, 1},
};

/// The weights are read once; two operations for each of them and each token.
vk::Work work_of(const WeightPart& part, uint32_t columns, uint32_t tokens) {
  const double vector_bytes = 4.0 * tokens * (columns + part.rows);
  return {{static_cast<double>(part.range.size_bytes) + vector_bytes, 2.0 * part.rows * columns * tokens},
          {}};
}

/// Whether a variant may multiply so many tokens.
auto serving(uint32_t tokens, bool may_round) {
  return [=](const MatmulVariant& row) {
    return (row.columns == 1) == (tokens == 1) &&
           (may_round || row.arithmetic != Arithmetic::kInt8Activations);
  };
}

}  // namespace

Use matmul_use(quant::Format format, uint32_t tokens, bool may_round) {
  return {std::string("matmul.") + quant::info(format).stem,
          std::string(tokens == 1 ? "one token" : "several tokens") + (may_round ? "" : ", not rounded")};
}

Choice<MatmulVariant> matmul_choice(const Profile& profile, quant::Format format, uint32_t tokens,
                                    bool may_round) {
  return choose<MatmulVariant>(profile, matmul_use(format, tokens, may_round), kVariants,
                               serving(tokens, may_round));
}

std::vector<Choice<Variant>> matmul_variants(const Profile& profile, quant::Format format, uint32_t tokens,
                                             bool may_round) {
  return eligible<MatmulVariant>(profile, matmul_use(format, tokens, may_round), kVariants,
                                 serving(tokens, may_round));
}

Forms forms_read(const Profile& profile, std::initializer_list<const Weight*> weights, const Vectors& x,
                 uint32_t tokens) {
  Forms forms{false, false};
  for (const Weight* const weight : weights) {
    const Variant& variant =
        matmul_choice(profile, weight->shape.format, tokens, x.rounded.buffer != nullptr).row;
    (variant.arithmetic == Arithmetic::kInt8Activations ? forms.rounded : forms.exact) = true;
  }
  return forms;
}

void matmul(Context& context, vk::CommandList& commands, const Weight& weight, const Vectors& x,
            const Vectors& y, uint32_t tokens, const MatmulOptions& options) {
  const Profile& profile = context.profile;
  const PackedShape& shape = weight.shape;
  if (shape.lanes != profile.lanes || x.stride % kActivationPadding != 0) {
    fail(ErrorCode::kInternal, "matmul is given weights of {} lanes and vectors of stride {}", shape.lanes,
         x.stride);
  }
  const auto [variant, shader] = matmul_choice(profile, shape.format, tokens, x.rounded.buffer != nullptr);
  const bool rounded = variant.arithmetic == Arithmetic::kInt8Activations;
  const vk::BufferRange& source = rounded ? x.rounded : x.range;
  // A split's sums wait in shared memory; more columns leave room for fewer splits.
  const uint32_t split = std::bit_floor(
      std::min(std::max(1U, profile.max_split / (variant.columns > 1 ? 4 : 1)), shape.units()));
  const uint32_t constants[] = {profile.lanes * split, profile.lanes, split, options.accumulate,
                                options.bias != nullptr};
  const vk::Pipeline& pipeline = context.device.pipeline(shader, constants);
  for (const WeightPart& part : weight.parts) {
    const shaders::MatmulParameters parameters{shape.units(), part.rows,      tokens, x.stride,
                                               y.stride,      part.first_row, 0};
    const uint32_t groups = div_ceil(part.rows, shape.panel_rows() * variant.panels);
    commands.dispatch(
        pipeline, {part.range, source, options.bias != nullptr ? *options.bias : source, y.range}, parameters,
        {div_ceil(tokens, variant.columns), groups, 1}, work_of(part, shape.columns, tokens));
  }
}

}  // namespace motley::kernels
