// One stream of tokens: the stages that run it, one after another, on one device or several.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "engine/hand_off.hpp"
#include "engine/loaded_model.hpp"
#include "engine/model_host.hpp"
#include "engine/pipeline.hpp"
#include "engine/session_plan.hpp"
#include "engine/stage.hpp"

namespace motley::engine {

/// What a stage has done since it was made, tokens one by one and prompts apart.
struct StageTimes {
  struct Work {
    uint64_t tokens = 0;
    std::chrono::nanoseconds busy{};  ///< the stage was at work
    std::chrono::nanoseconds wall{};  ///< some stage was
  };
  Work decode;
  Work prefill;
};

/// For one thread at a time, except cancel().
class Session {
 public:
  /// A session that ends with the first failure of a device. Throws Error{kOutOfMemory}, naming the largest
  /// context that would fit.
  Session(std::shared_ptr<const LoadedModel> model, const SessionRequest& request);
  /// A session that goes on with what devices are left.
  Session(std::shared_ptr<ModelHost> host, const SessionRequest& request);

  const model::Config& config() const { return config_; }
  uint32_t context_tokens() const { return plan_.context; }
  uint32_t batch_tokens() const { return plan_.batch; }
  uint64_t cache_bytes() const { return plan_.cache_bytes(); }
  uint32_t position() const { return static_cast<uint32_t>(tokens_.size()); }
  /// The tokens whose keys and values are in the cache.
  std::span<const Token> tokens() const { return tokens_; }

  /// Appends tokens and computes the logits after the last. Throws Error{kContextFull} before anything runs
  /// when they do not fit, Error{kInvalidArgument} for ids outside the vocabulary, Error{kCancelled},
  /// Error{kMalformedModel} when two devices give values that are no numbers, and DeviceFailure where a
  /// device fails and there is no going on without it; the tokens before are kept, and the next call tries
  /// again.
  void evaluate(std::span<const Token> tokens);
  /// As evaluate with one token, and finds the likeliest tokens to follow, by drawing.rule; nothing where
  /// logits() must tell. With drawing.ahead a single device goes on with the token it draws, so that the next
  /// call with that token finds its step begun.
  std::optional<kernels::Likeliest> evaluate_to_draw(Token token, const Drawing& drawing);
  /// As evaluate, with the logits after each token from number `first` on: [tokens.size() -
  /// first][vocabulary].
  std::vector<float> evaluate_all(std::span<const Token> tokens, size_t first);
  /// As evaluate, with one token for each of several sessions of one model, which are distinct: as many at
  /// once as a pass has room for, so that the weights are read once for all of them. Throws before anything
  /// runs where one of them does not fit its context. Where a device fails each goes on by itself; one that
  /// was cancelled is left without its token then, and cancelled still.
  static void evaluate_together(std::span<Session* const> sessions, std::span<const Token> tokens);
  /// [vocabulary] after the last token of evaluate(); empty before the first.
  std::span<const float> logits() const;

  /// Forgets the tokens from `length` on.
  void truncate(uint32_t length);

  /// One for each stage of the model that runs now.
  const std::vector<StageTimes>& stage_times() const { return stage_times_; }
  /// With SessionRequest::time_kernels: of a stage of the model that runs now.
  const KernelTimes& kernel_times(size_t stage) const { return stages_[stage]->kernel_times(); }

  void cancel() noexcept { cancelled_ = true; }
  /// Whether cancel() was called; the answer resets it.
  bool take_cancel() noexcept { return cancelled_.exchange(false); }

 private:
  /// Tokens that go through the stages together.
  struct Chunk {
    size_t first = 0;
    uint32_t count = 0;
  };
  /// The time that some chunks took.
  struct Taken {
    std::vector<std::chrono::nanoseconds> busy;  ///< of each stage
    std::chrono::nanoseconds wall{};
  };
  /// Called when a chunk has left the last stage's layers, for its logits.
  using AfterChunk = std::function<void(Stage& last, const Chunk& chunk)>;

  void make_stages();
  void check_tokens(std::span<const Token> tokens) const;
  uint32_t chunk_tokens(size_t tokens) const;
  std::vector<Chunk> cut(size_t tokens) const;
  void run(std::span<const Token> tokens, const AfterChunk& after_chunk);
  void keep_finished(std::span<const Token> tokens);
  void run_once(std::span<const Token> tokens, const AfterChunk& after_chunk);
  Taken run_chunks(uint32_t chunks, const Pipeline::Work& work);
  void count_times(size_t tokens, const Taken& taken, uint32_t sessions);
  void run_stage(size_t index, std::span<const Token> tokens, uint32_t position, uint32_t slot);
  void check_numbers(size_t index, uint32_t first, uint32_t tokens, uint32_t slot) const;
  bool can_join(const Session& leader) const;
  uint32_t most_together() const;
  static void run_together(std::span<Session* const> sessions, std::span<const Token> tokens);
  static void pass_together(std::span<Session* const> sessions, std::span<const Token> tokens);
  void keep_together(Token token, std::span<const float> logits);
  void go_on_without(const DeviceFailure& failure);
  void take_model(ModelHost::Loaded loaded);
  [[noreturn]] void refuse_model(const DeviceFailure& failure, const vk::Device& other);
  void drop_stages();
  void forget_logits();

  std::shared_ptr<ModelHost> host_;
  SessionRequest request_;
  model::Config config_;
  uint64_t model_number_ = 0;
  uint32_t chunk_tokens_ = 0;
  std::shared_ptr<const LoadedModel> model_;  ///< null after a failure that ended a call
  SessionPlan plan_;
  std::vector<std::unique_ptr<Stage>> stages_;
  std::vector<std::unique_ptr<HandOff>> hand_offs_;
  std::unique_ptr<Pipeline> pipeline_;
  std::vector<StageTimes> stage_times_;
  std::vector<Token> tokens_;
  size_t cached_tokens_ = 0;  ///< of tokens_, what the stages' caches hold; fewer only after a failure
  bool have_logits_ = false;
  std::vector<float> own_logits_;  ///< those of a pass together with others; else the last stage has them
  std::atomic<bool> cancelled_{false};
};

}  // namespace motley::engine
