// The C interface at work on a device.
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "api/c_api_compiles.h"
#include "api/c_api_handles.hpp"

namespace motley::test {
namespace {

/// The demo model on the best device; every test has a session of its own.
class CApiGeneration : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    CError error;
    const CDevices list(motley_device_list_create(nullptr, error));
    if (motley_device_list_size(list.get()) == 0) return;
    // By index, so that two devices of one name do not matter.
    const motley_device_info* best = motley_device_list_at(list.get(), 0);
    device_.reset(motley_device_open(std::to_string(best->index).c_str(), nullptr, error));
    ASSERT_TRUE(device_) << error.message();
    EXPECT_STREQ(motley_device_get_info(device_.get())->uuid, best->uuid);
    const CModel model = demo_model();
    engine_.reset(motley_engine_create(model.get(), device_.get(), nullptr, error));
    ASSERT_TRUE(engine_) << error.message();
  }

  static void TearDownTestSuite() {
    engine_.reset();
    device_.reset();
  }

  void SetUp() override {
    if (!device_) GTEST_SKIP() << "needs a Vulkan device, and there is none";
    ASSERT_TRUE(engine_);
  }

  CSession make_session(uint32_t context_tokens = 128) {
    motley_session_options options = motley_session_options_default();
    options.context_tokens = context_tokens;
    CSession session(motley_session_create(engine_.get(), &options, error_));
    EXPECT_TRUE(session) << error_.message();
    return session;
  }

  static motley_generate_options greedy(int32_t max_tokens) {
    motley_generate_options options = motley_generate_options_default();
    options.max_tokens = max_tokens;
    options.temperature = 0;
    options.ignore_end = 1;
    return options;
  }

  std::vector<motley_token> tokenize(const std::string& text) {
    const CModel model = demo_model();
    motley_token* tokens = nullptr;
    size_t count = 0;
    EXPECT_EQ(motley_model_tokenize(model.get(), text.data(), text.size(), nullptr, &tokens, &count, error_),
              MOTLEY_OK);
    const CArray<motley_token> owned(tokens);
    return {tokens, tokens + count};
  }

  static inline CDevice device_;
  static inline CEngine engine_;
  CError error_;
};

TEST_F(CApiGeneration, TellsAStory) {
  const CSession session = make_session();
  const motley_generate_options options = greedy(20);
  story told;
  ASSERT_EQ(tell_in_c(session.get(), "Once upon a time", &options, &told, error_), MOTLEY_OK)
      << error_.message();
  EXPECT_GT(told.text_bytes, 20U);
  EXPECT_EQ(told.generation.reason, MOTLEY_STOP_MAX_TOKENS);
  EXPECT_EQ(told.generation.generated_tokens, 20U);
  EXPECT_GE(told.generation.prompt_tokens, 2U);
  EXPECT_GT(told.generation.prompt_nanoseconds, 0U);
  EXPECT_GT(motley_session_position(session.get()), 20U);
}

TEST_F(CApiGeneration, TokensAsPromptTellTheSameStory) {
  const CSession session = make_session();
  const motley_generate_options options = greedy(12);
  story told;
  ASSERT_EQ(tell_in_c(session.get(), "The cat", &options, &told, error_), MOTLEY_OK) << error_.message();

  ASSERT_EQ(motley_session_reset(session.get(), error_), MOTLEY_OK);
  EXPECT_EQ(motley_session_position(session.get()), 0U);
  const std::vector<motley_token> prompt = tokenize("The cat");
  std::string text;
  const auto append = [](const char* piece, size_t piece_bytes, void* user) {
    EXPECT_EQ(std::strlen(piece), piece_bytes);
    static_cast<std::string*>(user)->append(piece, piece_bytes);
    return 1;
  };
  ASSERT_EQ(motley_session_generate_tokens(session.get(), prompt.data(), prompt.size(), &options, append,
                                           &text, nullptr, error_),
            MOTLEY_OK);
  EXPECT_EQ(text, told.text);
}

