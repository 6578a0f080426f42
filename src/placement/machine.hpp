// What a plan needs to know of the devices. Plain figures, measured or taken from a file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "placement/rank.hpp"

namespace motley::placement {

/// The most devices one plan is made for: the search keeps a table over all sets of them.
inline constexpr size_t kMaxDevices = 16;

/// How fast the kernels really used are with weights of one format.
struct FormatRate {
  std::string format;
  double matvec_gbs = 0;     ///< bytes of weights per second in a matrix-vector product, 1e9/s; 0: not given
  double matmat_gflops = 0;  ///< of a matrix-matrix product over kManyTokens, 1e9/s; 0: not given
  double few_gflops = 0;     ///< the same over kFewTokens; 0: derived from the two above
  double product_us = 0;     ///< what one more product costs beside its bytes; 0: a dispatch

  bool operator==(const FormatRate&) const = default;
};

/// The lengths of prompt for which rates are given: a short chunk, and one that is all a device can use.
inline constexpr uint32_t kFewTokens = 32;
inline constexpr uint32_t kManyTokens = 512;

/// One device. A figure of 0 is one that is not given; estimate_missing() fills it in, except for power.
struct PlanDevice {
  std::string name;
  DeviceClass device_class = DeviceClass::kOther;
  uint64_t memory_bytes = 0;  ///< what may be used of its memory
  double bandwidth_gbs = 0;   ///< of its own memory
  double matrix_tflops = 0;   ///< the peak of its matrix arithmetic
  double link_gbs = 0;        ///< to and from host memory
  double dispatch_us = 0;     ///< one dispatch that does nothing
  double handoff_us = 0;      ///< one hand-off of next to no bytes
  double power_w = 0;         ///< while it works
  /// Attention of a decoded token, arithmetic over the KV cache, 1e9 FLOPs/s; 0: as fast as the cache is read
  double decode_attention_gflops = 0;
  double prefill_attention_gflops = 0;  ///< attention of a prompt; 0: derived from matrix_tflops
  double activation_gbs = 0;            ///< norms and other work on single vectors, 1e9 bytes/s; 0: bandwidth
  std::vector<FormatRate> rates;        ///< empty: derived from bandwidth and tflops
};

struct Host {
  uint64_t memory_bytes = 0;  ///< 0: not given, and then nothing is planned into host memory
  double bandwidth_gbs = 0;   ///< 0: not given
};

struct Machine {
  std::vector<PlanDevice> devices;
  Host host;
};

/// The share of the memory bandwidth that a matrix-vector product is taken to reach where no rate was
/// measured (engines reach 84 to 92 % of it), and of the matrix peak that prefill is taken to reach (35 to 42
/// %).
inline constexpr double kMatvecShare = 0.85;
inline constexpr double kMatmatShare = 0.40;

/// Throws Error{kInvalidArgument} that names the device and the field when a figure is not finite, negative
/// or beyond reason, or when there are no devices or more than kMaxDevices.
void check_machine(const Machine& machine);

/// Fills in what is not given from what is; returns a sentence for each estimate ("link of 'RTX 4090' not
/// given: taken as 12 GB/s"), none for a matrix rate that measured ones tell. Power is never estimated.
/// Throws as check_machine().
std::vector<std::string> estimate_missing(Machine& machine);

}  // namespace motley::placement
