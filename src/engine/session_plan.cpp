#include "engine/session_plan.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/math.hpp"
#include "engine/kv_cache.hpp"
#include "engine/uploader.hpp"
#include "kernels/weight_layout.hpp"
#include "params/step.h"

namespace motley::engine {
namespace {

constexpr uint64_t kFloat = sizeof(float);

SessionPlan make_plan(const model::Config& config, const vk::DeviceFacts& facts,
                      const kernels::Profile& profile, const SessionRequest& request, uint32_t context,
                      uint32_t batch) {
  SessionPlan plan;
  plan.context = context;
  plan.batch = batch;
  plan.cache = {config.kv_heads, config.head_size, round_up(context, kContextStep), request.keys_f32,
                request.values_f32};
  plan.attention = {config.heads, config.attention_scale};
  plan.embedding_stride = round_up(config.embedding, kernels::kActivationPadding);
  plan.q_stride = round_up(config.q_size(), kernels::kActivationPadding);
  plan.kv_stride = round_up(config.kv_size(), kernels::kActivationPadding);
  plan.feed_forward_stride = round_up(config.feed_forward, kernels::kActivationPadding);
  plan.head_rows = std::min(batch, kHeadRows);
  plan.step_bytes = (shaders::STEP_TOKENS + batch) * sizeof(uint32_t);
  plan.rope_table_bytes = uint64_t{plan.cache.context} * config.rope_dimensions * kFloat;
  plan.attention_parts_bytes = kernels::attention_parts_bytes(profile, plan.attention, plan.cache);
  plan.logits_bytes = uint64_t{plan.head_rows} * config.vocabulary * kFloat;
  plan.cache_bytes = KvCache::total_bytes(config, plan.cache);
  const bool separate_readback = Uploader::staging_bytes(facts) > 0;
  if (separate_readback) plan.logits_bytes *= 2;
  return plan;
}

/// The largest context that fits with a batch of one, a multiple of kContextStep; 0 when none does.
uint32_t largest_context(const model::Config& config, const vk::DeviceFacts& facts,
                         const kernels::Profile& profile, const SessionRequest& request,
                         uint64_t available_bytes) {
  uint64_t low = 0;
  uint64_t high = KvCache::max_context(facts, config) / kContextStep;
  while (low < high) {
    const uint64_t middle = (low + high + 1) / 2;
    const auto context = static_cast<uint32_t>(middle * kContextStep);
    const bool fits = make_plan(config, facts, profile, request, context, 1).total_bytes() <= available_bytes;
    (fits ? low : high) = fits ? middle : middle - 1;
  }
  return static_cast<uint32_t>(low * kContextStep);
}

[[noreturn]] void refuse(const model::Config& config, const vk::DeviceFacts& facts,
                         const kernels::Profile& profile, const SessionRequest& request,
                         const SessionPlan& plan, uint64_t available_bytes) {
  const uint32_t fits = largest_context(config, facts, profile, request, available_bytes);
  const double mebibyte = 1 << 20;
  const std::string advice = fits > 0 ? fmt::format("a context of at most {} would fit", fits)
                                      : "no context would fit: take a smaller model";
  fail(ErrorCode::kOutOfMemory,
       "a context of {} tokens needs {:.1f} MiB on '{}' ({:.1f} MiB KV cache, {:.1f} MiB scratch), and "
       "{:.1f} MiB are "
       "available; {}",
       plan.context, static_cast<double>(plan.total_bytes()) / mebibyte, facts.name,
       static_cast<double>(plan.cache_bytes) / mebibyte, static_cast<double>(plan.scratch_bytes()) / mebibyte,
       static_cast<double>(available_bytes) / mebibyte, advice);
}

}  // namespace

uint64_t SessionPlan::activation_bytes() const {
  // x and its normed copy; queries and what attention makes of them; keys and values; gate and up.
  const uint64_t per_token =
      2 * (uint64_t{embedding_stride} + q_stride + kv_stride + feed_forward_stride) * kFloat;
  return batch * per_token;
}

uint64_t SessionPlan::scratch_bytes() const {
  return activation_bytes() + step_bytes + rope_table_bytes + attention_parts_bytes + logits_bytes;
}

SessionPlan plan_session(const model::Config& config, const vk::DeviceFacts& facts,
                         const kernels::Profile& profile, const SessionRequest& request,
                         uint64_t available_bytes) {
  if (request.batch < 1 || request.batch > kMaxBatch) {
    fail(ErrorCode::kInvalidArgument, "a batch of {} tokens: it must lie between 1 and {}", request.batch,
         kMaxBatch);
  }
  const uint32_t context =
      request.context > 0 ? request.context : std::min(config.context_length, kDefaultContext);
  uint32_t batch = std::min(request.batch, context);
  const uint64_t widest = uint64_t{std::max({round_up(config.feed_forward, kernels::kActivationPadding),
                                             round_up(config.q_size(), kernels::kActivationPadding),
                                             round_up(config.embedding, kernels::kActivationPadding)})} *
                          kFloat;
  batch =
      static_cast<uint32_t>(std::clamp<uint64_t>(facts.max_storage_buffer_range_bytes / widest, 1, batch));
  const bool bindable = context <= KvCache::max_context(facts, config);
  SessionPlan plan = make_plan(config, facts, profile, request, context, batch);
  while (plan.total_bytes() > available_bytes && batch > 1) {
    batch /= 2;
    plan = make_plan(config, facts, profile, request, context, batch);
  }
  if (!bindable || plan.total_bytes() > available_bytes) {
    refuse(config, facts, profile, request, plan, available_bytes);
  }
  return plan;
}

}  // namespace motley::engine
