#include "engine/hand_off.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <numeric>

#include "base/error.hpp"
#include "base/math.hpp"
#include "engine/device_failure.hpp"

namespace motley::engine {
namespace {

uint64_t import_alignment(const vk::DeviceFacts& a, const vk::DeviceFacts& b) {
  return std::lcm(a.host_import_alignment_bytes, b.host_import_alignment_bytes);
}

}  // namespace

HandOff::HandOff(vk::Device& sender, const vk::BufferRange& from, vk::Device& receiver,
                 const vk::BufferRange& to, uint32_t slots)
    : sender_(sender), receiver_(receiver), from_(from), to_(to) {
  for (uint32_t i = 0; i < slots; ++i) slots_.push_back(make_slot(from.size_bytes));
}

HandOff::~HandOff() {
  for (vk::Device* const device : {&sender_, &receiver_}) {
    if (device->settle()) continue;
    for (const Slot& slot : slots_) device->keep(slot.memory);
  }
}

bool HandOff::shares_memory(const vk::DeviceFacts& a, const vk::DeviceFacts& b) {
  return a.host_import_alignment_bytes > 0 && b.host_import_alignment_bytes > 0;
}

HandOff::Slot HandOff::make_slot(uint64_t bytes) {
  Slot slot;
  if (shares_memory(sender_.facts(), receiver_.facts())) {
    const uint64_t alignment = import_alignment(sender_.facts(), receiver_.facts());
    const uint64_t size = round_up(bytes, alignment);
    auto* const memory = static_cast<std::byte*>(std::aligned_alloc(alignment, size));
    if (memory == nullptr) throw std::bad_alloc();
    slot.memory.reset(memory, &std::free);
    const std::span<std::byte> both(slot.memory.get(), size);
    slot.sent = blaming(sender_, [&] { return vk::Buffer(sender_, both); });
    slot.received = blaming(receiver_, [&] { return vk::Buffer(receiver_, both); });
  } else {
    constexpr const char* kPurpose = "hand-off between devices";
    slot.sent =
        blaming(sender_, [&] { return vk::Buffer(sender_, bytes, vk::MemoryUse::kReadback, kPurpose); });
    slot.received =
        blaming(receiver_, [&] { return vk::Buffer(receiver_, bytes, vk::MemoryUse::kUpload, kPurpose); });
  }
  return slot;
}

const vk::CommandList& HandOff::copy(Recorded& recorded, vk::Device& device, const vk::BufferRange& from,
                                     const vk::BufferRange& to) {
  if (recorded.commands == nullptr || recorded.bytes != from.size_bytes) {
    auto commands = std::make_unique<vk::CommandList>(device);
    commands->copy(from, to);
    commands->finish();
    recorded = {from.size_bytes, std::move(commands)};
  }
  return *recorded.commands;
}

const vk::CommandList& HandOff::send(uint32_t slot, uint64_t bytes) {
  Slot& used = slots_[slot];
  return copy(used.send, sender_, {*from_.buffer, from_.offset_bytes, bytes}, {used.sent, 0, bytes});
}

void HandOff::carry(uint32_t slot, uint64_t bytes) {
  Slot& used = slots_[slot];
  if (used.memory == nullptr) std::memcpy(used.received.mapped().data(), used.sent.mapped().data(), bytes);
}

const vk::CommandList& HandOff::receive(uint32_t slot, uint64_t bytes) {
  Slot& used = slots_[slot];
  return copy(used.receive, receiver_, {used.received, 0, bytes}, {*to_.buffer, to_.offset_bytes, bytes});
}

std::span<const float> HandOff::contents(uint32_t slot, uint64_t bytes) const {
  return slots_[slot].sent.mapped_as<float>().first(bytes / sizeof(float));
}

}  // namespace motley::engine
