// Devices that fail while a model runs on them: the text goes on as if they had never been there.
#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "engine/session.hpp"
#include "support/devices.hpp"
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
    vk::watch_for_faults();
    for (const auto& opened : test::devices()) {
      const vk::Instance& instance = opened->instance();
      for (const vk::PhysicalDevice& physical : instance.devices()) {
        if (physical.facts.uuid == opened->facts().uuid && physical.facts.name == opened->facts().name)
          devices_.push_back(vk::Device::create(opened->shared_instance(), physical));
      }
    }
    vk::disarm_fault();
  }
  void TearDown() override {
    vk::disarm_fault();
    devices_.clear();
    set_log_sink({});
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
    Session session(host, kRequest);
    const std::vector<Token> prompt = {1, 20, 30, 40, 50, 60, 70};
    session.evaluate(prompt);
    std::vector<Token> drawn;
    while (drawn.size() < kTokens) {
      const auto logits = session.logits();
      drawn.push_back(static_cast<Token>(std::ranges::max_element(logits) - logits.begin()));
      session.evaluate(std::span(&drawn.back(), 1));
    }
    return drawn;
  }

  /// The calls of a whole run that a fault could strike.
  uint64_t count_calls(vk::Fault fault, const std::string& device) {
    vk::arm_fault({fault, UINT64_MAX, device});
    run(make_host());
    vk::disarm_fault();
    return vk::fault_calls();
  }

  static constexpr SessionRequest kRequest{64, 4, true, true};
  test::TinyModel tiny_{.layers = 4};
  std::vector<std::shared_ptr<vk::Device>> devices_;
};

TEST_F(RecoveryTest, TheTextIsTheSameWhicheverDeviceIsLostWhenever) {
  const std::vector<Token> wanted = run(make_host());
  for (const auto& device : devices_) {
    const std::string& name = device->facts().name;
    const uint64_t calls = count_calls(vk::Fault::kDeviceLost, name);
    ASSERT_GT(calls, 100U);
    // Loading makes most of the calls. Primes as steps, so that all kinds are met.
    for (uint64_t call = 1; call <= calls; call += call + 60 < calls ? 89 : 5) {
      vk::arm_fault({vk::Fault::kDeviceLost, call, name});
      EXPECT_EQ(run(make_host()), wanted) << name << " lost at call " << call << " of " << calls;
      EXPECT_TRUE(vk::fault_struck());
    }
  }
}

TEST_F(RecoveryTest, AHangIsALoss) {
  const std::vector<Token> wanted = run(make_host());
  const std::string& name = devices_[1]->facts().name;
  const uint64_t waits = count_calls(vk::Fault::kHang, name);
  ASSERT_GT(waits, 10U);
  for (uint64_t wait = 1; wait <= waits; wait += 7) {
    vk::arm_fault({vk::Fault::kHang, wait, name});
    EXPECT_EQ(run(make_host()), wanted) << "hang at wait " << wait << " of " << waits;
  }
}

TEST_F(RecoveryTest, MemoryThatIsNotThereAfterAllIsPlannedAgainOrAnError) {
  const std::vector<Token> wanted = run(make_host());
  for (const vk::Fault fault : {vk::Fault::kOutOfDeviceMemory, vk::Fault::kOutOfHostMemory}) {
    const uint64_t calls = count_calls(fault, "");
    for (uint64_t call = 1; call <= calls; call += 211) {
      vk::arm_fault({fault, call, ""});
      try {
        EXPECT_EQ(run(make_host()), wanted) << "call " << call;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kOutOfMemory) << error.what();
      }
    }
  }
}

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

TEST_F(RecoveryTest, WithNoDeviceLeftItIsAnError) {
  const std::vector<Token> wanted = run(make_host());
  const uint64_t calls = count_calls(vk::Fault::kDeviceLost, "");
  devices_.resize(1);
  for (const uint64_t call : {uint64_t{1}, calls / 3, calls / 2}) {
    vk::arm_fault({vk::Fault::kDeviceLost, call, ""});
    ModelHost::Options options;
    options.session = kRequest;
    try {
      run(std::make_shared<ModelHost>(std::make_shared<const gguf::File>(tiny_.open()), devices_, options));
      EXPECT_FALSE(vk::fault_struck()) << "call " << call;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kDeviceLost) << error.what();
    }
  }
}

}  // namespace
}  // namespace motley::engine
