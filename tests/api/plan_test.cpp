// Plans through both interfaces, for a machine written down in a file: no device is needed.
#include <fstream>
#include <limits>
#include <string>

#include <gtest/gtest.h>
#include <motley/motley.hpp>

#include "api/c_api_handles.hpp"
#include "support/temporary_directory.hpp"

namespace motley::test {
namespace {

class PlanTest : public ::testing::Test {
 protected:
  PlanTest() {
    std::ofstream(machine_) << R"({"devices": [
      {"name": "Fast", "memory_bytes": 6000000000, "bandwidth_gbs": 900},
      {"name": "Slow", "memory_bytes": 8000000000, "bandwidth_gbs": 300},
      {"name": "Slow", "memory_bytes": 8000000000, "bandwidth_gbs": 300}]})";
  }

  Plan plan(const PlanOptions& options, const char* shape = "shape:llama-3.2-1b@q4_0") const {
    return make_plan(Model::open(shape), options, {}, machine_);
  }

  TemporaryDirectory directory_;
  std::filesystem::path machine_ = directory_ / "machine.json";
};

TEST_F(PlanTest, NamesDevicesAndFigures) {
  const Plan made = plan({});
  EXPECT_EQ(made.model, "shape:llama-3.2-1b@q4_0");
  EXPECT_EQ(made.layers, 16U);
  EXPECT_EQ(made.context_tokens, 4096U);
  ASSERT_TRUE(made.feasible);
  ASSERT_EQ(made.stages.size(), 1U);
  const PlanStage& stage = made.stages[0];
  EXPECT_EQ(stage.device, "Fast");
  EXPECT_EQ(stage.device_index, 0U);
  EXPECT_TRUE(stage.embedding && stage.output);
  EXPECT_EQ(stage.usable_bytes, 6000000000U);
  EXPECT_GT(stage.weights_bytes, 500U << 20);
  EXPECT_EQ(stage.kv_bytes, 128U << 20);  // 16 layers, 4096 positions, 512 keys and values of 2 bytes
  EXPECT_NEAR(1000 / (stage.decode_ms + stage.handoff_ms), made.decode_tokens_per_second, 1e-6);
  ASSERT_EQ(made.unused.size(), 2U);
  EXPECT_EQ(made.unused[1].device, "Slow #2");
  EXPECT_EQ(made.unused[1].device_index, 2U);
  EXPECT_EQ(made.unused[1].usable_bytes, 8000000000U);
  EXPECT_EQ(made.alternatives.size(), 4U);
  EXPECT_FALSE(made.estimates.empty());
}

TEST_F(PlanTest, LayersByHandMayNameADeviceTwice) {
  PlanOptions options;
  options.layers = "Slow:0-3,2:4,fast:5-9,Slow #2:10-15";
  const Plan made = plan(options);
  ASSERT_EQ(made.stages.size(), 4U);
  EXPECT_EQ(made.stages[0].device, "Slow");
  EXPECT_EQ(made.stages[1].device, "Slow #2");
  EXPECT_EQ(made.stages[1].last_layer, 4U);
  EXPECT_EQ(made.stages[2].device, "Fast");
  EXPECT_EQ(made.stages[3].device, "Slow #2");
}

TEST_F(PlanTest, AListOfDevicesMayBeOneTextOrSeveral) {
  PlanOptions options;
  options.split = {1, 1};
  options.devices = {"2,0"};
  EXPECT_EQ(plan(options).stages.at(0).device, "Slow #2");
  options.devices = {"2", "0"};
  EXPECT_EQ(plan(options).stages.at(1).device, "Fast");
}

TEST_F(PlanTest, WhatDoesNotFitIsNoError) {
  const Plan made = plan({}, "shape:llama-3-70b");
  EXPECT_FALSE(made.feasible);
  EXPECT_FALSE(made.warnings.empty());
  EXPECT_NE(to_json(made).find("\"feasible\": false"), std::string::npos);
}

TEST_F(PlanTest, ThroughC) {
  CError error;
  motley_model* model = motley_model_open("shape:llama-3.2-1b@q4_0", error);
  ASSERT_NE(model, nullptr) << error.message();
  const std::string machine = machine_.string();
  motley_plan_options options = motley_plan_options_default();
  options.devices_from = machine.c_str();
  const motley_memory_limit limit = {"Fast", 1 << 20};
  options.max_memory = &limit;
  options.max_memory_count = 1;
  char* json = nullptr;
  ASSERT_EQ(motley_plan_json(model, &options, nullptr, nullptr, &json, error), MOTLEY_OK) << error.message();
  EXPECT_NE(std::string(json).find("\"device\": \"Slow\""), std::string::npos) << json;
  motley_free(json);

  options.objective = 4;
  EXPECT_EQ(motley_plan_json(model, &options, nullptr, nullptr, &json, error), MOTLEY_INVALID_ARGUMENT);
  options.objective = MOTLEY_LATENCY;
  options.devices = "Fast,No";
  EXPECT_EQ(motley_plan_json(model, &options, nullptr, nullptr, &json, error), MOTLEY_NO_DEVICE);
  options.devices = "Fast";
  options.device_layers = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(motley_plan_json(model, &options, nullptr, nullptr, &json, error), MOTLEY_INVALID_ARGUMENT);
  EXPECT_EQ(motley_plan_json(nullptr, &options, nullptr, nullptr, &json, error), MOTLEY_INVALID_ARGUMENT);
  motley_model_free(model);
}

TEST_F(PlanTest, SyntheticModelsAreWrittenAndMayBeStopped) {
  SyntheticOptions options;
  options.progress = [](uint64_t, uint64_t) { return false; };
  const std::filesystem::path path = directory_ / "model.gguf";
  try {
    write_synthetic_model("shape:qwen2.5-0.5b@q4_0", path, options);
    ADD_FAILURE() << "it was not stopped";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCancelled);
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace motley::test
