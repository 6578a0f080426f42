// Activations rounded to half precision, for the flavours of matmul with cooperative matrices.
#pragma once

#include "kernels/profile.hpp"
#include "kernels/weight.hpp"
#include "vk/recorder.hpp"

namespace motley::kernels {

/// Bytes of `tokens` vectors in half precision with their scales, that are float32 vectors of this stride
/// otherwise (format: shaders/kernels/round_half.comp).
uint64_t half_bytes(uint32_t stride, uint32_t tokens);

/// Writes `tokens` vectors of `width` elements to x.rounded, which has half_bytes(x.stride, tokens); zeros
/// behind them.
void round_half(Context& context, vk::CommandList& commands, const Vectors& x, uint32_t width,
                uint32_t tokens);

/// Writes the rounded forms of vectors that are there as they are.
void round_vectors(Context& context, vk::CommandList& commands, const Vectors& x, uint32_t width,
                   uint32_t tokens, const Forms& forms);

}  // namespace motley::kernels
