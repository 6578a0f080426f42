// Attention of a single token over the KV cache, with the rotation and the storing that come before it.
#pragma once

#include "kernels/attention.hpp"
#include "kernels/rope.hpp"

namespace motley::kernels {

/// What attention makes of a token, one vector each.
struct DecodedToken {
  vk::BufferRange q, k, v;
};

/// How a token is rotated.
struct Rope {
  RopeShape shape;
  vk::BufferRange table;  ///< [position][shape.rotated / 2] pairs (cos, sin)
};

/// Does what rope_and_store() and attention_prefill() do for one token, but leaves the queries as they are,
/// with the positions divided among workgroups: the step buffer says into how many parts and, for each slice
/// of the cache, the workgroup counts (write_attention_step). `parts` holds attention_parts_bytes(), which
/// were cleared before they are first used; each step leaves them ready for the next.
void attention_decode(Context& context, vk::CommandList& commands, const AttentionShape& shape,
                      const Rope& rope, const vk::BufferRange& step, const DecodedToken& token,
                      const Cache& cache, const vk::BufferRange& parts, const Vectors& y,
                      const Forms& forms = {});

/// The variant of it for a cache of this shape, of which the number of positions does not matter, when
/// `group` query heads share a KV head and these forms are read.
Choice<Variant> attention_decode_choice(const Profile& profile, const CacheShape& cache, uint32_t group,
                                        const Forms& forms);

/// Scratch that it needs for a cache this long, in bytes.
uint64_t attention_parts_bytes(const Profile& profile, const AttentionShape& shape, const CacheShape& cache);

/// Writes what it reads from the step buffer for a token at `position`.
void write_attention_step(const Profile& profile, const AttentionShape& shape, const Cache& cache,
                          uint32_t position, std::span<uint32_t> step_words);

}  // namespace motley::kernels
