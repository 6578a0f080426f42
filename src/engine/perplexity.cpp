#include "engine/perplexity.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace motley::engine {
namespace {

/// -log softmax(logits)[token], in float64.
double negative_log_likelihood(std::span<const float> logits, Token token) {
  const double most = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - most);
  return std::log(sum) + most - static_cast<double>(logits[static_cast<size_t>(token)]);
}

}  // namespace

PerplexityResult compute_perplexity(Session& session, std::span<const Token> tokens, std::optional<Token> bos,
                                    const std::function<bool(uint32_t, uint32_t, double)>& on_chunk) {
  const size_t context = session.context_tokens();
  const size_t vocabulary = session.config().vocabulary;
  if (tokens.size() < 2 * context) {
    fail(ErrorCode::kInvalidArgument,
         "perplexity needs a text of at least {} tokens, twice the context of {}; this one has {}",
         2 * context, context, tokens.size());
  }
  PerplexityResult result;
  const auto chunks = static_cast<uint32_t>(tokens.size() / context);
  double sum = 0;
  double sum_of_squares = 0;
  for (uint32_t chunk = 0; chunk < chunks; ++chunk) {
    std::vector<Token> part(tokens.begin() + static_cast<ptrdiff_t>(chunk * context),
                            tokens.begin() + static_cast<ptrdiff_t>((chunk + 1) * context));
    if (bos.has_value()) part[0] = *bos;
    const size_t first = context / 2;
    session.truncate(0);
    const std::vector<float> logits = session.evaluate_all(part, first);
    for (size_t j = first; j + 1 < context; ++j) {
      const double nll = negative_log_likelihood(
          std::span(logits).subspan((j - first) * vocabulary, vocabulary), part[j + 1]);
      sum += nll;
      sum_of_squares += nll * nll;
      ++result.scored_tokens;
    }
    ++result.chunks;
    const double count = static_cast<double>(result.scored_tokens);
    result.value = std::exp(sum / count);
    const double variance = sum_of_squares / count - (sum / count) * (sum / count);
    result.standard_error = variance > 0 && count > 1 ? std::sqrt(variance / (count - 1)) * result.value : 0;
    if (on_chunk && !on_chunk(result.chunks, chunks, result.value)) {
      fail(ErrorCode::kCancelled, "cancelled after {} of {} chunks", result.chunks, chunks);
    }
  }
  return result;
}

}  // namespace motley::engine
