// What fault.cpp, which says what is to fail, and fault_watch.cpp, which makes it fail, share.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include <volk.h>

#include "vk/fault.hpp"

namespace motley::vk {

constexpr size_t kFaultSlots = 16;

/// A device whose calls are watched.
struct Watched {
  bool used = false;
  VkDevice device = VK_NULL_HANDLE;
  std::string device_name;
  VolkDeviceTable original{};
  bool lost = false;
  VkSemaphore gate = VK_NULL_HANDLE;  ///< a hanging submission waits for it to reach `openings`
  uint64_t openings = 0;
  bool hanging = false;
  uint64_t limit_bytes = UINT64_MAX;
  uint64_t allocated_bytes = 0;
  std::map<VkDeviceMemory, uint64_t> allocations;
};

/// To be read and changed under its mutex.
struct FaultState {
  std::mutex mutex;
  bool watching = false;
  std::optional<FaultSpec> armed;
  uint64_t calls = 0;
  bool struck = false;
  std::array<Watched, kFaultSlots> slots;
};

FaultState& fault_state();

/// The kinds of calls that differ in what may befall them.
enum class Call { kOther, kSubmit, kMakesDevice };

/// What the next call returns in place of being made; nothing: it is made. VK_TIMEOUT: it is to hang.
std::optional<VkResult> next_fault(FaultState& of, std::string_view device_name, bool lost, Call call);

}  // namespace motley::vk
