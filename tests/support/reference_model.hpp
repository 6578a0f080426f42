// A whole model on the CPU in double precision, written to be read rather than to be fast: what the engine is
// checked against.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gguf/file.hpp"
#include "model/config.hpp"

namespace motley::test {

/// The values of a tensor, row after row; none where the model lacks it.
struct Weights {
  std::vector<float> values;
  uint64_t columns = 0;
};

class ReferenceModel {
 public:
  /// Decodes every weight (4 bytes each in memory). Throws what read_config() and find_tensors() throw.
  explicit ReferenceModel(const gguf::File& file);

  const model::Config& config() const { return config_; }

  /// The logits at each position of a text of `tokens`: tokens.size() x vocabulary.
  std::vector<std::vector<double>> logits(std::span<const int32_t> tokens) const;

 private:
  using Vector = std::vector<double>;
  struct Layer {
    Weights attention_norm, q, k, v, q_bias, k_bias, v_bias, q_norm, k_norm, attention_output,
        feed_forward_norm, gate, up, down;
  };
  /// The rotated keys and the values of every position so far, of one layer.
  struct Cache {
    std::vector<Vector> keys, values;
  };

  static Weights decode(const gguf::File& file, const gguf::TensorInfo* tensor);
  static Vector multiply(const Weights& matrix, const Vector& x, const Weights& bias = {});
  void normalize(std::span<double> x, const Weights& norm) const;
  void normalize_heads(Vector& x, const Weights& norm) const;
  void rotate_heads(Vector& x, size_t position) const;
  Vector attention(const Layer& layer, const Vector& x, Cache& cache) const;
  Vector attend(const Vector& q, const Cache& cache) const;
  static Vector feed_forward(const Layer& layer, const Vector& x);

  model::Config config_;
  std::vector<double> rope_frequencies_;
  Weights token_embedding_, output_norm_, output_;
  std::vector<Layer> layers_;
};

}  // namespace motley::test
