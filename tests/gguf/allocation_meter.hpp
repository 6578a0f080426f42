// How much memory the code under test holds at most.
#pragma once

#include <cstdint>

namespace motley::test {

/// Counts from its construction on what operator new hands out, in bytes, in the whole program.
class AllocationMeter {
 public:
  AllocationMeter();
  /// The most that was held at any moment since, beyond what was held at the start.
  uint64_t peak_bytes() const;

 private:
  int64_t start_bytes_;
};

}  // namespace motley::test
