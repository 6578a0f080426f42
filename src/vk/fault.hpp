// Faults made on purpose: Vulkan calls that fail when told to, for finding out what Motley does then.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <volk.h>

namespace motley::vk {

/// What happens in place of a call of Vulkan.
enum class Fault {
  kDeviceLost,            ///< VK_ERROR_DEVICE_LOST, from this call on: a lost device stays lost
  kOutOfDeviceMemory,     ///< VK_ERROR_OUT_OF_DEVICE_MEMORY, this call only
  kOutOfHostMemory,       ///< VK_ERROR_OUT_OF_HOST_MEMORY, this call only
  kInitializationFailed,  ///< VK_ERROR_INITIALIZATION_FAILED, this call only, of those that make a device
  kHang,                  ///< this submission and those behind it never end; waits are cut short
};

struct FaultSpec {
  Fault fault = Fault::kDeviceLost;
  uint64_t at_call = 1;  ///< counted from 1, over all matching calls that can fail so
  /// A part of the device's name, in its own case; empty: all devices, and the calls that concern none.
  std::string device;
};

/// Reads "lost:120", "device-memory:5@llvmpipe", "host-memory:7", "init:2", "hang:3"; nothing when it is none
/// of these.
std::optional<FaultSpec> parse_fault(std::string_view text);

/// Devices and instances made from now on are watched, at most 16 devices at once. What was made before
/// cannot be made to fail.
void watch_for_faults();
/// Sets what is to fail and counts from 0 again; watches from now on. Thread-safe, as all of these.
void arm_fault(const FaultSpec& spec);
/// Nothing fails any more; hanging devices finish their work.
void disarm_fault();
/// Calls that could have failed since arm_fault().
uint64_t fault_calls();
/// Whether the fault has struck.
bool fault_struck();
/// Makes allocations of memory fail that would take a watched device above `bytes`.
void limit_memory(VkDevice device, uint64_t bytes);

/// In debug builds (without NDEBUG): arms what the environment variable MOTLEY_FAULT says. Throws
/// Error{kInvalidArgument} when it is malformed. Release builds do not read it. Called once by Instance.
void arm_fault_of_environment();

/// Puts the watch into the functions that the loader gave volk, which volk must have loaded. Called by
/// Instance.
void watch_loader_functions();
void watch_instance_functions();

/// Puts the watch into a device's functions; to be gone before the device. Called by Device.
class FaultWatch {
 public:
  FaultWatch() = default;
  FaultWatch(VkDevice device, VolkDeviceTable& table, std::string_view device_name);
  FaultWatch(FaultWatch&& other) noexcept;
  FaultWatch& operator=(FaultWatch&& other) noexcept;
  ~FaultWatch();

 private:
  int slot_ = -1;
};

}  // namespace motley::vk
