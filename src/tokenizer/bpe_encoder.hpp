// Byte-level BPE: the bytes of each word, merged pair by pair in the order of the vocabulary's merges.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "tokenizer/encoder.hpp"
#include "tokenizer/pre_tokenizer.hpp"

namespace motley::tokenizer {

/// The merges of a vocabulary: two tokens that stand side by side become one.
class MergeTable {
 public:
  struct Merge {
    uint32_t rank;  ///< Merges of low rank come first.
    Token merged;
  };

  explicit MergeTable(size_t merges);
  /// Keeps the first of several merges of the same pair.
  void add(Token left, Token right, Merge merge);
  /// nullptr when the two do not merge.
  const Merge* find(Token left, Token right) const;

 private:
  struct Slot {
    uint64_t pair = kEmpty;
    Merge merge = {0, 0};
  };
  static constexpr uint64_t kEmpty = ~uint64_t{0};  // no pair of tokens, as ids are not negative
  size_t first_slot(uint64_t pair) const;

  // Open addressing with a power of two of slots, at most half of them used: a lookup touches one cache line,
  // and this is what encoding spends its time on.
  std::vector<Slot> slots_;
};

/// The tokenizers of GPT-2, Llama 3, Qwen and others (`tokenizer.ggml.model` = "gpt2").
class BpeEncoder final : public Encoder {
 public:
  /// Throws Error{kMalformedModel} for merges that are missing or name pieces that are not in the vocabulary,
  /// and Error{kUnsupported} for an unknown pre-tokenizer.
  BpeEncoder(const gguf::File& file, const Vocabulary& vocabulary);

  void encode(const Vocabulary& vocabulary, std::string_view text, std::vector<Token>& out) const override;

 private:
  struct Scratch;
  void encode_word(const Vocabulary& vocabulary, std::string_view word, Scratch& scratch,
                   std::vector<Token>& out) const;
  void push_pair(Scratch& scratch, int32_t left, int32_t right) const;

  PreTokenizer pre_tokenizer_;
  bool ignore_merges_;
  MergeTable merges_;
};

}  // namespace motley::tokenizer
