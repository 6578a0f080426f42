// Drawing the likeliest tokens as a generation does, with what the device found and with steps begun ahead.
#pragma once

#include <algorithm>

#include "engine/session.hpp"

namespace motley::test {

class GreedyDrawer {
 public:
  /// The session holds tokens, after which the first is drawn.
  explicit GreedyDrawer(engine::Session& session) : session_(session) {}

  /// The likeliest token to follow what the session holds.
  engine::Token draw() const {
    if (!likeliest_.empty()) return static_cast<engine::Token>(likeliest_.front().first);
    const auto logits = session_.logits();
    return static_cast<engine::Token>(std::ranges::max_element(logits) - logits.begin());
  }
  /// Appends a token.
  void evaluate(engine::Token token) {
    likeliest_ = session_.evaluate_to_draw(token, {{}, {}, true}).value_or(kernels::Likeliest());
  }

 private:
  engine::Session& session_;
  kernels::Likeliest likeliest_;  // none: the logits tell
};

}  // namespace motley::test
