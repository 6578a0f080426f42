// Activations rounded to 8 bits, for the integer flavours of matmul.
#pragma once

#include "kernels/profile.hpp"
#include "kernels/weight.hpp"
#include "vk/recorder.hpp"

namespace motley::kernels {

/// Bytes of `tokens` rounded vectors that are float32 vectors of this stride otherwise (format:
/// shaders/kernels/quantize.comp).
uint64_t rounded_bytes(uint32_t stride, uint32_t tokens);

/// Writes `tokens` vectors to x.rounded, which has rounded_bytes(x.stride, tokens).
void quantize(Context& context, vk::CommandList& commands, const Vectors& x, uint32_t tokens);

}  // namespace motley::kernels