TEST_F(CApiGeneration, StopsWhenTheCallbackSaysSo) {
  const CSession session = make_session();
  const motley_generate_options options = greedy(50);
  motley_generation generation = motley_generation_default();
  const auto stop = [](const char*, size_t, void*) { return 0; };
  ASSERT_EQ(motley_session_generate(session.get(), "Once", 4, &options, stop, nullptr, &generation, error_),
            MOTLEY_OK);
  EXPECT_EQ(generation.reason, MOTLEY_STOP_CALLBACK);
  EXPECT_LT(generation.generated_tokens, 10U);
}

TEST_F(CApiGeneration, StopsBeforeAStopText) {
  const CSession session = make_session();
  motley_generate_options options = greedy(30);
  story told;
  ASSERT_EQ(tell_in_c(session.get(), "Once upon a time", &options, &told, error_), MOTLEY_OK);
  const std::string text = told.text;
  const std::string word = text.substr(text.size() / 2, 4);
  const std::string before = text.substr(0, text.find(word));

  ASSERT_EQ(motley_session_reset(session.get(), error_), MOTLEY_OK);
  const char* const stop[] = {word.c_str()};
  options.stop = stop;
  options.stop_count = 1;
  ASSERT_EQ(tell_in_c(session.get(), "Once upon a time", &options, &told, error_), MOTLEY_OK);
  EXPECT_EQ(told.generation.reason, MOTLEY_STOP_TEXT);
  EXPECT_EQ(told.text, before);
}

TEST_F(CApiGeneration, LogitsFollowTheLastToken) {
  const CSession session = make_session();
  const float* logits = nullptr;
  size_t count = 0;
  EXPECT_EQ(motley_session_logits(session.get(), &logits, &count, error_), MOTLEY_INVALID_ARGUMENT);
  const std::vector<motley_token> tokens = tokenize("Once upon a time");
  ASSERT_EQ(motley_session_evaluate(session.get(), tokens.data(), tokens.size(), error_), MOTLEY_OK);
  ASSERT_EQ(motley_session_logits(session.get(), &logits, &count, error_), MOTLEY_OK);
  const CModel model = demo_model();
  size_t vocabulary = 0;
  ASSERT_EQ(motley_model_vocabulary_size(model.get(), &vocabulary, error_), MOTLEY_OK);
  ASSERT_EQ(count, vocabulary);
  const std::vector<float> last(logits, logits + count);

  ASSERT_EQ(motley_session_reset(session.get(), error_), MOTLEY_OK);
  float* all = nullptr;
  ASSERT_EQ(motley_session_evaluate_all(session.get(), tokens.data(), tokens.size(), tokens.size() - 2, &all,
                                        error_),
            MOTLEY_OK);
  const CArray<float> owned(all);
  for (size_t i = 0; i < count; ++i) ASSERT_NEAR(all[count + i], last[i], 1e-2) << "token " << i;
}

TEST_F(CApiGeneration, SessionsThatRunTogether) {
  const CSession one = make_session();
  const CSession other = make_session(64);
  const std::vector<motley_token> tokens = tokenize("Once upon a time");
  ASSERT_EQ(motley_session_evaluate(one.get(), tokens.data(), 1, error_), MOTLEY_OK);
  ASSERT_EQ(motley_session_evaluate(other.get(), tokens.data(), 2, error_), MOTLEY_OK);
  motley_session* const both[] = {one.get(), other.get()};
  const motley_token next[] = {tokens[1], tokens[2]};
  ASSERT_EQ(motley_sessions_evaluate(both, next, 2, error_), MOTLEY_OK) << error_.message();
  EXPECT_EQ(motley_session_position(one.get()), 2U);
  EXPECT_EQ(motley_session_position(other.get()), 3U);
  const float* logits = nullptr;
  size_t count = 0;
  ASSERT_EQ(motley_session_logits(other.get(), &logits, &count, error_), MOTLEY_OK);
  const std::vector<float> together(logits, logits + count);
  const CSession alone = make_session();
  ASSERT_EQ(motley_session_evaluate(alone.get(), tokens.data(), 3, error_), MOTLEY_OK);
  ASSERT_EQ(motley_session_logits(alone.get(), &logits, &count, error_), MOTLEY_OK);
  for (size_t i = 0; i < count; ++i) ASSERT_NEAR(together[i], logits[i], 1e-2) << "token " << i;

  EXPECT_EQ(motley_sessions_evaluate(nullptr, nullptr, 0, error_), MOTLEY_OK);
  EXPECT_EQ(motley_sessions_evaluate(both, nullptr, 2, error_), MOTLEY_INVALID_ARGUMENT);
  motley_session* const twice[] = {one.get(), one.get()};
  EXPECT_EQ(motley_sessions_evaluate(twice, next, 2, error_), MOTLEY_INVALID_ARGUMENT);
  motley_session* const none[] = {one.get(), nullptr};
  EXPECT_EQ(motley_sessions_evaluate(none, next, 2, error_), MOTLEY_INVALID_ARGUMENT);
  motley_session_cancel(other.get());
  EXPECT_EQ(motley_sessions_evaluate(both, next, 2, error_), MOTLEY_CANCELLED);
  EXPECT_EQ(motley_session_position(one.get()), 2U);
}

