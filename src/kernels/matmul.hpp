// Products of packed weights with activations.
#pragma once

#include <initializer_list>
#include <vector>

#include "kernels/variant.hpp"
#include "kernels/weight.hpp"
#include "vk/recorder.hpp"

namespace motley::kernels {

struct MatmulOptions {
  bool accumulate = false;                ///< add to what y holds
  const vk::BufferRange* bias = nullptr;  ///< [rows] float32, added to every vector
};

/// y[t][r] = sum over k of weight[r][k] * x[t][k], for t < tokens. One token takes the mat-vec flavour, more
/// of them the one that uses each decoded weight for eight. x is there in the form that forms_read() tells.
void matmul(Context& context, vk::CommandList& commands, const Weight& weight, const Vectors& x,
            const Vectors& y, uint32_t tokens, const MatmulOptions& options = {});

/// A compiled flavour of matmul.comp.
struct MatmulVariant : Variant {
  uint32_t columns;  ///< tokens handled at once
  uint32_t panels;   ///< panels a workgroup works on
};

/// In which forms products of these weights with `tokens` vectors read those.
Forms forms_read(const Profile& profile, std::initializer_list<const Weight*> weights, const Vectors& x,
                 uint32_t tokens);

/// The variant that matmul() takes; `may_round`: x has room for rounded activations.
Choice<MatmulVariant> matmul_choice(const Profile& profile, quant::Format format, uint32_t tokens,
                                    bool may_round);

/// All variants that it could take, best first, whatever tuning prefers.
std::vector<Choice<Variant>> matmul_variants(const Profile& profile, quant::Format format, uint32_t tokens,
                                             bool may_round);

/// What they are chosen for. Products with one token and with several are tuned apart, and so are those of
/// activations that may be rounded and that may not: what is fastest with rounding is not to be taken
/// without.
Use matmul_use(quant::Format format, uint32_t tokens, bool may_round);

}  // namespace motley::kernels
