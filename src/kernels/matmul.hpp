// Products of packed weights with activations.
#pragma once

#include <array>
#include <initializer_list>
#include <vector>

#include "kernels/variant.hpp"
#include "kernels/weight.hpp"
#include "placement/machine.hpp"
#include "vk/recorder.hpp"

namespace motley::kernels {

struct MatmulOptions {
  bool accumulate = false;                ///< add to what y holds
  const vk::BufferRange* bias = nullptr;  ///< [rows] float32, added to every vector
};

/// y[t][r] = sum over k of weight[r][k] * x[t][k], for t < tokens. One token takes the mat-vec flavour, a few
/// of them one that uses each decoded weight for four, more one that does for eight or so, and kTileTokens or
/// more on a GPU one that computes tiles. x is there in the form that forms_read() tells.
void matmul(Context& context, vk::CommandList& commands, const Weight& weight, const Vectors& x,
            const Vectors& y, uint32_t tokens, const MatmulOptions& options = {});

/// From so many tokens on tiles pay: with fewer, most of a tile's columns would be idle, and a matrix would
/// give a large GPU too few workgroups.
constexpr uint32_t kTileTokens = 33;

/// From so many tokens on they are no few any more, and from so many on several: sequences decoded together,
/// or a prompt's end.
constexpr uint32_t kMoreTokens = 5;
constexpr uint32_t kSeveralTokens = 9;

/// Numbers of tokens whose products are chosen, tried and tuned apart, from `least_tokens` to the next's.
struct TokenClass {
  const char* name;  ///< "one token"
  uint32_t least_tokens;
  uint32_t timed_tokens;  ///< by tuning
  bool on_gpus = true;    ///< else they are of the next class there, whose variants are theirs
};

constexpr TokenClass kTokenClasses[] = {
    {"one token", 1, 1},
    {"two tokens", 2, 2, false},
    {"a few tokens", 3, kMoreTokens - 1},
    {"up to eight tokens", kMoreTokens, kSeveralTokens - 1, false},
    {"several tokens", kSeveralTokens, placement::kFewTokens},
    {"many tokens", kTileTokens, placement::kManyTokens},
};

const TokenClass& token_class(const Profile& profile, uint32_t tokens);

/// How a product is divided among workgroups.
struct MatmulLaunch {
  uint32_t rows = 0;           ///< of a workgroup
  uint32_t tokens = 0;         ///< of a workgroup
  uint32_t subgroup_size = 0;  ///< 0: any
  /// The specialization constants (matmul.comp and what it includes) but for what is done with the results.
  uint32_t workgroup = 0;
  uint32_t split = 1;
  std::array<uint32_t, 7> tile = {};
};

/// A compiled flavour of matmul.comp.
struct MatmulVariant : Variant {
  uint32_t least_tokens;  ///< 1: of one token alone
  uint32_t columns;       ///< tokens a workgroup handles at once; of tiles the fewest
  uint32_t panels;        ///< panels a workgroup works on
  MatmulLaunch (*launch)(const MatmulVariant& row, const Profile& profile, const PackedShape& shape,
                         uint32_t tokens);
  uint32_t most_tokens = ~0U;  ///< for which it is taken
  bool wide = false;           ///< reads rounded activations with a word for each element
};

/// In which forms products of these weights with `tokens` vectors read those.
Forms forms_read(const Profile& profile, std::initializer_list<const Weight*> weights, const Vectors& x,
                 uint32_t tokens);

/// Room that x.rounded wants for `tokens` vectors of this stride, or fewer; 0 where no variant rounds
/// activations.
uint64_t rounding_bytes(const Profile& profile, uint32_t stride, uint32_t tokens);

/// The variant that matmul() takes; `may_round`: x has room for rounded activations.
Choice<MatmulVariant> matmul_choice(const Profile& profile, quant::Format format, uint32_t tokens,
                                    bool may_round);

/// All variants that it could take, best first, whatever tuning prefers.
std::vector<Choice<Variant>> matmul_variants(const Profile& profile, quant::Format format, uint32_t tokens,
                                             bool may_round);

/// What they are chosen for. Products of each class of tokens are tuned apart, and so are those of
/// activations that may be rounded and that may not, where anything rounds: what is fastest with rounding is
/// not to be taken without.
Use matmul_use(const Profile& profile, quant::Format format, uint32_t tokens, bool may_round);

}  // namespace motley::kernels
