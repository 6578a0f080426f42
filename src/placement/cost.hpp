// How long a stage takes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "placement/machine.hpp"
#include "placement/workload.hpp"

namespace motley::placement {

/// The times of one kind of work (decoding a token, prefilling 512) on one device, ms.
struct DeviceTimes {
  std::vector<double> resident;  ///< prefix sums over layers that lie in the device's memory
  std::vector<double> hosted;    ///< prefix sums over layers that lie in host memory; never below `resident`
  double output = 0;             ///< the output layer
  double handoff = 0;            ///< this device's part of a hand-off it takes part in

  /// Layers [begin, end), those before `resident_begin` in host memory; hand-offs not included.
  double stage(uint32_t begin, uint32_t resident_begin, uint32_t end) const {
    const double layers = hosted[resident_begin] - hosted[begin] + resident[end] - resident[resident_begin];
    return end + 1 == resident.size() ? layers + output : layers;
  }
};

/// Times of every device, from its figures.
///
/// Decoding a token: each matrix costs its bytes over the device's rate for the format; the KV cache is read
/// at the device's bandwidth and is taken to be half full, the average of a context that fills up; each
/// dispatch costs its overhead. The embedding, one row, costs nothing.
///
/// Prefilling 512 tokens in chunks: arithmetic over the device's matrix rate, but never less than reading the
/// weights once a chunk; attention over the 256 positions that a token of the prompt sees on average.
///
/// A layer in host memory is read over the link once a token or chunk, weights and KV cache, while it is
/// computed; so it costs the larger of the two times. A link is never taken to be faster than either memory.
///
/// A hand-off costs the mean of both devices' latencies and the activations' bytes over both links, so that
/// each device's part of it does not depend on the other.
class CostModel {
 public:
  /// Both have passed their checks, and no figure but power is missing.
  CostModel(const Machine& machine, const Workload& workload);

  const DeviceTimes& decode(size_t device) const { return decode_[device]; }
  const DeviceTimes& prefill(size_t device) const { return prefill_[device]; }
  size_t devices() const { return decode_.size(); }
  uint32_t layers() const { return static_cast<uint32_t>(decode_.front().resident.size() - 1); }
  uint32_t chunks() const { return chunks_; }

 private:
  std::vector<DeviceTimes> decode_, prefill_;
  uint32_t chunks_;
};

}  // namespace motley::placement
