// Compiled pipelines kept on disk between runs.
#pragma once

#include <filesystem>

#include "vk/device.hpp"
#include "vk/handle.hpp"

namespace motley::vk {

/// A VkPipelineCache that starts from $XDG_CACHE_HOME/motley/pipelines-KEY.bin (KEY: device, driver and its
/// version) and is written back, as a whole and atomically, when it goes. A missing, damaged or foreign file
/// is ignored; a cache that cannot be written is no error.
class PipelineCache {
 public:
  explicit PipelineCache(Device& device);
  PipelineCache(const PipelineCache&) = delete;
  PipelineCache& operator=(const PipelineCache&) = delete;
  ~PipelineCache();

  VkPipelineCache handle() const { return cache_.get(); }

 private:
  void save() const;

  Device& device_;
  std::filesystem::path path_;  ///< empty when there is no cache directory
  uint64_t loaded_hash_ = 0;
  DeviceHandle<VkPipelineCache> cache_;
};

}  // namespace motley::vk
