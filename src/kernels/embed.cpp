#include "kernels/embed.hpp"

#include <string>

#include "base/math.hpp"
#include "params/embed.h"
#include "shader_table.hpp"

namespace motley::kernels {

void embed(Context& context, vk::CommandList& commands, const Weight& table, const vk::BufferRange& step,
           const Vectors& x, uint32_t tokens) {
  constexpr uint32_t kBlock = 32;
  const PackedShape& shape = table.shape;
  const std::string name = std::string("embed.") + quant::info(shape.format).stem;
  const uint32_t workgroup = context.profile.lanes;
  const uint32_t constants[] = {workgroup, shape.lanes};
  const vk::Pipeline& pipeline = context.device.pipeline(shaders::get(name), constants);
  const uint32_t blocks = shape.units() * unit_layout(shape.format).elements / kBlock;
  for (const WeightPart& part : table.parts) {
    const shaders::EmbedParameters parameters{shape.units(), shape.columns, part.first_row,
                                              part.rows,     tokens,        x.stride};
    commands.dispatch(pipeline, {part.range, step, x.range}, parameters,
                      {div_ceil(blocks, workgroup), tokens, 1});
  }
}

}  // namespace motley::kernels
