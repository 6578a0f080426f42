// Faults made on purpose, and what the errors tell of those that devices have by themselves.
#include "vk/fault.hpp"

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "support/devices.hpp"
#include "vk/buffer.hpp"
#include "vk/device.hpp"
#include "vk/recorder.hpp"
#include "vk/result.hpp"

namespace motley::vk {
namespace {

/// The message of the error that `work` throws, which has that code.
template <typename Work>
std::string refusal(ErrorCode code, const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return {};
}

void expect_tells(const std::string& message, std::string_view part) {
  EXPECT_NE(message.find(part), std::string::npos) << "'" << part << "' is not in: " << message;
}

TEST(Fault, IsReadFromText) {
  const auto lost = parse_fault("lost:120");
  ASSERT_TRUE(lost.has_value());
  EXPECT_EQ(lost->fault, Fault::kDeviceLost);
  EXPECT_EQ(lost->at_call, 120U);
  EXPECT_EQ(lost->device, "");
  const auto memory = parse_fault("device-memory:5@llvmpipe (LLVM 15)");
  ASSERT_TRUE(memory.has_value());
  EXPECT_EQ(memory->fault, Fault::kOutOfDeviceMemory);
  EXPECT_EQ(memory->device, "llvmpipe (LLVM 15)");
  EXPECT_EQ(parse_fault("host-memory:7").value().fault, Fault::kOutOfHostMemory);
  EXPECT_EQ(parse_fault("init:1").value().fault, Fault::kInitializationFailed);
  EXPECT_EQ(parse_fault("hang:3").value().fault, Fault::kHang);
  for (const char* const wrong : {"", "lost", "lost:", "lost:0", "lost:-1", "lost:1x", "gone:1", ":1", "@x"})
    EXPECT_FALSE(parse_fault(wrong).has_value()) << wrong;
}

TEST(Fault, TheEnvironmentIsReadByDebugBuildsOnly) {
  ::setenv("MOTLEY_FAULT", "nonsense", 1);
#ifdef NDEBUG
  EXPECT_NO_THROW(arm_fault_of_environment());
#else
  expect_tells(refusal(ErrorCode::kInvalidArgument, [] { arm_fault_of_environment(); }), "nonsense");
#endif
  ::unsetenv("MOTLEY_FAULT");
}

TEST(Result, TellsMemoryAndDevicesFromFaultsOfMotley) {
  const auto expect = [](VkResult result, ErrorCode code) {
    expect_tells(refusal(code, [&] { check(result, "vkSomething"); }), result_name(result));
  };
  EXPECT_NO_THROW(check(VK_SUCCESS, "vkSomething"));
  for (const VkResult result :
       {VK_ERROR_OUT_OF_DEVICE_MEMORY, VK_ERROR_OUT_OF_HOST_MEMORY, VK_ERROR_MEMORY_MAP_FAILED,
        VK_ERROR_FRAGMENTED_POOL, VK_ERROR_TOO_MANY_OBJECTS})
    expect(result, ErrorCode::kOutOfMemory);
  for (const VkResult result : {VK_ERROR_DEVICE_LOST, VK_ERROR_INITIALIZATION_FAILED, VK_ERROR_UNKNOWN})
    expect(result, ErrorCode::kDeviceLost);
  expect(VK_ERROR_FEATURE_NOT_PRESENT, ErrorCode::kInternal);
}

class FaultTest : public test::DeviceTest {
 protected:
  void TearDown() override {
    disarm_fault();
    DeviceTest::TearDown();
  }
  std::shared_ptr<Device> open_watched() const {
    for (auto& opened : test::open_watched_devices())
      if (opened->facts().name == device().facts().name) return opened;
    return nullptr;
  }
};

TEST_P(FaultTest, ADeviceThatFailsToInitialiseIsNamedWithResultAndDriver) {
  watch_for_faults();
  const std::shared_ptr<Instance> instance = Instance::create();
  for (const PhysicalDevice& physical : instance->devices()) {
    if (physical.facts.name != device().facts().name) continue;
    arm_fault({Fault::kInitializationFailed, 1, physical.facts.name});
    const std::string message = refusal(ErrorCode::kNoDevice, [&] { Device::create(instance, physical); });
    EXPECT_TRUE(fault_struck());
    expect_tells(message, physical.facts.name);
    expect_tells(message, physical.facts.driver_name);
    expect_tells(message, "vkCreateDevice");
    expect_tells(message, "VK_ERROR_INITIALIZATION_FAILED");
  }
}

TEST_P(FaultTest, MemoryThatIsNotThereIsToldWithTheFigures) {
  const auto opened = open_watched();
  limit_memory(opened->handle(), 5 << 20);
  const Buffer weights(*opened, 3 << 20, MemoryUse::kDevice, "weights");
  const std::string message = refusal(
      ErrorCode::kOutOfMemory, [&] { const Buffer cache(*opened, 4 << 20, MemoryUse::kDevice, "KV cache"); });
  expect_tells(message, opened->facts().name);
  expect_tells(message, "KV cache");
  expect_tells(message, "4.0 MiB are needed");
  expect_tells(message, "MiB are free");
  expect_tells(message, "this process holds 3.0 MiB");
  if (opened->facts().memory_budget) expect_tells(message, "other programs hold");
  EXPECT_EQ(opened->memory_usage().now_bytes, uint64_t{3} << 20);
}

/// What the device still works on is not freed under it, and is freed when it has finished.
TEST_P(FaultTest, WhatAHangingDeviceUsesIsKeptUntilItIsIdle) {
  const auto opened = open_watched();
  arm_fault({Fault::kHang, 1, ""});
  {
    const Buffer buffer(*opened, 1 << 20, MemoryUse::kReadback, "test");
    CommandList commands(*opened);
    commands.fill(buffer, 7);
    commands.finish();
    const uint64_t submission = opened->submit(commands);
    expect_tells(refusal(ErrorCode::kDeviceLost, [&] { opened->wait(submission); }), opened->facts().name);
  }
  EXPECT_TRUE(opened->hangs());
  EXPECT_FALSE(opened->settle());
  EXPECT_EQ(opened->memory_usage().now_bytes, uint64_t{1} << 20);
  disarm_fault();
  while (!opened->settle()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_FALSE(opened->hangs());
  EXPECT_EQ(opened->memory_usage().now_bytes, 0U);
  EXPECT_EQ(opened->instance().validation_message_count(), 0U);
}

TEST_P(FaultTest, MemoryWhoseBindingFailsIsNotCounted) {
  const auto opened = open_watched();
  for (uint64_t call = 1; call <= 4; ++call) {  // create, allocate, bind, map
    arm_fault({Fault::kOutOfHostMemory, call, ""});
    refusal(ErrorCode::kOutOfMemory,
            [&] { const Buffer buffer(*opened, 4096, MemoryUse::kReadback, "test"); });
    EXPECT_EQ(opened->memory_usage().now_bytes, 0U) << call;
  }
}

MOTLEY_ON_EVERY_DEVICE(FaultTest);

}  // namespace
}  // namespace motley::vk
