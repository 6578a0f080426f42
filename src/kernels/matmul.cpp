#include "kernels/matmul.hpp"

#include <algorithm>
#include <bit>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/math.hpp"
#include "kernels/quantize.hpp"
#include "kernels/round_half.hpp"
#include "params/matmul.h"

namespace motley::kernels {
namespace {

constexpr Requirement kInt8Texels{
    [](const Profile& profile) { return profile.int8_activations && profile.texel_loads; },
    "fast products of integers, texel buffers faster than storage buffers"};
/// With subgroups of 16 storage buffers are faster: 125 of 92 GFLOP/s (Q4_0, vectors of 512 bits).
constexpr Requirement kInt8Addresses{
    [](const Profile& profile) {
      return profile.int8_activations && profile.address_loads && profile.lanes == 8;
    },
    "fast products of integers, addresses faster than storage buffers, subgroups of 8"};
constexpr Requirement kAddresses{[](const Profile& profile) { return profile.address_loads; },
                                 "addresses faster than storage buffers"};
constexpr Requirement kSubgroup16{[](const Profile& profile) { return profile.broadcast == 16; },
                                  "subgroups of 16"};
constexpr Requirement kSubgroup8{[](const Profile& profile) { return profile.broadcast == 8; },
                                 "subgroups of 8"};
constexpr Requirement kSubgroup4{[](const Profile& profile) { return profile.broadcast == 4; },
                                 "subgroups of 4"};
constexpr Requirement kDotProducts{
    [](const Profile& profile) { return profile.dot_products && profile.tiles; },
    "fast dot products of bytes, a GPU"};
constexpr Requirement kCpuDotProducts{
    [](const Profile& profile) { return profile.dot_products && !profile.tiles; },
    "fast dot products of bytes, a CPU driver"};

/// A lane has four rows, and groups of lanes share a panel's columns.
MatmulLaunch launch_panels(const MatmulVariant& row, const Profile& profile, const PackedShape& shape,
                           uint32_t) {
  MatmulLaunch launch{shape.panel_rows() * row.panels, row.columns};
  // A split's sums wait in shared memory; more columns leave room for fewer splits.
  const uint32_t most = std::max(1U, profile.max_split / std::max(1U, row.columns / 2));
  launch.split = std::bit_floor(std::min(most, shape.units()));
  launch.workgroup = profile.lanes * launch.split;
  return launch;
}

/// Results of an invocation of a tile, which keeps their sums in registers.
constexpr uint32_t kTileResults = 64;

/// Makes a tile as narrow as gives enough of them; the widest is best otherwise, as what is decoded of a
/// weight serves all its tokens.
void narrow(MatmulLaunch& launch, uint32_t narrowest, const Profile& profile, const PackedShape& shape,
            uint32_t tokens) {
  const auto tiles = [&] { return div_ceil(shape.rows, launch.rows) * div_ceil(tokens, launch.tokens); };
  while (launch.tokens > narrowest && (tokens <= launch.tokens / 2 || tiles() < profile.enough_tiles))
    launch.tokens /= 2;
}

MatmulLaunch launch_tiles(const MatmulVariant& row, const Profile& profile, const PackedShape& shape,
                          uint32_t tokens) {
  constexpr uint32_t kWide = 128;
  MatmulLaunch launch{shape.panel_rows() * row.panels, kWide};
  const auto workgroup = [&] { return launch.rows * launch.tokens / kTileResults; };
  while (launch.tokens > row.columns && workgroup() > profile.workgroup) launch.tokens /= 2;
  narrow(launch, row.columns, profile, shape, tokens);
  launch.workgroup = workgroup();
  launch.tile = {row.panels, launch.tokens};
  return launch;
}

/// Of a block of 32 halves as it lies in shared memory (matmul_halves.glsl).
constexpr uint32_t kBlockRowBytes = 80;

/// The same tiles; half of their rows is a subgroup's, for as many tokens as there are subgroups for the
/// other half.
MatmulLaunch launch_matrices(const MatmulVariant& row, const Profile& profile, const PackedShape& shape,
                             uint32_t tokens) {
  MatmulLaunch launch = launch_tiles(row, profile, shape, tokens);
  const vk::MatrixShape& matrices = profile.matrices;
  const uint32_t subgroups =
      std::clamp(launch.workgroup / profile.matrix_subgroup, 2U, 2 * launch.tokens / matrices.n);
  const uint32_t results_bytes = subgroups * matrices.m * matrices.n * static_cast<uint32_t>(sizeof(float));
  const uint32_t block_bytes = (launch.rows + launch.tokens) * kBlockRowBytes;
  const bool two_blocks = 2 * block_bytes + results_bytes <= profile.shared_memory_bytes;
  launch.subgroup_size = profile.matrix_subgroup;
  launch.workgroup = subgroups * profile.matrix_subgroup;
  launch.tile = {row.panels, launch.tokens, subgroups, two_blocks ? 2U : 1U,
                 matrices.m, matrices.n,    matrices.k};
  return launch;
}

/// The widest tile of matrices as large as it is.
constexpr uint32_t kLargeTileTokens = 256;

/// The fewest rows that such a tile can have.
uint32_t fewest_rows(const Profile& profile) {
  return std::max(4 * profile.lanes, profile.matrix_teams.front().granularity.m);
}

/// Whether somebody multiplies such matrices and a block of their weights has room.
bool has_large_matrices(const Profile& profile) {
  return !profile.matrix_teams.empty() && profile.max_matrix_dimension >= kLargeTileTokens &&
         profile.matrix_shared_bytes >= fewest_rows(profile) * kBlockRowBytes;
}

constexpr Requirement kWorkgroupMatrices{[](const Profile& profile) {
                                           return has_large_matrices(profile) &&
                                                  profile.matrix_teams.front().workgroup > 0;
                                         },
                                         "cooperative matrices of halves as large as a tile, of a workgroup"};
constexpr Requirement kSubgroupMatrices{[](const Profile& profile) {
                                          return has_large_matrices(profile) &&
                                                 profile.matrix_teams.front().workgroup == 0;
                                        },
                                        "cooperative matrices of halves as large as a tile, of a subgroup"};

/// Whether variants round activations to half precision.
bool rounds_to_half(const Profile& profile) { return kMatrices.met(profile) || has_large_matrices(profile); }

constexpr Requirement kDotTiles{
    [](const Profile& profile) { return kDotProducts.met(profile) && !rounds_to_half(profile); },
    "fast dot products of bytes, a GPU without cooperative matrices"};

/// Scopes as SPIR-V numbers them.
constexpr uint32_t kWorkgroupScope = 2;
constexpr uint32_t kSubgroupScope = 3;

/// Invocations that a team has.
uint32_t members(const vk::MatrixTeam& team, const Profile& profile) {
  return team.workgroup > 0 ? team.workgroup : profile.matrix_subgroup;
}

/// The largest tile whose sums the largest team has registers for, its longer side halved until then, and
/// whose weights have room.
MatmulLaunch largest_tile(const MatmulVariant& row, const Profile& profile, const PackedShape& shape) {
  const vk::MatrixTeam& team = profile.matrix_teams.back();
  // Half as many for a subgroup, as a CPU driver's compiler takes 10 s for what twice as many are made of.
  const uint32_t most_results = (team.workgroup > 0 ? 2 : 1) * kTileResults * members(team, profile);
  MatmulLaunch launch{shape.panel_rows() * row.panels, kLargeTileTokens};
  while (launch.rows * launch.tokens > most_results) {
    const bool wide = launch.tokens > team.granularity.n;
    const bool high = launch.rows > fewest_rows(profile);
    if (!wide && !high) break;
    (wide && (launch.tokens >= launch.rows || !high) ? launch.tokens : launch.rows) /= 2;
  }
  while (launch.rows * kBlockRowBytes > profile.matrix_shared_bytes) launch.rows /= 2;
  return launch;
}

/// The largest team that has enough to do with a tile.
MatmulLaunch launch_large_matrices(const MatmulVariant& row, const Profile& profile, const PackedShape& shape,
                                   uint32_t tokens) {
  const std::vector<vk::MatrixTeam>& teams = profile.matrix_teams;
  MatmulLaunch launch = largest_tile(row, profile, shape);
  narrow(launch, std::max(row.columns, teams.front().granularity.n), profile, shape, tokens);
  const vk::MatrixTeam* team = &teams.front();
  for (const vk::MatrixTeam& larger : teams) {
    const bool fits = launch.rows % larger.granularity.m == 0 && launch.tokens % larger.granularity.n == 0;
    if (fits && launch.rows * launch.tokens >= kTileResults * members(larger, profile)) team = &larger;
  }
  const bool two_blocks = 2 * launch.rows * kBlockRowBytes <= profile.matrix_shared_bytes;
  launch.subgroup_size = profile.matrix_subgroup;
  launch.workgroup = members(*team, profile);
  launch.tile = {launch.rows / shape.panel_rows(), launch.tokens,
                 team->workgroup > 0 ? kWorkgroupScope : kSubgroupScope, two_blocks ? 2U : 1U};
  return launch;
}

constexpr uint32_t kFew = kMoreTokens - 1;

/// Best first; the first that suits device and tokens is taken. The figures are beside the flavours' meaning
/// in matmul.comp. GPUs with matrices have vectors of many tokens in half precision, never beside it in
/// bytes: they lie in the same place.
constexpr MatmulVariant kVariants[] = {
    {{".i8.t.n2p2", &kInt8Texels, Arithmetic::kInt8Activations}, 2, 2, 2, launch_panels, 2},
    {{".i8.n2p2", &kIntegerProducts, Arithmetic::kInt8Activations}, 2, 2, 2, launch_panels, 2},
    {{".t.n2p2", &kTexels}, 2, 2, 2, launch_panels, 2},
    {{".a.n2", &kAddresses}, 2, 2, 1, launch_panels, 2},
    {{".b4.n2p4", &kSubgroup4}, 2, 2, 4, launch_panels, 2},
    {{".i8.t.n4p2", &kInt8Texels, Arithmetic::kInt8Activations}, 2, 4, 2, launch_panels, kFew},
    {{".i8.a.n4p2", &kInt8Addresses, Arithmetic::kInt8Activations}, 2, 4, 2, launch_panels, kFew, true},
    {{".i8.n4p2", &kIntegerProducts, Arithmetic::kInt8Activations}, 2, 4, 2, launch_panels, kFew},
    {{".t.n4p2", &kTexels}, 2, 4, 2, launch_panels, kFew},
    {{".a.n4", &kAddresses}, 2, 4, 1, launch_panels, kFew},
    {{".b4.n4p4", &kSubgroup4}, 2, 4, 4, launch_panels, kFew},
    {{".dot.n4", &kDotProducts, Arithmetic::kInt8Activations}, 2, 4, 1, launch_panels, kFew},
    {{".n4", &kAnyDevice}, 2, 4, 1, launch_panels, kFew},
    {{".dot.p2", &kCpuDotProducts, Arithmetic::kInt8Activations}, 1, 1, 2, launch_panels},
    {{".i8.t.n8p2", &kInt8Texels, Arithmetic::kInt8Activations}, 2, 8, 2, launch_panels},
    {{".i8.t", &kInt8Texels, Arithmetic::kInt8Activations}, 1, 1, 1, launch_panels},
    {{".i8.a.n16", &kInt8Addresses, Arithmetic::kInt8Activations},
     kSeveralTokens,
     16,
     1,
     launch_panels,
     ~0U,
     true},
    {{".i8.n8p2", &kIntegerProducts, Arithmetic::kInt8Activations}, 2, 8, 2, launch_panels},
    {{".i8", &kIntegerProducts, Arithmetic::kInt8Activations}, 1, 1, 1, launch_panels},
    {{".t.n8p2", &kTexels}, 2, 8, 2, launch_panels},
    {{".t.p2", &kTexels}, 1, 1, 2, launch_panels},
    {{".a.n12", &kAddresses}, 2, 12, 1, launch_panels},
    {{".b16.n8", &kSubgroup16}, 2, 8, 1, launch_panels},
    {{".b16", &kSubgroup16}, 1, 1, 1, launch_panels},
    {{".b8.n8", &kSubgroup8}, 2, 8, 1, launch_panels},
    {{".b8", &kSubgroup8}, 1, 1, 1, launch_panels},
    {{".b4.n8p4", &kSubgroup4}, 2, 8, 4, launch_panels},
    {{".b4.p4", &kSubgroup4}, 1, 1, 4, launch_panels},
    {{".coop2", &kWorkgroupMatrices, Arithmetic::kFloat16Activations},
     kTileTokens,
     32,
     4,
     launch_large_matrices},
    {{".coop", &kMatrices, Arithmetic::kFloat16Activations}, kTileTokens, 32, 4, launch_matrices},
    {{".dot.n8", &kDotProducts, Arithmetic::kInt8Activations}, 2, 8, 1, launch_panels, kTileTokens - 1},
    {{".dot", &kDotProducts, Arithmetic::kInt8Activations}, 1, 1, 1, launch_panels},
    {{".dot.tile", &kDotTiles, Arithmetic::kInt8Activations}, kTileTokens, 32, 4, launch_tiles},
    {{".coop2", &kSubgroupMatrices, Arithmetic::kFloat16Activations},
     kTileTokens,
     32,
     4,
     launch_large_matrices},
    {{".tile", &kTiles}, kTileTokens, 32, 4, launch_tiles},
    {{".n8", &kAnyDevice}, 2, 8, 1, launch_panels},
    {{"", &kAnyDevice}, 1, 1, 1, launch_panels},
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
    return (row.least_tokens == 1) == (tokens == 1) && tokens >= row.least_tokens &&
           tokens <= row.most_tokens && (may_round || row.arithmetic == Arithmetic::kFloat32);
  };
}

vk::BufferRange source_of(const MatmulVariant& variant, const Vectors& x, uint32_t tokens) {
  if (variant.wide) return wide_range(x, tokens);
  return variant.arithmetic == Arithmetic::kFloat32 ? x.range : x.rounded;
}

}  // namespace

