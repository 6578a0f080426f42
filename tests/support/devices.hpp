// The Vulkan devices that tests run on: both software drivers, with the validation layers on.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "vk/device.hpp"

namespace motley::test {

/// Every device of the machine's software drivers (lavapipe, SwiftShader), or those of $VK_ICD_FILENAMES when
/// that is set; opened once. Empty where there is no driver.
const std::vector<std::shared_ptr<vk::Device>>& devices();

/// The same devices opened anew, each with a Vulkan instance of its own, and watched: vk::arm_fault can make
/// their calls fail.
std::vector<std::shared_ptr<vk::Device>> open_watched_devices(bool validate = true);

/// One of the devices opened anew, with what `change` makes of its facts.
std::shared_ptr<vk::Device> open_changed_device(size_t index, void (*change)(vk::DeviceFacts& facts));

/// Messages of the validation layer since the last call; tests expect none.
uint32_t new_validation_messages();

/// A test that runs once on every device: TEST_P in a suite made with MOTLEY_ON_EVERY_DEVICE(Suite).
class DeviceTest : public ::testing::TestWithParam<size_t> {
 protected:
  vk::Device& device() const { return *devices()[GetParam()]; }
  void TearDown() override { EXPECT_EQ(new_validation_messages(), 0U); }
};

/// A name for a test's parameter: the device's driver.
std::string device_label(const ::testing::TestParamInfo<size_t>& info);

}  // namespace motley::test

#define MOTLEY_ON_EVERY_DEVICE(Suite)                                                                     \
  GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Suite);                                                   \
  INSTANTIATE_TEST_SUITE_P(Devices, Suite, ::testing::Range(size_t{0}, ::motley::test::devices().size()), \
                           ::motley::test::device_label)
