// Models cut into stages over the machine's devices, which are of different drivers.
#include <algorithm>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "engine/session.hpp"
#include "support/devices.hpp"
#include "support/oracle.hpp"
#include "support/reference_model.hpp"
#include "support/shared.hpp"
#include "support/tiny_model.hpp"

namespace motley::engine {
namespace {

constexpr double kFloatPathLimit = 1e-6;

/// Layers by device, in their order: {{0, 2}, {1, 3}} is two layers on device 0, then three on device 1.
using Cut = std::vector<std::pair<size_t, uint32_t>>;

class StagesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (test::devices().size() < 2) GTEST_SKIP() << "needs two devices: lavapipe and SwiftShader";
  }
  void TearDown() override { EXPECT_EQ(test::new_validation_messages(), 0U); }

  static std::shared_ptr<const LoadedModel> load(gguf::File file, const Cut& cut) {
    std::vector<StageSpec> stages;
    uint32_t first = 0;
    for (const auto& [device, layers] : cut) {
      stages.push_back({test::devices()[device], first, layers});
      first += layers;
    }
    return std::make_shared<const LoadedModel>(std::make_shared<const gguf::File>(std::move(file)), stages,
                                               nullptr);
  }

  /// Every way to cut `layers` in two, either device first.
  static std::vector<Cut> cuts_in_two(uint32_t layers) {
    std::vector<Cut> cuts;
    for (uint32_t first = 1; first < layers; ++first) {
      cuts.push_back({{0, first}, {1, layers - first}});
      cuts.push_back({{1, first}, {0, layers - first}});
    }
    return cuts;
  }

  static std::string name(const Cut& cut) {
    std::string text;
    for (const auto& [device, layers] : cut) text += fmt::format("{}x{} ", layers, device);
    return text;
  }
};

std::vector<Token> greedy(Session& session, std::span<const Token> prompt, size_t count) {
  std::vector<Token> drawn;
  session.evaluate(prompt);
  while (drawn.size() < count) {
    const auto logits = session.logits();
    drawn.push_back(static_cast<Token>(std::ranges::max_element(logits) - logits.begin()));
    session.evaluate(std::span(&drawn.back(), 1));
  }
  return drawn;
}

TEST_F(StagesTest, EveryCutOfStoriesWritesTheSameText) {
  MOTLEY_SHARED_OR_SKIP(model_path, "reference/models/stories260K-f32.gguf");
  MOTLEY_SHARED_OR_SKIP(logits_path, "reference/logits/stories260K-f32.json");
  const nlohmann::json reference = nlohmann::json::parse(std::ifstream(logits_path));
  const nlohmann::json& test_case = reference.at("cases").front();
  const auto prompt = test_case.at("prompt_tokens").get<std::vector<Token>>();
  const auto wanted = test_case.at("last_logits").get<std::vector<double>>();
  const uint32_t layers = model::read_config(gguf::File::open(model_path)).layers;
  std::vector<Token> text;
  std::vector<Cut> cuts = cuts_in_two(layers);
  cuts.insert(cuts.begin(), Cut{{0, layers}});
  for (const Cut& cut : cuts) {
    Session session(load(gguf::File::open(model_path), cut), {256, 64, true, true, true});
    session.evaluate(prompt);
    EXPECT_LE(test::nmse(session.logits(), wanted), kFloatPathLimit) << name(cut);
    session.truncate(0);
    const std::vector<Token> drawn = greedy(session, prompt, 60);
    if (text.empty()) text = drawn;
    EXPECT_EQ(drawn, text) << name(cut);
  }
}

TEST_F(StagesTest, MadeUpModelsAtEveryCut) {
  std::vector<test::TinyModel> models(3);
  for (test::TinyModel& tiny : models) tiny.layers = 4;
  models[1].tied = true;
  models[1].architecture = "qwen3";
  models[2].architecture = "qwen2";
  models[2].kv_heads = 1;
  for (const test::TinyModel& tiny : models) {
    const test::ReferenceModel oracle(tiny.open());
    std::vector<Token> tokens;
    for (uint32_t i = 0; i < 150; ++i) tokens.push_back(static_cast<Token>((i * 37 + 11) % tiny.vocabulary));
    const auto wanted = oracle.logits(tokens);
    std::vector<Cut> cuts = cuts_in_two(tiny.layers);
    cuts.push_back({{0, 1}, {1, 2}, {0, 1}});
    cuts.push_back({{0, 2}, {0, 2}});
    cuts.push_back({{1, 1}, {0, 1}, {1, 1}, {0, 1}});
    for (const Cut& cut : cuts) {
      for (const uint32_t batch : {1U, 7U, 512U}) {
        if (batch == 1 && cut.size() < 4) continue;
        Session session(load(tiny.open(), cut), {200, batch, true, true, true});
        session.evaluate(tokens);
        EXPECT_LE(test::nmse(session.logits(), wanted.back()), kFloatPathLimit)
            << tiny.architecture << ' ' << name(cut) << "batch " << batch;
      }
    }
  }
}

TEST_F(StagesTest, LogitsOfAllPositionsComeInTheirOrder) {
  const test::TinyModel tiny;
  std::vector<Token> tokens;
  for (uint32_t i = 0; i < 100; ++i) tokens.push_back(static_cast<Token>((i * 29 + 3) % tiny.vocabulary));
  Session whole(load(tiny.open(), {{0, tiny.layers}}), {128, 64, true, true, true});
  Session split(load(tiny.open(), {{0, 1}, {1, tiny.layers - 1}}), {128, 9, true, true, true});
  const std::vector<float> logits = whole.evaluate_all(tokens, 5);
  const std::vector<double> wanted(logits.begin(), logits.end());
  EXPECT_LE(test::nmse(split.evaluate_all(tokens, 5), wanted), kFloatPathLimit);
}

TEST_F(StagesTest, RefusesStagesThatLeaveLayersOutOrTakeThemTwice) {
  const test::TinyModel tiny;
  const auto file = std::make_shared<const gguf::File>(tiny.open());
  const auto device = test::devices()[0];
  const std::vector<std::vector<StageSpec>> wrong = {{},
                                                     {{device, 0, tiny.layers - 1}},
                                                     {{device, 1, tiny.layers - 1}},
                                                     {{device, 0, tiny.layers + 1}},
                                                     {{device, 0, 1}, {device, 0, tiny.layers - 1}},
                                                     {{device, 0, 0}, {device, 0, tiny.layers}}};
  for (const std::vector<StageSpec>& stages : wrong) {
    try {
      const LoadedModel model(file, stages, nullptr);
      FAIL() << stages.size() << " stages";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    }
  }
}

TEST_F(StagesTest, AllocatesOnEachDeviceWhatWasPredicted) {
  test::TinyModel tiny;
  tiny.embedding = 256;
  tiny.vocabulary = 2048;
  const gguf::File file = tiny.open();
  const model::Config config = model::read_config(file);
  const auto model = load(tiny.open(), {{0, 1}, {1, tiny.layers - 1}});
  const SessionRequest request{1000, 64, false, true};
  const SessionPlan plan = plan_session(config, model->specs(), request);
  const uint64_t before[] = {test::devices()[0]->memory_usage().now_bytes,
                             test::devices()[1]->memory_usage().now_bytes};
  const Session session(model, request);
  for (size_t i = 0; i < 2; ++i) {
    const auto predicted = static_cast<double>(plan.stages[i].total_bytes());
    EXPECT_NEAR(static_cast<double>(test::devices()[i]->memory_usage().now_bytes - before[i]), predicted,
                0.03 * predicted);
  }
}

}  // namespace
}  // namespace motley::engine
