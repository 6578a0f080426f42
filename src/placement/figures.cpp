#include "placement/figures.hpp"

#include <algorithm>
#include <limits>

namespace motley::placement {
namespace {

double per_second(double ms, double count = 1) { return ms > 0 ? count * 1000 / ms : 0; }

/// A device's part of one hand-off: what it costs minus the other's part is its own.
double handoff_parts(const Context& context, const std::vector<Stage>& stages, size_t index) {
  const double part = context.costs.decode(stages[index].device).handoff;
  return (index > 0 ? part : 0) + (index + 1 < stages.size() ? part : 0);
}

/// The time that the busiest device works on something of which stage i takes ms(i).
template <typename Ms>
double busiest_ms(const Context& context, const std::vector<Stage>& stages, Ms ms) {
  std::vector<double> busy(context.machine.devices.size(), 0);
  for (size_t i = 0; i < stages.size(); ++i) busy[stages[i].device] += ms(i);
  return *std::ranges::max_element(busy);
}

double stage_ms(const DeviceTimes& times, const Stage& stage) {
  return times.stage(stage.first_layer, stage.first_layer + stage.host_layers, stage.last_layer + 1);
}

/// 512 tokens in chunks, each stage working on one while the next works on the one before; at the end the
/// output layer, once.
double prefill_ms(const Context& context, const std::vector<Stage>& stages, const ChunkedPrefill& prefill) {
  const auto busy_ms = [&](size_t i) {
    const DeviceTimes& times = prefill.devices[stages[i].device];
    const int hand_offs = (i > 0 ? 1 : 0) + (i + 1 < stages.size() ? 1 : 0);
    return stage_ms(times, stages[i]) - (stages[i].output ? times.output : 0) + hand_offs * times.handoff;
  };
  double sum = 0;
  for (size_t i = 0; i < stages.size(); ++i) sum += busy_ms(i);
  const double chunks = prefill.chunks;
  const double output_ms = prefill.devices[stages.back().device].output;
  return (sum + (chunks - 1) * busiest_ms(context, stages, busy_ms)) / chunks + output_ms;
}

/// Cuts prompts into the chunks that are predicted to pass the stages fastest; returns their time, ms.
double choose_chunks(const Context& context, Plan& plan) {
  double best = std::numeric_limits<double>::infinity();
  for (const ChunkedPrefill& prefill : context.costs.prefills()) {
    const double ms = prefill_ms(context, plan.stages, prefill);
    if (!(ms < best)) continue;
    best = ms;
    plan.chunk_tokens = prefill.chunk_tokens;
    for (Stage& stage : plan.stages)
      stage.prefill_ms_per_512 = stage_ms(prefill.devices[stage.device], stage);
  }
  const uint64_t less = context.costs.prefills().front().chunk_tokens - plan.chunk_tokens;
  for (Stage& stage : plan.stages) {
    const uint64_t saved = less * context.workload.scratch_on(stage.device).token_bytes;
    stage.scratch_bytes -= std::min(saved, stage.scratch_bytes);
    if (context.machine.devices[stage.device].device_class == DeviceClass::kCpu)
      stage.host_bytes -= std::min(saved, stage.host_bytes);
  }
  return best;
}

}  // namespace

std::vector<Stage> make_stages(const Context& context, const Cuts& cuts,
                               const std::vector<uint32_t>& resident_begin) {
  const MemoryModel& memory = context.memory;
  std::vector<Stage> stages;
  for (size_t i = 0; i < cuts.size(); ++i) {
    const auto [device, begin, end] = cuts[i];
    const uint32_t resident = resident_begin[i];
    const PlanDevice& figures = context.machine.devices[device];
    Stage stage;
    stage.device = device;
    stage.first_layer = begin;
    stage.last_layer = end - 1;
    stage.embedding = begin == 0;
    stage.output = end == memory.layers();
    stage.host_layers = resident - begin;
    const bool shares_matrix = stage.output && cuts.front().device == device;
    const uint64_t outer =
        shares_matrix && !stage.embedding
            ? memory.outer_weights_bytes(true, true) - memory.outer_weights_bytes(true, false)
            : memory.outer_weights_bytes(stage.embedding, stage.output);
    stage.weights_bytes = memory.weights_bytes(resident, end) + outer;
    stage.kv_bytes = memory.kv_bytes(resident, end);
    stage.scratch_bytes = memory.scratch_bytes(device, stage.output);
    stage.host_bytes = figures.device_class == DeviceClass::kCpu
                           ? stage.weights_bytes + stage.kv_bytes + stage.scratch_bytes
                           : memory.layer_bytes(begin, resident);
    stage.decode_ms = context.costs.decode(device).stage(begin, resident, end);
    if (!stage.output) {
      stage.handoff_ms =
          context.costs.decode(device).handoff + context.costs.decode(cuts[i + 1].device).handoff;
    }
    stage.load_s = static_cast<double>(stage.weights_bytes) / (figures.link_gbs * 1e9);
    stages.push_back(stage);
  }
  return stages;
}

double token_ms(const std::vector<Stage>& stages) {
  double ms = 0;
  for (const Stage& stage : stages) ms += stage.decode_ms + stage.handoff_ms;
  return ms;
}

void add_up(const Context& context, Plan& plan) {
  const double prompt_ms = choose_chunks(context, plan);
  const std::vector<Stage>& stages = plan.stages;
  // With streams overlapping, a device hands one token over while it computes the next.
  const double step_ms =
      plan.objective == Objective::kThroughput
          ? busiest_ms(
                context, stages,
                [&](size_t i) { return std::max(stages[i].decode_ms, handoff_parts(context, stages, i)); })
          : token_ms(stages);
  plan.decode_tokens_per_second = per_second(step_ms);
  plan.prefill_tokens_per_second = per_second(prompt_ms, kPrefillTokens);
  plan.load_s = 0;
  plan.host_bytes = 0;
  plan.joules_per_token = 0;
  bool power_known = true;
  for (size_t i = 0; i < stages.size(); ++i) {
    const double power_w = context.machine.devices[stages[i].device].power_w;
    power_known = power_known && power_w > 0;
    plan.joules_per_token += power_w * (stages[i].decode_ms + handoff_parts(context, stages, i)) / 1000;
    plan.load_s += stages[i].load_s;
    plan.host_bytes += stages[i].host_bytes;
  }
  if (!power_known) plan.joules_per_token = 0;
}

Plan plan_of(const Context& context, const Cuts& cuts) {
  std::vector<uint32_t> resident_begin;
  for (const Cut& cut : cuts) resident_begin.push_back(cut.begin);
  Plan plan;
  plan.objective = context.request.objective;
  plan.stages = make_stages(context, cuts, resident_begin);
  add_up(context, plan);
  return plan;
}

}  // namespace motley::placement
