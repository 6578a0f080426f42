// Vocabularies that contradict themselves are refused with a message that says where.
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "vocabulary_file.hpp"

namespace motley::tokenizer {
namespace {

void expect_refused(const test::VocabularyFile& file, ErrorCode code, const std::vector<std::string>& said) {
  try {
    file.load();
    ADD_FAILURE() << "was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_NE(std::string(error.what()).find("vocabulary.gguf"), std::string::npos) << error.what();
    for (const std::string& text : said) {
      EXPECT_NE(std::string(error.what()).find(text), std::string::npos)
          << "no '" << text << "' in: " << error.what();
    }
  }
}

void expect_malformed(const test::VocabularyFile& file, const std::vector<std::string>& said) {
  expect_refused(file, ErrorCode::kMalformedModel, said);
}

TEST(MalformedVocabulary, NoneAtAll) { expect_malformed({}, {"tokenizer.ggml.model"}); }

TEST(MalformedVocabulary, UnknownModel) {
  test::VocabularyFile file = test::sentence_piece_file();
  file.model = "bert";
  expect_refused(file, ErrorCode::kUnsupported, {"tokenizer.ggml.model", "bert", "llama", "gpt2"});
}

TEST(MalformedVocabulary, UnknownPreTokenizer) {
  test::VocabularyFile file = test::byte_level_file("klingon");
  file.merges = {"a b"};
  expect_refused(file, ErrorCode::kUnsupported,
                 {"tokenizer.ggml.pre", "klingon", "default, gpt-2, llama-bpe", "qwen2", "deepseek-llm"});
}

// Case 59
TEST(MalformedVocabulary, WrongElementTypes) {
  test::VocabularyFile tokens = test::sentence_piece_file();
  tokens.extra.add_array("tokenizer.ggml.tokens", std::vector<float>(tokens.tokens.size()));
  tokens.tokens.clear();
  expect_malformed(tokens, {"tokenizer.ggml.tokens", "string", "float32"});

  test::VocabularyFile scores = test::sentence_piece_file();
  scores.extra.add_array("tokenizer.ggml.scores", std::vector<int32_t>(scores.tokens.size()));
  scores.scores.clear();
  expect_malformed(scores, {"tokenizer.ggml.scores", "float32", "int32"});

  test::VocabularyFile types = test::sentence_piece_file();
  types.extra.add_array("tokenizer.ggml.token_type", std::vector<float>(types.tokens.size()));
  types.types.clear();
  expect_malformed(types, {"tokenizer.ggml.token_type", "int32", "float32"});

  test::VocabularyFile merges = test::byte_level_file();
  merges.extra.add_array("tokenizer.ggml.merges", std::vector<uint8_t>(7));
  expect_malformed(merges, {"tokenizer.ggml.merges", "string", "uint8"});

  test::VocabularyFile scalar = test::sentence_piece_file();
  scalar.extra.add("tokenizer.ggml.tokens", "everything");
  scalar.tokens.clear();
  expect_malformed(scalar, {"tokenizer.ggml.tokens", "string"});
}

// Case 60
TEST(MalformedVocabulary, ArraysOfDifferentLengths) {
  test::VocabularyFile scores = test::sentence_piece_file();
  scores.scores.pop_back();
  expect_malformed(scores, {"tokenizer.ggml.scores", "258", "259"});

  test::VocabularyFile types = test::sentence_piece_file();
  types.types.push_back(1);
  expect_malformed(types, {"tokenizer.ggml.token_type", "260", "259"});
}

TEST(MalformedVocabulary, MissingArrays) {
  test::VocabularyFile tokens = test::sentence_piece_file();
  tokens.tokens.clear();
  expect_malformed(tokens, {"tokenizer.ggml.tokens"});

  test::VocabularyFile empty = test::sentence_piece_file();
  empty.tokens.clear();
  empty.extra.add_array("tokenizer.ggml.tokens", std::vector<std::string>());
  expect_malformed(empty, {"tokenizer.ggml.tokens", "0 elements"});

  test::VocabularyFile scores = test::sentence_piece_file();
  scores.scores.clear();
  expect_malformed(scores, {"tokenizer.ggml.scores"});

  expect_malformed(test::byte_level_file(), {"tokenizer.ggml.merges"});
}

TEST(MalformedVocabulary, ScoresAndTypesOutOfRange) {
  test::VocabularyFile score = test::sentence_piece_file();
  score.scores[17] = std::numeric_limits<float>::quiet_NaN();
  expect_malformed(score, {"tokenizer.ggml.scores[17]"});

  test::VocabularyFile type = test::sentence_piece_file();
  type.types[5] = 7;
  expect_malformed(type, {"tokenizer.ggml.token_type[5]", "7", "0 to 6"});
}

// Case 61
TEST(MalformedVocabulary, SpecialIdOutOfRange) {
  for (const char* name :
       {"bos", "eos", "eot", "eom", "unknown", "seperator", "padding", "mask", "fim_pre"}) {
    const std::string key = std::string("tokenizer.ggml.") + name + "_token_id";
    test::VocabularyFile file = test::sentence_piece_file();
    file.extra.add(key, uint32_t{259});
    expect_malformed(file, {key, "259", "0 to 258"});
  }
  test::VocabularyFile negative = test::sentence_piece_file();
  negative.extra.add("tokenizer.ggml.bos_token_id", int32_t{-1});
  expect_malformed(negative, {"tokenizer.ggml.bos_token_id", "-1"});

  test::VocabularyFile huge = test::sentence_piece_file();
  huge.extra.add("tokenizer.ggml.eos_token_id", std::numeric_limits<uint64_t>::max());
  expect_malformed(huge, {"tokenizer.ggml.eos_token_id"});

  test::VocabularyFile text = test::sentence_piece_file();
  text.extra.add("tokenizer.ggml.eos_token_id", "two");
  expect_malformed(text, {"tokenizer.ggml.eos_token_id", "string"});
}

// Case 62
TEST(MalformedVocabulary, DefaultSpecialIdOutOfRange) {
  test::VocabularyFile file;
  file.model = "llama";
  file.add("a");
  file.add("b");
  expect_malformed(file, {"tokenizer.ggml.eos_token_id", "default 2", "2 tokens"});
  file.extra.add("tokenizer.ggml.eos_token_id", uint32_t{1});
  EXPECT_NO_THROW(file.load());
}

TEST(MalformedVocabulary, BosIsToBeAddedButUnknown) {
  test::VocabularyFile file = test::byte_level_file();
  file.merges = {"a b"};
  file.add("ab");
  file.scores.clear();
  file.extra.add("tokenizer.ggml.add_bos_token", true);
  expect_malformed(file, {"tokenizer.ggml.bos_token_id"});
}

// Case 63
TEST(MalformedVocabulary, MalformedByteTokens) {
  for (const char* text : {"<0x-1>", "<0x1>", "<0x100>", "<0xG0>", "0x0A", "<0x0A", "x", ""}) {
    test::VocabularyFile file = test::sentence_piece_file();
    file.tokens[20] = text;
    expect_malformed(file, {"tokenizer.ggml.tokens[20]", std::string("\"") + text + "\"", "<0x00>"});
  }
}

// Case 64
TEST(MalformedVocabulary, MergesOfUnknownPieces) {
  const auto with_merge = [](const char* merge) {
    test::VocabularyFile file = test::byte_level_file();
    file.add("ab");
    file.scores.clear();
    file.merges = {"a b", merge};
    return file;
  };
  EXPECT_NO_THROW(with_merge("a b").load());
  expect_malformed(with_merge("zz b"), {"tokenizer.ggml.merges[1]", "\"zz\"", "257"});
  expect_malformed(with_merge("a zz"), {"tokenizer.ggml.merges[1]", "\"zz\""});
  expect_malformed(with_merge("b a"), {"tokenizer.ggml.merges[1]", "\"ba\""});  // what they merge to
  for (const char* merge : {"", "a", "ab", " a", "a "}) {
    expect_malformed(with_merge(merge), {"tokenizer.ggml.merges[1]", "two pieces"});
  }
}

}  // namespace
}  // namespace motley::tokenizer
