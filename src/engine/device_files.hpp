// What was found out about a device, kept on disk between runs.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "base/cache_directory.hpp"
#include "vk/device_facts.hpp"

namespace motley::engine {

/// Version and kernels.
std::string this_build();

/// One JSON file a kind, device and driver in $XDG_CACHE_HOME/motley. What it holds counts only for the same
/// device, version of the driver and build of Motley, and, of a software driver, the same processor and
/// threads; a file that is missing, damaged or of another is no error. Thread-safe, and safe among processes.
class DeviceFiles {
 public:
  using Json = nlohmann::ordered_json;

  /// Files are called "KIND-....json". Without a directory nothing is kept.
  explicit DeviceFiles(std::string kind, std::optional<std::filesystem::path> directory = cache_directory(),
                       std::string build = this_build());

  /// Whether there is a file that counts and `parse`, which may throw anything, took it.
  bool load(const vk::DeviceFacts& facts, const std::function<void(const Json&)>& parse) const;
  /// Replaces the file as a whole; `content` is an object. What cannot be written is logged and forgotten.
  void save(const vk::DeviceFacts& facts, const Json& content) const;

  /// Where a device's file lies; empty without a directory.
  std::filesystem::path path(const vk::DeviceFacts& facts) const;

  /// While it lives, nobody else has a turn of this directory, in this process or another: measuring at once
  /// would halve everybody's figures. Who waits longer than half a minute goes on without.
  class Turn {
   public:
    explicit Turn(const DeviceFiles& files);
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn();

    /// False where there is no directory, or somebody else's turn took too long.
    bool held() const { return held_; }

   private:
    int descriptor_ = -1;
    bool held_ = false;
  };

 private:
  std::string kind_;
  std::optional<std::filesystem::path> directory_;
  std::string build_;
};

}  // namespace motley::engine
