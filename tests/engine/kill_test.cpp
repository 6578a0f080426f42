// A device is lost, or hangs, at each step of a generation: the text is that of an undisturbed one.
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/log.hpp"
#include "engine/fault_stride.hpp"
#include "engine/session.hpp"
#include "support/devices.hpp"
#include "support/greedy.hpp"
#include "support/shared.hpp"
#include "vk/fault.hpp"

namespace motley::engine {
namespace {

constexpr size_t kSteps = 32;

class KillTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (test::devices().size() < 2) GTEST_SKIP() << "needs two devices: lavapipe and SwiftShader";
    set_log_sink([](LogLevel, std::string_view) {});
  }
  void TearDown() override {
    vk::disarm_fault();
    set_log_sink({});
  }

  /// Kept from test to test, as SwiftShader takes seconds to compile the kernels.
  static std::vector<std::shared_ptr<vk::Device>>& devices() {
    static std::vector<std::shared_ptr<vk::Device>> devices =
        test::open_watched_devices(test::fault_stride(kUsualStride) > 1);
    return devices;
  }
  static void TearDownTestSuite() {
    for (const auto& device : devices()) EXPECT_EQ(device->instance().validation_message_count(), 0U);
    devices().clear();
  }

  /// Generates kSteps tokens from the beginning of a story; `calls[i]` is how many calls could have failed
  /// when i of them had been run.
  static std::vector<Token> generate(const std::shared_ptr<const gguf::File>& file,
                                     std::vector<uint64_t>& calls) {
    ModelHost::Options options;
    options.session = kRequest;
    options.request.only = {0, 1};
    options.request.layers = {{0, 0, 1}, {1, 2, 4}};
    const auto host = std::make_shared<ModelHost>(file, devices(), options);
    host->load();
    Session session(host, kRequest);
    session.evaluate(std::vector<Token>{1, 403, 407, 261, 378});
    test::GreedyDrawer drawer(session);
    std::vector<Token> drawn;
    calls = {vk::fault_calls()};
    while (drawn.size() < kSteps) {
      drawn.push_back(drawer.draw());
      drawer.evaluate(drawn.back());
      calls.push_back(vk::fault_calls());
    }
    return drawn;
  }

  /// Strikes each device's first or last call of each step.
  static void strike_each_step(const std::filesystem::path& path, vk::Fault fault, bool last) {
    const auto file = std::make_shared<const gguf::File>(gguf::File::open(path));
    size_t points = 0;
    for (const auto& device : devices()) {
      const std::string& name = device->facts().name;
      std::vector<uint64_t> calls;
      vk::arm_fault({fault, UINT64_MAX, name});
      generate(file, calls);  // makes the pipelines
      vk::arm_fault({fault, UINT64_MAX, name});
      std::vector<uint64_t> undisturbed;
      const std::vector<Token> wanted = generate(file, undisturbed);
      const uint64_t stride = test::fault_stride(kUsualStride);
      for (size_t step = points % stride; step < kSteps; step += stride, ++points) {
        ASSERT_LT(undisturbed[step], undisturbed[step + 1]);
        const uint64_t at = last ? undisturbed[step + 1] : undisturbed[step] + 1;
        vk::arm_fault({fault, at, name});
        EXPECT_EQ(generate(file, calls), wanted) << name << " at step " << step;
        EXPECT_TRUE(vk::fault_struck());
        vk::disarm_fault();
      }
    }
    std::printf("%zu points\n", points);
  }

  static constexpr uint64_t kUsualStride = 7;
  static constexpr SessionRequest kRequest{64, 8, true, true, true};
};

TEST_F(KillTest, LostWhenGivenAStep) {
  MOTLEY_SHARED_OR_SKIP(path, "reference/models/stories260K-f32.gguf");
  strike_each_step(path, vk::Fault::kDeviceLost, false);
}

TEST_F(KillTest, LostAtAStep) {
  MOTLEY_SHARED_OR_SKIP(path, "reference/models/stories260K-f32.gguf");
  strike_each_step(path, vk::Fault::kDeviceLost, true);
}

TEST_F(KillTest, HangsOverAStep) {
  MOTLEY_SHARED_OR_SKIP(path, "reference/models/stories260K-f32.gguf");
  strike_each_step(path, vk::Fault::kHang, false);
}

}  // namespace
}  // namespace motley::engine
