#include "tokenizer/special_splitter.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "vocabulary_file.hpp"

namespace motley::tokenizer {
namespace {

struct Part {
  Token token;
  std::string text;
  bool operator==(const Part&) const = default;
};
constexpr Token kText = Fragment::kPlainText;

std::vector<Part> split(const test::VocabularyFile& file, std::string_view text, bool parse_special = true) {
  const Vocabulary vocabulary = Vocabulary::load(file.open());
  std::vector<Part> parts;
  for (const Fragment& fragment : SpecialSplitter(vocabulary).split(text, parse_special)) {
    parts.push_back({fragment.token, std::string(fragment.text)});
  }
  return parts;
}

TEST(SpecialSplitter, CutsControlTokensOnlyWhenAsked) {
  const test::VocabularyFile file = test::sentence_piece_file();
  EXPECT_EQ(split(file, "a<s>b</s>"),
            (std::vector<Part>{{kText, "a"}, {1, "<s>"}, {kText, "b"}, {2, "</s>"}}));
  EXPECT_EQ(split(file, "a<s>b</s>", false), (std::vector<Part>{{kText, "a<s>b</s>"}}));
  EXPECT_TRUE(split(file, "").empty());
}

TEST(SpecialSplitter, AlwaysCutsUserDefinedTokens) {
  test::VocabularyFile file = test::sentence_piece_file();
  const Token tool = file.add("<tool>", 4);
  EXPECT_EQ(split(file, "<tool><s>", false), (std::vector<Part>{{tool, "<tool>"}, {kText, "<s>"}}));
}

TEST(SpecialSplitter, LongerTokensComeFirstWhereverTheyStand) {
  test::VocabularyFile file = test::sentence_piece_file();
  const Token xab = file.add("xab", 3);
  const Token abcd = file.add("abcd", 3);
  const Token ab = file.add("ab", 3);
  EXPECT_EQ(split(file, "xabcd"), (std::vector<Part>{{kText, "x"}, {abcd, "abcd"}}));
  EXPECT_EQ(split(file, "xabc"), (std::vector<Part>{{xab, "xab"}, {kText, "c"}}));
  EXPECT_EQ(split(file, "abab"), (std::vector<Part>{{ab, "ab"}, {ab, "ab"}}));
}

TEST(SpecialSplitter, RunsAreCutFromTheLeft) {
  test::VocabularyFile file = test::sentence_piece_file();
  const Token two = file.add("\n\n", 4);
  const Token three = file.add("\n\n\n", 4);
  EXPECT_EQ(split(file, "\n\n\n\n\n\n"), (std::vector<Part>{{three, "\n\n\n"}, {three, "\n\n\n"}}));
  EXPECT_EQ(split(file, "\n\n\n\n\n"), (std::vector<Part>{{three, "\n\n\n"}, {two, "\n\n"}}));
}

TEST(SpecialSplitter, Phi3TokensTakeTheWhiteSpaceAfterThem) {
  test::VocabularyFile file = test::sentence_piece_file();
  file.extra.add("general.name", "Phi-3-mini");
  const Token user = file.add("<|user|>", 3);
  EXPECT_EQ(
      split(file, "<|user|> \n hi<s> x<|user|>\t"),
      (std::vector<Part>{{user, "<|user|>"}, {kText, "hi"}, {1, "<s>"}, {kText, " x"}, {user, "<|user|>"}}));
}

}  // namespace
}  // namespace motley::tokenizer
