#include "kernels/attention.hpp"

#include <algorithm>
#include <bit>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/math.hpp"
#include "kernels/quantize.hpp"
#include "kernels/round_half.hpp"
#include "params/attention.h"
#include "params/step.h"

namespace motley::kernels {
namespace {

constexpr size_t kMaxSlices = (shaders::STEP_TOKENS - shaders::STEP_ATTENTION_GROUPS) / 3;

uint32_t group_size(const AttentionShape& shape, const CacheShape& cache) {
  return shape.heads / cache.kv_heads;
}

/// How rows are divided among workgroups.
struct AttentionLaunch {
  uint32_t rows = 0;                ///< of a workgroup
  uint32_t subgroup_size = 0;       ///< 0: any
  std::vector<uint32_t> constants;  ///< to specialize for: what the flavour's source declares
};

constexpr uint32_t kAnyHead = ~0U;

/// A compiled flavour of attention.comp.
struct AttentionVariant : Variant {
  uint32_t least_rows;   ///< of one KV head for which it is taken
  uint32_t rows;         ///< that a workgroup handles; of tiles the fewest
  uint32_t widest_head;  ///< the largest size of a head that it suits
  bool leaves_parts;     ///< can divide the positions among workgroups, for attention_merge()
  AttentionLaunch (*launch)(const AttentionVariant& row, const Profile& profile, const CacheShape& cache,
                            uint32_t rows, bool partial);
};

AttentionLaunch launch_rows(const AttentionVariant& row, const Profile& profile, const CacheShape& cache,
                            uint32_t, bool partial) {
  return {row.rows, 0, {profile.attention_workgroup, cache.head_size, partial}};
}

constexpr uint32_t kTileWorkgroup = 128;
constexpr uint32_t kFewestTileRows = 32;
constexpr uint32_t kWideHead = 128;  // sums of more rows of wider ones would not fit the registers

/// Rows of a tile: twice as many as the fewest, so that half as many workgroups read keys and values, where
/// that leaves no cores idle.
uint32_t tile_rows_of(const AttentionVariant& row, const Profile& profile, const CacheShape& cache,
                      uint32_t rows) {
  const uint32_t twice = 2 * row.rows;
  return div_ceil(rows, twice) * cache.kv_heads >= profile.enough_tiles ? twice : row.rows;
}

/// An invocation's sums are 64 numbers at most, so that wide heads have the fewest rows. Values of 1024
/// elements lie in shared memory at once; 16 KiB, which every device has, are enough for all.
AttentionLaunch launch_tiles(const AttentionVariant& row, const Profile& profile, const CacheShape& cache,
                             uint32_t rows, bool) {
  constexpr uint32_t kTilePositions = 32;
  const uint32_t head_size = cache.head_size;
  const uint32_t tile_rows = head_size <= kWideHead ? tile_rows_of(row, profile, cache, rows) : row.rows;
  // An invocation has the sums of four rows where that leaves few of them idle.
  const bool is_whole = head_size > kWideHead || head_size % 64 == 0;
  const uint32_t element_places = tile_rows == kFewestTileRows && is_whole ? 16 : 8;
  const uint32_t values_at_once = std::clamp(std::bit_floor(1024 / head_size), 4U, kTilePositions);
  return {tile_rows, 0, {kTileWorkgroup, head_size, tile_rows, element_places, values_at_once}};
}

constexpr uint32_t kSubgroupRows = 16;  // of a subgroup that multiplies matrices

AttentionLaunch launch_matrices(const AttentionVariant& row, const Profile& profile, const CacheShape& cache,
                                uint32_t rows, bool) {
  const uint32_t tile_rows = tile_rows_of(row, profile, cache, rows);
  const uint32_t subgroups = tile_rows / kSubgroupRows;
  const vk::MatrixShape& matrices = profile.matrices;
  return {
      tile_rows,
      profile.matrix_subgroup,
      {subgroups * profile.matrix_subgroup, cache.head_size, subgroups, matrices.m, matrices.n, matrices.k}};
}

constexpr Requirement kSmallMatrices{
    [](const Profile& profile) {
      const vk::MatrixShape& matrices = profile.matrices;
      return kMatrices.met(profile) && matrices.m <= kSubgroupRows && matrices.n <= 16 &&
             profile.matrix_subgroup <= 4 * kSubgroupRows && profile.shared_memory_bytes >= 32 << 10;
    },
    "cooperative matrices of halves with at most 16 rows and columns, 32 KiB of shared memory"};

/// Best first. For a single row, handling several would only repeat it. Whoever has keys or values in single
/// precision does not want them rounded: there is no such flavour of matrices.
constexpr AttentionVariant kVariants[] = {
    {{".coop", &kSmallMatrices, Arithmetic::kFloat16Activations},
     kTileRows,
     2 * kSubgroupRows,
     kWideHead,
     false,
     launch_matrices},
    {{".tile", &kTiles}, kTileRows, kFewestTileRows, kAnyHead, false, launch_tiles},
    {{".r4", &kAnyDevice}, 2, 4, kAnyHead, true, launch_rows},
    {{"", &kAnyDevice}, 1, 1, kAnyHead, true, launch_rows}};

/// What a variant is wanted for.
struct Wanted {
  const CacheShape& cache;
  uint32_t rows;  ///< of one KV head
  bool partial;
  bool may_round;

