// The words each pre-tokenizer cuts a text into, worked out from its pattern.
#include "tokenizer/pre_tokenizer.hpp"

#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace motley::tokenizer {
namespace {

using Words = std::vector<std::string_view>;

Words split(std::string_view name, std::string_view text) {
  const PreTokenizerSpec* spec = find_pre_tokenizer(name);
  if (spec == nullptr) throw std::runtime_error("no such pre-tokenizer");
  return PreTokenizer(*spec).split(text);
}

TEST(PreTokenizer, Gpt2) {
  EXPECT_EQ(split("gpt-2", "I'll we'RE"), (Words{"I", "'ll", " we", "'", "RE"}));
  EXPECT_EQ(split("gpt-2", "a1234 !?\n\nb"), (Words{"a", "1234", " !?", "\n", "\n", "b"}));
  EXPECT_EQ(split("gpt-2", "a   b  "), (Words{"a", "  ", " b", "  "}));
}

TEST(PreTokenizer, Qwen2) {
  EXPECT_EQ(split("qwen2", "It's 2024!"), (Words{"It", "'s", " ", "2", "0", "2", "4", "!"}));
  EXPECT_EQ(split("qwen2", "WE'LL don'T"), (Words{"WE", "'LL", " don", "'T"}));
  EXPECT_EQ(split("qwen2", "(foo) _bar"), (Words{"(foo", ")", " _", "bar"}));
  EXPECT_EQ(split("qwen2", "x;\r\n\ny"), (Words{"x", ";\r\n\n", "y"}));
  EXPECT_EQ(split("qwen2", "a  \n \n  b"), (Words{"a", "  \n \n", " ", " b"}));
  EXPECT_EQ(split("qwen2", "\tx  1"), (Words{"\tx", " ", " ", "1"}));
  EXPECT_EQ(split("qwen2", "\u4F60\u597D\uFF0C\u4E16\u754C\u0663\u00BD"),
            (Words{"\u4F60\u597D", "\uFF0C\u4E16\u754C", "\u0663", "\u00BD"}));
  EXPECT_EQ(split("qwen2", "e\u0301a"), (Words{"e", "\u0301a"}));  // a combining mark is no letter
  EXPECT_EQ(split("qwen2", "a  "), (Words{"a", "  "}));
}

TEST(PreTokenizer, Llama3CutsNumbersIntoThrees) {
  EXPECT_EQ(split("llama-bpe", "a12345 6"), (Words{"a", "123", "45", " ", "6"}));
  EXPECT_EQ(split("llama-bpe", "I'Ve"), (Words{"I", "'Ve"}));
}

TEST(PreTokenizer, DeepSeekLlm) {
  EXPECT_EQ(split("deepseek-llm", "Hi there\n\n42"), (Words{"Hi", " there", "\n", "\n", "42"}));
  EXPECT_EQ(split("deepseek-llm", "a, b!?  "), (Words{"a", ",", " b", "!?", "  "}));
  EXPECT_EQ(split("deepseek-llm", "\u4F60\u597D\u03B1\u0416"), (Words{"\u4F60\u597D", "\u03B1\u0416"}));
  // The range :-~ of its punctuation holds the letters of ASCII too, and cuts mixed words.
  EXPECT_EQ(split("deepseek-llm", "se\u00F1or"), (Words{"se", "\u00F1", "or"}));
  EXPECT_EQ(split("deepseek-llm", "a\u3000b"), (Words{"a", "\u3000", "b"}));
}

TEST(PreTokenizer, Default) {
  EXPECT_EQ(split("default", "a+=b, c"), (Words{"a", "+=", "b", ",", " c"}));
  EXPECT_EQ(split("default", "12345678"), (Words{"123", "456", "78"}));
}

TEST(PreTokenizer, SmolLmCutsDigits) {
  EXPECT_EQ(split("smollm", "in 123 days"), (Words{"in", " ", "1", "2", "3", " days"}));
}

TEST(PreTokenizer, WhiteSpaceIsWhatUnicodeSays) {
  EXPECT_EQ(split("gpt-2", "a\u00A0\u2003b"), (Words{"a", "\u00A0", "\u2003", "b"}));
  EXPECT_EQ(split("gpt-2", "a \u180Eb"),
            (Words{"a", " \u180E", "b"}));  // white space only before Unicode 6.3
}

TEST(PreTokenizer, WordsTogetherAreTheText) {
  const std::string text = " \n\u3000x'S 1\u0301\u4E2D!!  \t\U0001F999 \u2028 the end \n ";
  for (const char* name : {"default", "gpt-2", "llama-bpe", "qwen2", "deepseek-llm", "smollm"}) {
    std::string joined;
    for (const std::string_view word : split(name, text)) {
      EXPECT_FALSE(word.empty());
      joined += word;
    }
    EXPECT_EQ(joined, text) << name;
  }
}

TEST(PreTokenizer, UnknownNames) { EXPECT_EQ(find_pre_tokenizer("klingon"), nullptr); }

}  // namespace
}  // namespace motley::tokenizer
