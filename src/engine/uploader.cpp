#include "engine/uploader.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace motley::engine {

std::span<std::byte> Uploader::acquire(const vk::BufferRange& to) {
  if (to.size_bytes > kPieceBytes)
    fail(ErrorCode::kInternal, "an upload of {} bytes in one piece", to.size_bytes);
  target_ = to;
  const std::span<std::byte> mapped = to.buffer->mapped();
  if (!mapped.empty()) return mapped.subspan(to.offset_bytes, to.size_bytes);
  Half& half = halves_[current_];
  if (half.staging.size_bytes() == 0) {
    half.staging = vk::Buffer(device_, kPieceBytes, vk::MemoryUse::kUpload, "staging memory");
  }
  if (half.submission != 0) device_.wait(half.submission);
  return half.staging.mapped().first(to.size_bytes);
}

void Uploader::commit() {
  if (!target_.buffer->mapped().empty()) return;
  Half& half = halves_[current_];
  half.commands = std::make_unique<vk::CommandList>(device_);
  half.commands->copy({half.staging, 0, target_.size_bytes}, target_);
  half.commands->finish();
  half.submission = device_.submit(*half.commands);
  current_ = 1 - current_;
}

void Uploader::write(const vk::BufferRange& to, std::span<const std::byte> bytes) {
  std::ranges::copy(bytes, acquire(to).begin());
  commit();
}

void Uploader::finish() {
  for (Half& half : halves_) {
    if (half.submission != 0) device_.wait(half.submission);
  }
}

uint64_t Uploader::staging_bytes(const vk::DeviceFacts& facts) {
  const bool separate = facts.type == vk::DeviceType::kDiscrete || facts.type == vk::DeviceType::kVirtual;
  return separate ? 2 * kPieceBytes : 0;
}

}  // namespace motley::engine