TEST_F(CApiGeneration, AFullContextIsAnError) {
  const CSession session = make_session(16);
  EXPECT_EQ(motley_session_context_tokens(session.get()), 16U);
  const std::vector<motley_token> tokens(17, 5);
  EXPECT_EQ(motley_session_evaluate(session.get(), tokens.data(), tokens.size(), error_),
            MOTLEY_CONTEXT_FULL);
  EXPECT_EQ(motley_session_position(session.get()), 0U);
  const motley_generate_options options = greedy(-1);
  story told;
  ASSERT_EQ(tell_in_c(session.get(), "Once", &options, &told, error_), MOTLEY_OK);
  EXPECT_EQ(told.generation.reason, MOTLEY_STOP_CONTEXT_FULL);
}

TEST_F(CApiGeneration, CancelStopsFromAnotherThread) {
  const CSession session = make_session(1024);
  motley_generate_options options = greedy(-1);
  options.context_shift = 1;  // without end, unless cancelled
  std::atomic<bool> begun = false;
  const auto note = [](const char*, size_t, void* user) {
    *static_cast<std::atomic<bool>*>(user) = true;
    return 1;
  };
  std::thread canceller([&] {
    while (!begun) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    motley_session_cancel(session.get());
  });
  motley_generation generation = motley_generation_default();
  const int code =
      motley_session_generate(session.get(), "Once", 4, &options, note, &begun, &generation, error_);
  begun = true;
  canceller.join();
  ASSERT_EQ(code, MOTLEY_OK) << error_.message();
  EXPECT_EQ(generation.reason, MOTLEY_STOP_CANCELLED);
}

TEST_F(CApiGeneration, ProgressIsToldAndMayCancel) {
  const CModel model = demo_model();
  motley_engine_options options = motley_engine_options_default();
  uint64_t last_bytes = 0;
  options.user = &last_bytes;
  options.progress = [](uint64_t done_bytes, uint64_t total_bytes, void* user) {
    EXPECT_LE(done_bytes, total_bytes);
    *static_cast<uint64_t*>(user) = total_bytes;
    return 1;
  };
  EXPECT_TRUE(CEngine(motley_engine_create(model.get(), device_.get(), &options, error_)))
      << error_.message();
  EXPECT_GT(last_bytes, 0U);
  options.progress = [](uint64_t, uint64_t, void*) { return 0; };
  EXPECT_EQ(motley_engine_create(model.get(), device_.get(), &options, error_), nullptr);
  EXPECT_EQ(error_.code(), MOTLEY_CANCELLED);
}

