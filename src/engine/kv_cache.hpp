// The keys and values of one session.
#pragma once

#include <vector>

#include "kernels/cache.hpp"
#include "model/config.hpp"
#include "vk/buffer.hpp"

namespace motley::engine {

/// Positions are allocated in steps of this, so that every head's part of a cache is aligned for binding.
constexpr uint32_t kContextStep = 32;

/// One cache for each of a stage's layers, allocated as a whole.
class KvCache {
 public:
  /// The first `host_layers` of the layers have theirs in host memory.
  KvCache(vk::Device& device, uint32_t layers, uint32_t host_layers, const kernels::CacheShape& shape);

  const kernels::Cache& layer(size_t index) const { return layers_[index]; }

  static uint64_t total_bytes(uint32_t layers, const kernels::CacheShape& shape);
  /// Positions beyond which a single head's keys or values could not be bound.
  static uint64_t max_context(const vk::DeviceFacts& facts, const model::Config& config);

 private:
  std::vector<vk::Buffer> buffers_;
  std::vector<kernels::Cache> layers_;
};

}  // namespace motley::engine