const TokenClass& token_class(const Profile& profile, uint32_t tokens) {
  const TokenClass* found = kTokenClasses;
  for (const TokenClass& of : kTokenClasses)
    if (tokens >= of.least_tokens) found = &of;
  while (profile.tiles && !found->on_gpus) ++found;
  return *found;
}

Use matmul_use(const Profile& profile, quant::Format format, uint32_t tokens, bool may_round) {
  const bool rounds = profile.rounds_to_bytes() || rounds_to_half(profile);
  return {std::string("matmul.") + quant::info(format).stem,
          std::string(token_class(profile, tokens).name) + (may_round || !rounds ? "" : ", not rounded")};
}

Choice<MatmulVariant> matmul_choice(const Profile& profile, quant::Format format, uint32_t tokens,
                                    bool may_round) {
  return choose<MatmulVariant>(profile, matmul_use(profile, format, tokens, may_round), kVariants,
                               serving(tokens, may_round));
}

std::vector<Choice<Variant>> matmul_variants(const Profile& profile, quant::Format format, uint32_t tokens,
                                             bool may_round) {
  return eligible<MatmulVariant>(profile, matmul_use(profile, format, tokens, may_round), kVariants,
                                 serving(tokens, may_round));
}

uint64_t rounding_bytes(const Profile& profile, uint32_t stride, uint32_t tokens) {
  uint64_t bytes = 0;
  if (profile.rounds_to_bytes())
    bytes = kInt8Addresses.met(profile) ? wide_bytes(stride, tokens) : rounded_bytes(stride, tokens);
  if (!rounds_to_half(profile)) return bytes;
  // Large matrices are loaded with all columns of a tile, and what lies beyond the last token is read too.
  const bool whole_tiles = has_large_matrices(profile) && tokens >= kTileTokens;
  return std::max(bytes, half_bytes(stride, whole_tiles ? round_up(tokens, kLargeTileTokens) : tokens));
}

