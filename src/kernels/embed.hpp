// Looking up tokens' rows in the embedding table.
#pragma once

#include "kernels/variant.hpp"
#include "kernels/weight.hpp"
#include "vk/recorder.hpp"

namespace motley::kernels {

/// x[t] = row of token t's id, for t < tokens; the ids stand in the step buffer (shaders/params/step.h).
void embed(Context& context, vk::CommandList& commands, const Weight& table, const vk::BufferRange& step,
           const Vectors& x, uint32_t tokens);

Choice<Variant> embed_choice(const Profile& profile, quant::Format format);

}  // namespace motley::kernels
