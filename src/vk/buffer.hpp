// A buffer with memory of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/math.hpp"
#include "vk/device.hpp"
#include "vk/handle.hpp"

namespace motley::vk {

/// What bytes take in a buffer or of a device's memory. 256 is the most that Vulkan lets a device ask for
/// offsets of storage buffers; drivers round the sizes of buffers up to that or less (lavapipe 64).
constexpr uint64_t padded_bytes(uint64_t bytes) { return round_up(bytes, uint64_t{256}); }

/// Move-only. Contents are undefined until written.
class Buffer {
 public:
  Buffer() = default;
  /// Throws Error{kOutOfMemory} with the figures when `size_bytes` cannot be had, or exceeds the largest
  /// allocation. `purpose` names the buffer in that message ("KV cache").
  Buffer(Device& device, uint64_t size_bytes, MemoryUse use, const char* purpose);
  /// Memory of the host that the device works on in place, as DeviceFacts::host_import_alignment_bytes says
  /// that it can: start and size are multiples of that. It must outlive the buffer and counts as no memory of
  /// the device. Throws Error{kUnsupported} when the driver takes this memory for no such buffer.
  Buffer(Device& device, std::span<std::byte> host_memory);
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer();

  VkBuffer handle() const { return buffer_.get(); }
  uint64_t size_bytes() const { return size_bytes_; }
  /// The buffer's bytes where the host can see them, else empty. Coherent: no flush is needed.
  std::span<std::byte> mapped() const { return {mapped_, mapped_ == nullptr ? 0 : size_bytes_}; }
  /// Where shaders find its first byte, on a device with DeviceFacts::buffer_device_address; not of a buffer
  /// in the host's own memory.
  uint64_t device_address() const;
  template <typename T>
  std::span<T> mapped_as() const {
    return {reinterpret_cast<T*>(mapped_), mapped_ == nullptr ? 0 : size_bytes_ / sizeof(T)};
  }

 private:
  void create(const void* next, VkBufferUsageFlags usage);
  void allocate(MemoryUse use, const char* purpose);
  void import(std::span<std::byte> host_memory);
  [[noreturn]] void fail_for_memory(uint64_t needed_bytes, const char* purpose) const;

  Device* device_ = nullptr;
  uint64_t size_bytes_ = 0;
  uint64_t allocated_bytes_ = 0;
  std::byte* mapped_ = nullptr;
  DeviceHandle<VkDeviceMemory> memory_;
  DeviceHandle<VkBuffer> buffer_;
};

/// A part of a buffer, as one binding of a dispatch sees it.
struct BufferRange {
  const Buffer* buffer = nullptr;
  uint64_t offset_bytes = 0;
  uint64_t size_bytes = 0;

  BufferRange() = default;
  BufferRange(const Buffer& whole)  // NOLINT(google-explicit-constructor): a buffer is the range of all of it
      : buffer(&whole), size_bytes(whole.size_bytes()) {}
  BufferRange(const Buffer& of, uint64_t offset, uint64_t size)
      : buffer(&of), offset_bytes(offset), size_bytes(size) {}

  bool overlaps(const BufferRange& other) const {
    return buffer == other.buffer && offset_bytes < other.offset_bytes + other.size_bytes &&
           other.offset_bytes < offset_bytes + size_bytes;
  }
};

}  // namespace motley::vk
