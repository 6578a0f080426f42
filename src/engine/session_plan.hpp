// The sizes of a session's memory, worked out before anything is allocated.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/stage_spec.hpp"
#include "kernels/attention.hpp"
#include "kernels/cache.hpp"
#include "kernels/profile.hpp"
#include "model/config.hpp"

namespace motley::engine {

/// What the user asks for.
struct SessionRequest {
  uint32_t context = 0;  ///< positions; 0: as trained, at most kDefaultContext
  uint32_t batch = 0;    ///< tokens in one pass, at most kMaxBatch; 0: what is predicted to be fastest
  bool keys_f32 = false;
  bool values_f32 = false;
  bool activations_f32 = false;  ///< never rounded, also where that is faster
  bool time_kernels = false;     ///< one after another, each timed by the device
};

constexpr uint32_t kDefaultContext = 4096;
constexpr uint32_t kDefaultBatch = 512;  ///< where nothing is predicted
constexpr uint32_t kMaxBatch = 4096;
constexpr uint32_t kHeadRows = 16;  ///< logits computed at once, vectors
/// Chunks of a prompt that may wait between two stages: one is written while one is read, and a third keeps a
/// late stage from holding up the one before.
constexpr uint32_t kHandOffSlots = 3;

/// What a stage of a session allocates.
struct StagePlan {
  uint32_t batch = 0;
  uint32_t layers = 0;
  kernels::CacheShape cache;
  kernels::AttentionShape attention;

  uint32_t embedding_stride = 0;
  uint32_t q_stride = 0;
  uint32_t kv_stride = 0;
  uint32_t feed_forward_stride = 0;
  uint32_t head_rows = 0;  ///< 0 without the output layer
  bool time_kernels = false;

  uint64_t step_bytes = 0;
  uint64_t rope_table_bytes = 0;
  uint64_t attention_parts_bytes = 0;
  uint64_t rounded_bytes = 0;  ///< the widest activations rounded; 0: they never are
  uint64_t logits_bytes = 0;
  uint64_t found_bytes = 0;       ///< the likeliest tokens, of two steps
  uint64_t hand_off_bytes = 0;    ///< staging towards the stages before and behind
  uint64_t cache_bytes = 0;       ///< in the device's memory
  uint64_t host_cache_bytes = 0;  ///< in host memory

  /// Of queries, keys and values for `batch` tokens; of gate and up.
  uint64_t heads_bytes() const {
    return batch * (uint64_t{q_stride} + 2 * uint64_t{kv_stride}) * sizeof(float);
  }
  uint64_t feed_forward_bytes() const { return batch * 2 * uint64_t{feed_forward_stride} * sizeof(float); }
  /// Bytes of activations for `batch` tokens, one vector of each kind a token.
  uint64_t activation_bytes() const;
  /// Of one slot of a hand-off: `batch` vectors between the layers.
  uint64_t slot_bytes() const { return uint64_t{batch} * embedding_stride * sizeof(float); }
  /// All but the cache.
  uint64_t scratch_bytes() const;
  uint64_t total_bytes() const { return cache_bytes + scratch_bytes(); }
};

struct StageSize {
  uint32_t context = 0;
  uint32_t batch = 0;
  uint32_t layers = 0;
  uint32_t host_layers = 0;
  bool has_output = false;
};

/// A stage's memory, hand-offs left out.
StagePlan plan_stage(const model::Config& config, const vk::DeviceFacts& facts, const SessionRequest& request,
                     const StageSize& size);

/// The context that a request means for this model.
uint32_t context_of(const SessionRequest& request, const model::Config& config);

struct SessionPlan {
  uint32_t context = 0;
  uint32_t batch = 0;
  std::vector<StagePlan> stages;

  uint64_t cache_bytes() const;
  uint64_t scratch_bytes() const;
};

/// Fits the request into `available_bytes` of each of devices_of(stages): the batch is halved while the
/// session does not fit. Throws Error{kInvalidArgument} for figures out of range and Error{kOutOfMemory} with
/// the largest context that would fit.
SessionPlan plan_session(const model::Config& config, std::span<const StageSpec> stages,
                         const SessionRequest& request, std::span<const uint64_t> available_bytes);
/// The same for the memory that the devices have left now.
SessionPlan plan_session(const model::Config& config, std::span<const StageSpec> stages,
                         const SessionRequest& request);

}  // namespace motley::engine
