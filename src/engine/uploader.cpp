#include "engine/uploader.hpp"

#include <algorithm>

namespace motley::engine {

/// Empty where it takes staging memory.
std::span<std::byte> Uploader::seen_by_host(const vk::BufferRange& range) const {
  const std::span<std::byte> mapped = range.buffer->mapped();
  return mapped.empty() || always_staged_ ? std::span<std::byte>()
                                          : mapped.subspan(range.offset_bytes, range.size_bytes);
}

std::span<std::byte> Uploader::acquire(const vk::BufferRange& to) {
  target_ = to;
  const std::span<std::byte> seen = seen_by_host(to);
  if (!seen.empty()) return seen;
  Half& half = halves_[current_];
  if (half.submission != 0) device_.wait(half.submission);
  if (half.staging.size_bytes() < to.size_bytes) {
    half.staging =
        vk::Buffer(device_, std::max(kPieceBytes, to.size_bytes), vk::MemoryUse::kUpload, "staging memory");
  }
  return half.staging.mapped().first(to.size_bytes);
}

void Uploader::commit() {
  if (!seen_by_host(target_).empty()) return;
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
