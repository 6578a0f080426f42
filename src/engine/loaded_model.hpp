// A model's weights in the memory of the devices that run it.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "engine/stage_weights.hpp"
#include "gguf/file.hpp"
#include "model/config.hpp"

namespace motley::engine {

/// Called with the bytes read so far and in all; false cancels. One call at a time, from any thread.
using LoadProgress = std::function<bool(uint64_t, uint64_t)>;

/// Immutable after loading; sessions share it.
class LoadedModel {
 public:
  /// `stages` in the order of the layers, which they cover. All load at once. Throws as plan_weights,
  /// read_config and find_tensors do; Error{kInvalidArgument} when layers are left out or taken twice,
  /// Error{kIo} when the file changes meanwhile, Error{kOutOfMemory}, Error{kCancelled}.
  LoadedModel(std::shared_ptr<const gguf::File> file, const std::vector<StageSpec>& stages,
              const LoadProgress& progress);
  /// The whole model on one device.
  LoadedModel(const std::shared_ptr<const gguf::File>& file, std::shared_ptr<vk::Device> device,
              const LoadProgress& progress);

  const model::Config& config() const { return config_; }
  /// Rotation per position of each pair, radians.
  const std::vector<double>& rope_frequencies() const { return rope_frequencies_; }
  const std::vector<StageSpec>& specs() const { return specs_; }
  const std::vector<std::unique_ptr<StageWeights>>& stages() const { return stages_; }

  /// Bytes of weights that decoding one token reads.
  uint64_t bytes_per_token() const;

 private:
  void load(const LoadProgress& progress);

  std::shared_ptr<const gguf::File> file_;
  model::Config config_;
  std::vector<double> rope_frequencies_;
  std::vector<StageSpec> specs_;
  std::vector<std::unique_ptr<StageWeights>> stages_;
};

/// The whole of a model of so many layers as one stage.
std::vector<StageSpec> single_stage(std::shared_ptr<vk::Device> device, const model::Config& config);

}  // namespace motley::engine
