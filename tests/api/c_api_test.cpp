// The C interface without a device: errors, models, structures of other ages.
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "api/c_api_compiles.h"
#include "api/c_api_handles.hpp"
#include "support/temporary_directory.hpp"

namespace motley::test {
namespace {

TEST(CApi, HeaderWorksInC) { EXPECT_TRUE(sizes_are_set_in_c()); }

TEST(CApi, HasAVersion) { EXPECT_NE(std::string(motley_version()), ""); }

TEST(CApi, NoErrorReadsAsOk) {
  EXPECT_EQ(motley_error_code(nullptr), MOTLEY_OK);
  EXPECT_STREQ(motley_error_message(nullptr), "");
}

TEST(CApi, FreeFunctionsTakeNull) {
  motley_free(nullptr);
  motley_error_free(nullptr);
  motley_device_list_free(nullptr);
  motley_device_free(nullptr);
  motley_model_free(nullptr);
  motley_engine_free(nullptr);
  motley_session_free(nullptr);
  motley_session_cancel(nullptr);
}

TEST(CApi, MissingFileIsAnIoError) {
  CError error;
  EXPECT_EQ(motley_model_open("/nonexistent/model.gguf", error), nullptr);
  EXPECT_EQ(error.code(), MOTLEY_IO);
  EXPECT_NE(error.message().find("/nonexistent/model.gguf"), std::string::npos) << error.message();
  EXPECT_EQ(motley_model_open("/nonexistent/model.gguf", nullptr), nullptr);  // the error is not wanted
}

TEST(CApi, AFileThatIsNoModelIsMalformed) {
  const TemporaryDirectory directory;
  std::ofstream(directory / "no.gguf") << "This is no model, however long it may be.";
  CError error;
  EXPECT_EQ(motley_model_open((directory / "no.gguf").c_str(), error), nullptr);
  EXPECT_EQ(error.code(), MOTLEY_MALFORMED_MODEL);
}

TEST(CApi, NullArgumentsAreNamed) {
  CError error;
  EXPECT_EQ(motley_model_open(nullptr, error), nullptr);
  EXPECT_EQ(error.code(), MOTLEY_INVALID_ARGUMENT);
  EXPECT_NE(error.message().find("path"), std::string::npos);
  const float* logits = nullptr;
  EXPECT_EQ(motley_session_logits(nullptr, &logits, nullptr, error), MOTLEY_INVALID_ARGUMENT);
  EXPECT_NE(error.message().find("session"), std::string::npos);
  EXPECT_EQ(motley_engine_create(nullptr, nullptr, nullptr, error), nullptr);
  EXPECT_EQ(error.code(), MOTLEY_INVALID_ARGUMENT);
  const CModel model = demo_model();
  EXPECT_EQ(motley_model_tokenize(model.get(), nullptr, 3, nullptr, nullptr, nullptr, error),
            MOTLEY_INVALID_ARGUMENT);
}

TEST(CApi, TokensMakeTheirTextAgain) {
  const CModel model = demo_model();
  const std::string text = "Once upon a time there was a cat.";
  motley_tokenize_options options = motley_tokenize_options_default();
  options.add_special = 0;
  motley_token* tokens = nullptr;
  size_t count = 0;
  CError error;
  ASSERT_EQ(motley_model_tokenize(model.get(), text.data(), text.size(), &options, &tokens, &count, error),
            MOTLEY_OK)
      << error.message();
  const CArray<motley_token> owned_tokens(tokens);
  EXPECT_GT(count, 3U);
  EXPECT_LT(count, text.size());

  char* again = nullptr;
  size_t again_bytes = 0;
  ASSERT_EQ(motley_model_detokenize(model.get(), tokens, count, 0, &again, &again_bytes, error), MOTLEY_OK);
  const CArray<char> owned_text(again);
  EXPECT_EQ(std::strlen(again), again_bytes);
  EXPECT_NE(std::string(again).find("upon a time there was a cat."), std::string::npos) << again;
}

TEST(CApi, RefusesWhatIsNotUtf8AndWhatIsNoToken) {
  const CModel model = demo_model();
  motley_token* tokens = nullptr;
  size_t count = 0;
  CError error;
  EXPECT_EQ(motley_model_tokenize(model.get(), "\xFF", 1, nullptr, &tokens, &count, error),
            MOTLEY_INVALID_ARGUMENT);
  EXPECT_EQ(tokens, nullptr);
  size_t vocabulary = 0;
  ASSERT_EQ(motley_model_vocabulary_size(model.get(), &vocabulary, error), MOTLEY_OK);
  const auto outside = static_cast<motley_token>(vocabulary);
  char* text = nullptr;
  EXPECT_EQ(motley_model_detokenize(model.get(), &outside, 1, 0, &text, nullptr, error),
            MOTLEY_INVALID_ARGUMENT);
  EXPECT_EQ(text, nullptr);
}

TEST(CApi, TellsMetadataAndTensors) {
  const CModel model = demo_model();
  CError error;
  char* json = nullptr;
  ASSERT_EQ(motley_model_metadata(model.get(), "general.architecture", &json, error), MOTLEY_OK);
  EXPECT_STREQ(CArray<char>(json).get(), "\"llama\"");
  ASSERT_EQ(motley_model_metadata(model.get(), "no.such.key", &json, error), MOTLEY_OK);
  EXPECT_EQ(json, nullptr);

  const size_t count = motley_model_tensor_count(model.get());
  ASSERT_GT(count, 0U);
  uint64_t sum_bytes = 0;
  for (size_t i = 0; i < count; ++i) {
    const motley_tensor_info* tensor = motley_model_tensor(model.get(), i);
    EXPECT_GE(tensor->dimensions, 1U);
    EXPECT_EQ(tensor->shape[3], 1U);
    sum_bytes += tensor->size_bytes;
  }
  EXPECT_LT(sum_bytes, motley_model_size_bytes(model.get()));
  EXPECT_GT(sum_bytes, motley_model_size_bytes(model.get()) / 2);
  EXPECT_EQ(motley_model_tensor(model.get(), count), nullptr);
}

TEST(CApi, AnOlderCallersStructureIsEnough) {
  const CModel model = demo_model();
  // As if `parse_special` were a field that the caller's header does not have: its garbage is not read.
  motley_tokenize_options options = motley_tokenize_options_default();
  options.size = offsetof(motley_tokenize_options, parse_special);
  options.parse_special = 0;
  CError error;
  motley_token* tokens = nullptr;
  size_t count = 0;
  ASSERT_EQ(motley_model_tokenize(model.get(), "<s>", 3, &options, &tokens, &count, error), MOTLEY_OK);
  const CArray<motley_token> owned(tokens);
  options = motley_tokenize_options_default();
  motley_token* expected = nullptr;
  size_t expected_count = 0;
  ASSERT_EQ(motley_model_tokenize(model.get(), "<s>", 3, &options, &expected, &expected_count, error),
            MOTLEY_OK);
  const CArray<motley_token> owned_expected(expected);
  EXPECT_EQ(std::vector(tokens, tokens + count), std::vector(expected, expected + expected_count));
}

TEST(CApi, ANewerCallersStructureIsRefused) {
  const CModel model = demo_model();
  motley_tokenize_options options = motley_tokenize_options_default();
  motley_token* tokens = nullptr;
  size_t count = 0;
  CError error;
  for (const size_t wrong : {size_t{0}, sizeof(size_t) - 1, sizeof options + 1}) {
    options.size = wrong;
    EXPECT_EQ(motley_model_tokenize(model.get(), "a", 1, &options, &tokens, &count, error),
              MOTLEY_INVALID_ARGUMENT);
    EXPECT_NE(error.message().find(std::to_string(wrong)), std::string::npos) << error.message();
  }
}

TEST(CApi, LogKnowsItsSeverities) {
  CError error;
  EXPECT_EQ(motley_set_log(MOTLEY_ERROR + 1, nullptr, nullptr, error), MOTLEY_INVALID_ARGUMENT);
  EXPECT_EQ(motley_set_log(-1, nullptr, nullptr, error), MOTLEY_INVALID_ARGUMENT);
  EXPECT_EQ(motley_set_log(MOTLEY_WARNING, nullptr, nullptr, error), MOTLEY_OK);
}

}  // namespace
}  // namespace motley::test
