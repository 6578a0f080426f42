#include "support/reference_model.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "model/rope.hpp"
#include "model/tensors.hpp"
#include "quant/format.hpp"

namespace motley::test {

Weights ReferenceModel::decode(const gguf::File& file, const gguf::TensorInfo* tensor) {
  if (tensor == nullptr) return {};
  std::vector<std::byte> bytes(tensor->size_bytes);
  file.read(*tensor, 0, bytes);
  Weights weights{std::vector<float>(tensor->elements()), tensor->shape[0]};
  quant::decode(quant::from_ggml_type(static_cast<uint32_t>(tensor->type)).value(), bytes, weights.values);
  return weights;
}

ReferenceModel::ReferenceModel(const gguf::File& file) : config_(model::read_config(file)) {
  const model::Tensors tensors = model::find_tensors(file, config_);
  rope_frequencies_ = model::rope_frequencies(config_, decode(file, tensors.rope_factors).values);
  token_embedding_ = decode(file, tensors.token_embedding);
  output_norm_ = decode(file, tensors.output_norm);
  output_ = decode(file, tensors.output);
  for (const model::LayerTensors& from : tensors.layers) {
    const auto get = [&file](const gguf::TensorInfo* tensor) { return decode(file, tensor); };
    layers_.push_back({.attention_norm = get(from.attention_norm),
                       .q = get(from.q),
                       .k = get(from.k),
                       .v = get(from.v),
                       .q_bias = get(from.q_bias),
                       .k_bias = get(from.k_bias),
                       .v_bias = get(from.v_bias),
                       .q_norm = get(from.q_norm),
                       .k_norm = get(from.k_norm),
                       .attention_output = get(from.attention_output),
                       .feed_forward_norm = get(from.feed_forward_norm),
                       .gate = get(from.gate),
                       .up = get(from.up),
                       .down = get(from.down)});
  }
}

/// matrix x + bias
ReferenceModel::Vector ReferenceModel::multiply(const Weights& matrix, const Vector& x, const Weights& bias) {
  Vector y(matrix.values.size() / matrix.columns);
  for (size_t row = 0; row < y.size(); ++row) {
    const float* weights = matrix.values.data() + row * matrix.columns;
    double sum = bias.values.empty() ? 0.0 : static_cast<double>(bias.values[row]);
    for (size_t i = 0; i < x.size(); ++i) sum += static_cast<double>(weights[i]) * x[i];
    y[row] = sum;
  }
  return y;
}

/// x / sqrt(mean(x^2) + epsilon) * norm
void ReferenceModel::normalize(std::span<double> x, const Weights& norm) const {
  double squares = 0;
  for (const double value : x) squares += value * value;
  const double scale =
      1.0 / std::sqrt(squares / static_cast<double>(x.size()) + static_cast<double>(config_.norm_epsilon));
  for (size_t i = 0; i < x.size(); ++i) x[i] *= scale * static_cast<double>(norm.values[i]);
}

void ReferenceModel::normalize_heads(Vector& x, const Weights& norm) const {
  if (norm.values.empty()) return;
  for (size_t at = 0; at < x.size(); at += config_.head_size)
    normalize({x.data() + at, config_.head_size}, norm);
}

void ReferenceModel::rotate_heads(Vector& x, size_t position) const {
  const bool halves = config_.architecture->rope == model::RopeStyle::kHalves;
  const size_t pairs = rope_frequencies_.size();
  for (size_t head = 0; head < x.size(); head += config_.head_size) {
    for (size_t i = 0; i < pairs; ++i) {
      double& first = x[head + (halves ? i : 2 * i)];
      double& second = x[head + (halves ? i + pairs : 2 * i + 1)];
      const double angle = static_cast<double>(position) * rope_frequencies_[i];
      const double rotated = first * std::cos(angle) - second * std::sin(angle);
      second = first * std::sin(angle) + second * std::cos(angle);
      first = rotated;
    }
  }
}

/// softmax(q.k * scale) v over all positions in the cache, head by head; consecutive query heads share a head
/// of keys and values.
ReferenceModel::Vector ReferenceModel::attend(const Vector& q, const Cache& cache) const {
  const size_t head_size = config_.head_size;
  Vector out(q.size());
  for (size_t head = 0; head < config_.heads; ++head) {
    const size_t q_at = head * head_size;
    const size_t kv_at = head / (config_.heads / config_.kv_heads) * head_size;
    Vector weights;
    for (const Vector& key : cache.keys) {
      double score = 0;
      for (size_t i = 0; i < head_size; ++i) score += q[q_at + i] * key[kv_at + i];
      weights.push_back(score * static_cast<double>(config_.attention_scale));
    }
    const double largest = *std::ranges::max_element(weights);
    double sum = 0;
    for (double& weight : weights) sum += weight = std::exp(weight - largest);
    for (size_t position = 0; position < weights.size(); ++position) {
      for (size_t i = 0; i < head_size; ++i) {
        out[q_at + i] += weights[position] / sum * cache.values[position][kv_at + i];
      }
    }
  }
  return out;
}

ReferenceModel::Vector ReferenceModel::attention(const Layer& layer, const Vector& x, Cache& cache) const {
  const size_t position = cache.keys.size();
  Vector q = multiply(layer.q, x, layer.q_bias);
  Vector k = multiply(layer.k, x, layer.k_bias);
  normalize_heads(q, layer.q_norm);
  normalize_heads(k, layer.k_norm);
  rotate_heads(q, position);
  rotate_heads(k, position);
  cache.keys.push_back(std::move(k));
  cache.values.push_back(multiply(layer.v, x, layer.v_bias));
  return multiply(layer.attention_output, attend(q, cache));
}

/// down(silu(gate(x)) * up(x))
ReferenceModel::Vector ReferenceModel::feed_forward(const Layer& layer, const Vector& x) {
  Vector hidden = multiply(layer.gate, x);
  const Vector up = multiply(layer.up, x);
  for (size_t i = 0; i < hidden.size(); ++i) hidden[i] *= up[i] / (1.0 + std::exp(-hidden[i]));
  return multiply(layer.down, hidden);
}

std::vector<std::vector<double>> ReferenceModel::logits(std::span<const int32_t> tokens) const {
  std::vector<Cache> caches(layers_.size());
  std::vector<Vector> all;
  const auto normalized = [this](Vector x, const Weights& norm) {
    normalize(x, norm);
    return x;
  };
  const auto add_to = [](Vector& x, const Vector& y) {
    std::ranges::transform(x, y, x.begin(), std::plus<>());
  };
  for (const int32_t token : tokens) {
    const float* row = token_embedding_.values.data() + static_cast<size_t>(token) * config_.embedding;
    Vector x(row, row + config_.embedding);
    for (size_t i = 0; i < layers_.size(); ++i) {
      add_to(x, attention(layers_[i], normalized(x, layers_[i].attention_norm), caches[i]));
      add_to(x, feed_forward(layers_[i], normalized(x, layers_[i].feed_forward_norm)));
    }
    all.push_back(multiply(output_, normalized(std::move(x), output_norm_)));
  }
  return all;
}

}  // namespace motley::test
