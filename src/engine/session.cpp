#include "engine/session.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/math.hpp"

namespace motley::engine {
Session::Session(std::shared_ptr<const LoadedModel> model, const SessionRequest& request)
    : model_(std::move(model)), plan_(plan_session(model_->config(), model_->specs(), request)) {
  for (size_t i = 0; i < plan_.stages.size(); ++i)
    stages_.push_back(std::make_unique<Stage>(*model_, *model_->stages()[i], plan_.stages[i]));
  connect_stages();
  pipeline_ = std::make_unique<Pipeline>(devices_of(model_->specs()).of_stage, kHandOffSlots);
}

void Session::connect_stages() {
  for (size_t i = 0; i + 1 < stages_.size(); ++i) {
    hand_offs_.push_back(std::make_unique<HandOff>(stages_[i]->device(), stages_[i]->vectors(),
                                                   stages_[i + 1]->device(), stages_[i + 1]->vectors(),
                                                   kHandOffSlots));
  }
  for (size_t i = 0; i < stages_.size(); ++i) {
    stages_[i]->connect(i > 0 ? hand_offs_[i - 1].get() : nullptr,
                        i < hand_offs_.size() ? hand_offs_[i].get() : nullptr);
  }
}

void Session::check_tokens(std::span<const Token> tokens) const {
  if (tokens.empty()) fail(ErrorCode::kInvalidArgument, "there is no token to evaluate");
  const uint32_t vocabulary = model_->config().vocabulary;
  for (const Token token : tokens) {
    if (token < 0 || static_cast<uint32_t>(token) >= vocabulary) {
      fail(ErrorCode::kInvalidArgument, "token {} is outside the vocabulary of {}", token, vocabulary);
    }
  }
  if (tokens.size() > plan_.context - position()) {
    fail(ErrorCode::kContextFull,
         "the context holds {} tokens; {} are in it and {} more were to be added: use a larger context (-c)",
         plan_.context, position(), tokens.size());
  }
}

/// One stage takes as much at once as it can. Several work at the same time only on several chunks: of m
/// chunks through s stages the first and the last leave stages idle, which costs a share of (s - 1) / (m + s
/// - 1).
uint32_t Session::chunk_tokens(size_t tokens) const {
  constexpr uint32_t kChunksPerStage = 4;
  constexpr uint32_t kFewestTokens = 32;  // fewer are not much faster: each chunk reads all the weights
  if (stages_.size() == 1) return plan_.batch;
  const auto wanted =
      static_cast<uint32_t>(std::min<size_t>(tokens / (kChunksPerStage * stages_.size()), plan_.batch));
  return std::min(plan_.batch, std::max(kFewestTokens, round_up(wanted, kFewestTokens)));
}

std::vector<Session::Chunk> Session::cut(size_t tokens) const {
  std::vector<Chunk> chunks;
  const uint32_t most = chunk_tokens(tokens);
  for (size_t done = 0; done < tokens; done += most)
    chunks.push_back({done, static_cast<uint32_t>(std::min<size_t>(most, tokens - done))});
  return chunks;
}

void Session::run(std::span<const Token> tokens, const AfterChunk& after_chunk) {
  check_tokens(tokens);
  have_logits_ = false;
  const std::vector<Chunk> chunks = cut(tokens.size());
  const uint32_t position = this->position();
  const auto run_stage = [&](size_t index, uint32_t number) {
    Stage& stage = *stages_[index];
    const Chunk& chunk = chunks[number];
    if (index == 0 && take_cancel()) {
      fail(ErrorCode::kCancelled, "cancelled after {} of {} tokens", chunk.first, tokens.size());
    }
    stage.start(tokens.subspan(chunk.first, chunk.count), position + static_cast<uint32_t>(chunk.first),
                number % kHandOffSlots);
    if (index + 1 == stages_.size()) after_chunk(stage, chunk);
    stage.wait();
  };
  const auto keep_finished = [&] {
    for (uint32_t i = 0; i < pipeline_->finished_chunks(); ++i) {
      const auto part = tokens.subspan(chunks[i].first, chunks[i].count);
      tokens_.insert(tokens_.end(), part.begin(), part.end());
    }
  };
  try {
    pipeline_->run(static_cast<uint32_t>(chunks.size()), run_stage);
  } catch (...) {
    keep_finished();
    throw;
  }
  keep_finished();
}

void Session::evaluate(std::span<const Token> tokens) {
  run(tokens, [&](Stage& last, const Chunk& chunk) {
    if (chunk.first + chunk.count == tokens.size()) last.run_head(chunk.count - 1, 1);
  });
  have_logits_ = true;
}

std::vector<float> Session::evaluate_all(std::span<const Token> tokens, size_t first) {
  const size_t vocabulary = model_->config().vocabulary;
  if (first >= tokens.size())
    fail(ErrorCode::kInvalidArgument, "logits from token {} of {}", first, tokens.size());
  std::vector<float> result((tokens.size() - first) * vocabulary);
  run(tokens, [&](Stage& last, const Chunk& chunk) {
    const uint32_t head_rows = last.plan().head_rows;
    const size_t begin = first > chunk.first ? first - chunk.first : 0;
    for (size_t row = begin; row < chunk.count; row += head_rows) {
      const auto rows = static_cast<uint32_t>(std::min<size_t>(head_rows, chunk.count - row));
      const std::span<const float> logits = last.run_head(static_cast<uint32_t>(row), rows);
      std::ranges::copy(logits,
                        result.begin() + static_cast<ptrdiff_t>((chunk.first + row - first) * vocabulary));
    }
  });
  return result;
}

std::span<const float> Session::logits() const {
  if (!have_logits_) return {};
  return stages_.back()->logits(1);
}

void Session::truncate(uint32_t length) {
  tokens_.resize(std::min<size_t>(length, tokens_.size()));
  have_logits_ = false;
}

}  // namespace motley::engine