Forms forms_read(const Profile& profile, std::initializer_list<const Weight*> weights, const Vectors& x,
                 uint32_t tokens) {
  Forms forms{.exact = false};
  for (const Weight* const weight : weights) {
    const MatmulVariant& variant =
        matmul_choice(profile, weight->shape.format, tokens, x.rounded.buffer != nullptr).row;
    if (variant.wide) {
      forms.wide = forms.exact = true;  // made of what is there as it is
    } else if (variant.arithmetic == Arithmetic::kInt8Activations) {
      forms.rounded = true;
    } else if (variant.arithmetic == Arithmetic::kFloat16Activations) {
      forms.half = true;
    } else {
      forms.exact = true;
    }
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
  const vk::BufferRange source = source_of(variant, x, tokens);
  const MatmulLaunch launch = variant.launch(variant, profile, shape, tokens);
  std::vector<uint32_t> constants{launch.workgroup, profile.lanes, launch.split, options.accumulate,
                                  options.bias != nullptr};
  constants.insert(constants.end(), launch.tile.begin(), launch.tile.end());
  const vk::Pipeline& pipeline = context.device.pipeline(shader, constants, launch.subgroup_size);
  const bool by_address = pipeline.interface().bindings[1].by_address;
  const uint64_t x_address = by_address ? source.buffer->device_address() + source.offset_bytes : 0;
  for (const WeightPart& part : weight.parts) {
    const shaders::MatmulParameters parameters{shape.units(), part.rows,      tokens, x.stride,
                                               y.stride,      part.first_row, 0,      x_address};
    commands.dispatch(pipeline,
                      {part.range, source, options.bias != nullptr ? *options.bias : source, y.range},
                      parameters, {div_ceil(tokens, launch.tokens), div_ceil(part.rows, launch.rows), 1},
                      work_of(part, shape.columns, tokens));
  }
}

}  // namespace motley::kernels
