#include "engine/loaded_model.hpp"

#include <algorithm>
#include <mutex>
#include <thread>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "engine/device_failure.hpp"
#include "engine/weight_loader.hpp"
#include "model/rope.hpp"

namespace motley::engine {
namespace {

void check_stages(const std::vector<StageSpec>& stages, uint32_t layers) {
  uint32_t next = 0;
  for (const StageSpec& stage : stages) {
    if (stage.first_layer != next || stage.layers == 0 || stage.layers > layers - next) {
      fail(ErrorCode::kInvalidArgument, "a stage of layers {} to {} follows layer {} of {}",
           stage.first_layer, uint64_t{stage.first_layer} + stage.layers, next, layers);
    }
    next += stage.layers;
  }
  if (next != layers)
    fail(ErrorCode::kInvalidArgument, "the stages hold {} of the model's {} layers", next, layers);
}

/// Of each device, when so many load at once: reading and packing is work for the processor, and from about
/// eight threads on file or link are the limit.
size_t loading_threads(size_t devices) {
  constexpr size_t kMost = 8;
  return std::clamp<size_t>(std::thread::hardware_concurrency() / devices, 1, kMost);
}

/// Adds up what several threads have read.
class SharedProgress {
 public:
  SharedProgress(const gguf::File& file, uint64_t total, const LoadProgress& progress)
      : file_(file), total_(total), progress_(progress) {}

  void add(uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    done_ += bytes;
    if (progress_ && !progress_(done_, total_))
      fail(ErrorCode::kCancelled, "loading '{}' was cancelled", file_.path().string());
  }

 private:
  const gguf::File& file_;
  uint64_t total_;
  const LoadProgress& progress_;
  std::mutex mutex_;
  uint64_t done_ = 0;
};

}  // namespace

LoadedModel::LoadedModel(std::shared_ptr<const gguf::File> file, const std::vector<StageSpec>& stages,
                         const LoadProgress& progress)
    : file_(std::move(file)), config_(model::read_config(*file_)), specs_(stages) {
  const model::Tensors tensors = model::find_tensors(*file_, config_);
  check_stages(stages, config_.layers);
  std::vector<float> factors;
  if (tensors.rope_factors != nullptr) factors = read_vector(*file_, *tensors.rope_factors);
  rope_frequencies_ = model::rope_frequencies(config_, factors);
  for (const StageSpec& stage : stages) {
    stages_.push_back(blaming(*stage.device, [&] {
      return std::make_unique<StageWeights>(stage, tensors_of(stage, tensors), config_);
    }));
  }
  load(progress);
}

LoadedModel::LoadedModel(const std::shared_ptr<const gguf::File>& file, std::shared_ptr<vk::Device> device,
                         const LoadProgress& progress)
    : LoadedModel(file, single_stage(std::move(device), model::read_config(*file)), progress) {}

void LoadedModel::load(const LoadProgress& progress) {
  uint64_t total = 0;
  for (const auto& stage : stages_) total += file_bytes(stage->plan());
  SharedProgress shared(*file_, total, progress);
  shared.add(0);
  const StageDevices devices = devices_of(specs_);
  const size_t threads = loading_threads(devices.devices.size());
  run_on_threads(devices.devices.size(), [&](size_t device) {
    for (size_t i = 0; i < stages_.size(); ++i) {
      if (devices.of_stage[i] != device) continue;
      blaming(*devices.devices[device], [&] {
        load_weights(*file_, *stages_[i], threads, [&](uint64_t bytes) { shared.add(bytes); });
      });
    }
  });
}

uint64_t LoadedModel::bytes_per_token() const {
  uint64_t bytes = 0;
  for (const auto& stage : stages_) bytes += stage->bytes_per_token();
  return bytes;
}

std::vector<StageSpec> single_stage(std::shared_ptr<vk::Device> device, const model::Config& config) {
  return {{std::move(device), 0, config.layers}};
}

}  // namespace motley::engine
