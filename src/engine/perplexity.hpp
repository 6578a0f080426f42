// Perplexity as llama.cpp's llama-perplexity computes it.
#pragma once

#include <functional>
#include <optional>

#include "engine/session.hpp"

namespace motley::engine {

struct PerplexityResult {
  double value = 0;
  double standard_error = 0;
  uint64_t scored_tokens = 0;
  uint32_t chunks = 0;
};

/// `tokens` in chunks of the session's context. With `bos`, a chunk's first token is replaced by it. The
/// second half of each chunk is scored: token j + 1 by the logits after token j, from the middle on
/// (llama.cpp, tools/perplexity/perplexity.cpp). Throws Error{kInvalidArgument} for less than two chunks,
/// Error{kCancelled} when `on_chunk` returns false.
PerplexityResult compute_perplexity(Session& session, std::span<const Token> tokens, std::optional<Token> bos,
                                    const std::function<bool(uint32_t, uint32_t, double)>& on_chunk);

}  // namespace motley::engine
