// Text to tokens and back, from what a GGUF file says about its vocabulary.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/encoder.hpp"
#include "tokenizer/special_splitter.hpp"
#include "tokenizer/utf8.hpp"
#include "tokenizer/vocabulary.hpp"

namespace motley::gguf {
class File;
}

namespace motley::tokenizer {

struct EncodeOptions {
  bool add_special = true;    ///< Puts BOS before and EOS after the text where the metadata says so.
  bool parse_special = true;  ///< Texts of control tokens (`<|eot_id|>`) become those tokens, not plain text.
};

/// A SentencePiece (`llama`) or byte-level BPE (`gpt2`) tokenizer. Immutable, so that any number of threads
/// may share one; movable. Its ids equal those of llama.cpp for the same file (pre_tokenizer.cpp names one
/// exception).
class Tokenizer {
 public:
  /// Reads the `tokenizer.*` metadata; no tensor is touched, so files that hold only a vocabulary will do.
  /// Throws Error{kMalformedModel} for metadata that contradict themselves and Error{kUnsupported} for
  /// tokenizer models or pre-tokenizers that are not built in, with the list of those that are.
  static Tokenizer load(const gguf::File& file);

  /// The tokens of `text`, at most 1 GiB of UTF-8. User-defined tokens are found whatever the options say.
  /// Throws Error{kInvalidArgument} naming the byte offset where `text` is no UTF-8, or naming the byte for
  /// which the vocabulary has no token.
  std::vector<Token> encode(std::string_view text, const EncodeOptions& options = {}) const;

  /// The bytes of one token as it stands in running text; they may be a part of a UTF-8 character (see
  /// Utf8Stream). Control and unknown tokens have none unless `render_special`, which gives their names.
  /// Throws Error{kInvalidArgument} for an id outside the vocabulary.
  std::string piece(Token token, bool render_special = false) const;

  /// The text of a whole sequence: the inverse of encode(). The space that a SentencePiece tokenizer puts
  /// before a text (and after every special token) is taken away again; otherwise it is the pieces one after
  /// the other.
  std::string decode(std::span<const Token> tokens, bool render_special = false) const;

  /// Number of tokens; ids run from 0 to size() - 1.
  size_t size() const { return vocabulary_.size(); }
  std::optional<Token> bos() const { return vocabulary_.special().bos; }
  std::optional<Token> eos() const { return vocabulary_.special().eos; }
  std::optional<Token> eot() const { return vocabulary_.special().eot; }
  std::optional<Token> unk() const { return vocabulary_.special().unk; }
  std::optional<Token> pad() const { return vocabulary_.special().pad; }
  bool adds_bos() const {
    return vocabulary_.add_bos();
  }  ///< encode() starts with BOS, when asked for specials.
  bool adds_eos() const { return vocabulary_.add_eos(); }

  /// EOS, EOT and every token whose text is known to end an answer (`<|im_end|>`, `<end_of_turn>`, `</s>`
  /// ...).
  bool is_end_of_generation(Token token) const { return vocabulary_.is_end_of_generation(token); }

  /// A token's text as the vocabulary spells it ("▁Hello", "Ġworld"). Throws Error{kInvalidArgument} for an
  /// id outside the vocabulary.
  std::string_view text(Token token) const;
  /// The token of that spelling, or nothing.
  std::optional<Token> find(std::string_view text) const { return vocabulary_.find(text); }
  /// `tokenizer.chat_template`; empty when the file has none.
  const std::string& chat_template() const { return chat_template_; }

 private:
  Tokenizer(Vocabulary vocabulary, std::unique_ptr<const Encoder> encoder, std::string chat_template);

  void check(Token token) const;
  bool is_split_off(Token token) const;

  Vocabulary vocabulary_;
  SpecialSplitter splitter_;
  std::unique_ptr<const Encoder> encoder_;
  std::string chat_template_;
};

}  // namespace motley::tokenizer
