// How well a model predicts a text.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include <motley/engine.hpp>

namespace motley {

struct Perplexity {
  double value = 0;  ///< exp of the mean negative log likelihood of the scored tokens
  double standard_error = 0;
  std::uint64_t scored_tokens = 0;
  std::uint32_t chunks = 0;
};

/// Perplexity of a text in chunks of `context_tokens`, the begin-of-sequence token first in each where the
/// model has one, the second half of each chunk scored: as llama.cpp's llama-perplexity computes it. Throws
/// kInvalidArgument when the text is shorter than two chunks. `on_chunk` (chunks done, in all, perplexity so
/// far) may return false to cancel.
MOTLEY_API Perplexity
perplexity(const Engine& engine, std::string_view text, std::uint32_t context_tokens,
           const SessionOptions& options = {},
           const std::function<bool(std::uint32_t, std::uint32_t, double)>& on_chunk = {});

}  // namespace motley
