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

/// Products with one vector, of matrices that are together well beyond the caches. Bytes. What the variant
/// that the context chooses now can do in 20 ms is what there is to do. Throws Error{kOutOfMemory}.
Workload one_token_products(Context& context, quant::Format format, bool may_round);

/// Products of a matrix with placement::kManyTokens vectors. Operations. As above.
Workload many_token_products(Context& context, quant::Format format, bool may_round);

}  // namespace motley::kernels
