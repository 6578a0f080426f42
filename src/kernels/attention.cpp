#include "kernels/attention.hpp"

#include <string>

#include "base/error.hpp"
#include "base/math.hpp"
#include "kernels/quantize.hpp"
#include "params/attention.h"
#include "params/step.h"

namespace motley::kernels {
namespace {

constexpr size_t kMaxSlices = (shaders::STEP_TOKENS - shaders::STEP_ATTENTION_GROUPS) / 3;

uint32_t group_size(const AttentionShape& shape, const CacheShape& cache) {
  return shape.heads / cache.kv_heads;
}

/// A compiled flavour of attention.comp.
struct AttentionVariant : Variant {
  uint32_t rows;  ///< (query head, token) rows that a workgroup handles
};

/// Best first. For a single row, handling several would only repeat it.
constexpr AttentionVariant kVariants[] = {{{".r4", &kAnyDevice}, 4}, {{"", &kAnyDevice}, 1}};

/// For so many rows of one KV head.
Choice<AttentionVariant> choose(const Profile& profile, const CacheShape& cache, uint32_t rows) {
  return choose<AttentionVariant>(profile, std::string("attention") + cache_flavour(cache), kVariants,
                                  [&](const AttentionVariant& row) { return row.rows == 1 || rows > 1; });
}

const vk::Pipeline& attention_pipeline(Context& context, const CacheShape& cache,
                                       const vk::ShaderCode& shader, bool partial) {
  const uint32_t constants[] = {context.profile.attention_workgroup, cache.head_size, partial};
  return context.device.pipeline(shader, constants);
}

shaders::AttentionParameters make_parameters(const Profile& profile, const AttentionShape& shape,
                                             const CacheShape& cache, const Vectors& q, const Vectors& y,
                                             uint32_t tokens) {
  return {shape.heads,
          group_size(shape, cache),
          cache.head_size,
          tokens,
          q.stride,
          y.stride,
          cache.context,
          profile.attention_split,
          0,
          shape.scale};
}

/// `heads` KV heads and their queries: every key and value is read once; two products of a head's length for
/// each query head, token and position.
vk::Work work_of(const AttentionShape& shape, const CacheShape& cache, uint32_t heads, uint32_t tokens) {
  const double kv_bytes =
      static_cast<double>(cache.key_head_bytes() + cache.value_head_bytes()) / cache.context * heads;
  const double flops = 4.0 * group_size(shape, cache) * heads * cache.head_size;
  return {{tokens * kv_bytes, flops * tokens * (tokens + 1) / 2}, {kv_bytes, flops * tokens}};
}

}  // namespace

void attention_prefill(Context& context, vk::CommandList& commands, const AttentionShape& shape,
                       const vk::BufferRange& step, const Vectors& q, const Cache& cache, const Vectors& y,
                       uint32_t tokens, const Forms& forms) {
  const uint32_t rows = tokens * group_size(shape, cache.shape);
  const auto [variant, shader] = choose(context.profile, cache.shape, rows);
  const vk::Pipeline& pipeline = attention_pipeline(context, cache.shape, shader, false);
  shaders::AttentionParameters parameters =
      make_parameters(context.profile, shape, cache.shape, q, y, tokens);
  for (const CacheSlice& slice : cache.slices) {
    parameters.kv_head_first = slice.first_head;
    commands.dispatch(pipeline, {step, q.range, slice.keys, slice.values, y.range}, parameters,
                      {div_ceil(rows, variant.rows), slice.heads, 1},
                      work_of(shape, cache.shape, slice.heads, tokens));
  }
  if (forms.rounded) quantize(context, commands, y, tokens);
}

void attention_decode(Context& context, vk::CommandList& commands, const AttentionShape& shape,
                      const vk::BufferRange& step, const Vectors& q, const Cache& cache,
                      const vk::BufferRange& parts, const Vectors& y, const Forms& forms) {
  const auto [variant, shader] = choose(context.profile, cache.shape, group_size(shape, cache.shape));
  const vk::Pipeline& pipeline = attention_pipeline(context, cache.shape, shader, true);
  shaders::AttentionParameters parameters = make_parameters(context.profile, shape, cache.shape, q, y, 1);
  for (size_t i = 0; i < cache.slices.size(); ++i) {
    const CacheSlice& slice = cache.slices[i];
    parameters.kv_head_first = slice.first_head;
    const uint64_t groups_offset = (shaders::STEP_ATTENTION_GROUPS + 3 * i) * sizeof(uint32_t);
    commands.dispatch_indirect(pipeline, {step, q.range, slice.keys, slice.values, parts}, parameters,
                               {*step.buffer, step.offset_bytes + groups_offset, 3 * sizeof(uint32_t)},
                               work_of(shape, cache.shape, slice.heads, 1));
  }
  attention_merge(context, commands, shape.heads, cache.shape.head_size, step, parts, y, forms);
}

void attention_merge(Context& context, vk::CommandList& commands, uint32_t heads, uint32_t head_size,
                     const vk::BufferRange& step, const vk::BufferRange& parts, const Vectors& y,
                     const Forms& forms) {
  const auto [variant, shader] = rounding_choice(context.profile, "attention_merge", head_size, forms);
  shaders::AttentionParameters parameters{};
  parameters.head_size = head_size;
  const std::array<uint32_t, 3> groups{heads, 1, 1};
  if (variant.rounds) {
    const uint32_t constants[] = {context.profile.head_workgroup, forms.exact};
    commands.dispatch(context.device.pipeline(shader, constants), {step, parts, y.range, y.rounded},
                      parameters, groups);
    return;
  }
  const uint32_t constants[] = {context.profile.head_workgroup};
  commands.dispatch(context.device.pipeline(shader, constants), {step, parts, y.range}, parameters, groups);
  if (forms.rounded) quantize(context, commands, y, 1);
}

Choice<Variant> attention_choice(const Profile& profile, const CacheShape& cache, uint32_t rows) {
  const auto [variant, shader] = choose(profile, cache, rows);
  return {variant, shader};
}

uint64_t attention_parts_bytes(const Profile& profile, const AttentionShape& shape, const CacheShape& cache) {
  return uint64_t{shape.heads} * div_ceil(cache.context, profile.attention_split) * (cache.head_size + 2) *
         sizeof(float);
}

void write_attention_step(const Profile& profile, const AttentionShape& shape, const Cache& cache,
                          uint32_t position, std::span<uint32_t> step_words) {
  if (cache.slices.size() > kMaxSlices) {
    fail(ErrorCode::kUnsupported, "a cache of {} slices; at most {} are handled: use a shorter context",
         cache.slices.size(), kMaxSlices);
  }
  const uint32_t group = group_size(shape, cache.shape);
  const uint32_t splits = div_ceil(position + 1, profile.attention_split);
  step_words[shaders::STEP_POSITION] = position;
  step_words[shaders::STEP_SPLITS] = splits;
  for (size_t i = 0; i < cache.slices.size(); ++i) {
    uint32_t* groups = &step_words[shaders::STEP_ATTENTION_GROUPS + 3 * i];
    groups[0] = div_ceil(group, choose(profile, cache.shape, group).row.rows);
    groups[1] = cache.slices[i].heads;
    groups[2] = splits;
  }
}

}  // namespace motley::kernels
