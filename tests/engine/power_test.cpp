// Power from a made-up sysfs and from a stand-in for NVML.
#include "engine/power.hpp"

#include <fstream>

#include <gtest/gtest.h>

#include "support/temporary_directory.hpp"

namespace motley::engine {
namespace {

constexpr const char* kAddress = "0000:03:00.0";

class PowerTest : public ::testing::Test {
 protected:
  PowerMeter meter(const std::string& address, const std::string& library = "no-such-library.so") {
    return PowerMeter(address, {.sysfs = sysfs_.path(), .nvml_library = library});
  }
  void write(const std::string& sensor, const std::string& name, const std::string& content) {
    const auto folder = sysfs_ / "bus/pci/devices" / kAddress / "hwmon" / sensor;
    std::filesystem::create_directories(folder);
    std::ofstream(folder / name) << content;
  }

 private:
  test::TemporaryDirectory sysfs_;
};

TEST_F(PowerTest, NothingIsKnownWithoutSensors) {
  for (const char* address : {"", kAddress}) {
    EXPECT_EQ(meter(address).watts(), std::nullopt);
    EXPECT_EQ(meter(address).limit_watts(), std::nullopt);
  }
}

TEST_F(PowerTest, ReadsTheSensorsOfItsOwnGpu) {
  write("hwmon4", "power1_average", "87000000\n");
  write("hwmon4", "power1_cap", "303000000\n");
  PowerMeter own = meter(kAddress);
  EXPECT_EQ(own.watts(), 87.0);
  EXPECT_EQ(own.limit_watts(), 303.0);
  EXPECT_EQ(meter("0000:04:00.0").watts(), std::nullopt);
  write("hwmon4", "power1_average", "91500000\n");
  EXPECT_EQ(own.watts(), 91.5);  // asked anew each time
  const PowerMeter moved = std::move(own);
  EXPECT_EQ(moved.watts(), 91.5);
}

TEST_F(PowerTest, TakesTheSensorAndTheFileThatKnow) {
  write("hwmon1", "temp1_input", "45000\n");
  write("hwmon2", "power1_average", "nothing\n");
  write("hwmon2", "power1_input", "12000000\n");
  EXPECT_EQ(meter(kAddress).watts(), 12.0);
  EXPECT_EQ(meter(kAddress).limit_watts(), std::nullopt);
}

TEST_F(PowerTest, AsksNvmlFirst) {
  write("hwmon4", "power1_average", "87000000\n");
  EXPECT_EQ(meter("0000:01:00.0", FAKE_NVML).watts(), 123.5);
  EXPECT_EQ(meter("0000:01:00.0", FAKE_NVML).limit_watts(), 450.0);
  EXPECT_EQ(meter(kAddress, FAKE_NVML).watts(), 87.0);  // not one of NVML's
}

}  // namespace
}  // namespace motley::engine
