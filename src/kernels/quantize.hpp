// Activations rounded to 8 bits, for the integer flavours of matmul.
#pragma once

#include "kernels/profile.hpp"
#include "kernels/variant.hpp"
#include "kernels/weight.hpp"
#include "vk/recorder.hpp"

namespace motley::kernels {

/// Bytes of `tokens` rounded vectors that are float32 vectors of this stride otherwise (format:
/// shaders/common/round.glsl).
uint64_t rounded_bytes(uint32_t stride, uint32_t tokens);

/// Where the same are kept with a word for each element: behind the bytes, those included in the size.
vk::BufferRange wide_range(const Vectors& x, uint32_t tokens);
uint64_t wide_bytes(uint32_t stride, uint32_t tokens);

constexpr uint32_t kRoundedElements = 32;  ///< of a block with one scale

/// A compiled flavour of a kernel that makes vectors.
struct RoundingVariant : Variant {
  bool rounds;  ///< writes them rounded to 8 bits too
};

/// The variant that writes runs of `width` elements in these forms. Where none that rounds is of use, another
/// does: the caller has them rounded by quantize() then.
Choice<RoundingVariant> rounding_choice(const Profile& profile, std::string_view stem, uint32_t width,
                                        const Forms& forms);

/// Writes `tokens` vectors to x.rounded, which has rounded_bytes(x.stride, tokens), or to wide_range().
void quantize(Context& context, vk::CommandList& commands, const Vectors& x, uint32_t tokens);
void quantize_wide(Context& context, vk::CommandList& commands, const Vectors& x, uint32_t tokens);

}  // namespace motley::kernels
