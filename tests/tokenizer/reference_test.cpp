// Real vocabularies, against the ids that llama.cpp gives.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "gguf/file.hpp"
#include "support/shared.hpp"
#include "tokenizer/tokenizer.hpp"

namespace motley::tokenizer {
namespace {

nlohmann::json read_json(const std::filesystem::path& path) {
  std::ifstream in(path);
  return nlohmann::json::parse(in);
}

Tokenizer open_tokenizer(const std::filesystem::path& path) {
  return Tokenizer::load(gguf::File::open(path));
}

class ReferenceVocabulary : public testing::TestWithParam<const char*> {};

TEST_P(ReferenceVocabulary, EncodesEveryTextAndDecodesItAgain) {
  const std::string name = GetParam();
  MOTLEY_SHARED_OR_SKIP(model, "reference/vocab/" + name + ".gguf");
  MOTLEY_SHARED_OR_SKIP(expected, "reference/vocab/" + name + ".json");
  const Tokenizer tokenizer = open_tokenizer(model);
  const nlohmann::json reference = read_json(expected);
  const bool add_special = reference["add_special"].get<bool>();
  ASSERT_GE(reference["cases"].size(), 40U);
  for (const nlohmann::json& one : reference["cases"]) {
    const auto text = one["text"].get<std::string>();
    const auto ids = one["ids"].get<std::vector<Token>>();
    for (const bool parse_special : {true, false}) {
      EXPECT_EQ(tokenizer.encode(text, {add_special, parse_special}), ids) << text;
    }
    EXPECT_EQ(tokenizer.decode(ids, true), text);
  }
}

TEST_P(ReferenceVocabulary, RoundTripsABook) {
  const std::string name = GetParam();
  MOTLEY_SHARED_OR_SKIP(model, "reference/vocab/" + name + ".gguf");
  MOTLEY_SHARED_OR_SKIP(book, "reference/text/war-and-peace-40k.txt");
  const Tokenizer tokenizer = open_tokenizer(model);
  std::ifstream in(book);
  const std::string text(std::istreambuf_iterator<char>(in), {});
  const std::vector<Token> tokens = tokenizer.encode(text);
  EXPECT_LT(tokens.size(), text.size() / 3);
  EXPECT_EQ(tokenizer.decode(tokens), text);
}

INSTANTIATE_TEST_SUITE_P(Vocabularies, ReferenceVocabulary,
                         testing::Values("llama-spm", "phi-3", "gpt-2", "deepseek-llm", "llama-bpe"));

TEST(ReferenceModels, PromptsOfTheLogitsBecomeTheirTokens) {
  MOTLEY_SHARED_OR_SKIP(logits, "reference/logits");
  size_t prompts = 0;
  for (const auto& entry : std::filesystem::directory_iterator(logits)) {
    const nlohmann::json reference = read_json(entry.path());
    const std::filesystem::path model =
        logits.parent_path() / "models" / reference["model"].get<std::string>();
    const Tokenizer tokenizer = open_tokenizer(model);
    for (const nlohmann::json& one : reference["cases"]) {
      const auto prompt = one["prompt"].get<std::string>();
      const auto tokens = one["prompt_tokens"].get<std::vector<Token>>();
      EXPECT_EQ(tokenizer.encode(prompt), tokens) << model << ": " << prompt;
      EXPECT_EQ(tokenizer.decode(tokens), prompt) << model;
      ++prompts;
    }
  }
  EXPECT_GT(prompts, 0U);
}

TEST(ReferenceVocabularies, SpecialTokensOfLlama3) {
  MOTLEY_SHARED_OR_SKIP(model, "reference/vocab/llama-bpe.gguf");
  const Tokenizer tokenizer = open_tokenizer(model);
  EXPECT_EQ(tokenizer.bos(), 128000);
  EXPECT_EQ(tokenizer.text(128009), "<|eot_id|>");
  EXPECT_EQ(tokenizer.eot(), 128009);
  EXPECT_TRUE(tokenizer.is_end_of_generation(128009));
  EXPECT_TRUE(tokenizer.is_end_of_generation(*tokenizer.eos()));
  EXPECT_FALSE(tokenizer.is_end_of_generation(128000));
  EXPECT_EQ(tokenizer.encode("<|eot_id|>"), (std::vector<Token>{128000, 128009}));
  const std::vector<Token> literal =
      tokenizer.encode("<|eot_id|>", {.add_special = false, .parse_special = false});
  EXPECT_GT(literal.size(), 1U);
  EXPECT_EQ(tokenizer.decode(literal), "<|eot_id|>");
  EXPECT_EQ(tokenizer.piece(128009), "");
  EXPECT_EQ(tokenizer.piece(128009, true), "<|eot_id|>");
}

TEST(ReferenceVocabularies, LoadInAFractionOfASecond) {
  MOTLEY_SHARED_OR_SKIP(model, "reference/vocab/llama-bpe.gguf");
  const auto start = std::chrono::steady_clock::now();
  const Tokenizer tokenizer = open_tokenizer(model);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(tokenizer.size(), 128256U);
  RecordProperty("load_ms", static_cast<int>(took.count() * 1000));
  EXPECT_LT(took.count(), 3.0);  // about 0.1 s; room for sanitizers and busy machines
}

}  // namespace
}  // namespace motley::tokenizer
