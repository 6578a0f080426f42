// Attention over the KV cache.
#pragma once

#include "kernels/cache.hpp"
#include "kernels/variant.hpp"
#include "kernels/weight.hpp"
#include "vk/recorder.hpp"

namespace motley::kernels {

struct AttentionShape {
  uint32_t heads = 0;  ///< query heads; a multiple of the cache's KV heads
  float scale = 0.0F;  ///< of q·k
};

/// y[t][head] = softmax(q[t][head] · keys * scale) · values over the positions up to the token's own, the
/// step's position + t. With room in y for rounded vectors, queries and probabilities may be rounded to
/// halves.
void attention_prefill(Context& context, vk::CommandList& commands, const AttentionShape& shape,
                       const vk::BufferRange& step, const Vectors& q, const Cache& cache, const Vectors& y,
                       uint32_t tokens, const Forms& forms = {});

/// The same for one token, with the positions split among workgroups: the step buffer says how many splits
/// and, for each slice of the cache, the workgroup counts (write_attention_step). `parts` holds
/// attention_parts_bytes().
void attention_decode(Context& context, vk::CommandList& commands, const AttentionShape& shape,
                      const vk::BufferRange& step, const Vectors& q, const Cache& cache,
                      const vk::BufferRange& parts, const Vectors& y, const Forms& forms = {});

/// The second half of attention_decode(): adds up what the workgroups left in `parts`,
/// [head][split][head_size sums, their maximum, sum of exponentials], as many splits as the step buffer says.
void attention_merge(Context& context, vk::CommandList& commands, uint32_t heads, uint32_t head_size,
                     const vk::BufferRange& step, const vk::BufferRange& parts, const Vectors& y,
                     const Forms& forms = {});

/// From so many rows (tokens * query heads that share a KV head) on tiles pay: with fewer, a large GPU would
/// have too few of them.
constexpr uint32_t kTileRows = 128;

/// The variant of attention_prefill() for so many rows and a cache of this shape, of which the number of
/// positions does not matter; `may_round`: y has room for rounded vectors, so that vectors may be rounded.
Choice<Variant> attention_choice(const Profile& profile, const CacheShape& cache, uint32_t rows,
                                 bool may_round);

/// All variants that it could take, best first, whatever tuning prefers.
std::vector<Choice<Variant>> attention_variants(const Profile& profile, const CacheShape& cache,
                                                uint32_t rows, bool may_round);

/// What they are chosen for. Where there are flavours that round, those that may and that may not are tuned
/// apart.
Use attention_use(const Profile& profile, const CacheShape& cache, uint32_t rows, bool may_round);

/// Scratch that attention_decode needs for a cache this long, in bytes.
uint64_t attention_parts_bytes(const Profile& profile, const AttentionShape& shape, const CacheShape& cache);

/// Writes what attention_decode reads from the step buffer for a token at `position`.
void write_attention_step(const Profile& profile, const AttentionShape& shape, const Cache& cache,
                          uint32_t position, std::span<uint32_t> step_words);

}  // namespace motley::kernels
