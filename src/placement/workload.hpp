// What a plan needs to know of a model: bytes and arithmetic of each layer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace motley::placement {

/// The most layers one plan is made for (the largest published models have about 130).
inline constexpr size_t kMaxLayers = 512;

/// The length of prompt that prefill is predicted for, tokens.
inline constexpr uint32_t kPrefillTokens = 512;

/// The matrices of a layer that have one format.
struct MatrixCost {
  std::string format;
  uint64_t bytes = 0;
  uint64_t weights = 0;     ///< 2 * weights FLOPs a token
  double active_share = 1;  ///< of them, what one token uses: experts used / experts; in (0, 1]
};

struct LayerCost {
  std::vector<MatrixCost> matrices;
  uint64_t vector_bytes = 0;                  ///< norms, biases
  uint64_t kv_bytes = 0;                      ///< of its KV cache, for the whole context
  uint64_t attention_flops_per_position = 0;  ///< per token, for each position it attends to
  uint32_t dispatches = 12;
};

struct Workload {
  std::vector<LayerCost> layers;
  LayerCost embedding;  ///< looked up: it takes memory and no time
  LayerCost output;     ///< final norm and output matrix
  bool tied = false;    ///< output uses the embedding's matrix, so one device holding both holds it once
  uint32_t context = 0;
  uint32_t batch = 0;  ///< tokens of a prefill chunk; 0: kPrefillTokens
  uint64_t handoff_bytes_per_token = 0;
  uint64_t scratch_bytes = 0;          ///< every stage
  uint64_t context_scratch_bytes = 0;  ///< of these, what grows with the context
  uint64_t output_scratch_bytes = 0;   ///< the stage with the output layer, additionally
};

/// Bytes of matrices and vectors, without KV cache.
uint64_t weights_bytes(const LayerCost& layer);

/// How many chunks a prompt of kPrefillTokens is computed in.
uint32_t prefill_chunks(const Workload& workload);

/// Throws Error{kInvalidArgument} that names the layer and the field: no layers or more than kMaxLayers,
/// figures whose sum exceeds 2^62, a share outside (0, 1].
void check_workload(const Workload& workload);

}  // namespace motley::placement
