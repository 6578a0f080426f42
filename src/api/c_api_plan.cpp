// The C interface: plans.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "api/c_api_support.hpp"

namespace motley::c_api {
namespace {

template <Objective Which, int Number>
constexpr bool kSame = static_cast<int>(Which) == Number;

static_assert(kSame<Objective::kLatency, MOTLEY_LATENCY> &&
              kSame<Objective::kThroughput, MOTLEY_THROUGHPUT> &&
              kSame<Objective::kCapacity, MOTLEY_CAPACITY> &&
              kSame<Objective::kEfficiency, MOTLEY_EFFICIENCY>);

std::string text_or_empty(const char* text) { return text == nullptr ? std::string() : std::string(text); }

std::vector<std::string> list_of(const char* selectors) {
  std::vector<std::string> list;
  if (selectors != nullptr && *selectors != '\0') list.emplace_back(selectors);
  return list;
}

PlanOptions plan_options(const motley_plan_options& given) {
  if (given.objective < MOTLEY_LATENCY || given.objective > MOTLEY_EFFICIENCY) {
    fail(ErrorCode::kInvalidArgument, "there is no objective {}; there are {} to {}", given.objective,
         static_cast<int>(MOTLEY_LATENCY), static_cast<int>(MOTLEY_EFFICIENCY));
  }
  if (given.device_layers > UINT32_MAX) {
    fail(ErrorCode::kInvalidArgument, "device_layers is {}; the most is {}", given.device_layers, UINT32_MAX);
  }
  PlanOptions options;
  options.objective = static_cast<Objective>(given.objective);
  options.spread = given.spread != 0;
  options.devices = list_of(given.devices);
  options.excluded = list_of(given.excluded);
  options.priority = list_of(given.priority);
  const std::span<const double> split = array_of(given.split, given.split_count, "split");
  options.split.assign(split.begin(), split.end());
  options.layers = text_or_empty(given.layers);
  options.reserve_bytes = given.reserve_bytes;
  for (const motley_memory_limit& limit : array_of(given.max_memory, given.max_memory_count, "max_memory")) {
    require(limit.device, "max_memory.device");
    options.max_memory.emplace_back(limit.device, limit.bytes);
  }
  if (given.device_layers >= 0) options.device_layers = static_cast<uint32_t>(given.device_layers);
  return options;
}

}  // namespace
}  // namespace motley::c_api

using namespace motley::c_api;  // NOLINT(google-build-using-namespace): what follows is outside of all
                                // namespaces

int motley_plan_json(const motley_model* model, const motley_plan_options* options,
                     const motley_session_options* session_options_given,
                     const motley_device_options* device_options, char** json, motley_error** error) {
  return guarded(error, [&] {
    require(model, "model");
    require(json, "json");
    const motley_plan_options given = read_options(options, motley_plan_options_default());
    const bool validate = read_options(device_options, motley_device_options_default()).validate != 0;
    const motley::Plan plan =
        motley::make_plan(model->model, plan_options(given), session_options(session_options_given),
                          text_or_empty(given.devices_from), {.validate = validate});
    *json = copy_out(motley::to_json(plan));
  });
}
