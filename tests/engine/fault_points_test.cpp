// Every call of Vulkan that loading and generating makes fails once in every way that it can.
//
// A run has too many of them for each build: by default every MOTLEY_FAULT_STRIDE-th point is tried,
// beginning elsewhere for each kind of fault and each machine. MOTLEY_FAULT_STRIDE=1 tries all.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "engine/fault_stride.hpp"
#include "engine/session.hpp"
#include "support/devices.hpp"
#include "support/greedy.hpp"
#include "support/tiny_model.hpp"
#include "vk/fault.hpp"

namespace motley::engine {
namespace {

using vk::Fault;
using Devices = std::vector<std::shared_ptr<vk::Device>>;

constexpr size_t kTokens = 3;
constexpr uint64_t kUsualStride = 47;  // a prime, so that no kind of call is always left out
constexpr std::chrono::seconds kLongest{10};
constexpr Fault kFaults[] = {Fault::kDeviceLost, Fault::kOutOfDeviceMemory, Fault::kOutOfHostMemory,
                             Fault::kInitializationFailed, Fault::kHang};

uint64_t stride() { return test::fault_stride(kUsualStride); }

std::string to_string(Fault fault) {
  switch (fault) {
    case Fault::kDeviceLost:
      return "lost";
    case Fault::kOutOfDeviceMemory:
      return "device-memory";
    case Fault::kOutOfHostMemory:
      return "host-memory";
    case Fault::kInitializationFailed:
      return "init";
    case Fault::kHang:
      break;
  }
  return "hang";
}

/// What came of a run.
struct Outcome {
  std::vector<Token> drawn;
  std::optional<ErrorCode> error;
  std::string message;
};

class FaultPointsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (test::devices().size() < 2) GTEST_SKIP() << "needs two devices: lavapipe and SwiftShader";
    set_log_sink([](LogLevel, std::string_view) {});
  }
  void TearDown() override {
    vk::disarm_fault();
    set_log_sink({});
    if (IsSkipped()) return;
    std::printf("%zu points, %zu of them ended with an error, the slowest took %.1f s\n", points_, errors_,
                slowest_.count());
  }

  /// Kept from test to test, as SwiftShader takes seconds to compile the kernels. The validation layer of
  /// 2023 keeps something of every submission: each run takes 1 ms more than the one before. So when all
  /// points are tried it is left out.
  static Devices& shared_devices() {
    static Devices devices = test::open_watched_devices(stride() > 1);
    return devices;
  }
  static void TearDownTestSuite() {
    std::vector<std::shared_ptr<vk::Instance>> instances;
    for (const auto& device : shared_devices()) instances.push_back(device->shared_instance());
    shared_devices().clear();
    for (const auto& instance : instances) EXPECT_EQ(instance->validation_message_count(), 0U);
  }

  /// Loads and draws kTokens greedily; an error ends it. Nothing of it stays on the devices.
  Outcome run(const Devices& devices, bool recover = true) const {
    Outcome outcome;
    ModelHost::Options options;
    options.session = kRequest;
    options.recover = recover;
    if (devices.size() == 2) {
      options.request.only = {0, 1};
      options.request.layers = {{0, 0, 0}, {1, 1, kLayers - 1}};
    }
    try {
      const auto host = std::make_shared<ModelHost>(file_, devices, options);
      host->load();
      Session session(host, kRequest);
      session.evaluate(std::vector<Token>{1, 20, 30, 40, 50, 60, 70});
      test::GreedyDrawer drawer(session);
      while (outcome.drawn.size() < kTokens) {
        outcome.drawn.push_back(drawer.draw());
        drawer.evaluate(outcome.drawn.back());
      }
    } catch (const Error& error) {
      outcome.error = error.code();
      outcome.message = error.what();
    }
    vk::disarm_fault();  // a hanging device goes on
    for (const auto& device : devices) expect_empty(*device);
    return outcome;
  }

  static void expect_empty(vk::Device& device) {
    const auto start = std::chrono::steady_clock::now();
    while (!device.settle() && std::chrono::steady_clock::now() - start < kLongest)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_FALSE(device.hangs());
    EXPECT_EQ(device.memory_usage().now_bytes, 0U) << device.facts().name;
  }

