#include "engine/generation.hpp"

#include <utility>

#include "base/error.hpp"

namespace motley::engine {
namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

Generation::Generation(Session& session, const tokenizer::Tokenizer& tokenizer, std::vector<Token> prompt,
                       GenerationOptions options)
    : session_(session),
      tokenizer_(tokenizer),
      prompt_(std::move(prompt)),
      options_(std::move(options)),
      sampler_(options_.sampling),
      stop_filter_(options_.stop) {
  if (prompt_.empty() && session_.logits().empty()) {
    fail(ErrorCode::kInvalidArgument,
         "the prompt is empty and the model has no begin-of-sequence token to start from: give a prompt");
  }
  result_.prompt_tokens = static_cast<uint32_t>(prompt_.size());
  for (const Token token : session_.tokens()) sampler_.accept(token);
  for (const Token token : prompt_) sampler_.accept(token);
}

std::optional<GeneratedPiece> Generation::next() {
  std::optional<GeneratedPiece> piece;
  while (!ended_ && !piece.has_value()) piece = draw_one();
  return piece;
}

std::optional<GeneratedPiece> Generation::draw_one() {
  if (ended_) return std::nullopt;
  if (!std::exchange(started_, true) && !run_prompt()) return end(StopReason::kCancelled);
  if (session_.take_cancel()) return end(StopReason::kCancelled);
  if (has_all_tokens()) return end(StopReason::kMaxTokens);
  const auto start = Clock::now();
  if (pending_.has_value()) {
    if (const std::optional<StopReason> stopped = advance()) return end(*stopped);
  }
  last_ = likeliest_.has_value() ? sampler_.sample(*likeliest_) : sampler_.sample(session_.logits());
  result_.decode_time += Clock::now() - start;
  sampler_.accept(last_);
  if (!options_.ignore_end && tokenizer_.is_end_of_generation(last_)) return end(StopReason::kEnd);
  ++result_.generated_tokens;
  pending_ = last_;
  std::string text = stop_filter_.push(characters_.push(tokenizer_.piece(last_)));
  if (stop_filter_.found()) {
    ended_ = true;
    result_.reason = StopReason::kStopText;
  }
  return take(last_, std::move(text));
}

std::optional<Token> Generation::to_run() const {
  const bool fits = session_.position() < session_.context_tokens();
  return ended_ || has_all_tokens() || !fits ? std::nullopt : pending_;
}

void Generation::has_run(std::chrono::nanoseconds taken) {
  result_.decode_time += taken;
  pending_.reset();
  likeliest_.reset();
}

bool Generation::has_all_tokens() const {
  return options_.max_tokens >= 0 && result_.generated_tokens >= static_cast<uint32_t>(options_.max_tokens);
}

bool Generation::run_prompt() {
  const auto start = Clock::now();
  try {
    if (!prompt_.empty()) session_.evaluate(prompt_);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kCancelled) throw;
    return false;
  }
  result_.prompt_time = Clock::now() - start;
  return true;
}

/// Runs the pending token, or says why it stays pending.
std::optional<StopReason> Generation::advance() {
  try {
    if (session_.position() == session_.context_tokens()) {
      if (!options_.context_shift) return StopReason::kContextFull;
      shift_context();
    }
    run_pending();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kCancelled) throw;
    return StopReason::kCancelled;
  }
  return std::nullopt;
}

void Generation::run_pending() {
  const Token token = *pending_;
  likeliest_.reset();
  if (const std::optional<kernels::DrawRule> rule = sampler_.rule()) {
    likeliest_ = session_.evaluate_to_draw(
        token, {*rule, {sampler_.chance(0), sampler_.chance(1)}, may_draw_another()});
  } else {
    session_.evaluate(std::span(&token, 1));
  }
  pending_.reset();
}

/// Whether a token may follow the one that is drawn next.
bool Generation::may_draw_another() const {
  return options_.max_tokens < 0 || result_.generated_tokens + 1 < static_cast<uint32_t>(options_.max_tokens);
}

/// Keeps the begin-of-sequence token and the newer half, evaluated anew: their positions change.
void Generation::shift_context() {
  const std::span<const Token> tokens = session_.tokens();
  std::vector<Token> kept;
  if (tokenizer_.bos().has_value() && tokens.front() == *tokenizer_.bos()) kept.push_back(tokens.front());
  const auto newer = tokens.last(tokens.size() / 2);
  kept.insert(kept.end(), newer.begin(), newer.end());
  session_.truncate(0);
  if (!kept.empty()) session_.evaluate(kept);
}

std::optional<GeneratedPiece> Generation::take(Token token, std::string text) {
  if (text.empty()) return std::nullopt;
  return GeneratedPiece{token, std::move(text)};
}

std::optional<GeneratedPiece> Generation::end(StopReason reason) {
  ended_ = true;
  result_.reason = reason;
  return take(last_, stop_filter_.flush() + characters_.flush());
}

}  // namespace motley::engine
