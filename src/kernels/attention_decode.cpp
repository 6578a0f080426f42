#include "kernels/attention_decode.hpp"

#include <array>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/math.hpp"
#include "kernels/quantize.hpp"
#include "kernels/round_half.hpp"
#include "params/attention_decode.h"
#include "params/step.h"

namespace motley::kernels {
namespace {

constexpr size_t kMaxSlices = (shaders::STEP_TOKENS - shaders::STEP_ATTENTION_GROUPS) / 3;

/// A compiled flavour of attention_decode.comp, but for whether it rounds.
struct DecodeVariant : Variant {
  uint32_t least_rows;  ///< query heads that share a KV head for which it is taken
  uint32_t rows;        ///< of them that a workgroup handles
};

/// Best first. For a single row, handling several would only repeat it.
constexpr DecodeVariant kVariants[] = {{{".r4", &kAnyDevice}, 2, 4}, {{"", &kAnyDevice}, 1, 1}};

Choice<DecodeVariant> choose_rows(const Profile& profile, const CacheShape& cache, uint32_t group) {
  return choose<DecodeVariant>(profile, std::string("attention_decode") + cache_flavour(cache), kVariants,
                               [=](const DecodeVariant& row) { return group >= row.least_rows; });
}

/// Whether the result is rounded has no say in how rows are divided, so that the step buffer need not know.
Choice<RoundingVariant> choose_rounding(const Profile& profile, const CacheShape& cache, uint32_t group,
                                        const Forms& forms) {
  return rounding_choice(profile, choose_rows(profile, cache, group).shader.name, cache.head_size, forms);
}

}  // namespace

void attention_decode(Context& context, vk::CommandList& commands, const AttentionShape& shape,
                      const Rope& rope, const vk::BufferRange& step, const DecodedToken& token,
                      const Cache& cache, const vk::BufferRange& parts, const Vectors& y,
                      const Forms& forms) {
  const Profile& profile = context.profile;
  const CacheShape& cached = cache.shape;
  const uint32_t group = shape.group(cached);
  const auto [variant, shader] = choose_rounding(profile, cached, group, forms);
  const uint32_t constants[] = {profile.attention_workgroup, cached.head_size, rope.shape.halves,
                                forms.exact};
  const vk::Pipeline& pipeline = context.device.pipeline(shader, constants);
  shaders::AttentionDecodeParameters parameters{shape.heads,    group, rope.shape.rotated,
                                                cached.context, 0,     shape.scale};
  for (size_t i = 0; i < cache.slices.size(); ++i) {
    const CacheSlice& slice = cache.slices[i];
    parameters.kv_head_first = slice.first_head;
    std::vector<vk::BufferRange> ranges{step,       rope.table,   token.q, token.k, token.v,
                                        slice.keys, slice.values, parts,   y.range};
    if (variant.rounds) ranges.push_back(y.rounded);
    const uint64_t groups_offset = (shaders::STEP_ATTENTION_GROUPS + 3 * i) * sizeof(uint32_t);
    commands.dispatch_indirect(pipeline, ranges, parameters,
                               {*step.buffer, step.offset_bytes + groups_offset, 3 * sizeof(uint32_t)},
                               attention_work(shape, cached, slice.heads, 1));
  }
  if (!variant.rounds) round_vectors(context, commands, y, shape.heads * cached.head_size, 1, forms);
}

Choice<Variant> attention_decode_choice(const Profile& profile, const CacheShape& cache, uint32_t group,
                                        const Forms& forms) {
  const auto [variant, shader] = choose_rounding(profile, cache, group, forms);
  return {variant, shader};
}

uint64_t attention_parts_bytes(const Profile& profile, const AttentionShape& shape, const CacheShape& cache) {
  const uint64_t part_pairs =
      cache.head_size / 2 + 1;  // sums of values; their maximum and the sum of exponentials
  const uint64_t counters = 1;
  return shape.heads * (counters + div_ceil(cache.context, profile.attention_split) * part_pairs) * 2 *
         sizeof(float);
}

void write_attention_step(const Profile& profile, const AttentionShape& shape, const Cache& cache,
                          uint32_t position, std::span<uint32_t> step_words) {
  if (cache.slices.size() > kMaxSlices) {
    fail(ErrorCode::kUnsupported, "a cache of {} slices; at most {} are handled: use a shorter context",
         cache.slices.size(), kMaxSlices);
  }
  const uint32_t group = shape.group(cache.shape);
  const uint32_t splits = div_ceil(position + 1, profile.attention_split);
  step_words[shaders::STEP_POSITION] = position;
  step_words[shaders::STEP_SPLITS] = splits;
  for (size_t i = 0; i < cache.slices.size(); ++i) {
    uint32_t* groups = &step_words[shaders::STEP_ATTENTION_GROUPS + 3 * i];
    groups[0] = div_ceil(group, choose_rows(profile, cache.shape, group).row.rows);
    groups[1] = cache.slices[i].heads;
    groups[2] = splits;
  }
}

}  // namespace motley::kernels
