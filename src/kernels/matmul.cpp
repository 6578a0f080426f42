#include "kernels/matmul.hpp"

#include <algorithm>
#include <bit>
#include <string>

#include "base/error.hpp"
#include "base/math.hpp"
#include "params/matmul.h"
#include "shader_table.hpp"

namespace motley::kernels {
namespace {

/// A compiled flavour of matmul.comp.
struct Variant {
  const char* flavour;
  uint32_t columns;    ///< tokens handled at once
  uint32_t panels;     ///< panels a workgroup works on
  uint32_t broadcast;  ///< 0, or the subgroup size it is written for
  bool slow_exchange;  ///< only where handing values round a subgroup is slow
};

/// Best first; the first that suits device and tokens is taken. The figures are beside the flavours' meaning
/// in matmul.comp.
constexpr Variant kVariants[] = {
    {".b8.n8p4", 8, 4, 8, true}, {".b8.n8", 8, 1, 8, false},   {".b8.p4", 1, 4, 8, true},
    {".b8", 1, 1, 8, false},     {".b4.n8p4", 8, 4, 4, false}, {".b4.p4", 1, 4, 4, false},
    {".n8", 8, 1, 0, false},     {"", 1, 1, 0, false},
};

const Variant& choose(const Profile& profile, uint32_t tokens) {
  return *std::find_if(std::begin(kVariants), std::end(kVariants), [&](const Variant& variant) {
    return (variant.broadcast == 0 || variant.broadcast == profile.broadcast) &&
           (!variant.slow_exchange || profile.slow_exchange) && (variant.columns == 1) == (tokens == 1);
  });
}

}  // namespace

void matmul(Context& context, vk::CommandList& commands, const Weight& weight, const Vectors& x,
            const Vectors& y, uint32_t tokens, const MatmulOptions& options) {
  const Profile& profile = context.profile;
  const PackedShape& shape = weight.shape;
  if (shape.lanes != profile.lanes || x.stride % kActivationPadding != 0) {
    fail(ErrorCode::kInternal, "matmul is given weights of {} lanes and vectors of stride {}", shape.lanes,
         x.stride);
  }
  const Variant& variant = choose(profile, tokens);
  // A split's sums wait in shared memory; more columns leave room for fewer splits.
  const uint32_t split = std::bit_floor(
      std::min(std::max(1U, profile.max_split / (variant.columns > 1 ? 4 : 1)), shape.units()));
  const std::string name = std::string("matmul.") + quant::info(shape.format).stem + variant.flavour;
  const uint32_t constants[] = {profile.lanes * split, profile.lanes, split, options.accumulate,
                                options.bias != nullptr};
  const vk::Pipeline& pipeline = context.device.pipeline(shaders::get(name), constants);
  for (const WeightPart& part : weight.parts) {
    const shaders::MatmulParameters parameters{shape.units(), part.rows, tokens,
                                               x.stride,      y.stride,  part.first_row};
    const uint32_t groups = div_ceil(part.rows, shape.panel_rows() * variant.panels);
    commands.dispatch(pipeline,
                      {part.range, x.range, options.bias != nullptr ? *options.bias : x.range, y.range},
                      parameters, {div_ceil(tokens, variant.columns), groups, 1});
  }
}

}  // namespace motley::kernels
