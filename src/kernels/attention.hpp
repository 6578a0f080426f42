// Attention of prompts over the KV cache; that of a single token is attention_decode.hpp.
#pragma once

#include "kernels/cache.hpp"
#include "kernels/variant.hpp"
#include "kernels/weight.hpp"
#include "vk/recorder.hpp"

namespace motley::kernels {

struct AttentionShape {
  uint32_t heads = 0;  ///< query heads; a multiple of the cache's KV heads
  float scale = 0.0F;  ///< of q·k

  /// Query heads that share a KV head.
  uint32_t group(const CacheShape& cache) const { return heads / cache.kv_heads; }
};

/// What `tokens` tokens that attend to each other ask of a device, with so many KV heads and their queries:
/// every key and value is read once; two products of a head's length for each query head, token and position.
vk::Work attention_work(const AttentionShape& shape, const CacheShape& cache, uint32_t kv_heads,
                        uint32_t tokens);

/// y[t][head] = softmax(q[t][head] · keys * scale) · values over the positions up to the token's own, the
/// step's position + t. With room in y for rounded vectors, queries and probabilities may be rounded to
/// halves.
void attention_prefill(Context& context, vk::CommandList& commands, const AttentionShape& shape,
                       const vk::BufferRange& step, const Vectors& q, const Cache& cache, const Vectors& y,
                       uint32_t tokens, const Forms& forms = {});

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

}  // namespace motley::kernels
