// A model's weights in one device's memory.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "engine/weight_plan.hpp"
#include "gguf/file.hpp"
#include "kernels/profile.hpp"
#include "kernels/weight.hpp"
#include "model/config.hpp"
#include "vk/device.hpp"

namespace motley::engine {

/// One transformer block. Ranges without a buffer: the model has no such tensor.
struct LayerWeights {
  vk::BufferRange attention_norm, feed_forward_norm;
  vk::BufferRange q_norm, k_norm;
  vk::BufferRange q_bias, k_bias, v_bias;
  kernels::Weight q, k, v, attention_output;
  kernels::Weight gate, up, down;
};

/// Called with the bytes read so far and in all; false cancels.
using LoadProgress = std::function<bool(uint64_t, uint64_t)>;

/// Immutable after loading; sessions share it.
class LoadedModel {
 public:
  /// Throws as plan_weights, read_config and find_tensors do; Error{kIo} when the file changes meanwhile,
  /// Error{kOutOfMemory}, Error{kCancelled}.
  LoadedModel(std::shared_ptr<const gguf::File> file, std::shared_ptr<vk::Device> device,
              const LoadProgress& progress);

  vk::Device& device() const { return *device_; }
  kernels::Context& context() const { return context_; }
  const model::Config& config() const { return config_; }
  /// Rotation per position of each pair, radians.
  const std::vector<double>& rope_frequencies() const { return rope_frequencies_; }

  const kernels::Weight& token_embedding() const { return token_embedding_; }
  const kernels::Weight& output() const { return output_; }
  const vk::BufferRange& output_norm() const { return output_norm_; }
  const std::vector<LayerWeights>& layers() const { return layers_; }

  /// Bytes of weights that decoding one token reads: all but the embedding table, unless that is the output
  /// as well.
  uint64_t bytes_per_token() const { return bytes_per_token_; }

 private:
  void load(const WeightPlan& plan, const LoadProgress& progress);
  void bind(const WeightPlan& plan, const model::Tensors& tensors);

  std::shared_ptr<const gguf::File> file_;
  std::shared_ptr<vk::Device> device_;
  mutable kernels::Context context_;
  model::Config config_;
  std::vector<double> rope_frequencies_;
  std::vector<vk::Buffer> arenas_;
  kernels::Weight token_embedding_;
  kernels::Weight output_;
  vk::BufferRange output_norm_;
  std::vector<LayerWeights> layers_;
  uint64_t bytes_per_token_ = 0;
};

}  // namespace motley::engine
