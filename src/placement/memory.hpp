// Which runs of layers fit which device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "placement/workload.hpp"

namespace motley::placement {

/// Bytes of any run of layers, against the usable bytes of each device. Runs are half open: [begin, end).
class MemoryModel {
 public:
  /// `workload` has passed check_workload(); `usable_bytes` has one entry per device of the machine.
  MemoryModel(const Workload& workload, std::vector<uint64_t> usable_bytes);

  uint32_t layers() const { return static_cast<uint32_t>(weights_.size() - 1); }
  uint64_t usable_bytes(size_t device) const { return usable_bytes_[device]; }
  const std::vector<uint64_t>& usable_bytes() const { return usable_bytes_; }

  uint64_t weights_bytes(uint32_t begin, uint32_t end) const { return weights_[end] - weights_[begin]; }
  uint64_t kv_bytes(uint32_t begin, uint32_t end) const { return kv_[end] - kv_[begin]; }
  uint64_t layer_bytes(uint32_t begin, uint32_t end) const {
    return weights_bytes(begin, end) + kv_bytes(begin, end);
  }
  /// Weights that a stage holds beside its layers: embedding, output; once where they are tied.
  uint64_t outer_weights_bytes(bool embedding, bool output) const;
  uint64_t scratch_bytes(size_t device, bool output) const;
  /// The two above: what a stage takes before its first layer.
  uint64_t fixed_bytes(size_t device, bool embedding, bool output) const {
    return outer_weights_bytes(embedding, output) + scratch_bytes(device, output);
  }
  /// All that a stage of these layers takes, embedding and output where they belong.
  uint64_t stage_bytes(size_t device, uint32_t begin, uint32_t end) const {
    return fixed_bytes(device, begin == 0, end == layers()) + layer_bytes(begin, end);
  }
  /// The scratch memory of the device that takes least.
  uint64_t least_scratch_bytes(bool output) const;
  /// The layers from there on to the last, where they take least.
  uint64_t least_bytes_from(uint32_t begin) const {
    return outer_weights_bytes(begin == 0, true) + least_scratch_bytes(true) + layer_bytes(begin, layers());
  }
  /// True when all runs take the same on either device, and both offer the same.
  bool alike(size_t a, size_t b) const;

  /// The lowest r so that layers [r, end) fit the device beside what is fixed; end + 1 where that alone does
  /// not fit.
  uint32_t resident_from(size_t device, uint32_t end, bool embedding, bool output) const;

 private:
  std::vector<uint64_t> weights_, kv_;  // prefix sums
  std::vector<uint64_t> both_;          // weights and KV cache
  std::vector<uint64_t> usable_bytes_;
  uint64_t embedding_bytes_, output_bytes_, tied_output_bytes_;
  std::vector<Scratch> scratch_;  // one per device
};

}  // namespace motley::placement
