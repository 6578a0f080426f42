// Reading a model's weights from its files into device memory.
#pragma once

#include <functional>

#include "engine/stage_weights.hpp"
#include "gguf/file.hpp"

namespace motley::engine {

/// Called with the file's bytes that were read since the last call, from any thread; throws to stop.
using LoadReport = std::function<void(uint64_t bytes)>;

/// Fills the stage's memory by so many threads, the caller's among them. Throws Error{kIo} when the file
/// changes meanwhile, Error{kDeviceLost}, and what `report` throws.
void load_weights(const gguf::File& file, const StageWeights& stage, size_t threads,
                  const LoadReport& report);

/// A vector (a norm, a bias, the rope factors) as float32.
std::vector<float> read_vector(const gguf::File& file, const gguf::TensorInfo& tensor);

/// Bytes of the file that loading the stage reads.
uint64_t file_bytes(const WeightPlan& plan);

}  // namespace motley::engine