  bool operator()(const AttentionVariant& row) const {
    return rows >= row.least_rows && cache.head_size <= row.widest_head && (row.leaves_parts || !partial) &&
           (may_round || row.arithmetic == Arithmetic::kFloat32);
  }
};

Choice<AttentionVariant> choose(const Profile& profile, const Wanted& wanted) {
  return choose<AttentionVariant>(
      profile, attention_use(profile, wanted.cache, wanted.rows, wanted.may_round), kVariants, wanted);
}

/// Of attention_decode().
Choice<AttentionVariant> choose_partial(const Profile& profile, const CacheShape& cache, uint32_t group) {
  return choose(profile, {cache, group, true, false});
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
  if ((q.stride | y.stride) % 4 != 0) {
    fail(ErrorCode::kInternal, "attention is given vectors of strides {} and {}, no multiples of 4", q.stride,
         y.stride);
  }
  const uint32_t rows = tokens * group_size(shape, cache.shape);
  const auto [variant, shader] =
      choose(context.profile, {cache.shape, rows, false, y.rounded.buffer != nullptr});
  const AttentionLaunch launch = variant.launch(variant, context.profile, cache.shape, rows, false);
  const vk::Pipeline& pipeline = context.device.pipeline(shader, launch.constants, launch.subgroup_size);
  shaders::AttentionParameters parameters =
      make_parameters(context.profile, shape, cache.shape, q, y, tokens);
  for (const CacheSlice& slice : cache.slices) {
    parameters.kv_head_first = slice.first_head;
    commands.dispatch(pipeline, {step, q.range, slice.keys, slice.values, y.range}, parameters,
                      {div_ceil(rows, launch.rows), slice.heads, 1},
                      work_of(shape, cache.shape, slice.heads, tokens));
  }
  round_vectors(context, commands, y, shape.heads * cache.shape.head_size, tokens, forms);
}

void attention_decode(Context& context, vk::CommandList& commands, const AttentionShape& shape,
                      const vk::BufferRange& step, const Vectors& q, const Cache& cache,
                      const vk::BufferRange& parts, const Vectors& y, const Forms& forms) {
  const uint32_t rows = group_size(shape, cache.shape);
  const auto [variant, shader] = choose_partial(context.profile, cache.shape, rows);
  const vk::Pipeline& pipeline = context.device.pipeline(
      shader, variant.launch(variant, context.profile, cache.shape, rows, true).constants);
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
  round_vectors(context, commands, y, heads * head_size, 1, forms);
}

Use attention_use(const Profile& profile, const CacheShape& cache, uint32_t rows, bool may_round) {
  const std::string stem = std::string("attention") + cache_flavour(cache);
  if (rows < kTileRows) return {stem};
  return {stem, may_round || !kMatrices.met(profile) ? "many rows" : "many rows, not rounded"};
}

Choice<Variant> attention_choice(const Profile& profile, const CacheShape& cache, uint32_t rows,
                                 bool may_round) {
  const auto [variant, shader] = choose(profile, {cache, rows, false, may_round});
  return {variant, shader};
}

std::vector<Choice<Variant>> attention_variants(const Profile& profile, const CacheShape& cache,
                                                uint32_t rows, bool may_round) {
  return eligible<AttentionVariant>(profile, attention_use(profile, cache, rows, may_round), kVariants,
                                    Wanted{cache, rows, false, may_round});
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
    groups[0] = div_ceil(group, choose_partial(profile, cache.shape, group).row.rows);
    groups[1] = cache.slices[i].heads;
    groups[2] = splits;
  }
}

}  // namespace motley::kernels
