#include "api/plan_request.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "placement/constraints.hpp"
#include "placement/machine_file.hpp"

namespace motley {
namespace {

using placement::Candidate;

template <Objective Given, placement::Objective Planned>
constexpr bool kSame = static_cast<int>(Given) == static_cast<int>(Planned);

static_assert(kSame<Objective::kLatency, placement::Objective::kLatency> &&
              kSame<Objective::kThroughput, placement::Objective::kThroughput> &&
              kSame<Objective::kCapacity, placement::Objective::kCapacity> &&
              kSame<Objective::kEfficiency, placement::Objective::kEfficiency>);

/// The device of exactly that name, of which others' names may be the beginning, else the one that fits.
size_t select_one(std::span<const Candidate> devices, std::string_view selector) {
  const auto named = std::ranges::find(devices, selector, &Candidate::name);
  if (named != devices.end()) return static_cast<size_t>(named - devices.begin());
  return placement::select(devices, selector);
}

std::vector<size_t> select_each(std::span<const std::string> selectors, std::span<const Candidate> devices) {
  std::vector<size_t> result;
  for (const std::string& selector : selectors) {
    const std::vector<size_t> some = placement::select_all(devices, selector);
    result.insert(result.end(), some.begin(), some.end());
  }
  return result;
}

/// Takes a number off the front of `text`.
std::optional<uint32_t> take_number(std::string_view& text) {
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return number;
}

/// Takes "FIRST-LAST" or "LAYER", which a comma or the end must follow, off the front of `text`.
std::optional<std::pair<uint32_t, uint32_t>> take_range(std::string_view& text) {
  std::string_view rest = text;
  const auto first = take_number(rest);
  auto last = first;
  if (first && rest.starts_with('-')) {
    rest.remove_prefix(1);
    last = take_number(rest);
  }
  if (!first || !last || !(rest.empty() || rest.front() == ',')) return std::nullopt;
  text = rest;
  return std::pair(*first, *last);
}

/// Takes the first entry and the comma behind it off `text`: what stands before the first colon that a range
/// follows names the device.
placement::LayerRange take_entry(std::string_view& text, std::span<const Candidate> devices) {
  for (size_t colon = text.find(':'); colon != text.npos; colon = text.find(':', colon + 1)) {
    std::string_view rest = text.substr(colon + 1);
    const auto range = take_range(rest);
    if (!range || colon == 0 || rest == ",") continue;
    const size_t device = select_one(devices, text.substr(0, colon));
    text = rest.substr(rest.empty() ? 0 : 1);
    return {device, range->first, range->second};
  }
  fail(ErrorCode::kInvalidArgument,
       "layers: '{}' is no list of DEVICE:FIRST-LAST with commas between, such as 0:0-19,1:20-31", text);
}

}  // namespace

void number_namesakes(std::vector<Candidate>& candidates) {
  placement::Machine names;
  for (const Candidate& candidate : candidates) names.devices.emplace_back().name = candidate.name;
  placement::number_namesakes(names);
  for (size_t i = 0; i < candidates.size(); ++i) candidates[i].name = names.devices[i].name;
}

std::vector<placement::LayerRange> parse_layers(std::string_view text, std::span<const Candidate> devices) {
  std::vector<placement::LayerRange> ranges;
  while (!text.empty()) ranges.push_back(take_entry(text, devices));
  return ranges;
}

placement::Request to_request(const PlanOptions& options, std::span<const Candidate> devices) {
  placement::Request request;
  request.objective = static_cast<placement::Objective>(options.objective);
  request.spread = options.spread;
  request.only = select_each(options.devices, devices);
  request.excluded = select_each(options.excluded, devices);
  request.priority = select_each(options.priority, devices);
  request.split = options.split;
  request.layers = parse_layers(options.layers, devices);
  for (const auto& [selector, bytes] : options.max_memory) {
    for (const size_t device : placement::select_all(devices, selector)) request.max_memory[device] = bytes;
  }
  request.reserve_bytes = options.reserve_bytes;
  request.device_layers = options.device_layers;
  return request;
}

Plan to_plan(placement::Plan plan, const placement::Machine& machine, const placement::Request& request) {
  const std::vector<uint64_t> usable_bytes = placement::resolve(machine, request).usable_bytes;
  Plan result;
  result.objective = static_cast<Objective>(plan.objective);
  result.feasible = plan.feasible;
  for (placement::Stage& stage : plan.stages) {
    result.stages.push_back({.device = machine.devices[stage.device].name,
                             .device_index = static_cast<uint32_t>(stage.device),
                             .first_layer = stage.first_layer,
                             .last_layer = stage.last_layer,
                             .host_layers = stage.host_layers,
                             .embedding = stage.embedding,
                             .output = stage.output,
                             .weights_bytes = stage.weights_bytes,
                             .kv_bytes = stage.kv_bytes,
                             .scratch_bytes = stage.scratch_bytes,
                             .host_bytes = stage.host_bytes,
                             .usable_bytes = usable_bytes[stage.device],
                             .decode_ms = stage.decode_ms,
                             .prefill_ms_per_512 = stage.prefill_ms_per_512,
                             .handoff_ms = stage.handoff_ms,
                             .reason = std::move(stage.reason)});
  }
  for (placement::Unused& unused : plan.unused) {
    result.unused.push_back({machine.devices[unused.device].name, std::move(unused.reason),
                             static_cast<uint32_t>(unused.device), usable_bytes[unused.device]});
  }
  result.decode_tokens_per_second = plan.decode_tokens_per_second;
  result.prefill_tokens_per_second = plan.prefill_tokens_per_second;
  result.chunk_tokens = plan.chunk_tokens;
  result.load_s = plan.load_s;
  result.host_bytes = plan.host_bytes;
  result.joules_per_token = plan.joules_per_token;
  for (placement::Alternative& other : plan.alternatives) {
    result.alternatives.push_back({std::move(other.plan), other.decode_tokens_per_second,
                                   other.prefill_tokens_per_second, other.feasible});
  }
  result.warnings = std::move(plan.warnings);
  return result;
}

}  // namespace motley
