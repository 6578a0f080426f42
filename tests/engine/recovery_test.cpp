// Devices that fail while a model runs on them: the text goes on as if they had never been there.
#include <algorithm>
#include <functional>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "engine/session.hpp"
#include "support/devices.hpp"
#include "support/greedy.hpp"
#include "support/temporary_directory.hpp"
#include "support/tiny_model.hpp"
#include "vk/fault.hpp"

namespace motley::engine {
namespace {

constexpr size_t kTokens = 12;

class RecoveryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (test::devices().size() < 2) GTEST_SKIP() << "needs two devices: lavapipe and SwiftShader";
    set_log_sink([](LogLevel, std::string_view) {});
    devices_ = shared_devices();
  }
  void TearDown() override {
    vk::disarm_fault();
    for (const auto& device : devices_) EXPECT_EQ(device->instance().validation_message_count(), 0U);
    set_log_sink({});
  }
  /// SwiftShader takes seconds to compile the kernels.
  static void TearDownTestSuite() { shared_devices().clear(); }
  static std::vector<std::shared_ptr<vk::Device>>& shared_devices() {
    static std::vector<std::shared_ptr<vk::Device>> devices = test::open_watched_devices();
    return devices;
  }

  std::shared_ptr<ModelHost> make_host(bool recover = true) {
    ModelHost::Options options;
    options.session = kRequest;
    options.recover = recover;
    options.request.only = {0, 1};
    options.request.layers = {{0, 0, 1}, {1, 2, tiny_.layers - 1}};
    return std::make_shared<ModelHost>(std::make_shared<const gguf::File>(tiny_.open()), devices_, options);
  }

  /// Loads, and draws kTokens greedily.
  std::vector<Token> run(const std::shared_ptr<ModelHost>& host) const {
    host->load();
    return draw(host, [](size_t) {});
  }

  /// Calls `before(i)` before the i-th token is run, the prompt being the first.
  template <typename Before>
  static std::vector<Token> draw(const std::shared_ptr<ModelHost>& host, const Before& before) {
    Session session(host, kRequest);
    before(0);
    session.evaluate(kPrompt);
    test::GreedyDrawer drawer(session);
    std::vector<Token> drawn;
    while (drawn.size() < kTokens) {
      drawn.push_back(drawer.draw());
      before(drawn.size());
      drawer.evaluate(drawn.back());
    }
    return drawn;
  }

  /// What a stage of the model holds becomes values that are no numbers, as if its device's memory were
  /// broken.
  static void spoil(const ModelHost& host, size_t stage) {
    const auto model = host.loaded().model;
    for (const vk::Buffer& arena : model->stages()[stage]->arenas()) {
      ASSERT_FALSE(arena.mapped().empty());
      std::ranges::fill(arena.mapped_as<float>(), std::numeric_limits<float>::quiet_NaN());
    }
  }

  /// The calls of a whole run that a fault could strike. The first run ever has its devices tried and
  /// measured, the others do not.
  uint64_t count_calls(vk::Fault fault, const std::string& device) {
    run(make_host());
    vk::arm_fault({fault, UINT64_MAX, device});
    run(make_host());
    vk::disarm_fault();
    return vk::fault_calls();
  }

  static constexpr SessionRequest kRequest{64, 4, true, true, true};
  static inline const std::vector<Token> kPrompt = {1, 20, 30, 40, 50, 60, 70};
  test::TinyModel tiny_{.layers = 4};
  std::vector<std::shared_ptr<vk::Device>> devices_;
};

TEST_F(RecoveryTest, WithoutRecoveryTheErrorNamesTheDevice) {
  for (const auto& device : devices_) {
    const std::string& name = device->facts().name;
    const uint64_t calls = count_calls(vk::Fault::kDeviceLost, name);
    for (const uint64_t call : {calls / 2, calls * 3 / 4}) {  // the last ones clean up
      vk::arm_fault({vk::Fault::kDeviceLost, call, name});
      try {
        run(make_host(false));
        ADD_FAILURE() << name << " lost at call " << call;
      } catch (const DeviceFailure& failure) {
        EXPECT_EQ(failure.code(), ErrorCode::kDeviceLost);
        EXPECT_EQ(&failure.device(), device.get());
      }
    }
  }
}

TEST_F(RecoveryTest, ATensorThatCannotBeLoadedIsNamedWithItsOffset) {
  const test::TemporaryDirectory directory;
  const std::filesystem::path path = directory / "model.gguf";
  write_file_atomically(path, tiny_.writer().bytes());
  const auto file = std::make_shared<const gguf::File>(gguf::File::open(path));
  const gguf::TensorInfo* const last = file->find_tensor("blk.3.ffn_down.weight");
  ASSERT_NE(last, nullptr);
  std::filesystem::resize_file(path, last->offset_bytes + 8);
  ModelHost::Options options;
  options.session = kRequest;
  devices_.resize(1);
  try {
    std::make_shared<ModelHost>(file, devices_, options)->load();
    ADD_FAILURE() << "loaded what is not there";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
    const std::string message = error.what();
    EXPECT_NE(message.find("blk.3.ffn_down.weight"), std::string::npos) << message;
    EXPECT_NE(message.find(fmt::format("offset {}", last->offset_bytes)), std::string::npos) << message;
  }
}

