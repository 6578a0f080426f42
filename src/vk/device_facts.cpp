#include "vk/device_facts.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace motley::vk {

const char* to_string(DeviceType type) {
  switch (type) {
    case DeviceType::kDiscrete:
      return "discrete";
    case DeviceType::kIntegrated:
      return "integrated";
    case DeviceType::kVirtual:
      return "virtual";
    case DeviceType::kCpu:
      return "cpu";
    case DeviceType::kOther:
      break;
  }
  return "other";
}

uint64_t DeviceFacts::device_local_bytes() const {
  uint64_t sum = 0;
  for (const HeapFacts& heap : heaps) {
    if (heap.device_local) sum += heap.size_bytes;
  }
  return sum;
}

std::string DeviceFacts::uuid_string() const {
  std::string text;
  for (size_t i = 0; i < uuid.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", uuid[i]);
  }
  return text;
}

std::string DeviceFacts::luid_string() const {
  std::string text;
  if (!luid) return text;
  for (const uint8_t byte : *luid) text += fmt::format("{:02x}", byte);
  return text;
}

bool DeviceFacts::has_host_memory() const {
  return std::ranges::any_of(memory_types, [](const MemoryTypeFacts& kind) {
    return kind.host_visible && kind.host_coherent && !kind.device_local;
  });
}

}  // namespace motley::vk
