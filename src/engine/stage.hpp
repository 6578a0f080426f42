// One stage of a session: its part of the KV cache, its scratch, and the recorded commands that run it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/hand_off.hpp"
#include "engine/kernel_times.hpp"
#include "engine/kv_cache.hpp"
#include "engine/loaded_model.hpp"
#include "engine/session_plan.hpp"
#include "kernels/draw.hpp"
#include "vk/recorder.hpp"

namespace motley::engine {

using Token = int32_t;

/// How the token is drawn that follows the one started last.
struct Drawing {
  kernels::DrawRule rule;
  std::array<double, 2> chances{};  ///< what that draw is decided by, and the one behind it
  bool ahead = false;               ///< the device is to go on with the token that it draws
};

class Stage;

/// The next token of one of several sequences that are run together.
struct NextToken {
  Stage* stage;  ///< whose cache has the sequence
  Token token;
  uint32_t position;
};

/// For one thread at a time. The weights must outlive it.
class Stage {
 public:
  /// Tries the kernels for its cache on the device first. Throws as prepare_kernels does.
  Stage(const LoadedModel& model, const StageWeights& weights, const StagePlan& plan);
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  ~Stage() { device().settle(); }

  vk::Device& device() const { return weights_.device(); }
  const StagePlan& plan() const { return plan_; }
  /// The vectors that flow through the layers, [batch][embedding_stride]: what comes in, and what comes out.
  const vk::BufferRange& vectors() const { return x_.range; }
  /// Where the vectors come from and go to; null at the ends.
  void connect(HandOff* before, HandOff* behind);

  /// Starts the layers on tokens at `position`, which come and go through `slot` of the hand-offs. Nothing is
  /// left to start where the device is at this very token already, after draw().
  void start(std::span<const Token> tokens, uint32_t position, uint32_t slot);
  /// The same with one token of each of several sequences, in this stage's scratch: `next`, at most
  /// StagePlan::batch, are of stages of the same weights, this one first.
  void start_together(std::span<const NextToken> next, uint32_t slot);
  /// Waits for what was started.
  void wait();
  /// The logits after `rows` (at most StagePlan::head_rows) of the last started tokens, from number `first`
  /// on: [rows][vocabulary]. Waits. Of the last stage only.
  std::span<const float> run_head(uint32_t first, uint32_t rows);
  /// The likeliest tokens to follow the one started last, which was alone; nothing where the device cannot
  /// tell: then logits() may. Waits, but not for the step that the device goes on with. Of the last stage
  /// only; `ahead` of a stage that is the first as well, when the cache has room for one more token.
  std::optional<kernels::Likeliest> draw(const Drawing& drawing);
  /// What run_head() or draw() came to last.
  std::span<const float> logits(uint32_t rows);
  /// With StagePlan::time_kernels: what the kernels took that were waited for.
  const KernelTimes& kernel_times() const { return kernel_times_; }

 private:
  /// Commands that the device is working on.
  struct Running {
    const vk::CommandList* commands;
    bool decode;
    uint32_t position;
  };

  /// What a step runs: so many tokens, one after another of this stage's sequence, or one of each owner's.
  struct Rows {
    uint32_t count;
    std::vector<Stage*> owners;
  };

  /// What the matrices of a layer give, in the same memory for a chunk of tokens, each matrix' vectors in a
  /// place of their own, and for a single one, side by side as matrices that are one give them.
  struct Projected {
    kernels::Vectors q, k, v, gate, up;
  };

  void allocate();
  void place_projected(const vk::Buffer& heads, const vk::Buffer& feed_forward,
                       const vk::BufferRange& rounded);
  void write_step(std::span<const Token> tokens, uint32_t position);
  void submit(const vk::CommandList& body, uint32_t tokens, uint32_t position, uint32_t slot);

  const vk::CommandList& body(uint32_t tokens);
  const vk::CommandList& body_together(std::span<const NextToken> next);
  std::unique_ptr<vk::CommandList> record_body(const Rows& rows);
  void record_layer(vk::CommandList& commands, size_t index, const Rows& rows);
  const Projected& projected(uint32_t tokens) const { return tokens == 1 ? single_ : chunk_; }
  void record_projection(vk::CommandList& commands, const kernels::Weight& weight,
                         const vk::BufferRange& bias, const kernels::Vectors& to, uint32_t tokens);
  /// One token's products, side by side from `to` on.
  void record_projections(vk::CommandList& commands, const std::vector<Projection>& projections,
                          const vk::BufferRange& to);
  void record_attention(vk::CommandList& commands, size_t index, const Rows& rows);
  void record_attention_to_cache(vk::CommandList& commands, size_t index, const Rows& rows,
                                 const kernels::Forms& forms);
  void record_feed_forward(vk::CommandList& commands, size_t index, uint32_t tokens);
  const vk::CommandList& head(uint32_t first, uint32_t rows);
  void record_head(vk::CommandList& commands, uint32_t first, uint32_t rows, const kernels::Vectors& to);

  bool take_ahead(std::span<const Token> tokens, uint32_t position);
  void end_ahead();
  const vk::CommandList& draw_commands(uint32_t turn);
  std::unique_ptr<vk::CommandList> record_draw(uint32_t turn);
  void set_chance(uint32_t turn, double chance);
  bool can_go_ahead() const;
  uint64_t first_logit(uint32_t turn) const;

  const LoadedModel& model_;
  const StageWeights& weights_;
  kernels::Context context_;
  StagePlan plan_;
  HandOff* before_ = nullptr;
  HandOff* behind_ = nullptr;

  std::unique_ptr<KvCache> cache_;
  std::vector<vk::Buffer> scratch_;
  vk::Buffer logits_readback_;
  vk::BufferRange step_, rope_table_, attention_parts_;
  kernels::Vectors x_, normed_, attended_, logits_;
  Projected chunk_, single_;

  const uint64_t number_;                                        ///< no other stage ever has it
  std::map<uint32_t, std::unique_ptr<vk::CommandList>> bodies_;  // by tokens
  std::map<std::vector<uint64_t>, std::unique_ptr<vk::CommandList>> bodies_together_;  // by owners' numbers
  std::map<std::pair<uint32_t, uint32_t>, std::unique_ptr<vk::CommandList>> heads_;  // by first row and rows
  uint64_t submission_ = 0;
  uint32_t position_ = 0;  ///< of the first of the tokens started last
  bool decoding_ = false;  ///< what was started last is one token
  std::vector<Running> running_;
  KernelTimes kernel_times_;

  /// Steps that draw take turns: what one finds is read while the next runs. The turn is that of the step
  /// started last, if it draws.
  uint32_t turn_ = 0;
  bool drawn_ = false;             ///< its draw was submitted with it, by draw_rule_
  std::optional<uint64_t> ahead_;  ///< the submission of the step behind, on the token that it draws
  kernels::DrawRule draw_rule_;
  std::array<vk::BufferRange, 2> found_;
  std::array<std::unique_ptr<vk::CommandList>, 2> draws_;
  uint32_t logits_turn_ = 0;  ///< where the logits are that were computed last
  bool logits_read_ = true;   ///< they are in logits_readback_, where there is one
};

}  // namespace motley::engine
