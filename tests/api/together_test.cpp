// Several sessions at once, as a program that embeds the library sees them.
#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <motley/motley.hpp>

namespace motley::test {
namespace {

class TogetherTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    try {
      engine_.emplace(Model::open(MOTLEY_SOURCE_DIR "/tools/demo/stories.gguf"), Device::open());
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kNoDevice) throw;
    }
  }
  static void TearDownTestSuite() { engine_.reset(); }
  void SetUp() override {
    if (!engine_.has_value()) GTEST_SKIP() << "needs a Vulkan device, and there is none";
  }

  static Session make_session(uint32_t context_tokens = 128) {
    SessionOptions options;
    options.context_tokens = context_tokens;
    return Session(*engine_, options);
  }

  static GenerateOptions options(uint64_t seed, int32_t max_tokens) {
    GenerateOptions result;
    result.sampling.seed = seed;
    result.max_tokens = max_tokens;
    result.ignore_end = true;
    return result;
  }

  static inline std::optional<Engine> engine_;
};

TEST_F(TogetherTest, EveryTextIsWhatItIsAlone) {
  // Drawn on the device when alone, on the host when not; with penalties always there.
  const std::vector<std::string> prompts = {"Once upon a time", "One day, a little dog", "The"};
  std::vector<GenerateOptions> asked = {options(1, 30), options(2, 45), options(3, 20)};
  asked[1].sampling.temperature = 0;
  asked[2].sampling.repeat_penalty = 1.3F;
  std::vector<std::string> wanted;
  for (size_t i = 0; i < prompts.size(); ++i) {
    Session session = make_session();
    std::string& text = wanted.emplace_back();
    session.generate(prompts[i], asked[i], [&](std::string_view piece) { return text += piece, true; });
  }
  std::vector<Session> sessions;
  for (size_t i = 0; i < prompts.size(); ++i)
    sessions.push_back(make_session(96 + 32 * static_cast<uint32_t>(i)));
  std::vector<GenerateRequest> requests;
  for (size_t i = 0; i < prompts.size(); ++i) requests.push_back({&sessions[i], prompts[i], asked[i]});
  std::vector<std::string> texts(prompts.size());
  const std::vector<Generation> done = Session::generate_together(
      requests, [&](size_t i, std::string_view piece) { return texts[i] += piece, true; });
  EXPECT_EQ(texts, wanted);
  ASSERT_EQ(done.size(), prompts.size());
  for (size_t i = 0; i < prompts.size(); ++i) {
    EXPECT_EQ(done[i].reason, StopReason::kMaxTokens);
    EXPECT_EQ(done[i].generated_tokens, static_cast<uint32_t>(asked[i].max_tokens));
    EXPECT_GT(done[i].decode_time.count(), 0);
    // The token drawn last waits to be run, as after generate().
    EXPECT_EQ(sessions[i].position(), done[i].prompt_tokens + done[i].generated_tokens);
  }
  // All go on from there.
  const std::vector<Generation> more = Session::generate_together(
      std::vector<GenerateRequest>{{&sessions[0], "", asked[0]}, {&sessions[1], " and", asked[1]}}, {});
  EXPECT_EQ(more[0].generated_tokens, 30U);
  EXPECT_EQ(sessions[0].position(), done[0].prompt_tokens + 60);
}

TEST_F(TogetherTest, EachEndsForReasonsOfItsOwn) {
  std::vector<Session> sessions;
  sessions.push_back(make_session(32));
  for (int i = 0; i < 3; ++i) sessions.push_back(make_session());
  std::vector<GenerateRequest> requests;
  for (Session& session : sessions) requests.push_back({&session, "Once upon a time", options(7, 60)});
  requests[0].options.max_tokens = -1;  // to the end of its context
  int pieces = 0;
  const std::vector<Generation> done = Session::generate_together(requests, [&](size_t i, std::string_view) {
    if (i == 2 && ++pieces == 3) sessions[3].cancel();
    return i != 1;
  });
  EXPECT_EQ(done[0].reason, StopReason::kContextFull);
  EXPECT_EQ(done[1].reason, StopReason::kCallback);
  EXPECT_EQ(done[2].reason, StopReason::kMaxTokens);
  EXPECT_EQ(done[2].generated_tokens, 60U);
  EXPECT_EQ(done[3].reason, StopReason::kCancelled);
  EXPECT_LT(done[3].generated_tokens, 10U);
}

TEST_F(TogetherTest, TheFirstRunsTheTokensOfAll) {
  SessionOptions timed;
  timed.time_kernels = true;
  std::vector<Session> sessions;
  std::vector<GenerateRequest> requests;
  sessions.reserve(2);
  for (const char* const prompt : {"Once upon a time", "One day"})
    requests.push_back({&sessions.emplace_back(*engine_, timed), prompt, options(1, 8)});
  Session::generate_together(requests, {});
  const auto decoding_runs = [&](size_t i) {
    return std::ranges::count_if(sessions[i].kernel_runs(), [](const KernelRun& run) { return run.decode; });
  };
  EXPECT_GT(decoding_runs(0), 0);
  EXPECT_EQ(decoding_runs(1), 0);
}

TEST_F(TogetherTest, ACallbackThatThrowsLeavesNoTokenToBeRunAgain) {
  std::vector<Session> sessions;
  sessions.reserve(2);
  std::vector<GenerateRequest> requests;
  for (int i = 0; i < 2; ++i)
    requests.push_back({&sessions.emplace_back(make_session()), "Once upon a time", options(5, 30)});
  int pieces = 0;
  EXPECT_THROW(Session::generate_together(requests,
                                          [&](size_t i, std::string_view) {
                                            if (i == 0 && ++pieces == 3) throw std::runtime_error("enough");
                                            return true;
                                          }),
               std::runtime_error);
  // They draw the same tokens. The first one's last is drawn and not run yet, the other's are all run.
  EXPECT_EQ(sessions[1].position() + 1, sessions[0].position());
}

TEST_F(TogetherTest, RefusesOneSessionForTwo) {
  Session session = make_session();
  const std::vector<GenerateRequest> twice(2, {&session, "Once", options(1, 4)});
  EXPECT_THROW(Session::generate_together(twice, {}), Error);
  EXPECT_THROW(Session::generate_together(std::vector<GenerateRequest>(1), {}), Error);
  EXPECT_EQ(session.position(), 0U);
  EXPECT_TRUE(Session::generate_together({}, {}).empty());
}

}  // namespace
}  // namespace motley::test
