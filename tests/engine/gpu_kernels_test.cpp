// The whole forward pass by the kernels of GPUs, which a CPU driver runs when it is said to be one, against
// llama.cpp's logits.
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "engine/session.hpp"
#include "kernels/attention.hpp"
#include "kernels/matmul.hpp"
#include "shader_table.hpp"
#include "support/devices.hpp"
#include "support/oracle.hpp"
#include "support/shared.hpp"

namespace motley::engine {
namespace {

/// With a cache in half precision, and activations rounded to it where cooperative matrices are multiplied.
constexpr double kHalfLimit = 1e-5;

void be_a_gpu(vk::DeviceFacts& facts) { facts.type = vk::DeviceType::kDiscrete; }

/// And one without cooperative matrices.
void be_a_plain_gpu(vk::DeviceFacts& facts) {
  be_a_gpu(facts);
  facts.half_matrices.clear();
  facts.half_matrix_teams.clear();
}

/// And one whose matrices are of any size alone: of the others there is none that makes up a tile.
void be_a_gpu_of_large_matrices(vk::DeviceFacts& facts) {
  be_a_gpu(facts);
  if (!facts.half_matrices.empty()) facts.half_matrices = {{48, 48, 48}};
}

class GpuKernelsTest : public test::DeviceTest {
 protected:
  /// The whole model on the device. Which variants are fastest says nothing here, and takes minutes.
  static std::shared_ptr<const LoadedModel> load(const std::filesystem::path& path,
                                                 const std::shared_ptr<vk::Device>& device) {
    const auto file = std::make_shared<const gguf::File>(gguf::File::open(path));
    std::vector<StageSpec> stages = single_stage(device, model::read_config(*file));
    stages.front().tune = false;
    return std::make_shared<const LoadedModel>(file, stages, nullptr);
  }

  /// Compares the logits after short prompts and a long one.
  static void compare(const std::shared_ptr<const LoadedModel>& model, const std::filesystem::path& path) {
    const nlohmann::json reference = nlohmann::json::parse(std::ifstream(path));
    for (const nlohmann::json& test_case : reference.at("cases")) {
      const auto tokens = test_case.at("prompt_tokens").get<std::vector<Token>>();
      const auto wanted = test_case.at("last_logits").get<std::vector<double>>();
      Session session(model, {static_cast<uint32_t>(tokens.size()) + 1, 512, false, false, false});
      session.evaluate(tokens);
      const double error = test::nmse(session.logits().last(wanted.size()), wanted);
      EXPECT_TRUE(error <= kHalfLimit) << tokens.size() << " tokens: " << error;
    }
  }

  /// The variants that the model takes for prompts.
  static std::string matmul_of(const LoadedModel& model) {
    return kernels::matmul_choice(profile_of(model), quant::Format::kQ8_0, kManyTokens, true).shader.name;
  }
  static std::string attention_of(const LoadedModel& model) {
    const kernels::CacheShape cache{model.config().kv_heads, model.config().head_size, 512};
    return kernels::attention_choice(profile_of(model), cache, kManyTokens, true).shader.name;
  }

 private:
  static constexpr uint32_t kManyTokens = 328;

  static const kernels::Profile& profile_of(const LoadedModel& model) {
    return model.stages().front()->context().profile;
  }
};

constexpr const char* kModel = "reference/models/stories260K-q8_0.gguf";
constexpr const char* kLogits = "reference/logits/stories260K-q8_0.json";

TEST_P(GpuKernelsTest, LogitsByTiles) {
  MOTLEY_SHARED_OR_SKIP(path, kModel);
  MOTLEY_SHARED_OR_SKIP(logits, kLogits);
  const auto model = load(path, test::open_changed_device(GetParam(), be_a_plain_gpu));
  EXPECT_EQ(matmul_of(*model), "matmul.q8_0.tile");
  EXPECT_EQ(attention_of(*model), "attention.tile");
  compare(model, logits);
}

TEST_P(GpuKernelsTest, LogitsByMatrices) {
  MOTLEY_SHARED_OR_SKIP(path, kModel);
  MOTLEY_SHARED_OR_SKIP(logits, kLogits);
  if (device().facts().half_matrices.empty() || shaders::find("attention.coop") == nullptr)
    GTEST_SKIP() << "no cooperative matrices";
  const auto model = load(path, test::open_changed_device(GetParam(), be_a_gpu));
  EXPECT_EQ(matmul_of(*model), "matmul.q8_0.coop");
  EXPECT_EQ(attention_of(*model), "attention.coop");
  compare(model, logits);
}

TEST_P(GpuKernelsTest, LogitsByLargeMatrices) {
  MOTLEY_SHARED_OR_SKIP(path, kModel);
  MOTLEY_SHARED_OR_SKIP(logits, kLogits);
  if (device().facts().half_matrix_teams.empty() || shaders::find("matmul.q8_0.coop2") == nullptr)
    GTEST_SKIP() << "no cooperative matrices as large as a tile";
  const auto model = load(path, test::open_changed_device(GetParam(), be_a_gpu_of_large_matrices));
  EXPECT_EQ(matmul_of(*model), "matmul.q8_0.coop2");
  compare(model, logits);
}

MOTLEY_ON_EVERY_DEVICE(GpuKernelsTest);

}  // namespace
}  // namespace motley::engine
