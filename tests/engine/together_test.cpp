// Tokens of several sessions in one pass: each must come to what it comes to by itself.
#include <algorithm>
#include <memory>

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "engine/session.hpp"
#include "support/devices.hpp"
#include "support/greedy.hpp"
#include "support/oracle.hpp"
#include "support/tiny_model.hpp"

namespace motley::engine {
namespace {

constexpr double kFloatPathLimit = 1e-6;
constexpr SessionRequest kRequest{64, 32, true, true, true};

std::shared_ptr<const LoadedModel> load(const test::TinyModel& tiny, std::vector<StageSpec> stages) {
  return std::make_shared<const LoadedModel>(std::make_shared<const gguf::File>(tiny.open()), stages,
                                             nullptr);
}

Token token_of(size_t session, size_t number) {
  return static_cast<Token>((session * 41 + number * 17 + 5) % 280);
}

/// Sessions with prompts of different lengths.
class Group {
 public:
  Group(std::shared_ptr<const LoadedModel> model, std::vector<SessionRequest> requests)
      : model_(std::move(model)) {
    for (const SessionRequest& request : requests) {
      Session& session = *sessions_.emplace_back(std::make_unique<Session>(model_, request));
      requests_.push_back(request);
      std::vector<Token> prompt(2 + 3 * numbers_.size());
      for (size_t i = 0; i < prompt.size(); ++i) prompt[i] = token_of(numbers_.size(), i);
      numbers_.push_back(numbers_.size());
      session.evaluate(prompt);
    }
  }

  Session& operator[](size_t i) { return *sessions_[i]; }
  size_t size() const { return sessions_.size(); }

  std::vector<Session*> all() {
    std::vector<Session*> result;
    for (const auto& session : sessions_) result.push_back(session.get());
    return result;
  }

  void step() { step(all()); }
  void step(const std::vector<Session*>& sessions) {
    std::vector<Token> tokens;
    for (const Session* each : sessions) tokens.push_back(token_of(number_of(*each), each->position()));
    Session::evaluate_together(sessions, tokens);
  }

  void leave(size_t i) {
    sessions_.erase(sessions_.begin() + static_cast<ptrdiff_t>(i));
    numbers_.erase(numbers_.begin() + static_cast<ptrdiff_t>(i));
    requests_.erase(requests_.begin() + static_cast<ptrdiff_t>(i));
  }

  /// What every session holds, evaluated by another by itself, gives the same logits.
  void check(double limit) {
    for (size_t i = 0; i < sessions_.size(); ++i) {
      Session alone(model_, requests_[i]);
      const auto tokens = sessions_[i]->tokens();
      for (size_t t = 0; t < tokens.size(); ++t) EXPECT_EQ(tokens[t], token_of(numbers_[i], t));
      alone.evaluate(tokens);
      const std::vector<double> wanted(alone.logits().begin(), alone.logits().end());
      EXPECT_LE(test::nmse(sessions_[i]->logits(), wanted), limit) << "session " << i;
    }
  }

 private:
  size_t number_of(const Session& session) const {
    for (size_t i = 0; i < sessions_.size(); ++i) {
      if (sessions_[i].get() == &session) return numbers_[i];
    }
    return 0;
  }

