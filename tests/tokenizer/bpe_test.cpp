// Byte-level BPE on vocabularies small enough to follow by hand.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "vocabulary_file.hpp"

namespace motley::tokenizer {
namespace {

using Tokens = std::vector<Token>;

/// Token i is byte i; then "ab" 256, "bc" 257, "abc" 258, "Ġa" 259.
test::VocabularyFile small_file(std::string_view pre_tokenizer = "gpt-2") {
  test::VocabularyFile file = test::byte_level_file(pre_tokenizer);
  for (const char* text : {"ab", "bc", "abc", "\u0120a"}) file.add(text);
  file.scores.clear();
  file.merges = {"b c", "a b", "\u0120 a"};
  return file;
}

TEST(ByteLevelBpe, MergesTheLowestRankFirst) {
  const Tokenizer tokenizer = small_file().load();
  EXPECT_EQ(tokenizer.encode("abc"), (Tokens{'a', 257}));  // "b c" before "a b", and "a bc" is no merge
  EXPECT_EQ(tokenizer.encode("ab"), (Tokens{256}));
  EXPECT_EQ(tokenizer.encode("abab a"), (Tokens{256, 256, 259}));
}

TEST(ByteLevelBpe, TheFirstOfTwoEqualMergesCounts) {
  test::VocabularyFile file = small_file();
  file.merges = {"a b", "b c", "a b"};
  EXPECT_EQ(file.load().encode("abc"), (Tokens{256, 'c'}));
}

TEST(ByteLevelBpe, MergesReachAcrossEarlierOnes) {
  test::VocabularyFile file = small_file();
  file.merges = {"b c", "a b", "a bc"};
  EXPECT_EQ(file.load().encode("abcabc"), (Tokens{258, 258}));
}

TEST(ByteLevelBpe, IgnoreMergesTakesWholeWords) {
  EXPECT_EQ(small_file("gpt-2").load().encode("abc"), (Tokens{'a', 257}));
  test::VocabularyFile file = small_file("llama-bpe");
  file.extra.add("tokenizer.ggml.bos_token_id", uint32_t{0});
  EXPECT_EQ(file.load().encode("abc"), (Tokens{0, 258}));  // llama-bpe also starts with BOS by default
}

TEST(ByteLevelBpe, MergesStayWithinWords) {
  test::VocabularyFile file = small_file();
  file.merges = {"b c"};
  file.tokens[256] = "1a";
  file.merges.emplace_back("1 a");
  EXPECT_EQ(file.load().encode("1a"), (Tokens{'1', 'a'}));
}

TEST(ByteLevelBpe, EveryByteComesBack) {
  const Tokenizer tokenizer = small_file().load();
  const std::string text = std::string("\0\n\t ", 4) + "\u00E9\u4E2D\U0001F999 a  b";
  EXPECT_EQ(tokenizer.decode(tokenizer.encode(text)), text);
  EXPECT_EQ(tokenizer.decode(tokenizer.encode(" a")), " a");
  EXPECT_EQ(tokenizer.piece(0xE4), "\xE4");
}

TEST(ByteLevelBpe, UserDefinedAndControlTokensAreTakenAsTheyStand) {
  test::VocabularyFile file = small_file();
  const Token tool = file.add("<tool> \u2581", 4);
  const Token end = file.add("<|im_end|>", 3);
  file.scores.clear();
  const Tokenizer tokenizer = file.load();
  const Tokens tokens = tokenizer.encode("ab<tool> \u2581<|im_end|>");
  EXPECT_EQ(tokens, (Tokens{256, tool, end}));
  EXPECT_EQ(tokenizer.decode(tokens), "ab<tool> \u2581");
  EXPECT_EQ(tokenizer.decode(tokens, true), "ab<tool> \u2581<|im_end|>");
  EXPECT_EQ(tokenizer.eot(), end);
  EXPECT_EQ(tokenizer.bos(), std::nullopt);
  EXPECT_EQ(tokenizer.encode("<|im_end|>", {.parse_special = false}).size(), 10U);
}

TEST(ByteLevelBpe, AByteWithoutATokenIsUnknownOrAnError) {
  test::VocabularyFile file = small_file();
  file.tokens['x'] = "nothing";
  EXPECT_THROW(file.load().encode("x"), Error);
  file.extra.add("tokenizer.ggml.unknown_token_id", uint32_t{'?'});
  EXPECT_EQ(file.load().encode("axa"), (Tokens{'a', '?', 'a'}));
}

TEST(ByteLevelBpe, WithoutANameThePreTokenizerIsTheDefaultOne) {
  test::VocabularyFile file = small_file();
  file.extra = gguf::Writer();
  EXPECT_EQ(file.load().encode("ab"), (Tokens{256}));
}

}  // namespace
}  // namespace motley::tokenizer
