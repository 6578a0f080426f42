// Faults made on purpose: Vulkan calls that fail when told to, for finding out what Motley does then.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <volk.h>

namespace motley::vk {

/// What a call of Vulkan returns in place of being made.
enum class Fault {
  kDeviceLost,         ///< VK_ERROR_DEVICE_LOST, from this call on: a lost device stays lost
  kOutOfDeviceMemory,  ///< VK_ERROR_OUT_OF_DEVICE_MEMORY, this call only
  kOutOfHostMemory,    ///< VK_ERROR_OUT_OF_HOST_MEMORY, this call only
  kHang,               ///< waiting ends with VK_TIMEOUT, from this call on; other calls are made
};

struct FaultSpec {
  Fault fault = Fault::kDeviceLost;
  uint64_t at_call = 1;  ///< counted from 1, over all calls of the matching devices that can fail
  std::string device;    ///< a part of the device's name, in its own case; empty: all devices
};

/// Reads "lost:120", "device-memory:5@llvmpipe", "host-memory:7", "hang:3"; nothing when it is none of these.
std::optional<FaultSpec> parse_fault(std::string_view text);

/// Sets what is to fail and counts from 0 again. Devices made while nothing was ever armed are not watched.
/// Thread-safe, as the two below.
void arm_fault(const FaultSpec& spec);
void disarm_fault();
/// Calls that could have failed since arm_fault(), on devices that match.
uint64_t fault_calls();
/// Whether the fault has struck.
bool fault_struck();

/// Puts the watch into a device's functions. At most 16 devices are watched at once. Called by Device.
class FaultWatch {
 public:
  FaultWatch() = default;
  FaultWatch(VolkDeviceTable& table, std::string_view device_name);
  FaultWatch(FaultWatch&& other) noexcept;
  FaultWatch& operator=(FaultWatch&& other) noexcept;
  ~FaultWatch();

 private:
  int slot_ = -1;
};

}  // namespace motley::vk