/// Whichever call of their common pass the fault strikes.
TEST_F(RecoveryTest, SessionsThatRunTogetherAllGoOn) {
  const std::vector<Token> wanted = run(make_host());
  const auto run_together = [&](const std::shared_ptr<ModelHost>& host,
                                const std::function<void()>& before_pass) {
    Session first(host, kRequest);
    Session second(host, kRequest);
    Session* const both[] = {&first, &second};
    first.evaluate(kPrompt);
    second.evaluate(std::span(kPrompt).first(3));
    for (size_t i = 3; i < kPrompt.size(); ++i) second.evaluate(std::span(&kPrompt[i], 1));
    for (size_t i = 0; i < kTokens; ++i) {
      if (i == kTokens / 2) before_pass();
      const auto logits = first.logits();
      const auto drawn = static_cast<Token>(std::ranges::max_element(logits) - logits.begin());
      EXPECT_EQ(drawn, wanted[i]);
      const auto others = second.logits();
      EXPECT_EQ(static_cast<Token>(std::ranges::max_element(others) - others.begin()), wanted[i]);
      const Token tokens[] = {drawn, drawn};
      Session::evaluate_together(both, tokens);
      vk::disarm_fault();
    }
    EXPECT_EQ(first.position(), kPrompt.size() + kTokens);
    EXPECT_EQ(second.position(), kPrompt.size() + kTokens);
  };
  for (const auto& device : devices_) {
    const std::string& name = device->facts().name;
    const auto counted = make_host();
    counted->load();
    run_together(counted, [&] { vk::arm_fault({vk::Fault::kDeviceLost, UINT64_MAX, name}); });
    const uint64_t calls = vk::fault_calls();
    ASSERT_GT(calls, 0U);
    for (uint64_t call = 0; call < calls; ++call) {
      const auto host = make_host();
      host->load();
      run_together(host, [&] { vk::arm_fault({vk::Fault::kDeviceLost, call, name}); });
    }
  }
}

/// The caller may go on with a session that has failed; the tokens it held are still there.
TEST_F(RecoveryTest, ASessionThatFailedCanBeCalledAgain) {
  const std::vector<Token> wanted = run(make_host());
  devices_.resize(1);
  const std::string& name = devices_[0]->facts().name;
  ModelHost::Options options;
  options.session = kRequest;
  const auto host =
      std::make_shared<ModelHost>(std::make_shared<const gguf::File>(tiny_.open()), devices_, options);
  host->load();
  Session session(host, kRequest);
  session.evaluate(kPrompt);
  vk::arm_fault({vk::Fault::kDeviceLost, 1, name});
  for (int attempt = 0; attempt < 2; ++attempt) {
    try {
      session.evaluate(std::span(&wanted.front(), 1));
      ADD_FAILURE() << "the device is lost";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kDeviceLost) << error.what();
    }
    EXPECT_TRUE(std::ranges::equal(session.tokens(), kPrompt));
  }
  vk::disarm_fault();  // it comes back
  session.evaluate(std::span(&wanted.front(), 1));
  const auto logits = session.logits();
  EXPECT_EQ(static_cast<Token>(std::ranges::max_element(logits) - logits.begin()), wanted[1]);
}

TEST_F(RecoveryTest, ADeviceThatGivesNoNumbersIsGoneOnWithout) {
  const std::vector<Token> wanted = run(make_host());
  for (size_t device = 0; device < 2; ++device) {
    for (const size_t token : {0U, 1U, 7U}) {
      const auto host = make_host();
      host->load();
      const std::vector<Token> drawn = draw(host, [&](size_t i) {
        if (i == token) spoil(*host, device);
      });
      EXPECT_EQ(drawn, wanted) << "device " << device << " broken before token " << token;
      ASSERT_EQ(host->plan().stages.size(), 1U);
      EXPECT_EQ(host->plan().stages[0].device, 1 - device);
    }
  }
}

TEST_F(RecoveryTest, WithoutRecoveryNoNumbersAreAnErrorThatNamesTheDevice) {
  const auto host = make_host(false);
  host->load();
  spoil(*host, 1);
  try {
    draw(host, [](size_t) {});
    ADD_FAILURE() << "there are no numbers to draw by";
  } catch (const DeviceFailure& failure) {
    EXPECT_EQ(failure.code(), ErrorCode::kDeviceLost);
    EXPECT_EQ(&failure.device(), devices_[1].get());
  }
}

/// Once two devices give no numbers it is the model, and no third device is asked.
TEST_F(RecoveryTest, AModelWithoutNumbersIsBlamedItself) {
  for (const auto& device : test::open_watched_devices()) devices_.push_back(device);
  ASSERT_EQ(devices_.size(), 4U);
  for (const char* const tensor : {"blk.0.ffn_up.weight", "blk.3.attn_norm.weight", "output.weight"}) {
    tiny_.not_numbers = {tensor};
    ModelHost::Options options;
    options.session = kRequest;
    options.request.only = {0, 1, 2, 3};
    options.request.layers = {{0, 0, 0}, {1, 1, 1}, {2, 2, 2}, {3, 3, 3}};
    const auto host =
        std::make_shared<ModelHost>(std::make_shared<const gguf::File>(tiny_.open()), devices_, options);
    try {
      run(host);
      ADD_FAILURE() << tensor;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kMalformedModel) << error.what();
      EXPECT_NE(std::string(error.what()).find("tiny.gguf"), std::string::npos) << error.what();
    }
    EXPECT_EQ(host->request().excluded.size(), 1U) << tensor;
  }
}

}  // namespace
}  // namespace motley::engine
