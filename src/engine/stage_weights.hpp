// The weights of one stage of a model in one device's memory.
#pragma once

#include <cstdint>
#include <vector>

#include "base/math.hpp"
#include "engine/stage_spec.hpp"
#include "engine/weight_plan.hpp"
#include "kernels/profile.hpp"
#include "kernels/weight.hpp"
#include "model/tensors.hpp"
#include "vk/device.hpp"

namespace motley::engine {

/// A matrix, or several as one, and where in a vector the products go that their consumers find side by side.
struct Projection {
  kernels::Weight weight;
  vk::BufferRange bias;  ///< without a buffer: none
  uint32_t first_row = 0;
};

/// Where in such a vector the second matrix' products begin, after `rows` of the first.
constexpr uint32_t next_row(uint32_t rows) { return round_up(rows, kernels::kWholeRows); }

/// One transformer block. Ranges without a buffer: the model has no such tensor.
struct LayerWeights {
  vk::BufferRange attention_norm, feed_forward_norm;
  vk::BufferRange q_norm, k_norm;
  vk::BufferRange q_bias, k_bias, v_bias;
  kernels::Weight q, k, v, attention_output;
  kernels::Weight gate, up, down;
  /// What one token is multiplied with at once: q, k and v; gate and up. As few matrices as they can be.
  std::vector<Projection> qkv, gate_up;
};

/// The part of a model's tensors that a stage needs; the rest is left out.
model::Tensors tensors_of(const StageSpec& stage, const model::Tensors& all);

/// Memory and handles; what is in it is WeightLoader's. Not copied and not moved: kernels keep references.
class StageWeights {
 public:
  /// Allocates, after trying the kernels for these tensors on the device (prepare_kernels). `tensors` as
  /// tensors_of() gives them. Throws as prepare_kernels and plan_weights do, and Error{kOutOfMemory}.
  StageWeights(const StageSpec& spec, const model::Tensors& tensors, const model::Config& config);

  StageWeights(const StageWeights&) = delete;
  StageWeights& operator=(const StageWeights&) = delete;

  vk::Device& device() const { return *spec_.device; }
  const kernels::Context& context() const { return context_; }
  const StageSpec& spec() const { return spec_; }
  const WeightPlan& plan() const { return plan_; }
  const std::vector<vk::Buffer>& arenas() const { return arenas_; }

  bool has_embedding() const { return !token_embedding_.parts.empty(); }
  bool has_output() const { return !output_.parts.empty(); }
  const kernels::Weight& token_embedding() const { return token_embedding_; }
  const kernels::Weight& output() const { return output_; }
  const vk::BufferRange& output_norm() const { return output_norm_; }
  const std::vector<LayerWeights>& layers() const { return layers_; }

  /// Bytes that decoding one token reads: all but the embedding table, unless that is the output as well.
  uint64_t bytes_per_token() const { return bytes_per_token_; }

 private:
  void bind(const model::Tensors& tensors);

  StageSpec spec_;
  kernels::Context context_;
  WeightPlan plan_;
  std::vector<vk::Buffer> arenas_;
  kernels::Weight token_embedding_;
  kernels::Weight output_;
  vk::BufferRange output_norm_;
  std::vector<LayerWeights> layers_;
  uint64_t bytes_per_token_ = 0;
};

}  // namespace motley::engine
