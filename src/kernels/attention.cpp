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

namespace motley::kernels {
namespace {

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
  AttentionLaunch (*launch)(const AttentionVariant& row, const Profile& profile, const CacheShape& cache,
                            uint32_t rows);
};

AttentionLaunch launch_rows(const AttentionVariant& row, const Profile& profile, const CacheShape& cache,
                            uint32_t) {
  return {row.rows, 0, {profile.attention_workgroup, cache.head_size}};
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
                             uint32_t rows) {
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
                                uint32_t rows) {
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
     launch_matrices},
    {{".tile", &kTiles}, kTileRows, kFewestTileRows, kAnyHead, launch_tiles},
    {{".r4", &kAnyDevice}, 2, 4, kAnyHead, launch_rows},
    {{"", &kAnyDevice}, 1, 1, kAnyHead, launch_rows}};

/// What a variant is wanted for.
struct Wanted {
  const CacheShape& cache;
  uint32_t rows;  ///< of one KV head
  bool may_round;

  bool operator()(const AttentionVariant& row) const {
    return rows >= row.least_rows && cache.head_size <= row.widest_head &&
           (may_round || row.arithmetic == Arithmetic::kFloat32);
  }
};

Choice<AttentionVariant> choose(const Profile& profile, const Wanted& wanted) {
  return choose<AttentionVariant>(
      profile, attention_use(profile, wanted.cache, wanted.rows, wanted.may_round), kVariants, wanted);
}

}  // namespace

vk::Work attention_work(const AttentionShape& shape, const CacheShape& cache, uint32_t kv_heads,
                        uint32_t tokens) {
  const double kv_bytes =
      static_cast<double>(cache.key_head_bytes() + cache.value_head_bytes()) / cache.context * kv_heads;
  const double flops = 4.0 * shape.group(cache) * kv_heads * cache.head_size;
  return {{tokens * kv_bytes, flops * tokens * (tokens + 1) / 2}, {kv_bytes, flops * tokens}};
}

void attention_prefill(Context& context, vk::CommandList& commands, const AttentionShape& shape,
                       const vk::BufferRange& step, const Vectors& q, const Cache& cache, const Vectors& y,
                       uint32_t tokens, const Forms& forms) {
  if ((q.stride | y.stride) % 4 != 0) {
    fail(ErrorCode::kInternal, "attention is given vectors of strides {} and {}, no multiples of 4", q.stride,
         y.stride);
  }
  const uint32_t group = shape.group(cache.shape);
  const uint32_t rows = tokens * group;
  const auto [variant, shader] = choose(context.profile, {cache.shape, rows, y.rounded.buffer != nullptr});
  const AttentionLaunch launch = variant.launch(variant, context.profile, cache.shape, rows);
  const vk::Pipeline& pipeline = context.device.pipeline(shader, launch.constants, launch.subgroup_size);
  shaders::AttentionParameters parameters{group, tokens,     q.stride, y.stride, cache.shape.context,
                                          0,     shape.scale};
  for (const CacheSlice& slice : cache.slices) {
    parameters.kv_head_first = slice.first_head;
    commands.dispatch(pipeline, {step, q.range, slice.keys, slice.values, y.range}, parameters,
                      {div_ceil(rows, launch.rows), slice.heads, 1},
                      attention_work(shape, cache.shape, slice.heads, tokens));
  }
  round_vectors(context, commands, y, shape.heads * cache.shape.head_size, tokens, forms);
}

Use attention_use(const Profile& profile, const CacheShape& cache, uint32_t rows, bool may_round) {
  const std::string stem = std::string("attention") + cache_flavour(cache);
  if (rows < kTileRows) return {stem};
  return {stem, may_round || !kMatrices.met(profile) ? "many rows" : "many rows, not rounded"};
}

Choice<Variant> attention_choice(const Profile& profile, const CacheShape& cache, uint32_t rows,
                                 bool may_round) {
  const auto [variant, shader] = choose(profile, {cache, rows, may_round});
  return {variant, shader};
}

std::vector<Choice<Variant>> attention_variants(const Profile& profile, const CacheShape& cache,
                                                uint32_t rows, bool may_round) {
  return eligible<AttentionVariant>(profile, attention_use(profile, cache, rows, may_round), kVariants,
                                    Wanted{cache, rows, may_round});
}

}  // namespace motley::kernels