TEST_F(CApiGeneration, TellsFiguresOfDeviceAndEngine) {
  const CModel model = demo_model();
  motley_memory_need need = motley_memory_need_default();
  ASSERT_EQ(motley_predict_memory(model.get(), device_.get(), nullptr, &need, error_), MOTLEY_OK)
      << error_.message();
  EXPECT_GT(need.weights_bytes, motley_model_size_bytes(model.get()) / 2);
  EXPECT_GT(need.cache_bytes, 0U);
  EXPECT_GE(motley_device_peak_allocated_bytes(device_.get()), motley_device_allocated_bytes(device_.get()));
  EXPECT_GT(motley_device_allocated_bytes(device_.get()), 0U);
  double bandwidth_gbs = 0;
  ASSERT_EQ(motley_device_bandwidth_gbs(device_.get(), &bandwidth_gbs, error_), MOTLEY_OK)
      << error_.message();
  EXPECT_GT(bandwidth_gbs, 0);
  double arithmetic_gflops = 0;
  double matrix_gflops = -1;
  ASSERT_EQ(motley_device_gflops(device_.get(), &arithmetic_gflops, &matrix_gflops, error_), MOTLEY_OK)
      << error_.message();
  EXPECT_GT(arithmetic_gflops, 0);
  EXPECT_GE(matrix_gflops, 0);
  EXPECT_EQ(motley_device_gflops(nullptr, &arithmetic_gflops, nullptr, nullptr), MOTLEY_INVALID_ARGUMENT);
  EXPECT_GE(motley_device_watts(device_.get()), 0);
  ASSERT_NE(motley_device_get_info(device_.get())->pci_address, nullptr);
  EXPECT_GT(motley_engine_bytes_per_token(engine_.get()), 0U);
  EXPECT_GT(motley_engine_trained_context_tokens(engine_.get()), 0U);
}

TEST_F(CApiGeneration, RefusesToMeasureIntoNothing) {
  // What it measures is tested with the command; here nothing may be measured, which takes some seconds.
  motley_device_measurements measured = motley_device_measurements_default();
  EXPECT_EQ(motley_device_measure(nullptr, 0, &measured, error_), MOTLEY_INVALID_ARGUMENT);
  EXPECT_EQ(motley_device_measure(device_.get(), 0, nullptr, error_), MOTLEY_INVALID_ARGUMENT);
  measured.size = 1;
  EXPECT_EQ(motley_device_measure(device_.get(), 0, &measured, error_), MOTLEY_INVALID_ARGUMENT);
  EXPECT_EQ(measured.bandwidth_gbs, 0);
}

TEST_F(CApiGeneration, MeasuresPerplexity) {
  const CSession session = make_session(256);
  const motley_generate_options options = greedy(200);
  story told;
  ASSERT_EQ(tell_in_c(session.get(), "Once upon a time", &options, &told, error_), MOTLEY_OK);
  motley_perplexity result = motley_perplexity_default();
  uint32_t chunks = 0;
  const auto count = [](uint32_t done, uint32_t total, double, void* user) {
    EXPECT_LE(done, total);
    *static_cast<uint32_t*>(user) = done;
    return 1;
  };
  ASSERT_EQ(motley_engine_perplexity(engine_.get(), told.text, told.text_bytes, 64, nullptr, count, &chunks,
                                     &result, error_),
            MOTLEY_OK)
      << error_.message();
  EXPECT_EQ(result.chunks, chunks);
  EXPECT_GE(result.value, 1);
  EXPECT_LT(result.value, 20);  // it is the model's own text
  EXPECT_EQ(
      motley_engine_perplexity(engine_.get(), "Once", 4, 64, nullptr, nullptr, nullptr, &result, error_),
      MOTLEY_INVALID_ARGUMENT);
}

TEST_F(CApiGeneration, AnUnknownDeviceIsNamed) {
  EXPECT_EQ(motley_device_open("no such device", nullptr, error_), nullptr);
  EXPECT_EQ(error_.code(), MOTLEY_NO_DEVICE);
  EXPECT_NE(error_.message().find("no such device"), std::string::npos) << error_.message();
}

TEST_F(CApiGeneration, AnUnknownCacheTypeIsRefused) {
  motley_session_options options = motley_session_options_default();
  options.cache_v = 7;
  EXPECT_EQ(motley_session_create(engine_.get(), &options, error_), nullptr);
  EXPECT_EQ(error_.code(), MOTLEY_INVALID_ARGUMENT);
}

}  // namespace
}  // namespace motley::test
