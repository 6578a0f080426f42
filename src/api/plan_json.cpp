#include <motley/motley.hpp>
#include <nlohmann/json.hpp>

namespace motley {
namespace {

using nlohmann::ordered_json;

ordered_json of_stage(const PlanStage& stage) {
  return {{"device", stage.device},
          {"first_layer", stage.first_layer},
          {"last_layer", stage.last_layer},
          {"embedding", stage.embedding},
          {"output", stage.output},
          {"weights_bytes", stage.weights_bytes},
          {"kv_bytes", stage.kv_bytes},
          {"scratch_bytes", stage.scratch_bytes},
          {"decode_ms", stage.decode_ms},
          {"prefill_ms_per_512", stage.prefill_ms_per_512},
          {"reason", stage.reason},
          {"device_index", stage.device_index},
          {"usable_bytes", stage.usable_bytes},
          {"host_layers", stage.host_layers},
          {"host_bytes", stage.host_bytes},
          {"handoff_ms", stage.handoff_ms}};
}

ordered_json of_unused(const Plan::Unused& unused) {
  return {{"device", unused.device},
          {"reason", unused.reason},
          {"device_index", unused.device_index},
          {"usable_bytes", unused.usable_bytes}};
}

ordered_json of_alternative(const Plan::Alternative& other) {
  return {{"plan", other.plan},
          {"decode_tokens_per_second", other.decode_tokens_per_second},
          {"prefill_tokens_per_second", other.prefill_tokens_per_second},
          {"feasible", other.feasible}};
}

template <typename Entry>
ordered_json list_of(const std::vector<Entry>& entries, ordered_json (*of)(const Entry&)) {
  ordered_json list = ordered_json::array();
  for (const Entry& entry : entries) list.push_back(of(entry));
  return list;
}

}  // namespace

std::string to_json(const Plan& plan) {
  const ordered_json json = {{"objective", to_string(plan.objective)},
                             {"feasible", plan.feasible},
                             {"stages", list_of(plan.stages, of_stage)},
                             {"unused", list_of(plan.unused, of_unused)},
                             {"decode_tokens_per_second", plan.decode_tokens_per_second},
                             {"prefill_tokens_per_second", plan.prefill_tokens_per_second},
                             {"chunk_tokens", plan.chunk_tokens},
                             {"host_bytes", plan.host_bytes},
                             {"alternatives", list_of(plan.alternatives, of_alternative)},
                             {"warnings", plan.warnings},
                             {"estimates", plan.estimates},
                             {"load_s", plan.load_s},
                             {"joules_per_token", plan.joules_per_token},
                             {"model", plan.model},
                             {"layers", plan.layers},
                             {"context_tokens", plan.context_tokens}};
  // Names of drivers and files may be no UTF-8; JSON must be.
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace motley
