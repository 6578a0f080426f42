#include "plan_text.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string_view>

#include <fmt/format.h>

#include "printing.hpp"

namespace motley::tools {
namespace {

constexpr size_t kWidth = 40;  // of a bar

/// Characters laid side by side in proportion to amounts.
class Bar {
 public:
  explicit Bar(double whole) : whole_(whole) {}

  /// What is above nothing is seen.
  Bar& add(double amount, char mark) {
    done_ += amount;
    if (!(amount > 0) || !(whole_ > 0)) return *this;
    const auto end = static_cast<size_t>(std::lround(kWidth * std::min(1.0, done_ / whole_)));
    marks_.resize(std::min(kWidth, std::max(end, marks_.size() + 1)), mark);
    return *this;
  }

  std::string text() const { return fmt::format("[{:.<{}}]", marks_, kWidth); }

 private:
  double whole_;
  double done_ = 0;
  std::string marks_;
};

class Writer {
 public:
  Writer(const Plan& plan, bool emphasis) : plan_(plan), emphasis_(emphasis) {}

  std::string write() {
    text_ = fmt::format("{}, {} layers, context of {} tokens, planned for {}\n", printable(plan_.model),
                        plan_.layers, plan_.context_tokens, to_string(plan_.objective));
    if (!plan_.feasible) text_ += fmt::format("\n{}\n", strong("It does not fit."));
    write_warnings();
    double start_ms = 0;
    for (const PlanStage& stage : plan_.stages) {
      write_stage(stage, start_ms);
      start_ms += stage.decode_ms + stage.handoff_ms;
    }
    if (!plan_.stages.empty()) text_ += "\nIn memory: # weights, = KV cache, + scratch.\n";
    write_unused();
    if (plan_.feasible) write_prediction();
    write_alternatives();
    if (!plan_.estimates.empty()) text_ += "\nFigures that were not given:\n";
    for (const std::string& estimate : plan_.estimates) text_ += fmt::format("  {}\n", printable(estimate));
    return std::move(text_);
  }

 private:
  std::string strong(std::string_view text) const {
    return emphasis_ ? fmt::format("\033[1m{}\033[0m", text) : std::string(text);
  }

  void write_warnings() {
    if (!plan_.warnings.empty()) text_ += "\n";
    for (const std::string& warning : plan_.warnings) {
      text_ += fmt::format("{} {}\n", strong("WARNING:"), printable(warning));
    }
  }

  void write_stage(const PlanStage& stage, double start_ms) {
    const uint32_t layers = stage.last_layer - stage.first_layer + 1;
    text_ += fmt::format("\n{}: {}\n", strong(printable(stage.device)), describe_layers(stage));
    const std::string held = Bar(plan_.layers).add(stage.first_layer, '.').add(layers, '#').text();
    text_ += fmt::format("  layers {} {} of {}\n", held, layers, plan_.layers);
    const std::string memory = Bar(static_cast<double>(stage.usable_bytes))
                                   .add(static_cast<double>(stage.weights_bytes), '#')
                                   .add(static_cast<double>(stage.kv_bytes), '=')
                                   .add(static_cast<double>(stage.scratch_bytes), '+')
                                   .text();
    text_ += fmt::format("  memory {} {}\n", memory, describe_memory(stage));
    const double whole_ms = token_ms(plan_);
    const std::string time = Bar(whole_ms).add(start_ms, '.').add(stage.decode_ms, '#').text();
    const double share = whole_ms > 0 ? stage.decode_ms / whole_ms : 0;
    text_ += fmt::format("  time   {} {:.0f} % of a token: {:.4g} of {:.4g} ms\n", time, 100 * share,
                         stage.decode_ms, whole_ms);
    text_ += fmt::format("  {}\n", printable(stage.reason));
  }

  void write_unused() {
    if (!plan_.unused.empty()) text_ += "\nNot used:\n";
    for (const Plan::Unused& unused : plan_.unused) {
      text_ += fmt::format("  {}: {}\n", strong(printable(unused.device)), printable(unused.reason));
    }
  }

  void write_prediction() {
    text_ += fmt::format("\nPredicted: {} tokens/s decoding, {} tokens/s of prompt, loaded in {:.1f} s",
                         describe_rate(plan_.decode_tokens_per_second),
                         describe_rate(plan_.prefill_tokens_per_second), plan_.load_s);
    if (plan_.joules_per_token > 0) text_ += fmt::format(", {:.3g} joules a token", plan_.joules_per_token);
    text_ += "\n";
  }

  void write_row(std::string_view name, double decode, double prefill, bool feasible) {
    text_ += fmt::format("{:20}  {:>10}  {:>10}{}\n", printable(name), describe_rate(decode),
                         describe_rate(prefill), feasible ? "" : "  does not fit");
  }

  void write_alternatives() {
    text_ += fmt::format("\n{:20}  {:>10}  {:>10}\n", "plan", "decode t/s", "prompt t/s");
    if (plan_.feasible) {
      write_row("this one", plan_.decode_tokens_per_second, plan_.prefill_tokens_per_second, true);
    }
    for (const Plan::Alternative& other : plan_.alternatives) {
      write_row(other.plan, other.decode_tokens_per_second, other.prefill_tokens_per_second, other.feasible);
    }
  }

  const Plan& plan_;
  bool emphasis_;
  std::string text_;
};

}  // namespace

std::string plan_as_text(const Plan& plan, bool emphasis) { return Writer(plan, emphasis).write(); }

std::string describe_layers(const PlanStage& stage) {
  std::string text = stage.first_layer == stage.last_layer
                         ? fmt::format("layer {}", stage.first_layer)
                         : fmt::format("layers {}-{}", stage.first_layer, stage.last_layer);
  if (stage.embedding) text += ", embedding";
  if (stage.output) text += ", output";
  if (stage.host_layers > 0) text += fmt::format("; {} of them in host memory", stage.host_layers);
  return text;
}

std::string describe_memory(const PlanStage& stage) {
  std::string text = fmt::format("{} of {} ({} weights, {} KV cache, {} scratch)",
                                 human_size(stage.weights_bytes + stage.kv_bytes + stage.scratch_bytes),
                                 human_size(stage.usable_bytes), human_size(stage.weights_bytes),
                                 human_size(stage.kv_bytes), human_size(stage.scratch_bytes));
  if (stage.host_layers > 0) text += fmt::format(", {} in host memory", human_size(stage.host_bytes));
  return text;
}

std::string describe_rate(double tokens_per_second) {
  return fmt::format("{:.{}f}", tokens_per_second, tokens_per_second < 999.95 ? 1 : 0);
}

double token_ms(const Plan& plan) {
  double ms = 0;
  for (const PlanStage& stage : plan.stages) ms += stage.decode_ms + stage.handoff_ms;
  return ms;
}

}  // namespace motley::tools
