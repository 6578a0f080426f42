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
  double output = 0;             ///< the output layer, and the end of a token or prompt on the host
  double handoff = 0;            ///< this device's part of a hand-off it takes part in

  /// Layers [begin, end), those before `resident_begin` in host memory; hand-offs not included.
  double stage(uint32_t begin, uint32_t resident_begin, uint32_t end) const {
    const double layers = hosted[resident_begin] - hosted[begin] + resident[end] - resident[resident_begin];
    return end + 1 == resident.size() ? layers + output : layers;
  }
};

/// Prefilling 512 tokens in chunks of one size, every device.
struct ChunkedPrefill {
  uint32_t chunk_tokens = 0;
  uint32_t chunks = 0;
  std::vector<DeviceTimes> devices;
};

/// Times of every device, from its figures.
///
/// Decoding a token: each matrix costs its bytes over the device's rate for the format, and each product what
/// it costs beside (at least a dispatch); every other dispatch its overhead, and the vectors that these work
/// on their bytes. Attention costs the longer of reading the KV cache at the device's bandwidth and of its
/// arithmetic. The cache is taken to be half full, the average of a context that fills up. The embedding, one
/// row, costs nothing.
///
/// Prefilling 512 tokens in chunks: products over a chunk cost what they do over few and over many tokens,
/// and between the two a straight line; where only the latter is known, their arithmetic, but never less
/// than reading the weights. Attention over the 256 positions that a token of the prompt sees on average.
///
/// A layer in host memory is read over the link once a token or chunk, weights and KV cache, while it is
/// computed; so it costs the larger of the two times. A link is never taken to be faster than either memory.
///
/// A hand-off costs the mean of both devices' latencies and the activations' bytes over both links, so that
/// each device's part of it does not depend on the other. Latency is submitting work and waiting for it,
/// which the last stage does too, for the host: that counts with the output layer.
class CostModel {
 public:
  /// Both have passed their checks, and no figure but power and those that 0 explains is missing.
  CostModel(const Machine& machine, const Workload& workload);

  const DeviceTimes& decode(size_t device) const { return decode_[device]; }
  /// In chunks that suit pipelines, for comparing stages.
  const DeviceTimes& prefill(size_t device) const { return reference().devices[device]; }
  /// In every size of chunk that may be chosen.
  const std::vector<ChunkedPrefill>& prefills() const { return prefills_; }
  size_t devices() const { return decode_.size(); }
  uint32_t layers() const { return static_cast<uint32_t>(decode_.front().resident.size() - 1); }
  /// Of prefill().
  uint32_t chunks() const { return reference().chunks; }

 private:
  const ChunkedPrefill& reference() const { return prefills_[reference_]; }

  std::vector<DeviceTimes> decode_;
  std::vector<ChunkedPrefill> prefills_;
  size_t reference_ = 0;
};

}  // namespace motley::placement
