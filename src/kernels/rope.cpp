#include "kernels/rope.hpp"

#include <string>

#include "base/math.hpp"
#include "params/rope.h"

namespace motley::kernels {

Choice<Variant> rope_choice(const Profile& profile, const CacheShape& cache) {
  return choose_only(profile, std::string("rope") + cache_flavour(cache));
}

void rope_and_store(Context& context, vk::CommandList& commands, const RopeShape& shape,
                    const vk::BufferRange& step, const vk::BufferRange& table, const Vectors& q,
                    const Vectors& k, const Vectors& v, const Cache& cache, uint32_t tokens) {
  const CacheShape& cached = cache.shape;
  const uint32_t workgroup = context.profile.head_workgroup;
  const uint32_t constants[] = {workgroup, shape.halves};
  const vk::Pipeline& pipeline =
      context.device.pipeline(rope_choice(context.profile, cached).shader, constants);
  for (const CacheSlice& slice : cache.slices) {
    // The queries are rotated once, beside the first slice.
    const uint32_t heads = slice.first_head == 0 ? shape.heads : 0;
    const shaders::RopeParameters parameters{heads,    cached.head_size, shape.rotated,    q.stride,
                                             k.stride, cached.context,   slice.first_head, slice.heads};
    commands.dispatch(pipeline, {step, table, q.range, k.range, v.range, slice.keys, slice.values},
                      parameters,
                      {div_ceil(cached.head_size / 4, workgroup), tokens, heads + 2 * slice.heads});
  }
}

}  // namespace motley::kernels