  /// Strikes the calls of `work`, which gives what came of a run. An error must be one that `may_end(fault,
  /// code)` allows, and what was drawn is the same with and without faults.
  template <typename Work, typename MayEnd>
  void strike_all(const std::string& device, const Work& work, const MayEnd& may_end) {
    const auto begun = std::chrono::steady_clock::now();
    const Outcome wanted = work();
    ASSERT_FALSE(wanted.error.has_value()) << wanted.message;
    // A machine that does much else is slow without any fault, too.
    const std::chrono::duration<double> limit = kLongest + 5 * (std::chrono::steady_clock::now() - begun);
    for (const Fault fault : kFaults) {
      vk::arm_fault({fault, UINT64_MAX, device});
      work();
      const uint64_t calls = vk::fault_calls();
      for (uint64_t call = 1 + points_ % stride(); call <= calls; call += stride()) {
        SCOPED_TRACE(to_string(fault) + ":" + std::to_string(call) + "@" + device);
        vk::arm_fault({fault, call, device});
        const auto start = std::chrono::steady_clock::now();
        const Outcome outcome = work();
        const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
        EXPECT_TRUE(vk::fault_struck());
        vk::disarm_fault();
        EXPECT_LT(taken, limit);
        slowest_ = std::max(slowest_, taken);
        ++points_;
        if (outcome.error.has_value()) {
          ++errors_;
          EXPECT_TRUE(may_end(fault, *outcome.error)) << outcome.message;
        } else {
          EXPECT_EQ(outcome.drawn.size(), kTokens);
        }
        EXPECT_TRUE(std::ranges::equal(outcome.drawn, std::span(wanted.drawn).first(outcome.drawn.size())));
      }
    }
  }

  static constexpr uint32_t kLayers = 4;
  static constexpr SessionRequest kRequest{32, 4, true, true, true};
  const std::shared_ptr<const gguf::File> file_ =
      std::make_shared<const gguf::File>(test::TinyModel{.layers = kLayers}.open());
  size_t points_ = 0;
  size_t errors_ = 0;
  std::chrono::duration<double> slowest_{};
};

/// The code that tells of a fault; no other may.
ErrorCode code_of(Fault fault) {
  const bool memory = fault == Fault::kOutOfDeviceMemory || fault == Fault::kOutOfHostMemory;
  return memory ? ErrorCode::kOutOfMemory : ErrorCode::kDeviceLost;
}

TEST_F(FaultPointsTest, OfTwoDevicesTheOtherGoesOn) {
  const Devices& devices = shared_devices();
  for (const auto& device : devices) {
    strike_all(
        device->facts().name, [&] { return run(devices); }, [](Fault, ErrorCode) { return false; });
  }
}

TEST_F(FaultPointsTest, WithoutRecoveryItIsAnError) {
  const Devices& devices = shared_devices();
  strike_all(
      "", [&] { return run(devices, false); },
      [](Fault fault, ErrorCode code) { return code == code_of(fault); });
}

TEST_F(FaultPointsTest, ADeviceAloneIsAnError) {
  const Devices& devices = shared_devices();
  for (const auto& device : devices) {
    strike_all(
        device->facts().name, [&] { return run({device}); },
        [](Fault fault, ErrorCode code) { return code == code_of(fault); });
  }
}

TEST_F(FaultPointsTest, OpeningDevices) {
  const auto open = [] {
    Outcome outcome{std::vector<Token>(kTokens), {}, {}};
    try {
      test::open_watched_devices(false);
    } catch (const Error& error) {
      outcome = {{}, error.code(), error.what()};
    }
    return outcome;
  };
  strike_all("", open, [](Fault, ErrorCode code) { return code == ErrorCode::kNoDevice; });
}

/// Instance, device and pipelines are made anew for each point. lavapipe alone: SwiftShader takes 7 s to
/// compile the pipelines, lavapipe 0.4 s.
TEST_F(FaultPointsTest, FromTheFirstCallOn) {
  const auto from_nothing = [&] {
    try {
      Devices devices = test::open_watched_devices(false);
      std::erase_if(devices, [](const auto& device) { return device->facts().driver_name != "llvmpipe"; });
      if (devices.empty()) return Outcome{{}, ErrorCode::kNoDevice, "lavapipe was left out"};
      return run(devices);
    } catch (const Error& error) {
      return Outcome{{}, error.code(), error.what()};
    }
  };
  strike_all("", from_nothing, [](Fault fault, ErrorCode code) {
    return code == ErrorCode::kNoDevice || code == code_of(fault);
  });
}

}  // namespace
}  // namespace motley::engine
