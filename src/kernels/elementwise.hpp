// Norms and the gated activation: everything that works on single vectors.
#pragma once

#include "kernels/profile.hpp"
#include "kernels/weight.hpp"
#include "vk/recorder.hpp"

namespace motley::kernels {

/// y[t] = x[first + t] / sqrt(mean(x^2) + epsilon) * weight, for t < tokens; vectors of `width` elements.
void rms_norm(Context& context, vk::CommandList& commands, const vk::BufferRange& weight, const Vectors& x,
              uint32_t first, const Vectors& y, uint32_t width, uint32_t tokens, float epsilon,
              const Forms& forms = {});

/// The same in place for each of `heads` consecutive vectors of `width` elements in y[t].
void rms_norm_heads(Context& context, vk::CommandList& commands, const vk::BufferRange& weight,
                    const Vectors& y, uint32_t width, uint32_t heads, uint32_t tokens, float epsilon);

/// gate[t] = silu(gate[t]) * up[t], elementwise.
void swiglu(Context& context, vk::CommandList& commands, const Vectors& gate, const Vectors& up,
            uint32_t width, uint32_t tokens, const Forms& forms = {});

}  // namespace motley::kernels
