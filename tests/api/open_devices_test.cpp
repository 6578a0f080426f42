// Devices that fail to initialise are gone on without, unless the user named them.
#include <string>

#include <gtest/gtest.h>
#include <motley/motley.hpp>

#include "base/log.hpp"
#include "support/devices.hpp"
#include "vk/fault.hpp"

namespace motley {
namespace {

class OpenDevicesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (test::devices().size() < 2) GTEST_SKIP() << "needs two devices: lavapipe and SwiftShader";
    set_log_sink([this](LogLevel, std::string_view message) { logged_ += message; });
    vk::watch_for_faults();
    const std::vector<DeviceInfo> ranked = list_devices();
    best_ = ranked[0].name;
    other_ = ranked[1].name;
    vk::arm_fault({vk::Fault::kInitializationFailed, 1, best_});
  }
  void TearDown() override {
    vk::disarm_fault();
    set_log_sink({});
  }

  const Model model_ = Model::open("shape:llama-3.2-1b@q4_0");
  std::string logged_;
  std::string best_;
  std::string other_;
};

TEST_F(OpenDevicesTest, TheOthersArePlannedWith) {
  const Plan plan = make_plan(model_);
  EXPECT_TRUE(vk::fault_struck());
  ASSERT_FALSE(plan.stages.empty());
  EXPECT_EQ(plan.stages[0].device, other_);
  ASSERT_EQ(plan.unused.size(), 1U);
  EXPECT_EQ(plan.unused[0].device, best_);
  EXPECT_NE(plan.unused[0].reason.find("failed to initialise"), std::string::npos) << plan.unused[0].reason;
  EXPECT_NE(logged_.find("going on without '" + best_), std::string::npos) << logged_;
}

TEST_F(OpenDevicesTest, OneThatIsNamedIsAnError) {
  PlanOptions options;
  options.devices = {best_, other_};
  try {
    make_plan(model_, options);
    ADD_FAILURE() << "planned without '" << best_ << "'";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNoDevice);
    EXPECT_NE(std::string(error.what()).find(best_), std::string::npos) << error.what();
  }
}

TEST_F(OpenDevicesTest, TheOnlyOneIsAnError) {
  PlanOptions options;
  options.excluded = {other_};
  EXPECT_THROW(make_plan(model_, options), Error);
  EXPECT_TRUE(vk::fault_struck());
}

}  // namespace
}  // namespace motley
