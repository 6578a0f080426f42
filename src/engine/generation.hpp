// Drawing tokens one after another and turning them into text.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "engine/sampler.hpp"
#include "engine/session.hpp"
#include "engine/stop_filter.hpp"
#include "tokenizer/tokenizer.hpp"

namespace motley::engine {

struct GenerationOptions {
  int32_t max_tokens = -1;  ///< negative: no limit
  SamplingParameters sampling;
  std::vector<std::string> stop;
  bool context_shift = false;
  bool ignore_end = false;
};

enum class StopReason { kEnd, kMaxTokens, kStopText, kContextFull, kCancelled };

struct GenerationResult {
  StopReason reason = StopReason::kEnd;
  uint32_t prompt_tokens = 0;
  uint32_t generated_tokens = 0;
  std::chrono::nanoseconds prompt_time{};
  std::chrono::nanoseconds decode_time{};
};

struct GeneratedPiece {
  Token token = 0;
  std::string text;  ///< whole UTF-8 characters
};

/// One generation on a session, which must outlive it.
class Generation {
 public:
  /// `prompt` is appended to what the session holds; together they must not be empty.
  Generation(Session& session, const tokenizer::Tokenizer& tokenizer, std::vector<Token> prompt,
             GenerationOptions options);

  /// The next piece of text, with as many tokens as it takes to have one; nothing when the generation has
  /// ended.
  std::optional<GeneratedPiece> next();
  /// The same with one token, whose text may have to wait for the next.
  std::optional<GeneratedPiece> draw_one();
  bool ended() const { return ended_; }

  /// The token that draw_one() would run before it draws, and nothing else: its caller may run it together
  /// with those of other generations, and then says so.
  std::optional<Token> to_run() const;
  void has_run(std::chrono::nanoseconds taken);

  const GenerationResult& result() const { return result_; }
  /// The token that was drawn last and is not in the session's context yet; the next prompt begins with it.
  std::optional<Token> pending() const { return pending_; }

 private:
  bool run_prompt();
  bool has_all_tokens() const;
  std::optional<StopReason> advance();
  void run_pending();
  bool may_draw_another() const;
  void shift_context();
  std::optional<GeneratedPiece> take(Token token, std::string text);
  std::optional<GeneratedPiece> end(StopReason reason);

  Session& session_;
  const tokenizer::Tokenizer& tokenizer_;
  std::vector<Token> prompt_;
  GenerationOptions options_;
  Sampler sampler_;
  tokenizer::Utf8Stream characters_;
  StopFilter stop_filter_;
  GenerationResult result_;
  std::optional<Token> pending_;
  std::optional<kernels::Likeliest> likeliest_;  ///< to follow what the session holds; else its logits tell
  Token last_ = 0;
  bool started_ = false;
  bool ended_ = false;
};

}  // namespace motley::engine
