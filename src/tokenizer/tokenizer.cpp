#include "tokenizer/tokenizer.hpp"

#include <utility>

#include "base/error.hpp"
#include "gguf/fields.hpp"
#include "gguf/file.hpp"
#include "tokenizer/bpe_encoder.hpp"
#include "tokenizer/byte_level.hpp"
#include "tokenizer/spm_encoder.hpp"

namespace motley::tokenizer {
namespace {

constexpr std::string_view kSpaceMark = "\xE2\x96\x81";  // U+2581, SentencePiece's space
constexpr size_t kMaxTextBytes = size_t{1} << 30;  // three times as many with kSpaceMark, and ids of 32 bits

std::string mark_spaces(std::string_view text, bool prefix) {
  std::string out;
  out.reserve(text.size() + text.size() / 2);
  if (prefix) out += kSpaceMark;
  for (const char byte : text) {
    if (byte == ' ') {
      out += kSpaceMark;
    } else {
      out += byte;
    }
  }
  return out;
}

std::string unmark_spaces(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t mark = text.find(kSpaceMark);
    out += text.substr(0, mark);
    if (mark == std::string_view::npos) break;
    out += ' ';
    text.remove_prefix(mark + kSpaceMark.size());
  }
  return out;
}

std::unique_ptr<const Encoder> make_encoder(const gguf::File& file, const Vocabulary& vocabulary) {
  if (vocabulary.kind() == ModelKind::kSentencePiece) return std::make_unique<SpmEncoder>();
  return std::make_unique<BpeEncoder>(file, vocabulary);
}

}  // namespace

Tokenizer Tokenizer::load(const gguf::File& file) {
  Vocabulary vocabulary = Vocabulary::load(file);
  std::unique_ptr<const Encoder> encoder = make_encoder(file, vocabulary);
  const std::string* chat_template = gguf::find_string(file, "tokenizer.chat_template");
  return Tokenizer(std::move(vocabulary), std::move(encoder), chat_template == nullptr ? "" : *chat_template);
}

Tokenizer::Tokenizer(Vocabulary vocabulary, std::unique_ptr<const Encoder> encoder, std::string chat_template)
    : vocabulary_(std::move(vocabulary)),
      splitter_(vocabulary_),
      encoder_(std::move(encoder)),
      chat_template_(std::move(chat_template)) {}

std::vector<Token> Tokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  if (text.size() > kMaxTextBytes) {
    fail(ErrorCode::kInvalidArgument, "the text has {} bytes; at most {} can be tokenized at once",
         text.size(), kMaxTextBytes);
  }
  if (const std::optional<size_t> offset = find_invalid_utf8(text)) {
    fail(ErrorCode::kInvalidArgument, "the text is not UTF-8: byte {} (0x{:02X}) is part of no character",
         *offset, static_cast<uint8_t>(text[*offset]));
  }
  std::vector<Token> out;
  if (options.add_special && adds_bos()) out.push_back(*bos());
  bool after_special = true;
  for (const Fragment& fragment : splitter_.split(text, options.parse_special)) {
    if (fragment.token != Fragment::kPlainText) {
      out.push_back(fragment.token);
    } else if (vocabulary_.kind() == ModelKind::kSentencePiece) {
      const bool prefix = after_special && vocabulary_.add_space_prefix();
      encoder_->encode(vocabulary_, mark_spaces(fragment.text, prefix), out);
    } else {
      encoder_->encode(vocabulary_, fragment.text, out);
    }
    after_special = fragment.token != Fragment::kPlainText;
  }
  if (options.add_special && adds_eos()) out.push_back(*eos());
  return out;
}

std::string Tokenizer::piece(Token token, bool render_special) const {
  check(token);
  const TokenType type = vocabulary_.type(token);
  const std::string_view spelling = vocabulary_.text(token);
  switch (type) {
    case TokenType::kControl:
    case TokenType::kUnknown:
      return std::string(render_special ? spelling : std::string_view());
    case TokenType::kUserDefined:
      return std::string(spelling);
    case TokenType::kByte:
      return std::string(1, static_cast<char>(vocabulary_.byte_value(token).value()));
    case TokenType::kNormal:
      return vocabulary_.kind() == ModelKind::kSentencePiece ? unmark_spaces(spelling)
                                                             : from_byte_level(spelling);
    case TokenType::kUndefined:
    case TokenType::kUnused:
      return {};
  }
  return {};
}

std::string Tokenizer::decode(std::span<const Token> tokens, bool render_special) const {
  std::string out;
  bool at_start = true;  // of a text that encode() would have put a space before
  for (const Token token : tokens) {
    const std::string bytes = piece(token, render_special);
    const bool skip =
        at_start && vocabulary_.add_space_prefix() && !is_split_off(token) && bytes.starts_with(' ');
    out.append(bytes, skip ? 1 : 0);
    at_start = is_split_off(token);
  }
  return out;
}

std::string_view Tokenizer::text(Token token) const {
  check(token);
  return vocabulary_.text(token);
}

void Tokenizer::check(Token token) const {
  if (!vocabulary_.contains(token)) {
    fail(ErrorCode::kInvalidArgument, "there is no token {}: the vocabulary has {} tokens, 0 to {}", token,
         size(), size() - 1);
  }
}

bool Tokenizer::is_split_off(Token token) const {
  const TokenType type = vocabulary_.type(token);
  return type == TokenType::kControl || type == TokenType::kUnknown || type == TokenType::kUserDefined;
}

}  // namespace motley::tokenizer
