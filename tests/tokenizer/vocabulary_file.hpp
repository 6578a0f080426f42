// Small vocabularies, as the GGUF files that hold them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gguf/file.hpp"
#include "gguf/source.hpp"
#include "gguf/writer.hpp"
#include "tokenizer/byte_level.hpp"
#include "tokenizer/tokenizer.hpp"

namespace motley::test {

/// Collects tokens and writes them as a file in memory; a member that is left empty is left out of the file.
struct VocabularyFile {
  std::string model;
  std::vector<std::string> tokens;
  std::vector<float> scores;
  std::vector<int32_t> types;
  std::vector<std::string> merges;
  gguf::Writer extra = gguf::Writer();  ///< Further metadata.

  /// Adds a token; `type` is a number of tokenizer.ggml.token_type (1 normal, 3 control, 4 user-defined, 6
  /// byte).
  tokenizer::Token add(std::string_view text, int32_t type = 1, float score = 0.0F) {
    tokens.emplace_back(text);
    types.push_back(type);
    scores.push_back(score);
    return static_cast<tokenizer::Token>(tokens.size() - 1);
  }

  gguf::File open() const {
    gguf::Writer writer = extra;
    if (!model.empty()) writer.add("tokenizer.ggml.model", model);
    if (!tokens.empty()) writer.add_array("tokenizer.ggml.tokens", tokens);
    if (!scores.empty()) writer.add_array("tokenizer.ggml.scores", scores);
    if (!types.empty()) writer.add_array("tokenizer.ggml.token_type", types);
    if (!merges.empty()) writer.add_array("tokenizer.ggml.merges", merges);
    return gguf::File::from_source(
        std::make_unique<const gguf::OwnedSource>(writer.bytes(), "vocabulary.gguf"));
  }
  tokenizer::Tokenizer load() const { return tokenizer::Tokenizer::load(open()); }
};

/// <unk>, <s>, </s>, the 256 byte tokens, then pieces from "▁a" on (see the scores): a SentencePiece
/// vocabulary.
inline VocabularyFile sentence_piece_file() {
  VocabularyFile file;
  file.model = "llama";
  file.add("<unk>", 2);
  file.add("<s>", 3);
  file.add("</s>", 3);
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (size_t byte = 0; byte < 256; ++byte) {
    file.add(std::string("<0x") + kHex[byte / 16] + kHex[byte % 16] + ">", 6);
  }
  return file;
}

/// One token for each byte: a byte-level BPE vocabulary without merges, so that token i is byte i.
inline VocabularyFile byte_level_file(std::string_view pre_tokenizer = "gpt-2") {
  VocabularyFile file;
  file.model = "gpt2";
  for (int byte = 0; byte < 256; ++byte) file.add(tokenizer::byte_level_text(static_cast<uint8_t>(byte)));
  file.scores.clear();
  file.extra.add("tokenizer.ggml.pre", pre_tokenizer);
  return file;
}

}  // namespace motley::test
