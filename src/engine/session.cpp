#include "engine/session.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/math.hpp"

namespace motley::engine {

Session::Session(std::shared_ptr<const LoadedModel> model, const SessionRequest& request)
    : request_(request), config_(model->config()), model_(std::move(model)) {
  make_stages();
}

Session::Session(std::shared_ptr<ModelHost> host, const SessionRequest& request)
    : host_(std::move(host)), request_(request) {
  take_model(host_->loaded());
  config_ = model_->config();
  while (stages_.empty()) {
    try {
      make_stages();
    } catch (const DeviceFailure& failure) {
      go_on_without(failure);
    }
  }
}

void Session::take_model(ModelHost::Loaded loaded) {
  model_ = std::move(loaded.model);
  model_number_ = loaded.number;
  chunk_tokens_ = loaded.chunk_tokens;
}

void Session::make_stages() {
  SessionRequest request = request_;
  if (request.batch == 0) request.batch = chunk_tokens_;
  plan_ = plan_session(config_, model_->specs(), request);
  for (size_t i = 0; i < plan_.stages.size(); ++i) {
    const StageWeights& weights = *model_->stages()[i];
    stages_.push_back(blaming(weights.device(),
                              [&] { return std::make_unique<Stage>(*model_, weights, plan_.stages[i]); }));
  }
  for (size_t i = 0; i + 1 < stages_.size(); ++i) {
    hand_offs_.push_back(std::make_unique<HandOff>(stages_[i]->device(), stages_[i]->vectors(),
                                                   stages_[i + 1]->device(), stages_[i + 1]->vectors(),
                                                   kHandOffSlots));
  }
  for (size_t i = 0; i < stages_.size(); ++i) {
    stages_[i]->connect(i > 0 ? hand_offs_[i - 1].get() : nullptr,
                        i < hand_offs_.size() ? hand_offs_[i].get() : nullptr);
  }
  stage_times_.assign(stages_.size(), {});
  pipeline_ = std::make_unique<Pipeline>(devices_of(model_->specs()).of_stage, kHandOffSlots);
}

void Session::drop_stages() {
  pipeline_.reset();
  hand_offs_.clear();
  stages_.clear();
  model_.reset();
  cached_tokens_ = 0;
  forget_logits();
}

void Session::forget_logits() {
  have_logits_ = false;
  own_logits_.clear();
}

void Session::check_tokens(std::span<const Token> tokens) const {
  if (tokens.empty()) fail(ErrorCode::kInvalidArgument, "there is no token to evaluate");
  const uint32_t vocabulary = config_.vocabulary;
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

/// The planned chunks are for prompts of placement::kPrefillTokens. Of m chunks through s stages the first
/// and the last leave stages idle for s - 1 turns, and each chunk has costs of its own; where the two
/// balance, the chunks grow with the square root of the prompt's length.
uint32_t Session::chunk_tokens(size_t tokens) const {
  if (stages_.size() == 1 || request_.batch > 0) return plan_.batch;
  const double wanted = plan_.batch * std::sqrt(static_cast<double>(tokens) / placement::kPrefillTokens);
  return std::min(plan_.batch, round_up(static_cast<uint32_t>(std::min(wanted, double{kMaxBatch})),
                                        placement::kFewestChunkTokens));
}

std::vector<Session::Chunk> Session::cut(size_t tokens) const {
  std::vector<Chunk> chunks;
  const uint32_t most = chunk_tokens(tokens);
  for (size_t done = 0; done < tokens; done += most)
    chunks.push_back({done, static_cast<uint32_t>(std::min<size_t>(most, tokens - done))});
  return chunks;
}

/// Runs the tokens, whatever devices fail meanwhile, as long as there is one left to go on with.
void Session::run(std::span<const Token> tokens, const AfterChunk& after_chunk) {
  check_tokens(tokens);
  forget_logits();
  const vk::Device* gave_no_numbers = nullptr;
  for (bool done = false; !done;) {
    try {
      if (model_ == nullptr) take_model(host_->loaded_again());
      if (stages_.empty()) make_stages();
      if (cached_tokens_ < tokens_.size())
        run_once(std::span(tokens_).subspan(cached_tokens_), [](Stage& last, const Chunk&) { last.wait(); });
      run_once(tokens, after_chunk);
      done = true;
    } catch (const DeviceFailure& failure) {
      if (failure.gave_no_numbers() && gave_no_numbers != nullptr) refuse_model(failure, *gave_no_numbers);
      if (failure.gave_no_numbers()) gave_no_numbers = &failure.device();
      go_on_without(failure);
    } catch (...) {
      keep_finished(tokens);
      throw;
    }
  }
  keep_finished(tokens);
}

/// The tokens whose chunks have passed all stages are in the context from now on.
void Session::keep_finished(std::span<const Token> tokens) {
  if (cached_tokens_ <= tokens_.size()) return;
  const auto finished = tokens.first(cached_tokens_ - tokens_.size());
  tokens_.insert(tokens_.end(), finished.begin(), finished.end());
}

/// Replaces the model by one on the devices that are left. The tokens stay, to be run again.
void Session::go_on_without(const DeviceFailure& failure) {
  if (host_ == nullptr) {
    cached_tokens_ = std::min(cached_tokens_, tokens_.size());
    throw DeviceFailure(failure);
  }
  drop_stages();  // their memory is needed
  take_model(host_->replace(model_number_, failure));
}

/// Two devices that give no numbers for the same tokens will not both be broken.
void Session::refuse_model(const DeviceFailure& failure, const vk::Device& other) {
  cached_tokens_ = std::min(cached_tokens_, tokens_.size());
  fail(ErrorCode::kMalformedModel,
       "'{}' gives values that are no numbers on '{}' as on '{}': the file is damaged, or the model's values "
       "exceed 32-bit floats",
       host_->path().string(), failure.device().facts().name, other.facts().name);
}

/// Runs tokens behind those that are in the caches.
void Session::run_once(std::span<const Token> tokens, const AfterChunk& after_chunk) {
  const std::vector<Chunk> chunks = cut(tokens.size());
  const auto position = static_cast<uint32_t>(cached_tokens_);
  const auto work = [&](size_t index, uint32_t number) {
    const Chunk& chunk = chunks[number];
    if (index == 0 && take_cancel()) {
      fail(ErrorCode::kCancelled, "cancelled after {} of {} tokens", chunk.first, tokens.size());
    }
    blaming(stages_[index]->device(), [&] {
      run_stage(index, tokens.subspan(chunk.first, chunk.count),
                position + static_cast<uint32_t>(chunk.first), number % kHandOffSlots);
      if (index + 1 == stages_.size()) after_chunk(*stages_[index], chunk);
    });
  };
  const auto count_finished = [&] {
    for (uint32_t i = 0; i < pipeline_->finished_chunks(); ++i) cached_tokens_ += chunks[i].count;
  };
  Taken taken;
  try {
    taken = run_chunks(static_cast<uint32_t>(chunks.size()), work);
  } catch (...) {
    count_finished();
    throw;
  }
  count_finished();
  count_times(tokens.size(), taken, 1);
}

Session::Taken Session::run_chunks(uint32_t chunks, const Pipeline::Work& work) {
  const std::vector<std::chrono::nanoseconds> before = pipeline_->busy_times();
  const auto start = std::chrono::steady_clock::now();
  pipeline_->run(chunks, work);
  Taken taken{pipeline_->busy_times(), std::chrono::steady_clock::now() - start};
  for (size_t i = 0; i < before.size(); ++i) taken.busy[i] -= before[i];
  return taken;
}

/// Of what was taken for so many sessions, this one's share.
void Session::count_times(size_t tokens, const Taken& taken, uint32_t sessions) {
  for (size_t i = 0; i < stage_times_.size(); ++i) {
    StageTimes::Work& work = tokens == 1 ? stage_times_[i].decode : stage_times_[i].prefill;
    work.tokens += tokens;
    work.busy += taken.busy[i] / sessions;
    work.wall += taken.wall / sessions;
  }
}

void Session::run_stage(size_t index, std::span<const Token> tokens, uint32_t position, uint32_t slot) {
  Stage& stage = *stages_[index];
  stage.start(tokens, position, slot);
  if (index + 1 == stages_.size()) return;  // what reads its logits waits
  stage.wait();
  // The last token's vector tells of all before it, through the attention.
  const auto last = static_cast<uint32_t>(tokens.size()) - 1;
  check_numbers(index, last, 1, slot);
}

/// Of what a stage hands over.
void Session::check_numbers(size_t index, uint32_t first, uint32_t tokens, uint32_t slot) const {
  const size_t stride = stages_[index]->plan().embedding_stride;
  const std::span<const float> vectors =
      hand_offs_[index]->contents(slot, (first + tokens) * stride * sizeof(float));
  refuse_nan(stages_[index]->device(), vectors.last(tokens * stride));
}

void Session::evaluate(std::span<const Token> tokens) {
  run(tokens, [&](Stage& last, const Chunk& chunk) {
    if (chunk.first + chunk.count == tokens.size()) {
      refuse_nan(last.device(), last.run_head(chunk.count - 1, 1));
    } else {
      last.wait();
    }
  });
  have_logits_ = true;
}

std::optional<kernels::Likeliest> Session::evaluate_to_draw(Token token, const Drawing& drawing) {
  std::optional<kernels::Likeliest> likeliest;
  run(std::span(&token, 1), [&](Stage& last, const Chunk&) {
    Drawing possible = drawing;
    possible.ahead = drawing.ahead && stages_.size() == 1 && position() + 1 < plan_.context;
    likeliest = last.draw(possible);
    if (!likeliest.has_value()) refuse_nan(last.device(), last.logits(1));
  });
  have_logits_ = true;
  return likeliest;
}

std::vector<float> Session::evaluate_all(std::span<const Token> tokens, size_t first) {
  const size_t vocabulary = config_.vocabulary;
  if (first >= tokens.size())
    fail(ErrorCode::kInvalidArgument, "logits from token {} of {}", first, tokens.size());
  std::vector<float> result((tokens.size() - first) * vocabulary);
  run(tokens, [&](Stage& last, const Chunk& chunk) {
    const uint32_t head_rows = last.plan().head_rows;
    const size_t begin = first > chunk.first ? first - chunk.first : 0;
    if (begin >= chunk.count) last.wait();
    for (size_t row = begin; row < chunk.count; row += head_rows) {
      const auto rows = static_cast<uint32_t>(std::min<size_t>(head_rows, chunk.count - row));
      const std::span<const float> logits = last.run_head(static_cast<uint32_t>(row), rows);
      refuse_nan(last.device(), logits);
      std::ranges::copy(logits,
                        result.begin() + static_cast<ptrdiff_t>((chunk.first + row - first) * vocabulary));
    }
  });
  return result;
}

std::span<const float> Session::logits() const {
  if (!have_logits_) return {};
  if (!own_logits_.empty()) return own_logits_;
  return stages_.back()->logits(1);
}

void Session::truncate(uint32_t length) {
  tokens_.resize(std::min<size_t>(length, tokens_.size()));
  cached_tokens_ = std::min(cached_tokens_, tokens_.size());
  forget_logits();
}

}  // namespace motley::engine
