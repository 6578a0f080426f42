#include "engine/session_plan.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/math.hpp"
#include "engine/hand_off.hpp"
#include "engine/kv_cache.hpp"
#include "engine/uploader.hpp"
#include "kernels/attention_decode.hpp"
#include "kernels/matmul.hpp"
#include "kernels/top_k.hpp"
#include "kernels/weight_layout.hpp"
#include "params/step.h"
#include "vk/buffer.hpp"

namespace motley::engine {
namespace {

constexpr uint64_t kFloat = sizeof(float);

double mebibytes(uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

class Planner {
 public:
  Planner(const model::Config& config, std::span<const StageSpec> stages, const SessionRequest& request,
          std::span<const uint64_t> available_bytes)
      : config_(config),
        stages_(stages),
        devices_(devices_of(stages)),
        request_(request),
        available_bytes_(available_bytes) {}

  SessionPlan fit() {
    const uint32_t context = context_of(request_, config_);
    SessionPlan plan = make(context, std::min({request_.batch, context, bindable_batch()}));
    while (short_of_memory(plan) >= 0 && plan.batch > 1) plan = make(context, plan.batch / 2);
    const int lacking = context > bindable_context() ? 0 : short_of_memory(plan);
    if (lacking >= 0) refuse(plan, static_cast<size_t>(lacking));
    return plan;
  }

 private:
  SessionPlan make(uint32_t context, uint32_t batch) const {
    SessionPlan plan;
    plan.context = context;
    plan.batch = batch;
    for (size_t i = 0; i < stages_.size(); ++i) plan.stages.push_back(make_stage(i, context, batch));
    return plan;
  }

  StagePlan make_stage(size_t index, uint32_t context, uint32_t batch) const {
    const StageSpec& stage = stages_[index];
    const bool is_last = index + 1 == stages_.size();
    StagePlan plan = plan_stage(config_, stage.device->facts(), request_,
                                {context, batch, stage.layers, stage.host_layers, is_last});
    if (index > 0) plan.hand_off_bytes += slots_bytes(plan, stages_[index - 1], stage);
    if (!is_last) plan.hand_off_bytes += slots_bytes(plan, stage, stages_[index + 1]);
    return plan;
  }

  /// What a hand-off takes on either side.
  static uint64_t slots_bytes(const StagePlan& plan, const StageSpec& from, const StageSpec& to) {
    if (HandOff::shares_memory(from.device->facts(), to.device->facts())) return 0;
    return kHandOffSlots * plan.slot_bytes();
  }

  /// The number of a device that the plan asks too much of; negative when all is well.
  int short_of_memory(const SessionPlan& plan) const {
    std::vector<uint64_t> needed(available_bytes_.size());
    for (size_t i = 0; i < stages_.size(); ++i) {
      const size_t device = devices_.of_stage[i];
      needed[device] += plan.stages[i].total_bytes();
      if (needed[device] > available_bytes_[device]) return static_cast<int>(device);
    }
    return -1;
  }

  uint32_t bindable_batch() const {
    const uint32_t widest = round_up(std::max({config_.feed_forward, config_.q_size(), config_.embedding}),
                                     kernels::kActivationPadding);
    uint64_t batch = kMaxBatch;
    for (const vk::Device* const device : devices_.devices)
      batch = std::min(batch, device->facts().max_storage_buffer_range_bytes / (widest * kFloat));
    return static_cast<uint32_t>(std::max<uint64_t>(batch, 1));
  }

  uint64_t bindable_context() const {
    uint64_t context = UINT32_MAX;
    for (const vk::Device* const device : devices_.devices)
      context = std::min(context, KvCache::max_context(device->facts(), config_));
    return context;
  }

  /// The largest context that fits with a batch of one, a multiple of kContextStep; 0 when none does.
  uint32_t largest_context() const {
    uint64_t low = 0;
    uint64_t high = bindable_context() / kContextStep;
    while (low < high) {
      const uint64_t middle = (low + high + 1) / 2;
      const bool fits = short_of_memory(make(static_cast<uint32_t>(middle * kContextStep), 1)) < 0;
      (fits ? low : high) = fits ? middle : middle - 1;
    }
    return static_cast<uint32_t>(low * kContextStep);
  }

  [[noreturn]] void refuse(const SessionPlan& plan, size_t device) const {
    uint64_t cache = 0;
    uint64_t scratch = 0;
    for (size_t i = 0; i < stages_.size(); ++i) {
      if (devices_.of_stage[i] != device) continue;
      cache += plan.stages[i].cache_bytes;
      scratch += plan.stages[i].scratch_bytes();
    }
    const uint32_t fits = largest_context();
    const std::string advice = fits > 0 ? fmt::format("a context of at most {} would fit", fits)
                                        : "no context would fit: take a smaller model";
    fail(ErrorCode::kOutOfMemory,
         "a context of {} tokens needs {:.1f} MiB on '{}' ({:.1f} MiB KV cache, {:.1f} MiB scratch), and "
         "{:.1f} MiB are available; {}",
         plan.context, mebibytes(cache + scratch), devices_.devices[device]->facts().name, mebibytes(cache),
         mebibytes(scratch), mebibytes(available_bytes_[device]), advice);
  }

  const model::Config& config_;
  std::span<const StageSpec> stages_;
  StageDevices devices_;
  const SessionRequest& request_;
  std::span<const uint64_t> available_bytes_;
};

}  // namespace

uint64_t StagePlan::activation_bytes() const {
  // x, its normed copy, and what attention gives.
  const uint64_t others = batch * (2 * uint64_t{embedding_stride} + q_stride) * kFloat;
  return others + heads_bytes() + feed_forward_bytes();
}

uint64_t StagePlan::scratch_bytes() const {
  return activation_bytes() + rounded_bytes + step_bytes + rope_table_bytes + attention_parts_bytes +
         logits_bytes + found_bytes + hand_off_bytes;
}

uint64_t SessionPlan::cache_bytes() const {
  uint64_t bytes = 0;
  for (const StagePlan& stage : stages) bytes += stage.cache_bytes + stage.host_cache_bytes;
  return bytes;
}

uint64_t SessionPlan::scratch_bytes() const {
  uint64_t bytes = 0;
  for (const StagePlan& stage : stages) bytes += stage.scratch_bytes();
  return bytes;
}

uint32_t context_of(const SessionRequest& request, const model::Config& config) {
  return request.context > 0 ? request.context : std::min(config.context_length, kDefaultContext);
}

StagePlan plan_stage(const model::Config& config, const vk::DeviceFacts& facts, const SessionRequest& request,
                     const StageSize& size) {
  StagePlan plan;
  plan.batch = size.batch;
  plan.layers = size.layers;
  plan.time_kernels = request.time_kernels;
  plan.cache = {config.kv_heads, config.head_size, round_up(size.context, kContextStep), request.keys_f32,
                request.values_f32};
  plan.attention = {config.heads, config.attention_scale};
  plan.embedding_stride = round_up(config.embedding, kernels::kActivationPadding);
  plan.q_stride = round_up(config.q_size(), kernels::kActivationPadding);
  plan.kv_stride = round_up(config.kv_size(), kernels::kActivationPadding);
  plan.feed_forward_stride = round_up(config.feed_forward, kernels::kActivationPadding);
  plan.step_bytes = vk::padded_bytes((shaders::STEP_TOKENS + size.batch) * sizeof(uint32_t));
  plan.rope_table_bytes = vk::padded_bytes(uint64_t{plan.cache.context} * config.rope_dimensions * kFloat);
  const kernels::Profile profile = kernels::make_profile(facts);
  plan.attention_parts_bytes =
      vk::padded_bytes(kernels::attention_parts_bytes(profile, plan.attention, plan.cache));
  if (!request.activations_f32) {
    const uint32_t widest = std::max({plan.embedding_stride, plan.q_stride, plan.feed_forward_stride});
    plan.rounded_bytes = vk::padded_bytes(kernels::rounding_bytes(profile, widest, size.batch));
  }
  plan.cache_bytes = KvCache::total_bytes(size.layers - size.host_layers, plan.cache);
  plan.host_cache_bytes = KvCache::total_bytes(size.host_layers, plan.cache);
  if (size.has_output) {
    plan.head_rows = std::min(size.batch, kHeadRows);
    plan.logits_bytes = vk::padded_bytes(uint64_t{plan.head_rows} * config.vocabulary * kFloat);
    plan.found_bytes = 2 * vk::padded_bytes(kernels::top_k_bytes(kernels::kMaxTopK));
    if (Uploader::needs_staging(facts)) plan.logits_bytes *= 2;  // the host's copy
  }
  return plan;
}

SessionPlan plan_session(const model::Config& config, std::span<const StageSpec> stages,
                         const SessionRequest& request, std::span<const uint64_t> available_bytes) {
  if (request.batch > kMaxBatch) {
    fail(ErrorCode::kInvalidArgument, "a batch of {} tokens: at most {} are possible", request.batch,
         kMaxBatch);
  }
  SessionRequest settled = request;
  if (settled.batch == 0) settled.batch = kDefaultBatch;
  return Planner(config, stages, settled, available_bytes).fit();
}

SessionPlan plan_session(const model::Config& config, std::span<const StageSpec> stages,
                         const SessionRequest& request) {
  std::vector<uint64_t> available_bytes;
  for (const vk::Device* const device : devices_of(stages).devices)
    available_bytes.push_back(device->available_bytes());
  return plan_session(config, stages, request, available_bytes);
}

}  // namespace motley::engine
