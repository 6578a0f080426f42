// Tokens drawn on the device, which goes on with them before the host has seen them. The host decides: it
// draws again from what the device found, and the step behind counts only when both drew the same token.
#include <bit>
#include <utility>

#include "engine/stage.hpp"
#include "kernels/top_k.hpp"
#include "params/step.h"

namespace motley::engine {

/// Whether the step behind the one started last is the one wanted: then it is the one started last. Else what
/// the device does ahead is waited for, as it reads and writes the step buffer.
bool Stage::take_ahead(std::span<const Token> tokens, uint32_t position) {
  if (!ahead_.has_value()) return false;
  submission_ = *std::exchange(ahead_, std::nullopt);
  const auto token = static_cast<Token>(kernels::read_drawn(found_[turn_].buffer->mapped_as<uint32_t>()));
  if (tokens.size() == 1 && tokens[0] == token && position == position_ + 1) {
    turn_ ^= 1U;
    position_ = position;
    return true;
  }
  device().wait(submission_);
  return false;
}

/// Waits for what the device does ahead, which is not wanted.
void Stage::end_ahead() {
  take_ahead({}, 0);
  drawn_ = false;
}

std::optional<kernels::Likeliest> Stage::draw(const Drawing& drawing) {
  const bool other_rule = drawn_ && drawing.rule != draw_rule_;  // the step buffer is ahead already
  if (!drawn_ || other_rule) {
    if (drawing.rule != draw_rule_) {
      device().wait(submission_);
      draws_ = {};
      draw_rule_ = drawing.rule;
    }
    set_chance(turn_, drawing.chances[0]);
    const vk::CommandList& commands = draw_commands(turn_);
    submission_ = device().submit(commands);
    running_.push_back({&commands, decoding_, 0});
  }
  if (drawing.ahead && !other_rule && can_go_ahead()) {
    set_chance(turn_ ^ 1U, drawing.chances[1]);
    const vk::CommandList* const lists[] = {&body(1), &draw_commands(turn_ ^ 1U)};
    ahead_ = device().submit(lists);
  }
  wait();
  logits_turn_ = turn_;
  logits_read_ = false;
  return kernels::read_top_k(found_[turn_].buffer->mapped_as<uint32_t>(), draw_rule_.top_k);
}

const vk::CommandList& Stage::draw_commands(uint32_t turn) {
  if (draws_[turn] == nullptr) draws_[turn] = record_draw(turn);
  return *draws_[turn];
}

std::unique_ptr<vk::CommandList> Stage::record_draw(uint32_t turn) {
  const uint32_t vocabulary = model_.config().vocabulary;
  auto commands = std::make_unique<vk::CommandList>(device(), plan_.time_kernels);
  const vk::BufferRange logits(*logits_.range.buffer, first_logit(turn) * sizeof(float),
                               vocabulary * sizeof(float));
  record_head(*commands, 0, 1, {logits, logits_.stride});
  kernels::top_k(context_, *commands, logits, vocabulary, draw_rule_.top_k, found_[turn]);
  kernels::draw(context_, *commands, draw_rule_, cache_->layer(0), step_, turn, found_[turn]);
  commands->finish();
  return commands;
}

void Stage::set_chance(uint32_t turn, double chance) {
  step_.buffer->mapped_as<uint32_t>()[shaders::STEP_CHANCES + turn] =
      std::bit_cast<uint32_t>(static_cast<float>(chance));
}

/// Lists that are timed cannot run twice at once, and each turn has logits of its own.
bool Stage::can_go_ahead() const {
  const uint32_t vocabulary = model_.config().vocabulary;
  return !plan_.time_kernels && first_logit(1) + vocabulary <= uint64_t{plan_.head_rows} * vocabulary;
}

uint64_t Stage::first_logit(uint32_t turn) const { return turn * next_row(model_.config().vocabulary); }

}  // namespace motley::engine
