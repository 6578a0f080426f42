// SentencePiece on vocabularies small enough to follow by hand.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "vocabulary_file.hpp"

namespace motley::tokenizer {
namespace {

using Tokens = std::vector<Token>;
constexpr EncodeOptions kPlain = {.add_special = false, .parse_special = false};
constexpr Token kFirstByte = 3;

Token byte_token(uint8_t byte) { return kFirstByte + byte; }

/// Besides specials and bytes: "▁" 259, "a" 260, "b" 261, "ab" 262, "▁a" 263, "▁ab" 264.
test::VocabularyFile small_file() {
  test::VocabularyFile file = test::sentence_piece_file();
  file.add("\u2581", 1, -10);
  file.add("a", 1, -11);
  file.add("b", 1, -12);
  file.add("ab", 1, -1);
  file.add("\u2581a", 1, -2);
  file.add("\u2581ab", 1, -3);
  return file;
}

TEST(SentencePiece, MergesTheBestScoreFirst) {
  const Tokenizer tokenizer = small_file().load();
  EXPECT_EQ(tokenizer.encode("ab", kPlain), (Tokens{264}));  // a b -> ab, then the space
  EXPECT_EQ(tokenizer.encode("aab", kPlain), (Tokens{263, 262}));
  EXPECT_EQ(tokenizer.encode("ba", kPlain), (Tokens{259, 261, 260}));
}

TEST(SentencePiece, EqualScoresMergeFromTheLeft) {
  test::VocabularyFile file = small_file();
  const Token aa = file.add("aa", 1, -1);
  EXPECT_EQ(file.load().encode("aaa", kPlain), (Tokens{259, aa, 260}));
}

TEST(SentencePiece, AddsBosAndEosAsTheMetadataSay) {
  test::VocabularyFile file = small_file();
  EXPECT_EQ(file.load().encode("ab"), (Tokens{1, 264}));
  EXPECT_EQ(file.load().encode(""), (Tokens{1}));
  EXPECT_EQ(file.load().encode("", kPlain), Tokens{});
  file.extra.add("tokenizer.ggml.add_bos_token", false);
  file.extra.add("tokenizer.ggml.add_eos_token", true);
  EXPECT_EQ(file.load().encode("ab"), (Tokens{264, 2}));
}

TEST(SentencePiece, WhatIsNoPieceFallsBackToBytes) {
  const Tokenizer tokenizer = small_file().load();
  EXPECT_EQ(tokenizer.encode("a\u00E9", kPlain), (Tokens{263, byte_token(0xC3), byte_token(0xA9)}));
  EXPECT_EQ(tokenizer.piece(byte_token(0xC3)), "\xC3");
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("a\u00E9\n")), "a\u00E9\n");
}

TEST(SentencePiece, WithoutBytesACharacterIsUnknown) {
  test::VocabularyFile file;
  file.model = "llama";
  for (const char* text : {"<unk>", "<s>", "</s>"}) file.add(text, 3);
  file.add("\u2581", 1, -1);
  EXPECT_EQ(file.load().encode("\u00E9\u00E9", kPlain), (Tokens{3, 0, 0}));
}

TEST(SentencePiece, SpacePrefixFollowsSpecialTokensAndCanBeOff) {
  test::VocabularyFile file = small_file();
  EXPECT_EQ(file.load().encode("ab<s>ab"), (Tokens{1, 264, 1, 264}));
  file.extra.add("tokenizer.ggml.add_space_prefix", false);
  const Tokenizer tokenizer = file.load();
  EXPECT_EQ(tokenizer.encode("ab ab", kPlain), (Tokens{262, 264}));
  EXPECT_EQ(tokenizer.decode(Tokens{262, 264}), "ab ab");
  EXPECT_EQ(tokenizer.decode(Tokens{264}), " ab");
}

TEST(SentencePiece, DecodeTakesOnlyThePrefixAway) {
  const Tokenizer tokenizer = small_file().load();
  EXPECT_EQ(tokenizer.piece(264), " ab");
  EXPECT_EQ(tokenizer.decode(Tokens{264, 264}), "ab ab");
  EXPECT_EQ(tokenizer.decode(Tokens{1, 264, 2}), "ab");
  EXPECT_EQ(tokenizer.decode(Tokens{1, 264, 2}, true), "<s>ab</s>");
  for (const char* text : {"", " ", "  ab", "ab  ", "b<s> a</s>", "\u4E2D \t ab"}) {
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text, {.add_special = false}), true), text);
  }
}

TEST(SentencePiece, SpecialTokensAndTheirTexts) {
  test::VocabularyFile file = small_file();
  const Token turn = file.add("<end_of_turn>", 1);  // a converter forgot that it is a control token
  file.extra.add("tokenizer.ggml.padding_token_id", uint32_t{0});
  file.extra.add("tokenizer.chat_template", "{{ messages }}");
  const Tokenizer tokenizer = file.load();
  EXPECT_EQ(tokenizer.bos(), 1);
  EXPECT_EQ(tokenizer.eos(), 2);
  EXPECT_EQ(tokenizer.unk(), 0);
  EXPECT_EQ(tokenizer.pad(), 0);
  EXPECT_EQ(tokenizer.eot(), turn);
  EXPECT_TRUE(tokenizer.is_end_of_generation(2));
  EXPECT_TRUE(tokenizer.is_end_of_generation(turn));
  EXPECT_FALSE(tokenizer.is_end_of_generation(264));
  EXPECT_EQ(tokenizer.piece(turn), "");
  EXPECT_EQ(tokenizer.encode("<end_of_turn>"), (Tokens{1, turn}));
  EXPECT_EQ(tokenizer.chat_template(), "{{ messages }}");
  EXPECT_EQ(tokenizer.text(264), "\u2581ab");
  EXPECT_EQ(tokenizer.find("\u2581ab"), 264);
  EXPECT_EQ(tokenizer.find("nowhere"), std::nullopt);
  EXPECT_EQ(tokenizer.size(), file.tokens.size());
}

TEST(Tokenizer, RefusesTextThatIsNotUtf8) {
  const Tokenizer tokenizer = small_file().load();
  try {
    tokenizer.encode("ab\xFF");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find("byte 2 (0xFF)"), std::string::npos) << error.what();
  }
}

TEST(Tokenizer, RefusesTokensItDoesNotHave) {
  const Tokenizer tokenizer = small_file().load();
  for (const Token token : {-1, 265}) {
    EXPECT_THROW(tokenizer.piece(token), Error);
    EXPECT_THROW(tokenizer.text(token), Error);
    EXPECT_THROW(tokenizer.decode(Tokens{token}), Error);
    EXPECT_FALSE(tokenizer.is_end_of_generation(token));
  }
}

TEST(Tokenizer, StaysWholeWhenMoved) {
  Tokenizer first = small_file().load();
  const Tokenizer second = std::move(first);
  EXPECT_EQ(second.encode("ab<s>a"), (Tokens{1, 264, 1, 263}));
}

}  // namespace
}  // namespace motley::tokenizer
