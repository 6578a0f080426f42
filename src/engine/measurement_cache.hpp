// Measured figures kept on disk between runs.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/cache_directory.hpp"
#include "base/version.hpp"
#include "kernels/measurement.hpp"
#include "vk/device_facts.hpp"

namespace motley::engine {

/// One JSON file a device and driver in $XDG_CACHE_HOME/motley. What it holds counts only for the same
/// device, version of the driver and version of Motley, and, of a software driver, the same processor and
/// threads; a file that is missing, damaged or of another is no error. Thread-safe, and safe among processes.
class MeasurementCache {
 public:
  /// Without a directory nothing is kept.
  explicit MeasurementCache(std::optional<std::filesystem::path> directory = cache_directory(),
                            std::string version = version_string());

  std::optional<kernels::Measurements> load(const vk::DeviceFacts& facts) const;
  /// Replaces the file as a whole. What cannot be written is logged and forgotten.
  void save(const vk::DeviceFacts& facts, const kernels::Measurements& measured) const;

  /// Where a device's figures lie; empty without a directory.
  std::filesystem::path path(const vk::DeviceFacts& facts) const;

  /// While it lives, nobody else has a turn of this directory, in this process or another: measuring at once
  /// would halve everybody's figures. Who waits longer than half a minute goes on without.
  class Turn {
   public:
    explicit Turn(const MeasurementCache& cache);
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn();

   private:
    int descriptor_ = -1;
  };

 private:
  std::optional<std::filesystem::path> directory_;
  std::string version_;
};

}  // namespace motley::engine
