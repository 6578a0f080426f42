#include "engine/uploader.hpp"

#include <algorithm>

namespace motley::engine {

std::span<std::byte> Uploader::acquire(const vk::BufferRange& to) {
  target_ = to;
  const std::span<std::byte> mapped = to.buffer->mapped();
  if (!mapped.empty()) return mapped.subspan(to.offset_bytes, to.size_bytes);
  Half& half = halves_[current_];
  if (half.submission != 0) device_.wait(half.submission);
  if (half.staging.size_bytes() < to.size_bytes) {
    half.staging =
        vk::Buffer(device_, std::max(kPieceBytes, to.size_bytes), vk::MemoryUse::kUpload, "staging memory");
  }
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

bool Uploader::needs_staging(const vk::DeviceFacts& facts) {
  return facts.type == vk::DeviceType::kDiscrete || facts.type == vk::DeviceType::kVirtual;
}

}  // namespace motley::engine
