// The least time that a model's work takes at the measured limits of its devices.
#pragma once

#include <cstdint>
#include <vector>

#include <motley/motley.hpp>

#include "bench_report.hpp"

namespace motley::tools {

/// Of a tensor's shape.
std::uint64_t elements_of(const TensorEntry& tensor);

class BenchLimits {
 public:
  /// Measures the devices' bandwidth and arithmetic, under a second each.
  BenchLimits(const Engine& engine, const Session& session);

  /// A step of decoding reads the weights once and each sequence's keys and values, the stages one after
  /// another, each at its device's bandwidth. Of a prompt all devices compute at once, each at the best rate
  /// it has: two operations for each weight and token, of the output projection for the last token only, and
  /// four for each element of a token's queries and each position it attends to.
  double seconds(const BenchTest& test) const;
  /// Of all devices, each at the best rate it has, in 10^9 operations a second.
  double gflops() const { return gflops_; }

 private:
  struct StageLimit {
    double weight_bytes = 0;  ///< that a decoded token reads
    double layers_share = 0;  ///< of the model's layers
    double bandwidth_gbs = 0;
  };

  double decode_seconds(double positions) const;  ///< of all sequences
  double prompt_seconds(std::uint32_t first, std::uint32_t tokens) const;

  std::vector<StageLimit> stages_;
  double cache_bytes_per_token_ = 0;
  double layer_weights_ = 0;   ///< of all layers' matrices
  double output_weights_ = 0;  ///< of the output projection
  double query_elements_ = 0;  ///< of one token's queries, all layers
  double gflops_ = 0;
};

}  // namespace motley::tools
