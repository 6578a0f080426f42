// Weights in the memory of the devices that run them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include <motley/plan.hpp>

namespace motley {

struct EngineOptions {
  /// Called while the weights are loaded with the bytes done and in all, from several threads, one at a
  /// time; returning false cancels (kCancelled).
  std::function<bool(std::uint64_t done_bytes, std::uint64_t total_bytes)> progress;
  /// When a device is lost, hangs or gives values that are no numbers: go on without it, with the same text,
  /// where another is left. Without this it is an error (kDeviceLost).
  bool recover = true;
  /// At the first use of a GPU with a driver, take up to five seconds to measure which kernel variants are
  /// fastest for the model, and keep that. Without this, what Device::tune() found is still used.
  bool tune = true;
  /// Called with each plan before it is carried out: when loading, and again when a device has failed. From
  /// the thread that loads; must not call the engine.
  std::function<void(const Plan&)> planned;
};

/// Device memory that a model and one session need, in bytes.
struct MemoryNeed {
  std::uint64_t weights_bytes = 0;
  std::uint64_t cache_bytes = 0;    ///< keys and values
  std::uint64_t scratch_bytes = 0;  ///< activations, tables, staging
  std::uint64_t total_bytes() const { return weights_bytes + cache_bytes + scratch_bytes; }
};

/// What would be allocated, before anything is. Throws as Engine does for models that cannot be run.
MOTLEY_API MemoryNeed predict_memory(const Model& model, const Device& device,
                                     const SessionOptions& options = {});

/// A model's weights in the memory of the devices that run it, ready to run. Sessions share it. A handle:
/// copies refer to the same weights. Thread-safe.
class MOTLEY_API Engine {
 public:
  /// Loads the weights on one device. Throws kUnsupported for an architecture or weight format Motley lacks
  /// (with the list it has), kMalformedModel, kIo when the file changes meanwhile, kOutOfMemory with the
  /// figures, kCancelled.
  Engine(Model model, Device device, const EngineOptions& options = {});
  /// Plans for the machine's devices, so that there is memory for a session of these options, and loads the
  /// weights where the plan puts them. Devices between which there is a choice are measured at their first
  /// use, which takes seconds. Throws as the above and as make_plan(); kOutOfMemory, saying what would fit,
  /// when there is no feasible plan.
  Engine(Model model, const PlanOptions& plan, const SessionOptions& session = {},
         const EngineOptions& options = {}, const DeviceOptions& device_options = {});

  const Model& model() const;
  /// Those that hold layers now, in the order of the layers.
  std::vector<Device> devices() const;
  /// The first of them.
  const Device& device() const;
  /// What is carried out now.
  Plan plan() const;
  std::uint32_t trained_context_tokens() const;
  /// How many logits the model gives; token ids lie below.
  std::uint32_t vocabulary_size() const;
  /// Bytes of weights one decoded token reads.
  std::uint64_t bytes_per_token() const;

 private:
  friend struct Access;
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace motley
