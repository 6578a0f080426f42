// The way of vectors from one stage to the next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "vk/buffer.hpp"
#include "vk/recorder.hpp"

namespace motley::engine {

/// A ring of slots between two devices, which need not be of one vendor. Where both can work on the host's
/// memory in place, a slot is memory that both see; else it is two buffers, one on each side, and the host
/// copies between them.
///
/// The sender runs send(slot), which copies `vectors` into the slot, and waits; then carry(slot) and
/// receive(slot) are the receiver's.
class HandOff {
 public:
  /// `from` and `to` are where the vectors lie on either side, equally large.
  HandOff(vk::Device& sender, const vk::BufferRange& from, vk::Device& receiver, const vk::BufferRange& to,
          uint32_t slots);

  HandOff(const HandOff&) = delete;
  HandOff& operator=(const HandOff&) = delete;
  ~HandOff();

  /// Whether two devices see a slot's memory both.
  static bool shares_memory(const vk::DeviceFacts& a, const vk::DeviceFacts& b);

  /// Commands for the sender: the first `bytes` of its vectors into the slot.
  const vk::CommandList& send(uint32_t slot, uint64_t bytes);
  /// The host's part: brings the bytes to the receiver's side.
  void carry(uint32_t slot, uint64_t bytes);
  /// Commands for the receiver: the slot's bytes into its vectors.
  const vk::CommandList& receive(uint32_t slot, uint64_t bytes);

  /// What the sender has put into a slot; to be read between its end and the receiver's.
  std::span<const float> contents(uint32_t slot, uint64_t bytes) const;

 private:
  struct Recorded {
    uint64_t bytes = 0;
    std::unique_ptr<vk::CommandList> commands;
  };
  struct Slot {
    std::shared_ptr<std::byte> memory;
    vk::Buffer sent;
    vk::Buffer received;
    Recorded send;
    Recorded receive;
  };

  Slot make_slot(uint64_t bytes);
  const vk::CommandList& copy(Recorded& recorded, vk::Device& device, const vk::BufferRange& from,
                              const vk::BufferRange& to);

  vk::Device& sender_;
  vk::Device& receiver_;
  vk::BufferRange from_;
  vk::BufferRange to_;
  std::vector<Slot> slots_;
};

}  // namespace motley::engine
