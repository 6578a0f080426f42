// The tensors of a model by what they are for.
#pragma once

#include <cstdint>
#include <vector>

#include "gguf/file.hpp"
#include "model/config.hpp"

namespace motley::model {

/// Shapes as (row length x rows). Matrices are of any weight format; vectors are F32, F16 or BF16.
struct LayerTensors {
  const gguf::TensorInfo* attention_norm = nullptr;     ///< embedding
  const gguf::TensorInfo* q = nullptr;                  ///< embedding x q_size
  const gguf::TensorInfo* k = nullptr;                  ///< embedding x kv_size
  const gguf::TensorInfo* v = nullptr;                  ///< embedding x kv_size
  const gguf::TensorInfo* q_bias = nullptr;             ///< q_size; nullptr when absent
  const gguf::TensorInfo* k_bias = nullptr;             ///< kv_size; nullptr when absent
  const gguf::TensorInfo* v_bias = nullptr;             ///< kv_size; nullptr when absent
  const gguf::TensorInfo* q_norm = nullptr;             ///< head_size; nullptr unless architecture->qk_norm
  const gguf::TensorInfo* k_norm = nullptr;             ///< head_size; nullptr unless architecture->qk_norm
  const gguf::TensorInfo* attention_output = nullptr;   ///< q_size x embedding
  const gguf::TensorInfo* feed_forward_norm = nullptr;  ///< embedding
  const gguf::TensorInfo* gate = nullptr;               ///< embedding x feed_forward
  const gguf::TensorInfo* up = nullptr;                 ///< embedding x feed_forward
  const gguf::TensorInfo* down = nullptr;               ///< feed_forward x embedding

  /// Those that are there, in the order above.
  std::vector<const gguf::TensorInfo*> present() const;
};

struct Tensors {
  const gguf::TensorInfo* token_embedding = nullptr;  ///< embedding x vocabulary
  const gguf::TensorInfo* output_norm = nullptr;      ///< embedding
  const gguf::TensorInfo* output = nullptr;           ///< embedding x vocabulary; token_embedding when tied
  const gguf::TensorInfo* rope_factors = nullptr;     ///< rope_dimensions / 2; nullptr when absent
  std::vector<LayerTensors> layers;

  /// Every tensor once.
  std::vector<const gguf::TensorInfo*> present() const;
};

/// Finds every tensor of the model and checks its shape and format. The pointers are valid as long as `file`.
/// Throws Error{kMalformedModel} for a missing tensor or a wrong shape, and Error{kUnsupported} for a weight
/// format that Motley lacks or a tensor that the architecture, as Motley knows it, has no use for: to leave
/// it out would give wrong results.
Tensors find_tensors(const gguf::File& file, const Config& config);

/// Weights of the model, a tied output counted once.
uint64_t parameter_count(const Tensors& tensors);

/// Their bytes in the file.
uint64_t size_bytes(const Tensors& tensors);
uint64_t size_bytes(const LayerTensors& layer);

}  // namespace motley::model
