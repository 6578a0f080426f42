// The sizes of a session's memory, worked out before anything is allocated.
#pragma once

#include <cstdint>

#include "kernels/attention.hpp"
#include "kernels/cache.hpp"
#include "kernels/profile.hpp"
#include "model/config.hpp"
#include "vk/device.hpp"

namespace motley::engine {

/// What the user asks for.
struct SessionRequest {
  uint32_t context = 0;  ///< positions; 0: as trained, at most kDefaultContext
  uint32_t batch = 512;  ///< tokens in one pass, 1 … kMaxBatch
  bool keys_f32 = false;
  bool values_f32 = false;
};

constexpr uint32_t kDefaultContext = 4096;
constexpr uint32_t kMaxBatch = 4096;
constexpr uint32_t kHeadRows = 16;  ///< logits computed at once, vectors

/// What a session allocates.
struct SessionPlan {
  uint32_t context = 0;
  uint32_t batch = 0;
  kernels::CacheShape cache;
  kernels::AttentionShape attention;

  uint32_t embedding_stride = 0;
  uint32_t q_stride = 0;
  uint32_t kv_stride = 0;
  uint32_t feed_forward_stride = 0;
  uint32_t head_rows = 0;

  uint64_t step_bytes = 0;
  uint64_t rope_table_bytes = 0;
  uint64_t attention_parts_bytes = 0;
  uint64_t logits_bytes = 0;
  uint64_t cache_bytes = 0;

  /// Bytes of activations for `batch` tokens, one vector of each kind a token.
  uint64_t activation_bytes() const;
  /// All but the cache.
  uint64_t scratch_bytes() const;
  uint64_t total_bytes() const { return cache_bytes + scratch_bytes(); }
};

/// Fits the request into `available_bytes`: the batch is halved while the session does not fit. Throws
/// Error{kInvalidArgument} for figures out of range and Error{kOutOfMemory} with the largest context that
/// would fit.
SessionPlan plan_session(const model::Config& config, const vk::DeviceFacts& facts,
                         const kernels::Profile& profile, const SessionRequest& request,
                         uint64_t available_bytes);

}  // namespace motley::engine
