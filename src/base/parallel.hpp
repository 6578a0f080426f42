// Work on several threads.
#pragma once

#include <cstddef>
#include <functional>

namespace motley {

/// Calls `work` with 0 to `count` - 1, each on a thread of its own, 0 on the caller's. Returns when all have
/// returned; throws what the first of them in this order threw.
void run_on_threads(size_t count, const std::function<void(size_t)>& work);

}  // namespace motley
