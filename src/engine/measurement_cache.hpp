// Measured figures kept on disk between runs.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "engine/device_files.hpp"
#include "kernels/measurement.hpp"

namespace motley::engine {

/// Figures of devices as DeviceFiles keeps them. Thread-safe, and safe among processes.
class MeasurementCache {
 public:
  /// Without a directory nothing is kept.
  explicit MeasurementCache(std::optional<std::filesystem::path> directory = cache_directory(),
                            std::string build = this_build());

  std::optional<kernels::Measurements> load(const vk::DeviceFacts& facts) const;
  void save(const vk::DeviceFacts& facts, const kernels::Measurements& measured) const;

  /// To be called when other kernel variants than those measured are taken from now on.
  void forget(const vk::DeviceFacts& facts) const;

  const DeviceFiles& files() const { return files_; }

 private:
  DeviceFiles files_;
};

}  // namespace motley::engine
