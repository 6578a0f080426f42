// The tokens of a model and what its metadata say about them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace motley::gguf {
class File;
}

namespace motley::tokenizer {

using Token = int32_t;

/// Numbers as in `tokenizer.ggml.token_type`.
enum class TokenType : uint8_t {
  kUndefined = 0,
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6
};

/// The tokenizers known, by `tokenizer.ggml.model`.
enum class ModelKind {
  kSentencePiece,  ///< "llama": pieces merged by score, U+2581 for spaces, byte tokens `<0xNN>`.
  kByteLevelBpe    ///< "gpt2": pieces merged by rank, one printable character for each byte.
};

struct SpecialTokens {
  std::optional<Token> bos, eos, eot, unk, pad;
};

/// The checked vocabulary of a file. Immutable; movable, and views of its texts stay valid when it is moved.
class Vocabulary {
 public:
  /// Throws Error{kMalformedModel} when arrays have the wrong element type or differ in length, a byte token
  /// is malformed or a special token's id (given or by default) is out of range; Error{kUnsupported} for
  /// another model.
  static Vocabulary load(const gguf::File& file);

  ModelKind kind() const { return kind_; }
  size_t size() const { return types_.size(); }
  bool contains(Token token) const { return token >= 0 && static_cast<size_t>(token) < size(); }

  /// Of tokens that the vocabulary contains.
  std::string_view text(Token token) const {
    const auto i = static_cast<size_t>(token);
    return {texts_.get() + ends_[i], ends_[i + 1] - ends_[i]};
  }
  TokenType type(Token token) const { return types_[static_cast<size_t>(token)]; }
  /// 0 when the file has no scores.
  float score(Token token) const { return scores_.empty() ? 0.0F : scores_[static_cast<size_t>(token)]; }

  /// The token of that text, the first where several have it; nothing when there is none.
  std::optional<Token> find(std::string_view text) const;
  /// Length of the longest text, in bytes.
  size_t longest_text_bytes() const { return longest_text_bytes_; }

  /// The token that stands for one byte of text: `<0xNN>` or the byte itself (SentencePiece), or the byte's
  /// character (byte-level BPE); nothing when the vocabulary has none.
  std::optional<Token> byte_token(uint8_t byte) const;

  /// The byte that a token of type kByte stands for; nothing for others.
  std::optional<uint8_t> byte_value(Token token) const;

  const SpecialTokens& special() const { return special_; }
  bool is_end_of_generation(Token token) const;
  bool add_bos() const { return add_bos_; }
  bool add_eos() const { return add_eos_; }
  /// A SentencePiece text starts with a space that the user did not type.
  bool add_space_prefix() const { return add_space_prefix_; }
  /// White space that follows this special token in a text disappears.
  bool strips_space_after(Token token) const;

 private:
  Vocabulary() = default;
  void load_texts(const gguf::File& file);
  void load_scores(const gguf::File& file);
  void load_types(const gguf::File& file);
  void index_bytes(const gguf::File& file);
  void load_special_ids(const gguf::File& file);
  void load_flags(const gguf::File& file);
  void mark_end_of_generation();

  ModelKind kind_ = ModelKind::kSentencePiece;
  std::unique_ptr<char[]> texts_;  // one after the other; token i ends at ends_[i + 1]
  std::vector<size_t> ends_;
  std::vector<float> scores_;
  std::vector<TokenType> types_;
  std::unordered_map<std::string_view, Token> ids_;
  size_t longest_text_bytes_ = 0;
  std::array<Token, 256> byte_tokens_{};  // -1 where there is none
  SpecialTokens special_;
  std::vector<Token> end_of_generation_;
  bool add_bos_ = false;
  bool add_eos_ = false;
  bool add_space_prefix_ = false;
  bool strips_space_after_specials_ = false;
};

}  // namespace motley::tokenizer
