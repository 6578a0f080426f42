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

/// Chunks are chosen no shorter: each reads all the weights again.
inline constexpr uint32_t kFewestChunkTokens = 32;

/// The matrices of a layer that have one format.
struct MatrixCost {
  std::string format;
  uint64_t bytes = 0;
  uint64_t weights = 0;     ///< 2 * weights FLOPs a token
  double active_share = 1;  ///< of them, what one token uses: experts used / experts; in (0, 1]
  uint32_t products = 1;    ///< how many matrices they are
};

struct LayerCost {
  std::vector<MatrixCost> matrices;
  uint64_t vector_bytes = 0;                  ///< norms, biases
  uint64_t kv_bytes = 0;                      ///< of its KV cache, for the whole context
  uint64_t attention_flops_per_position = 0;  ///< per token, for each position it attends to
  /// Read and written for a token by all that is neither a product nor attention.
  uint64_t activation_bytes_per_token = 0;
  uint32_t dispatches = 12;  ///< products included
};

/// Memory of a stage beside its weights and KV cache.
struct Scratch {
  uint64_t bytes = 0;          ///< for the largest chunk
  uint64_t token_bytes = 0;    ///< of these, what a token of a chunk less would save
  uint64_t context_bytes = 0;  ///< of these, what grows with the context
  uint64_t output_bytes = 0;   ///< with the output layer, additionally

  bool operator==(const Scratch&) const = default;
};

struct Workload {
  std::vector<LayerCost> layers;
  LayerCost embedding;  ///< looked up: it takes memory and no time
  LayerCost output;     ///< final norm and output matrix
  bool tied = false;    ///< output uses the embedding's matrix, so one device holding both holds it once
  uint32_t context = 0;
  uint32_t batch = 0;  ///< tokens of a prefill chunk; 0: what is fastest, at most kPrefillTokens
  uint64_t handoff_bytes_per_token = 0;
  /// Of a stage on each device of the machine, whose kernels differ; or one entry for all of them.
  std::vector<Scratch> scratch = std::vector<Scratch>(1);

  const Scratch& scratch_on(size_t device) const {
    return scratch.size() == 1 ? scratch[0] : scratch[device];
  }
};

/// Bytes of matrices and vectors, without KV cache.
uint64_t weights_bytes(const LayerCost& layer);

/// The chunks that a prompt of kPrefillTokens may be cut into, tokens of each, largest first: the batch, or
/// where that is left open everything from which the fastest is worth choosing.
std::vector<uint32_t> chunk_sizes(const Workload& workload);

/// For a machine of so many devices. Throws Error{kInvalidArgument} that names the layer and the field: no
/// layers or more than kMaxLayers, figures whose sum exceeds 2^62, a share outside (0, 1], scratch memory of
/// another number of devices.
void check_workload(const Workload& workload, size_t devices);

}  // namespace motley::placement
