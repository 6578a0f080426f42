// How much of the tests with faults is run.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace motley::test {

/// Every so-manieth of the points where a fault can strike is tried: MOTLEY_FAULT_STRIDE, of which 1 is all
/// of them; without it `usual`.
inline uint64_t fault_stride(uint64_t usual) {
  const char* const given = std::getenv("MOTLEY_FAULT_STRIDE");
  return std::max<uint64_t>(given == nullptr ? usual : std::strtoull(given, nullptr, 10), 1);
}

}  // namespace motley::test
