// Keeps a model loaded on the devices that work.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/device_failure.hpp"
#include "engine/loaded_model.hpp"
#include "engine/session_plan.hpp"
#include "placement/plan.hpp"

namespace motley::engine {

/// Plans which device holds which layers, loads them so, and plans and loads again when a device fails.
/// Thread-safe.
class ModelHost {
 public:
  struct Options {
    SessionRequest session;      ///< what the plan leaves memory for
    placement::Request request;  ///< indices are those of `devices`
    /// What plans call the devices; empty: as their drivers do, namesakes numbered.
    std::vector<std::string> names;
    bool recover = true;  ///< go on without a device that fails
    bool tune = true;     ///< measure which kernel variants are fastest, where that is not known
    LoadProgress progress;
    /// Called with each plan before it is carried out, the machine it is for and what was asked. Must not
    /// call this object.
    std::function<void(const placement::Plan&, const placement::Machine&, const placement::Request&)> planned;
  };

  /// `devices` in the order in which they are preferred. Nothing is loaded yet. Devices among which there is
  /// a choice are measured, unless they were earlier.
  ModelHost(std::shared_ptr<const gguf::File> file, std::vector<std::shared_ptr<vk::Device>> devices,
            Options options);

  /// Loads the model. Where a device has less memory than it seemed, the plan is made again with what it has.
  /// Throws Error{kOutOfMemory} that says what would fit, and as LoadedModel does.
  void load();

  /// The plan that load() would carry out first; it may not be feasible. Measures a single device, too.
  placement::Plan preview();

  /// The model and how often it was loaded.
  struct Loaded {
    std::shared_ptr<const LoadedModel> model;
    uint64_t number = 0;
    uint32_t chunk_tokens = 0;  ///< in which a prompt passes its stages fastest; 0: the user chose
  };
  Loaded loaded() const;
  /// As loaded(), loading the model where an attempt to do so has failed. Throws as load(), and
  /// Error{kDeviceLost} when all devices have failed.
  Loaded loaded_again();
  placement::Plan plan() const;
  placement::Machine machine() const;
  placement::Request request() const;
  const model::Config& config() const { return config_; }
  const std::filesystem::path& path() const { return file_->path(); }
  uint32_t context_tokens() const { return workload_.context; }

  /// A device failed while the model of that number was running, which its session no longer holds. Returns
  /// the model on the devices that are left, loading it unless another session already had it done. Throws
  /// `failure` itself where there is no going on: told not to, or no device left.
  Loaded replace(uint64_t number, const DeviceFailure& failure);

 private:
  size_t index_of(const vk::Device& device) const;
  void describe_devices();
  std::vector<size_t> devices_to_hold_back() const;
  void measure(size_t device);
  void take_software_drivers();
  void load_planned();
  void find_plan();
  void accept_plan();
  void give_up(size_t device);
  void lower_limit(const DeviceFailure& failure);

  std::shared_ptr<const gguf::File> file_;
  std::vector<std::shared_ptr<vk::Device>> devices_;
  Options options_;
  model::Config config_;
  placement::Machine machine_;
  /// Software drivers' devices beside real GPUs that were never measured: slow to measure, and hardly ever
  /// worth it. They are looked at when the GPUs do not suffice.
  std::vector<size_t> held_back_;
  placement::Workload workload_;

  mutable std::mutex mutex_;
  placement::Plan plan_;
  Loaded loaded_;
  size_t given_up_ = 0;  ///< devices that failed
};

}  // namespace motley::engine
