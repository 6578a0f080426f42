#include "placement/memory.hpp"

#include <algorithm>
#include <utility>

namespace motley::placement {

MemoryModel::MemoryModel(const Workload& workload, std::vector<uint64_t> usable_bytes)
    : weights_{0},
      kv_{0},
      both_{0},
      usable_bytes_(std::move(usable_bytes)),
      embedding_bytes_(placement::weights_bytes(workload.embedding)),
      output_bytes_(placement::weights_bytes(workload.output)),
      tied_output_bytes_(workload.tied ? workload.output.vector_bytes : output_bytes_) {
  for (size_t device = 0; device < usable_bytes_.size(); ++device)
    scratch_.push_back(workload.scratch_on(device));
  for (const LayerCost& layer : workload.layers) {
    weights_.push_back(weights_.back() + placement::weights_bytes(layer));
    kv_.push_back(kv_.back() + layer.kv_bytes);
    both_.push_back(weights_.back() + kv_.back());
  }
}

uint64_t MemoryModel::outer_weights_bytes(bool embedding, bool output) const {
  return (embedding ? embedding_bytes_ : 0) + (output ? (embedding ? tied_output_bytes_ : output_bytes_) : 0);
}

uint64_t MemoryModel::scratch_bytes(size_t device, bool output) const {
  return scratch_[device].bytes + (output ? scratch_[device].output_bytes : 0);
}

uint64_t MemoryModel::least_scratch_bytes(bool output) const {
  uint64_t least = scratch_bytes(0, output);
  for (size_t device = 1; device < scratch_.size(); ++device)
    least = std::min(least, scratch_bytes(device, output));
  return least;
}

bool MemoryModel::alike(size_t a, size_t b) const {
  return usable_bytes_[a] == usable_bytes_[b] && scratch_[a] == scratch_[b];
}

uint32_t MemoryModel::resident_from(size_t device, uint32_t end, bool embedding, bool output) const {
  const uint64_t fixed = fixed_bytes(device, embedding, output);
  if (fixed > usable_bytes_[device]) return end + 1;
  const uint64_t room = usable_bytes_[device] - fixed;
  if (both_[end] <= room) return 0;
  const auto found = std::lower_bound(both_.begin(), both_.begin() + end, both_[end] - room);
  return static_cast<uint32_t>(found - both_.begin());
}

}  // namespace motley::placement
