// Work that tells how fast the variants of a kernel are, the same for all of them.
#pragma once

#include <functional>

#include "kernels/profile.hpp"
#include "quant/format.hpp"
#include "vk/recorder.hpp"

namespace motley::kernels {

struct Workload {
  /// Records it once, with the variant that the context chooses.
  std::function<void(Context& context, vk::CommandList& commands)> record;
  double giga = 0;  ///< bytes of weights that it reads or operations that it does, 1e9
};

/// Products with `tokens` vectors: with fewer than kMoreTokens of several matrices, which together are
/// well beyond the caches, and bytes of weights are counted; with more of a single matrix, and operations
/// are. There is as much to do as the variant that the context chooses now does in 20 ms. Throws
/// Error{kOutOfMemory}.
Workload product_workload(Context& context, quant::Format format, uint32_t tokens, bool may_round);

/// Attention of a chunk in the middle of a prompt over a cache of these types; operations are counted. Throws
/// Error{kOutOfMemory}.
Workload attention_workload(Context& context, bool keys_f32, bool values_f32, bool may_round);

}  // namespace motley::kernels
