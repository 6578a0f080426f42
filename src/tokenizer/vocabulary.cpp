#include "tokenizer/vocabulary.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "base/error.hpp"
#include "gguf/fields.hpp"
#include "gguf/file.hpp"
#include "tokenizer/byte_level.hpp"
#include "tokenizer/pre_tokenizer.hpp"

namespace motley::tokenizer {
namespace {

constexpr const char* kTokensKey = "tokenizer.ggml.tokens";
constexpr const char* kScoresKey = "tokenizer.ggml.scores";
constexpr const char* kTypesKey = "tokenizer.ggml.token_type";

/// Texts of tokens that end an answer, for files that name no EOT token or leave out one of several
/// (as llama.cpp's llama-vocab.cpp lists them). The first `is_turn_end` text present serves as EOT.
struct EndText {
  std::string_view text;
  bool is_turn_end;
};
constexpr EndText kEndTexts[] = {
    {"<|eot_id|>", true},             // Llama 3
    {"<|im_end|>", true},             // ChatML: Qwen, Yi
    {"<|end|>", true},                // Phi-3
    {"<end_of_turn>", true},          // Gemma
    {"<|endoftext|>", true},          // GPT-2, base models of Qwen
    {"<|end_of_text|>", true},        // Granite
    {"<EOT>", true},                  // CodeGemma
    {"_<EOT>", true},                 //
    {"[EOT]", true},                  // Kimi
    {"<｜end▁of▁sentence｜>", true},  // DeepSeek
    {"<end_of_utterance>", true},     // SmolDocling
    {"</s>", false},
    {"<|eom_id|>", false},
    {"<eos>", false},
    {"[EOS]", false},
    {"<|fim_pad|>", false},  // Qwen's padding and separators between files: nothing useful follows
    {"<|repo_name|>", false},
    {"<|file_sep|>", false},
};

/// Every metadata key that holds a token's id (gguf-py's constants.py). All are checked.
struct IdKey {
  const char* key;
  bool ends_generation;
};
constexpr IdKey kIdKeys[] = {
    {"tokenizer.ggml.bos_token_id", false},     {"tokenizer.ggml.eos_token_id", true},
    {"tokenizer.ggml.eot_token_id", true},      {"tokenizer.ggml.eom_token_id", true},
    {"tokenizer.ggml.unknown_token_id", false}, {"tokenizer.ggml.seperator_token_id", false},
    {"tokenizer.ggml.padding_token_id", false}, {"tokenizer.ggml.cls_token_id", false},
    {"tokenizer.ggml.mask_token_id", false},    {"tokenizer.ggml.fim_pre_token_id", false},
    {"tokenizer.ggml.fim_suf_token_id", false}, {"tokenizer.ggml.fim_mid_token_id", false},
    {"tokenizer.ggml.fim_pad_token_id", true},  {"tokenizer.ggml.fim_rep_token_id", true},
    {"tokenizer.ggml.fim_sep_token_id", true},  {"tokenizer.ggml.prefix_token_id", false},
    {"tokenizer.ggml.suffix_token_id", false},  {"tokenizer.ggml.middle_token_id", false},
};

template <typename... Args>
[[noreturn]] void fail_malformed(const gguf::File& file, fmt::format_string<Args...> format, Args&&... args) {
  fail(ErrorCode::kMalformedModel, "'{}': {}", file.path().string(),
       fmt::format(format, std::forward<Args>(args)...));
}

ModelKind load_kind(const gguf::File& file) {
  const std::string* model = gguf::find_string(file, "tokenizer.ggml.model");
  if (model == nullptr) {
    fail_malformed(file, "there is no tokenizer.ggml.model: the file holds no vocabulary");
  }
  if (*model == "llama") return ModelKind::kSentencePiece;
  if (*model == "gpt2") return ModelKind::kByteLevelBpe;
  fail(ErrorCode::kUnsupported, "'{}': tokenizer.ggml.model is \"{}\"; supported are \"llama\" and \"gpt2\"",
       file.path().string(), gguf::escaped(*model));
}

/// GGUF has no place for a token's `rstrip` flag, so the model's name must tell, as it does for llama.cpp.
bool is_phi3(const gguf::File& file) {
  const std::string* name = gguf::find_string(file, "general.name");
  if (name == nullptr) return false;
  std::string lower = *name;
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower.find("phi-3") != std::string::npos || lower.find("phi3") != std::string::npos;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

/// The byte of `<0xNN>`; nothing for any other text.
std::optional<uint8_t> parse_byte_token(std::string_view text) {
  if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>') return std::nullopt;
  const int high = hex_digit(text[3]);
  const int low = hex_digit(text[4]);
  if (high < 0 || low < 0) return std::nullopt;
  return static_cast<uint8_t>(high * 16 + low);
}

}  // namespace

Vocabulary Vocabulary::load(const gguf::File& file) {
  Vocabulary vocabulary;
  vocabulary.kind_ = load_kind(file);
  vocabulary.load_texts(file);
  vocabulary.load_scores(file);
  vocabulary.load_types(file);
  vocabulary.index_bytes(file);
  vocabulary.load_special_ids(file);
  vocabulary.load_flags(file);
  vocabulary.mark_end_of_generation();
  return vocabulary;
}

void Vocabulary::load_texts(const gguf::File& file) {
  const gguf::Array& tokens = gguf::get_array(file, kTokensKey, gguf::ValueType::kString);
  const size_t count = tokens.size();
  if (count == 0 || count > static_cast<size_t>(std::numeric_limits<Token>::max())) {
    fail_malformed(file, "{} has {} elements; 1 to {} are allowed", kTokensKey, count,
                   std::numeric_limits<Token>::max());
  }
  ends_.reserve(count + 1);
  ends_.push_back(0);
  for (size_t i = 0; i < count; ++i) ends_.push_back(ends_.back() + tokens.string_at(i).size());
  texts_ = std::make_unique_for_overwrite<char[]>(ends_.back());
  types_.assign(count, TokenType::kNormal);
  ids_.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    const std::string_view source = tokens.string_at(i);
    if (source.empty()) continue;  // Can never be found in a text.
    std::memcpy(texts_.get() + ends_[i], source.data(), source.size());
    ids_.try_emplace(text(static_cast<Token>(i)), static_cast<Token>(i));
    longest_text_bytes_ = std::max(longest_text_bytes_, source.size());
  }
}

void Vocabulary::load_scores(const gguf::File& file) {
  const gguf::Array* scores = gguf::find_array(file, kScoresKey, gguf::ValueType::kFloat32);
  if (scores == nullptr) {
    if (kind_ == ModelKind::kByteLevelBpe) return;
    fail_malformed(file, "{} is missing: a SentencePiece vocabulary cannot be used without", kScoresKey);
  }
  if (scores->size() != size()) {
    fail_malformed(file, "{} has {} elements but {} has {}; they must be equal", kScoresKey, scores->size(),
                   kTokensKey, size());
  }
  scores_.reserve(size());
  for (size_t i = 0; i < size(); ++i) {
    const auto score = static_cast<float>(scores->float_at(i).value());
    if (std::isnan(score)) fail_malformed(file, "{}[{}] is not a number", kScoresKey, i);
    scores_.push_back(score);
  }
}

void Vocabulary::load_types(const gguf::File& file) {
  const gguf::Array* types = gguf::find_array(file, kTypesKey, gguf::ValueType::kInt32);
  if (types == nullptr) return;
  if (types->size() != size()) {
    fail_malformed(file, "{} has {} elements but {} has {}; they must be equal", kTypesKey, types->size(),
                   kTokensKey, size());
  }
  for (size_t i = 0; i < size(); ++i) {
    const int64_t type = types->int_at(i).value();
    if (type < 0 || type > static_cast<int64_t>(TokenType::kByte)) {
      fail_malformed(file, "{}[{}] is {}; 0 to 6 are allowed", kTypesKey, i, type);
    }
    types_[i] = static_cast<TokenType>(type);
  }
}

void Vocabulary::index_bytes(const gguf::File& file) {
  byte_tokens_.fill(-1);
  for (uint32_t byte = 0; byte < 256; ++byte) {
    const auto value = static_cast<uint8_t>(byte);
    const char raw = static_cast<char>(value);
    std::optional<Token> token;
    if (kind_ == ModelKind::kByteLevelBpe) {
      token = find(byte_level_text(value));
    } else {
      token = find(fmt::format("<0x{:02X}>", byte));
      if (!token) token = find(std::string_view(&raw, 1));
    }
    if (token) byte_tokens_[byte] = *token;
  }
  for (size_t i = 0; i < size(); ++i) {
    if (types_[i] != TokenType::kByte) continue;
    const std::string_view spelling = text(static_cast<Token>(i));
    if (!parse_byte_token(spelling)) {
      fail_malformed(file, "{}[{}] is a byte token but reads \"{}\"; \"<0x00>\" to \"<0xFF>\" are allowed",
                     kTokensKey, i, gguf::escaped(spelling));
    }
  }
}

void Vocabulary::load_special_ids(const gguf::File& file) {
  for (const IdKey& row : kIdKeys) {
    const std::optional<int64_t> id = gguf::find_int(file, row.key);
    if (!id) continue;
    if (*id < 0 || *id >= static_cast<int64_t>(size())) {
      fail_malformed(file, "{} is {}, but the vocabulary has {} tokens; 0 to {} are allowed", row.key, *id,
                     size(), size() - 1);
    }
    if (row.ends_generation) end_of_generation_.push_back(static_cast<Token>(*id));
  }
  const auto id_or = [&](const char* key, std::optional<Token> otherwise) -> std::optional<Token> {
    if (const std::optional<int64_t> id = gguf::find_int(file, key)) return static_cast<Token>(*id);
    if (otherwise && !contains(*otherwise)) {
      fail_malformed(file, "{} is missing and its default {} lies outside the vocabulary of {} tokens", key,
                     *otherwise, size());
    }
    return otherwise;
  };
  // SentencePiece fixes the first three; byte-level vocabularies have no common order.
  const bool fixed = kind_ == ModelKind::kSentencePiece;
  special_.unk = id_or("tokenizer.ggml.unknown_token_id", fixed ? std::optional<Token>(0) : std::nullopt);
  special_.bos = id_or("tokenizer.ggml.bos_token_id", fixed ? std::optional<Token>(1) : std::nullopt);
  special_.eos = id_or("tokenizer.ggml.eos_token_id", fixed ? std::optional<Token>(2) : std::nullopt);
  special_.pad = id_or("tokenizer.ggml.padding_token_id", std::nullopt);
  special_.eot = id_or("tokenizer.ggml.eot_token_id", std::nullopt);
}

void Vocabulary::load_flags(const gguf::File& file) {
  const bool sentence_piece = kind_ == ModelKind::kSentencePiece;
  const bool default_add_bos = sentence_piece || find_pre_tokenizer(file).add_bos;
  add_bos_ = gguf::find_bool(file, "tokenizer.ggml.add_bos_token").value_or(default_add_bos);
  add_eos_ = gguf::find_bool(file, "tokenizer.ggml.add_eos_token").value_or(false);
  add_space_prefix_ =
      gguf::find_bool(file, "tokenizer.ggml.add_space_prefix").value_or(true) && sentence_piece;
  strips_space_after_specials_ = is_phi3(file);
  if (add_bos_ && !special_.bos) {
    fail_malformed(file, "texts are to start with BOS, but tokenizer.ggml.bos_token_id is missing");
  }
  if (add_eos_ && !special_.eos) {
    fail_malformed(file, "texts are to end with EOS, but tokenizer.ggml.eos_token_id is missing");
  }
}

void Vocabulary::mark_end_of_generation() {
  for (const EndText& end : kEndTexts) {
    const std::optional<Token> token = find(end.text);
    if (!token) continue;
    // Some converters call these tokens normal; as plain text they would be printed and found in prompts.
    types_[static_cast<size_t>(*token)] = TokenType::kControl;
    end_of_generation_.push_back(*token);
    if (end.is_turn_end && !special_.eot) special_.eot = token;
  }
  if (special_.eos) end_of_generation_.push_back(*special_.eos);
  if (special_.eot) end_of_generation_.push_back(*special_.eot);
}

std::optional<Token> Vocabulary::find(std::string_view text) const {
  const auto found = ids_.find(text);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

std::optional<uint8_t> Vocabulary::byte_value(Token token) const {
  return type(token) == TokenType::kByte ? parse_byte_token(text(token)) : std::nullopt;
}

std::optional<Token> Vocabulary::byte_token(uint8_t byte) const {
  const Token token = byte_tokens_[byte];
  return token < 0 ? std::nullopt : std::optional<Token>(token);
}

bool Vocabulary::strips_space_after(Token token) const {
  // Phi-3's tokenizer.json sets `rstrip` on all special tokens but these three.
  const std::string_view spelling = text(token);
  return strips_space_after_specials_ && spelling != "<unk>" && spelling != "<s>" &&
         spelling != "<|endoftext|>";
}

bool Vocabulary::is_end_of_generation(Token token) const {
  return std::ranges::find(end_of_generation_, token) != end_of_generation_.end();
}

}  // namespace motley::tokenizer
