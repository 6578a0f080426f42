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
      tied_output_bytes_(workload.tied ? workload.output.vector_bytes : output_bytes_),
      scratch_bytes_(workload.scratch_bytes),
      output_scratch_bytes_(workload.output_scratch_bytes) {
  for (const LayerCost& layer : workload.layers) {
    weights_.push_back(weights_.back() + placement::weights_bytes(layer));
    kv_.push_back(kv_.back() + layer.kv_bytes);
    both_.push_back(weights_.back() + kv_.back());
  }
}

uint64_t MemoryModel::outer_weights_bytes(bool embedding, bool output) const {
  return (embedding ? embedding_bytes_ : 0) + (output ? (embedding ? tied_output_bytes_ : output_bytes_) : 0);
}

uint64_t MemoryModel::scratch_bytes(bool output) const {
  return scratch_bytes_ + (output ? output_scratch_bytes_ : 0);
}

uint32_t MemoryModel::resident_from(size_t device, uint32_t end, bool embedding, bool output) const {
  const uint64_t fixed = fixed_bytes(embedding, output);
  if (fixed > usable_bytes_[device]) return end + 1;
  const uint64_t room = usable_bytes_[device] - fixed;
  if (both_[end] <= room) return 0;
  const auto found = std::lower_bound(both_.begin(), both_.begin() + end, both_[end] - room);
  return static_cast<uint32_t>(found - both_.begin());
}

}  // namespace motley::placement
