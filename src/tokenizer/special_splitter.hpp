// Finding special tokens in a text before it is tokenized.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "tokenizer/vocabulary.hpp"

namespace motley::tokenizer {

/// A special token, or plain text between special tokens.
struct Fragment {
  static constexpr Token kPlainText = -1;
  Token token;            ///< kPlainText for plain text.
  std::string_view text;  ///< Not empty; a view into the text that was split.
};

/// Knows the control, unknown and user-defined tokens of a vocabulary.
class SpecialSplitter {
 public:
  explicit SpecialSplitter(const Vocabulary& vocabulary);

  /// Cuts out the tokens' texts: longer ones first, equally long ones in the order of their ids, each from
  /// left to right, so that what a longer one took is not there for a shorter one (the order llama.cpp has).
  /// User-defined tokens are always cut out, control and unknown tokens only when `parse_special`.
  std::vector<Fragment> split(std::string_view text, bool parse_special) const;

 private:
  struct Special {
    Token token;
    std::string_view text;
    bool always;            // user-defined: also found in text that is to be taken literally
    bool strips_following;  // the white space after it disappears
  };
  struct Node {
    int32_t special = -1;                                  // whose text ends here
    std::vector<std::pair<char, uint32_t>> children = {};  // few, so searched one by one
  };

  uint32_t child(uint32_t node, char byte) const;
  std::vector<bool> find_present(std::string_view text) const;

  std::vector<Special> specials_;  // longest text first
  std::vector<Node> nodes_;        // a prefix tree of their texts; node 0 is the root and nobody's child
};

}  // namespace motley::tokenizer
