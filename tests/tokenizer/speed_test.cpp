// Time in proportion to the text, whatever the text.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "gguf/file.hpp"
#include "support/shared.hpp"
#include "tokenizer/tokenizer.hpp"

namespace motley::tokenizer {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr size_t kTextBytes = 1 << 17;
#else
constexpr size_t kTextBytes = 1 << 20;
#endif
// 0.8 s is the slowest measured; the rest is for busy machines. Anything quadratic would take minutes to
// hours.
constexpr double kLimitSeconds = 20.0;

std::string repeat(std::string_view unit) {
  std::string text;
  while (text.size() < kTextBytes) text += unit;
  return text;
}

struct Adversary {
  const char* name;
  std::string text;
};

std::vector<Adversary> adversaries() {
  std::string pseudorandom_word;
  uint32_t state = 1;
  for (size_t i = 0; i < kTextBytes; ++i) {
    state = state * 1664525U + 1013904223U;
    pseudorandom_word += static_cast<char>('a' + (state >> 24) % 26);
  }
  return {{"letter", repeat("a")},
          {"word", pseudorandom_word},
          {"spaces", repeat(" ")},
          {"spaces before CJK", repeat(" ") + "\u4E2D"},
          {"spaces before a letter", repeat(" ") + "a"},
          {"newlines", repeat("\n")},
          {"newlines and spaces", repeat("\n ") + "a"},
          {"digits", repeat("7")},
          {"punctuation", repeat("!")},
          {"apostrophes", repeat("'")},
          {"angle brackets", repeat("<")},
          {"half a special token", repeat("<|eot_i")},
          {"special tokens", repeat("<|eot_id|></s>")},
          {"combining marks", repeat("\u0301")},
          {"emoji", repeat("\U0001F999")},
          {"NUL", std::string(kTextBytes, '\0')},
          {"English", repeat("It was a bright cold day in April, and the clocks were striking 13. ")}};
}

class Speed : public testing::TestWithParam<const char*> {};

TEST_P(Speed, AMegabyteOfAnything) {
  MOTLEY_SHARED_OR_SKIP(model, std::string("reference/vocab/") + GetParam() + ".gguf");
  const Tokenizer tokenizer = Tokenizer::load(gguf::File::open(model));
  double slowest = 0;
  for (const Adversary& adversary : adversaries()) {
    const auto start = std::chrono::steady_clock::now();
    const std::vector<Token> tokens = tokenizer.encode(adversary.text);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    EXPECT_LT(took.count(), kLimitSeconds) << adversary.name;
    EXPECT_TRUE(tokenizer.decode(tokens, true).ends_with(adversary.text)) << adversary.name;
    slowest = std::max(slowest, took.count());
  }
  RecordProperty("slowest_ms", static_cast<int>(slowest * 1000));
}

INSTANTIATE_TEST_SUITE_P(Vocabularies, Speed,
                         testing::Values("llama-spm", "phi-3", "gpt-2", "deepseek-llm", "llama-bpe"));

}  // namespace
}  // namespace motley::tokenizer
