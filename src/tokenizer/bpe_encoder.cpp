#include "tokenizer/bpe_encoder.hpp"

#include <algorithm>
#include <bit>
#include <string>
#include <tuple>

#include "base/error.hpp"
#include "base/log.hpp"
#include "gguf/fields.hpp"
#include "gguf/file.hpp"
#include "tokenizer/byte_level.hpp"

namespace motley::tokenizer {
namespace {

constexpr const char* kMergesKey = "tokenizer.ggml.merges";

uint64_t pair_key(Token left, Token right) {
  return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}

Token piece_of_merge(const gguf::File& file, const Vocabulary& vocabulary, size_t merge,
                     std::string_view piece) {
  if (const std::optional<Token> token = vocabulary.find(piece)) return *token;
  fail(ErrorCode::kMalformedModel, "'{}': {}[{}] names \"{}\", which is none of the vocabulary's {} tokens",
       file.path().string(), kMergesKey, merge, gguf::escaped(piece), vocabulary.size());
}

MergeTable load_merges(const gguf::File& file, const Vocabulary& vocabulary) {
  const gguf::Array& merges = gguf::get_array(file, kMergesKey, gguf::ValueType::kString);
  MergeTable table(merges.size());
  std::string merged;
  for (size_t i = 0; i < merges.size(); ++i) {
    const std::string_view merge = merges.string_at(i);
    const size_t space = merge.find(' ', 1);
    if (space == std::string_view::npos || space + 1 == merge.size()) {
      fail(ErrorCode::kMalformedModel,
           "'{}': {}[{}] is \"{}\"; two pieces with a space between them are allowed", file.path().string(),
           kMergesKey, i, gguf::escaped(merge));
    }
    const std::string_view left = merge.substr(0, space);
    const std::string_view right = merge.substr(space + 1);
    merged.assign(left).append(right);
    const Token left_token = piece_of_merge(file, vocabulary, i, left);
    const Token right_token = piece_of_merge(file, vocabulary, i, right);
    const Token merged_token = piece_of_merge(file, vocabulary, i, merged);
    table.add(left_token, right_token, {static_cast<uint32_t>(i), merged_token});
  }
  return table;
}

const PreTokenizerSpec& choose_pre_tokenizer(const gguf::File& file) {
  if (file.find("tokenizer.ggml.pre") == nullptr) {
    log(LogLevel::kWarning,
        "'{}' does not name its pre-tokenizer (tokenizer.ggml.pre); the default one may be wrong",
        file.path().string());
  }
  return find_pre_tokenizer(file);
}

/// A token in a word that is being merged; a list, as merging takes out its members.
struct Symbol {
  Token token;  ///< kMergedAway when it became part of its left neighbour.
  int32_t previous;
  int32_t next;
};
constexpr Token kMergedAway = -2;
constexpr int32_t kNone = -1;

/// Two neighbours that could merge. Stale when either has changed since.
struct Candidate {
  uint32_t rank;
  int32_t left;
  int32_t right;
  Token left_token;
  Token right_token;
  Token merged;
};

/// std::push_heap keeps the largest at the front: the lowest rank, and the leftmost of equal ones.
bool comes_later(const Candidate& a, const Candidate& b) {
  return std::tie(a.rank, a.left) > std::tie(b.rank, b.left);
}

}  // namespace

MergeTable::MergeTable(size_t merges) : slots_(std::bit_ceil(2 * merges + 2)) {}

size_t MergeTable::first_slot(uint64_t pair) const {
  // splitmix64's finalizer (Steele, Lea, Flood 2014): the file chooses the pairs, so all bits must count.
  pair = (pair ^ (pair >> 30)) * 0xBF58476D1CE4E5B9U;
  pair = (pair ^ (pair >> 27)) * 0x94D049BB133111EBU;
  return static_cast<size_t>(pair ^ (pair >> 31)) & (slots_.size() - 1);
}

void MergeTable::add(Token left, Token right, Merge merge) {
  const uint64_t pair = pair_key(left, right);
  for (size_t i = first_slot(pair);; i = (i + 1) & (slots_.size() - 1)) {
    if (slots_[i].pair == pair) return;
    if (slots_[i].pair == kEmpty) {
      slots_[i] = {pair, merge};
      return;
    }
  }
}

const MergeTable::Merge* MergeTable::find(Token left, Token right) const {
  const uint64_t pair = pair_key(left, right);
  for (size_t i = first_slot(pair); slots_[i].pair != kEmpty; i = (i + 1) & (slots_.size() - 1)) {
    if (slots_[i].pair == pair) return &slots_[i].merge;
  }
  return nullptr;
}

/// Memory that is used again from word to word.
struct BpeEncoder::Scratch {
  std::vector<Symbol> symbols;
  std::vector<Candidate> heap;
  std::string spelling;
};

BpeEncoder::BpeEncoder(const gguf::File& file, const Vocabulary& vocabulary)
    : pre_tokenizer_(choose_pre_tokenizer(file)),
      ignore_merges_(find_pre_tokenizer(file).ignore_merges),
      merges_(load_merges(file, vocabulary)) {}

void BpeEncoder::encode(const Vocabulary& vocabulary, std::string_view text, std::vector<Token>& out) const {
  Scratch scratch;
  for (const std::string_view word : pre_tokenizer_.split(text)) {
    if (ignore_merges_ && word.size() <= vocabulary.longest_text_bytes()) {
      scratch.spelling.clear();
      append_byte_level(word, scratch.spelling);
      if (const std::optional<Token> token = vocabulary.find(scratch.spelling)) {
        out.push_back(*token);
        continue;
      }
    }
    encode_word(vocabulary, word, scratch, out);
  }
}

void BpeEncoder::push_pair(Scratch& scratch, int32_t left, int32_t right) const {
  if (left == kNone || right == kNone) return;
  const Token left_token = scratch.symbols[static_cast<size_t>(left)].token;
  const Token right_token = scratch.symbols[static_cast<size_t>(right)].token;
  if (const MergeTable::Merge* merge = merges_.find(left_token, right_token)) {
    scratch.heap.push_back({merge->rank, left, right, left_token, right_token, merge->merged});
    std::ranges::push_heap(scratch.heap, comes_later);
  }
}

void BpeEncoder::encode_word(const Vocabulary& vocabulary, std::string_view word, Scratch& scratch,
                             std::vector<Token>& out) const {
  std::vector<Symbol>& symbols = scratch.symbols;
  symbols.clear();
  for (const char byte : word) {
    const auto value = static_cast<uint8_t>(byte);
    const std::optional<Token> token = vocabulary.byte_token(value);
    if (!token && !vocabulary.special().unk) {
      fail(ErrorCode::kInvalidArgument, "the model's vocabulary has no token for byte 0x{:02X} of the text",
           value);
    }
    const auto i = static_cast<int32_t>(symbols.size());
    symbols.push_back({token ? *token : *vocabulary.special().unk, i - 1, i + 1});
  }
  symbols.back().next = kNone;
  for (int32_t i = 1; i < static_cast<int32_t>(symbols.size()); ++i) push_pair(scratch, i - 1, i);

  while (!scratch.heap.empty()) {
    std::ranges::pop_heap(scratch.heap, comes_later);
    const Candidate best = scratch.heap.back();
    scratch.heap.pop_back();
    Symbol& left = symbols[static_cast<size_t>(best.left)];
    Symbol& right = symbols[static_cast<size_t>(best.right)];
    if (left.token != best.left_token || right.token != best.right_token) continue;
    left.token = best.merged;
    left.next = right.next;
    right.token = kMergedAway;
    if (right.next != kNone) symbols[static_cast<size_t>(right.next)].previous = best.left;
    push_pair(scratch, left.previous, best.left);
    push_pair(scratch, best.left, left.next);
  }
  for (int32_t i = 0; i != kNone; i = symbols[static_cast<size_t>(i)].next) {
    out.push_back(symbols[static_cast<size_t>(i)].token);
  }
}

}  // namespace motley::tokenizer
