// Tokens of several sessions in one pass over the weights.
#include <algorithm>

#include "base/error.hpp"
#include "engine/session.hpp"

namespace motley::engine {

void Session::evaluate_together(std::span<Session* const> sessions, std::span<const Token> tokens) {
  if (sessions.size() != tokens.size()) {
    fail(ErrorCode::kInvalidArgument, "{} tokens for {} sessions: each wants one", tokens.size(),
         sessions.size());
  }
  for (size_t i = 0; i < sessions.size(); ++i) {
    if (std::ranges::find(sessions.first(i), sessions[i]) != sessions.begin() + static_cast<ptrdiff_t>(i))
      fail(ErrorCode::kInvalidArgument, "session {} of those to run together is there twice", i);
    sessions[i]->check_tokens(tokens.subspan(i, 1));
  }
  while (!sessions.empty()) {
    const size_t count = std::min<size_t>(sessions.size(), sessions.front()->most_together());
    run_together(sessions.first(count), tokens.first(count));
    sessions = sessions.subspan(count);
    tokens = tokens.subspan(count);
  }
}

/// Sessions of one pass, of which this one is the first.
uint32_t Session::most_together() const {
  if (stages_.empty()) return 1;
  return std::min(plan_.batch, stages_.back()->plan().head_rows);
}

/// Whether this session is ready to run in the first one's scratch: on the same weights, with all of its
/// tokens in its cache.
bool Session::can_join(const Session& leader) const {
  return model_ != nullptr && model_ == leader.model_ && !stages_.empty() && cached_tokens_ == tokens_.size();
}

void Session::run_together(std::span<Session* const> sessions, std::span<const Token> tokens) {
  const auto each_alone = [&] {
    for (size_t i = 0; i < sessions.size(); ++i) {
      try {
        sessions[i]->evaluate(tokens.subspan(i, 1));
      } catch (const Error& error) {
        if (error.code() != ErrorCode::kCancelled) throw;
        sessions[i]->cancel();  // for its caller to see; the others go on
      }
    }
  };
  const bool all_ready =
      std::ranges::all_of(sessions, [&](const Session* each) { return each->can_join(*sessions.front()); });
  if (sessions.size() == 1 || !all_ready) return each_alone();
  try {
    pass_together(sessions, tokens);
  } catch (const DeviceFailure&) {
    each_alone();  // in which the device fails again, and each finds another way
  }
}

void Session::pass_together(std::span<Session* const> sessions, std::span<const Token> tokens) {
  Session& leader = *sessions.front();
  const auto count = static_cast<uint32_t>(sessions.size());
  std::span<const float> logits;
  const auto work = [&](size_t index, uint32_t) {
    Stage& stage = *leader.stages_[index];
    blaming(stage.device(), [&] {
      std::vector<NextToken> next;
      for (size_t i = 0; i < sessions.size(); ++i)
        next.push_back({sessions[i]->stages_[index].get(), tokens[i], sessions[i]->position()});
      stage.start_together(next, 0);
      if (index + 1 == leader.stages_.size()) {
        logits = stage.run_head(0, count);
        refuse_nan(stage.device(), logits);
      } else {
        stage.wait();
        leader.check_numbers(index, 0, count, 0);
      }
    });
  };
  for (Session* session : sessions) session->forget_logits();
  const Taken taken = leader.run_chunks(1, work);
  for (size_t i = 0; i < sessions.size(); ++i) {
    const auto own = logits.subspan(i * leader.config_.vocabulary, leader.config_.vocabulary);
    sessions[i]->keep_together(tokens[i], own);
    sessions[i]->count_times(1, taken, count);
  }
}

/// A pass together with others ran this token and came to these logits.
void Session::keep_together(Token token, std::span<const float> logits) {
  tokens_.push_back(token);
  ++cached_tokens_;
  own_logits_.assign(logits.begin(), logits.end());
  have_logits_ = true;
}

}  // namespace motley::engine
