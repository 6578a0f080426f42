#include "stage_report.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "printing.hpp"

namespace motley::tools {
namespace {

constexpr double kNotable = 0.15;

/// Milliseconds a token; 0 where none was decoded.
double decode_ms(const StageStatistics& stage) {
  if (stage.decoded_tokens == 0) return 0;
  return milliseconds(stage.decode_busy) / static_cast<double>(stage.decoded_tokens);
}

double prompt_ms_per_512(const StageStatistics& stage) {
  if (stage.prompt_tokens == 0) return 0;
  return milliseconds(stage.prompt_busy) * 512 / static_cast<double>(stage.prompt_tokens);
}

std::string or_dash(double value, const char* unit) {
  return value > 0 ? fmt::format("{:.2f}{}", value, unit) : "-";
}

/// How far the measured time is from the predicted one, as a share of the latter; 0 where one is missing.
double deviation(double measured, double predicted) {
  return measured > 0 && predicted > 0 ? measured / predicted - 1 : 0;
}

/// Until its vectors are handed on, a stage is at work.
double predicted_decode_ms(const StageStatistics& stage) {
  return stage.plan.decode_ms > 0 ? stage.plan.decode_ms + stage.plan.handoff_ms : 0;
}

/// One kind of work of a stage.
struct Comparison {
  const char* what;
  double measured_ms;
  double predicted_ms;
  bool is_short;               ///< so little of it that its first run counts
  const char* reason_if_less;  ///< beside a bad moment of measuring
};

std::string explain(const StageStatistics& stage, const Comparison& work) {
  const double off = deviation(work.measured_ms, work.predicted_ms);
  if (std::abs(off) <= kNotable) return {};
  std::string reason = fmt::format("{}, or the device was measured at a bad moment", work.reason_if_less);
  if (off > 0) {
    reason = work.is_short
                 ? "so few tokens include what their first costs, compilation above all"
                 : "the device was busy with something else, got hot, or was measured at a better moment";
  }
  return fmt::format(
      "layers {} to {} on {}: {} took {:.0f} % {} than predicted ({:.2f} against {:.2f} ms); "
      "likely: {} (motley devices --measure measures again)\n",
      stage.plan.first_layer, stage.plan.last_layer, printable(stage.plan.device), work.what,
      100 * std::abs(off), off > 0 ? "longer" : "less", work.measured_ms, work.predicted_ms, reason);
}

std::string explain(const StageStatistics& stage) {
  return explain(stage, {"a token", decode_ms(stage), predicted_decode_ms(stage), stage.decoded_tokens < 16,
                         "the context was less than half full, as is assumed"}) +
         explain(stage, {"512 tokens of prompt", prompt_ms_per_512(stage), stage.plan.prefill_ms_per_512,
                         stage.prompt_tokens < 512, "so short a prompt has fewer positions to attend to"});
}

}  // namespace

double milliseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

double share(std::chrono::nanoseconds part, std::chrono::nanoseconds whole) {
  return whole.count() > 0 ? static_cast<double>(part.count()) / static_cast<double>(whole.count()) : 0;
}

std::string stage_table(const std::vector<StageStatistics>& stages) {
  std::string text = fmt::format("{:>9}  {:>21}  {:>23}  {:>15}  {:>10}  {:>10}  {:>10}  {}\n", "layers",
                                 "decode ms (predicted)", "prompt ms/512 (predicted)", "busy (dec., pr.)",
                                 "hand-off", "memory", "peak", "device");
  for (const StageStatistics& stage : stages) {
    text += fmt::format(
        "{:>9}  {:>21}  {:>25}  {:>16}  {:>10}  {:>10}  {:>10}  {}\n",
        fmt::format("{}-{}", stage.plan.first_layer, stage.plan.last_layer),
        fmt::format("{} ({})", or_dash(decode_ms(stage), ""), or_dash(predicted_decode_ms(stage), "")),
        fmt::format("{} ({})", or_dash(prompt_ms_per_512(stage), ""),
                    or_dash(stage.plan.prefill_ms_per_512, "")),
        fmt::format("{:.0f} %, {:.0f} %", 100 * share(stage.decode_busy, stage.decode_wall),
                    100 * share(stage.prompt_busy, stage.prompt_wall)),
        human_size(stage.handed_over_bytes), human_size(stage.memory_bytes),
        human_size(stage.peak_memory_bytes), printable(stage.plan.device));
  }
  for (const StageStatistics& stage : stages) text += explain(stage);
  return text;
}

std::string stage_json(const std::vector<StageStatistics>& stages) {
  auto list = nlohmann::ordered_json::array();
  for (const StageStatistics& stage : stages) {
    nlohmann::ordered_json entry;
    entry["device"] = stage.plan.device;
    entry["device_index"] = stage.plan.device_index;
    entry["first_layer"] = stage.plan.first_layer;
    entry["last_layer"] = stage.plan.last_layer;
    entry["decoded_tokens"] = stage.decoded_tokens;
    entry["prompt_tokens"] = stage.prompt_tokens;
    entry["decode_ms"] = decode_ms(stage);
    entry["predicted_decode_ms"] = predicted_decode_ms(stage);
    entry["prefill_ms_per_512"] = prompt_ms_per_512(stage);
    entry["predicted_prefill_ms_per_512"] = stage.plan.prefill_ms_per_512;
    entry["decode_busy_share"] = share(stage.decode_busy, stage.decode_wall);
    entry["decode_idle_ms"] = milliseconds(stage.decode_wall - stage.decode_busy);
    entry["prefill_busy_share"] = share(stage.prompt_busy, stage.prompt_wall);
    entry["prefill_idle_ms"] = milliseconds(stage.prompt_wall - stage.prompt_busy);
    entry["handed_over_bytes"] = stage.handed_over_bytes;
    entry["memory_bytes"] = stage.memory_bytes;
    entry["peak_memory_bytes"] = stage.peak_memory_bytes;
    list.push_back(std::move(entry));
  }
  nlohmann::ordered_json report;
  report["stages"] = std::move(list);
  return report.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace motley::tools