  std::shared_ptr<const LoadedModel> model_;
  std::vector<std::unique_ptr<Session>> sessions_;
  std::vector<SessionRequest> requests_;
  std::vector<size_t> numbers_;
};

class TogetherTest : public test::DeviceTest {
 protected:
  std::shared_ptr<const LoadedModel> load_whole(const test::TinyModel& tiny) const {
    return load(tiny, {{test::devices()[GetParam()], 0, tiny.layers}});
  }
};

TEST_P(TogetherTest, EachAsByItself) {
  test::TinyModel llama;
  test::TinyModel qwen3;  // with norms of queries and keys
  qwen3.architecture = "qwen3";
  for (const test::TinyModel& tiny : {llama, qwen3}) {
    // Of different contexts and caches.
    SessionRequest halves = kRequest;
    halves.context = 40;
    halves.keys_f32 = false;
    Group group(load_whole(tiny), {kRequest, halves, kRequest});
    for (int i = 0; i < 12; ++i) group.step();
    group.check(1e-5);  // halves are rounded from sums that may differ in their last bits
  }
}

TEST_P(TogetherTest, RoundedActivations) {
  test::TinyModel tiny;
  tiny.embedding = 256;
  tiny.format = gguf::TensorType::kQ4_0;
  SessionRequest request = kRequest;
  request.activations_f32 = false;
  Group group(load_whole(tiny), {request, request});
  for (int i = 0; i < 5; ++i) group.step();
  group.check(1e-3);
}

TEST_P(TogetherTest, MoreThanOnePassHasRoomFor) {
  const auto model = load_whole({});
  SessionRequest narrow = kRequest;
  narrow.batch = 3;
  for (const SessionRequest& request : {kRequest, narrow}) {
    Group group(model, std::vector<SessionRequest>(request.batch == 3 ? 7 : kHeadRows + 2, request));
    group.step();
    group.step();
    group.check(kFloatPathLimit);
  }
}

TEST_P(TogetherTest, SessionsComeAndGo) {
  Group group(load_whole({}), std::vector<SessionRequest>(4, kRequest));
  group.step();
  group.step({&group[3], &group[1]});
  group.leave(0);  // whose scratch the first pass was in
  group.step();
  group[1].truncate(1);
  group.step();
  group.check(kFloatPathLimit);
}

TEST_P(TogetherTest, AfterAStepBegunAhead) {
  Group group(load_whole({}), std::vector<SessionRequest>(2, kRequest));
  for (size_t i = 0; i < group.size(); ++i) {
    test::GreedyDrawer drawer(group[i]);
    drawer.evaluate(token_of(i, group[i].position()));
  }
  group.step();
  group.check(kFloatPathLimit);
}

TEST_P(TogetherTest, RefusesBeforeAnythingRuns) {
  Group group(load_whole({}), std::vector<SessionRequest>(2, kRequest));
  const auto refused = [&](const std::vector<Session*>& sessions, const std::vector<Token>& tokens) {
    try {
      Session::evaluate_together(sessions, tokens);
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::kInternal;
  };
  EXPECT_EQ(refused(group.all(), {1}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(refused({&group[0], &group[0]}, {1, 1}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(refused(group.all(), {1, 1000000}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(refused(group.all(), {1, -1}), ErrorCode::kInvalidArgument);
  while (group[1].position() < group[1].context_tokens()) {
    const Token token = token_of(1, group[1].position());
    group[1].evaluate(std::span(&token, 1));
  }
  EXPECT_EQ(refused(group.all(), {1, 1}), ErrorCode::kContextFull);
  EXPECT_EQ(group[0].position(), 2U);
  Session::evaluate_together({}, {});
  group.check(kFloatPathLimit);
}

TEST_P(TogetherTest, EachCountsItsShare) {
  Group group(load_whole({}), std::vector<SessionRequest>(3, kRequest));
  group.step();
  group.step();
  for (size_t i = 0; i < group.size(); ++i) {
    const StageTimes::Work& decode = group[i].stage_times().front().decode;
    EXPECT_EQ(decode.tokens, 2U);
    EXPECT_GT(decode.busy.count(), 0);
    EXPECT_GE(decode.wall, decode.busy);
  }
}

MOTLEY_ON_EVERY_DEVICE(TogetherTest);

TEST(TogetherOnTwoDevices, EachAsByItself) {
  if (test::devices().size() < 2) GTEST_SKIP() << "needs two devices: lavapipe and SwiftShader";
  test::TinyModel tiny;
  tiny.layers = 4;
  const auto& devices = test::devices();
  const auto model = load(tiny, {{devices[0], 0, 1}, {devices[1], 1, 2}, {devices[0], 3, 1}});
  Group group(model, std::vector<SessionRequest>(3, kRequest));
  for (int i = 0; i < 4; ++i) group.step();
  group.check(kFloatPathLimit);
  EXPECT_EQ(test::new_validation_messages(), 0U);
}

}  // namespace
}  // namespace motley::engine
