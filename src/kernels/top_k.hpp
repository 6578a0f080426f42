// The largest logits, found on the device, so that only those few travel to the host.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "kernels/profile.hpp"
#include "vk/recorder.hpp"

namespace motley::kernels {

constexpr uint32_t kMaxTopK = 256;

/// The largest logits as (id, logit), in falling order of the logits, equal ones in rising order of the ids.
using Likeliest = std::vector<std::pair<uint32_t, float>>;

/// What the kernel counted.
struct TopK {
  uint32_t found = 0;  ///< logits not below the k-th largest, and perhaps some more
  uint32_t nans = 0;   ///< logits that are NaN; they are never among the found
};

/// Room in top_k's output for this k, entries: for equals of the k-th, and for what a first bound lets
/// through beside the k largest.
constexpr uint32_t top_k_capacity(uint32_t k) { return k + 256; }

/// Bytes of top_k's output for this k.
uint64_t top_k_bytes(uint32_t k);

/// Finds the `k` (1 ≤ k ≤ kMaxTopK) largest of `vocabulary` logits (float32, at least 1), with their ids, and
/// writes them to `out`, top_k_bytes(k) long; with more equals of the k-th than `out` holds, some are
/// missing. The host reads them by read_top_k(). Throws Error{kInternal} when a figure or range does not fit.
void top_k(Context& context, vk::CommandList& commands, const vk::BufferRange& logits, uint32_t vocabulary,
           uint32_t k, const vk::BufferRange& out);

/// The counts in what top_k() wrote.
TopK read_top_k_counts(std::span<const uint32_t> out);

/// The min(k, vocabulary) largest logits: the first is the argmax of the lowest id. `out` is what top_k()
/// wrote for the same k. Nothing when these words do not tell, because too many logits equal the k-th or one
/// is NaN: the caller then needs all logits.
std::optional<Likeliest> read_top_k(std::span<const uint32_t> out, uint32_t k);

}  // namespace motley::kernels
