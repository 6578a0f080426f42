#include "base/host_memory.hpp"

#include <fstream>

#include <gtest/gtest.h>

#include "support/temporary_directory.hpp"

namespace motley {
namespace {

TEST(HostMemory, ReadsWhatIsAvailable) {
  const test::TemporaryDirectory directory;
  const auto path = directory / "meminfo";
  std::ofstream(path)
      << "MemTotal:       16303428 kB\nOdd line\nMemFree:          252108 kB\nMemAvailable:    "
         "9012345 kB\nBuffers: 1 kB\n";
  EXPECT_EQ(host_available_bytes(path), uint64_t{9012345} * 1024);
}

TEST(HostMemory, IsUnknownWhereTheSystemDoesNotTell) {
  const test::TemporaryDirectory directory;
  EXPECT_EQ(host_available_bytes(directory / "none"), std::nullopt);
  std::ofstream(directory / "meminfo") << "MemTotal: 16303428 kB\nMemAvailable:\n";
  EXPECT_EQ(host_available_bytes(directory / "meminfo"), std::nullopt);
  std::ofstream(directory / "huge") << "MemAvailable: 18446744073709551615 kB\n";
  EXPECT_EQ(host_available_bytes(directory / "huge"), std::nullopt);
}

}  // namespace
}  // namespace motley
