// One stream of tokens: its KV cache, its scratch, and the recorded commands that run it.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "engine/kv_cache.hpp"
#include "engine/loaded_model.hpp"
#include "engine/session_plan.hpp"
#include "vk/recorder.hpp"

namespace motley::engine {

using Token = int32_t;

/// For one thread at a time, except cancel().
class Session {
 public:
  /// Throws Error{kOutOfMemory}, naming the largest context that would fit.
  Session(std::shared_ptr<const LoadedModel> model, const SessionRequest& request);

  const LoadedModel& model() const { return *model_; }
  uint32_t context_tokens() const { return plan_.context; }
  uint32_t batch_tokens() const { return plan_.batch; }
  uint64_t cache_bytes() const { return plan_.cache_bytes; }
  uint32_t position() const { return static_cast<uint32_t>(tokens_.size()); }
  /// The tokens whose keys and values are in the cache.
  std::span<const Token> tokens() const { return tokens_; }

  /// Appends tokens and computes the logits after the last. Throws Error{kContextFull} before anything runs
  /// when they do not fit, Error{kInvalidArgument} for ids outside the vocabulary, Error{kCancelled}.
  void evaluate(std::span<const Token> tokens);
  /// As evaluate, with the logits after each token from number `first` on: [tokens.size() -
  /// first][vocabulary].
  std::vector<float> evaluate_all(std::span<const Token> tokens, size_t first);
  /// [vocabulary] after the last token of evaluate(); empty before the first.
  std::span<const float> logits() const;

  /// Forgets the tokens from `length` on.
  void truncate(uint32_t length);

  void cancel() noexcept { cancelled_ = true; }
  /// Whether cancel() was called; the answer resets it.
  bool take_cancel() noexcept { return cancelled_.exchange(false); }

 private:
  void allocate();
  void check_tokens(std::span<const Token> tokens) const;
  template <typename AfterChunk>
  void run_chunks(std::span<const Token> tokens, AfterChunk after_chunk);
  void run_body(std::span<const Token> tokens);
  void run_head(uint32_t first, uint32_t rows);
  void write_step(std::span<const Token> tokens);

  const vk::CommandList& body(uint32_t tokens);
  std::unique_ptr<vk::CommandList> record_body(uint32_t tokens);
  void record_layer(vk::CommandList& commands, size_t index, uint32_t tokens);
  void record_attention(vk::CommandList& commands, size_t index, uint32_t tokens);
  void record_feed_forward(vk::CommandList& commands, size_t index, uint32_t tokens);
  const vk::CommandList& head(uint32_t first, uint32_t rows);

  std::shared_ptr<const LoadedModel> model_;
  SessionPlan plan_;
  std::unique_ptr<KvCache> cache_;
  std::vector<vk::Buffer> scratch_;
  vk::Buffer logits_readback_;
  vk::BufferRange step_, rope_table_, attention_parts_;
  kernels::Vectors x_, normed_, q_, k_, v_, attended_, gate_, up_, logits_;

  std::map<uint32_t, std::unique_ptr<vk::CommandList>> bodies_;                      // by tokens
  std::map<std::pair<uint32_t, uint32_t>, std::unique_ptr<vk::CommandList>> heads_;  // by first row and rows
  std::vector<Token> tokens_;
  bool have_logits_ = false;
  std::atomic<bool> cancelled_{false};
};

}  // namespace motley::engine
