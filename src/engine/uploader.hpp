// Bringing bytes from the host into device memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "vk/buffer.hpp"
#include "vk/recorder.hpp"

namespace motley::engine {

/// Writes into buffers: straight where the host sees their memory, else through two staging halves in turn,
/// so that one is filled while the other is copied. Everything is in place after finish(). For one thread;
/// several uploaders may serve a device.
class Uploader {
 public:
  static constexpr uint64_t kPieceBytes = uint64_t{8} << 20;

  /// `always_staged`: also where the host sees the memory, for trying what other devices need.
  explicit Uploader(vk::Device& device, bool always_staged = false)
      : device_(device), always_staged_(always_staged) {}
  Uploader(const Uploader&) = delete;
  Uploader& operator=(const Uploader&) = delete;
  ~Uploader() { device_.settle(); }

  /// Memory to fill with the bytes of `to`; complete it with commit(). Pieces of up to kPieceBytes share the
  /// same staging memory.
  std::span<std::byte> acquire(const vk::BufferRange& to);
  void commit();
  /// acquire, copy, commit.
  void write(const vk::BufferRange& to, std::span<const std::byte> bytes);
  void finish();

  /// Whether the host reaches the device's memory through staging memory only.
  static bool needs_staging(const vk::DeviceFacts& facts);

 private:
  struct Half {
    vk::Buffer staging;
    std::unique_ptr<vk::CommandList> commands;
    uint64_t submission = 0;
  };

  std::span<std::byte> seen_by_host(const vk::BufferRange& range) const;

  vk::Device& device_;
  bool always_staged_;
  std::array<Half, 2> halves_;
  size_t current_ = 0;
  vk::BufferRange target_;
};

}  // namespace motley::engine
