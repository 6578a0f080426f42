// SentencePiece BPE: characters merged into pieces, the best-scored piece first.
#pragma once

#include "tokenizer/encoder.hpp"

namespace motley::tokenizer {

/// The tokenizers of Llama 1 and 2, Mistral, Gemma, Phi-3 and others (`tokenizer.ggml.model` = "llama").
class SpmEncoder final : public Encoder {
 public:
  /// Spaces must have become U+2581 already. Characters that are no piece become their byte tokens, or the
  /// unknown token where the vocabulary lacks one of these.
  void encode(const Vocabulary& vocabulary, std::string_view text, std::vector<Token>& out) const override;
};

}  // namespace motley::tokenizer
