#include "kernels/embed.hpp"

#include <string>

#include "base/math.hpp"
#include "params/embed.h"

namespace motley::kernels {

Choice<Variant> embed_choice(const Profile& profile, quant::Format format) {
  return choose_only(profile, std::string("embed.") + quant::info(format).stem);
}

void embed(Context& context, vk::CommandList& commands, const Weight& table, const vk::BufferRange& step,
           const Vectors& x, uint32_t tokens) {
  constexpr uint32_t kBlock = 32;
  const PackedShape& shape = table.shape;
  const uint32_t workgroup = context.profile.head_workgroup;
  const uint32_t constants[] = {workgroup, shape.lanes};
  const vk::Pipeline& pipeline =
      context.device.pipeline(embed_choice(context.profile, shape.format).shader, constants);
  const uint32_t blocks = shape.units() * unit_layout(shape.format).elements / kBlock;
  for (const WeightPart& part : table.parts) {
    const shaders::EmbedParameters parameters{shape.units(), shape.columns, part.first_row,
                                              part.rows,     tokens,        x.stride};
    commands.dispatch(pipeline, {part.range, step, x.range}, parameters,
                      {div_ceil(blocks, workgroup), tokens, 1});
  }
}

}  // namespace motley::kernels
