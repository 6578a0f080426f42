// What the kinds of tokenizer have in common: plain text to tokens.
#pragma once

#include <string_view>
#include <vector>

#include "tokenizer/vocabulary.hpp"

namespace motley::tokenizer {

/// Turns text that holds no special tokens into tokens. Immutable.
class Encoder {
 public:
  virtual ~Encoder() = default;

  /// Appends the tokens of `text` (UTF-8, not empty, below 2 GiB) to `out`. `vocabulary` is the one it was
  /// made for.
  virtual void encode(const Vocabulary& vocabulary, std::string_view text, std::vector<Token>& out) const = 0;
};

}  // namespace motley::tokenizer
