#include "tokenizer/spm_encoder.hpp"

#include <algorithm>
#include <cstdint>

#include "base/error.hpp"
#include "tokenizer/utf8.hpp"

namespace motley::tokenizer {
namespace {

constexpr int32_t kNone = -1;

/// A run of the text that will become one token; a list, as merging takes out its members.
struct Symbol {
  uint32_t offset_bytes;
  uint32_t size_bytes;  ///< 0 when it became part of its left neighbour.
  int32_t previous;
  int32_t next;
};

/// Two neighbours that together are a piece. Stale when either has changed since, which the size shows.
struct Candidate {
  float score;
  int32_t left;
  int32_t right;
  uint32_t size_bytes;
};

/// std::push_heap keeps the largest at the front: the highest score, and the leftmost of equal ones.
bool comes_later(const Candidate& a, const Candidate& b) {
  return a.score < b.score || (a.score == b.score && a.left > b.left);
}

/// One text being encoded.
class Merging {
 public:
  Merging(const Vocabulary& vocabulary, std::string_view text) : vocabulary_(vocabulary), text_(text) {
    for (size_t i = 0; i < text.size();) {
      const size_t size_bytes = first_utf8_unit(text.substr(i)).size_bytes;
      const auto index = static_cast<int32_t>(symbols_.size());
      symbols_.push_back({static_cast<uint32_t>(i), static_cast<uint32_t>(size_bytes), index - 1, index + 1});
      i += size_bytes;
    }
    symbols_.back().next = kNone;
  }

  void run() {
    for (int32_t i = 1; i < static_cast<int32_t>(symbols_.size()); ++i) push_pair(i - 1, i);
    while (!heap_.empty()) {
      std::ranges::pop_heap(heap_, comes_later);
      const Candidate best = heap_.back();
      heap_.pop_back();
      Symbol& left = symbol(best.left);
      Symbol& right = symbol(best.right);
      if (left.size_bytes == 0 || right.size_bytes == 0 ||
          left.size_bytes + right.size_bytes != best.size_bytes) {
        continue;
      }
      left.size_bytes = best.size_bytes;
      left.next = right.next;
      right.size_bytes = 0;
      if (right.next != kNone) symbol(right.next).previous = best.left;
      push_pair(left.previous, best.left);
      push_pair(best.left, left.next);
    }
  }

  void append_tokens(std::vector<Token>& out) {
    for (int32_t i = 0; i != kNone; i = symbol(i).next) {
      const std::string_view piece = text_.substr(symbol(i).offset_bytes, symbol(i).size_bytes);
      if (const std::optional<Token> token = vocabulary_.find(piece)) {
        out.push_back(*token);
      } else {
        append_bytes(piece, out);
      }
    }
  }

 private:
  Symbol& symbol(int32_t index) { return symbols_[static_cast<size_t>(index)]; }

  void push_pair(int32_t left, int32_t right) {
    if (left == kNone || right == kNone) return;
    const uint32_t size_bytes = symbol(left).size_bytes + symbol(right).size_bytes;
    if (size_bytes > vocabulary_.longest_text_bytes()) return;
    const std::optional<Token> token = vocabulary_.find(text_.substr(symbol(left).offset_bytes, size_bytes));
    if (!token) return;
    heap_.push_back({vocabulary_.score(*token), left, right, size_bytes});
    std::ranges::push_heap(heap_, comes_later);
  }

  void append_bytes(std::string_view character, std::vector<Token>& out) const {
    const size_t before = out.size();
    for (const char byte : character) {
      const std::optional<Token> token = vocabulary_.byte_token(static_cast<uint8_t>(byte));
      if (!token) {
        out.resize(before);
        out.push_back(vocabulary_.special().unk.value());  // SentencePiece vocabularies always have one.
        return;
      }
      out.push_back(*token);
    }
  }

  const Vocabulary& vocabulary_;
  std::string_view text_;
  std::vector<Symbol> symbols_;
  std::vector<Candidate> heap_;
};

}  // namespace

void SpmEncoder::encode(const Vocabulary& vocabulary, std::string_view text, std::vector<Token>& out) const {
  Merging merging(vocabulary, text);
  merging.run();
  merging.append_tokens(out);
}

}  // namespace motley::tokenizer
