#include "kernel_report.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>

#include <fmt/format.h>

#include "printing.hpp"

namespace motley::tools {
namespace {

using Milliseconds = std::chrono::duration<double, std::milli>;
using Microseconds = std::chrono::duration<double, std::micro>;

/// One stage's decoding, or its work on prompts.
struct Phase {
  const char* name;
  std::uint64_t tokens;
  std::chrono::nanoseconds busy;
};

Phase phase_of(const StageStatistics& stage, bool decode) {
  if (decode) return {"decoding", stage.decoded_tokens, stage.decode_busy};
  return {"prompts", stage.prompt_tokens, stage.prompt_busy};
}

std::string rate(double amount, std::chrono::nanoseconds time) {
  return amount > 0 && time.count() > 0
             ? fmt::format("{:.2f}", amount / 1e9 / std::chrono::duration<double>(time).count())
             : "-";
}

std::string row(std::string_view kernel, double runs_per_token, std::chrono::nanoseconds time,
                const Phase& phase, double bytes, double flops) {
  const auto share = static_cast<double>(time.count()) / static_cast<double>(phase.busy.count());
  return fmt::format("  {:<28} {:>10} {:>12.4f} {:>7.1f} % {:>8} {:>9}\n", kernel,
                     runs_per_token > 0 ? fmt::format("{:.2f}", runs_per_token) : "",
                     Milliseconds(time).count() / static_cast<double>(phase.tokens), 100 * share,
                     rate(bytes, time), rate(flops, time));
}

std::string phase_table(std::vector<KernelStatistics> kernels, const StageStatistics& stage,
                        const Phase& phase) {
  std::ranges::sort(kernels, std::ranges::greater{}, &KernelStatistics::time);
  std::string text =
      fmt::format("{}, layers {} to {}, {} of {} tokens\n  {:<28} {:>10} {:>12} {:>9} {:>8} {:>9}\n",
                  printable(stage.plan.device), stage.plan.first_layer, stage.plan.last_layer, phase.name,
                  phase.tokens, "kernel", "runs/token", "ms/token", "share", "GB/s", "GFLOP/s");
  std::chrono::nanoseconds rest = phase.busy;
  std::uint64_t runs = 0;
  for (const KernelStatistics& kernel : kernels) {
    const auto per_token = static_cast<double>(kernel.runs) / static_cast<double>(phase.tokens);
    text += row(kernel.kernel, per_token, kernel.time, phase, kernel.bytes, kernel.flops);
    rest -= kernel.time;
    runs += kernel.runs;
  }
  const auto all_per_token = static_cast<double>(runs) / static_cast<double>(phase.tokens);
  text += row("between kernels", 0, std::max(rest, std::chrono::nanoseconds(0)), phase, 0, 0);
  return text + row("all", all_per_token, phase.busy, phase, 0, 0);
}

}  // namespace

std::string kernel_table(const std::vector<KernelStatistics>& kernels,
                         const std::vector<StageStatistics>& stages) {
  std::string text;
  for (std::uint32_t stage = 0; stage < stages.size(); ++stage) {
    for (const bool decode : {false, true}) {
      std::vector<KernelStatistics> some;
      std::ranges::copy_if(kernels, std::back_inserter(some), [&](const KernelStatistics& kernel) {
        return kernel.stage == stage && kernel.decode == decode;
      });
      const Phase phase = phase_of(stages[stage], decode);
      if (some.empty() || phase.tokens == 0 || phase.busy.count() == 0) continue;
      if (!text.empty()) text += '\n';
      text += phase_table(std::move(some), stages[stage], phase);
    }
  }
  return text;
}

std::string trace_json(const std::vector<KernelRun>& runs, const std::vector<StageStatistics>& stages) {
  std::string text = "{\"displayTimeUnit\": \"ns\", \"traceEvents\": [";
  const char* separator = "\n";
  const auto add = [&](const std::string& event) {
    text += separator + event;
    separator = ",\n";
  };
  for (std::size_t stage = 0; stage < stages.size(); ++stage) {
    const PlanStage& plan = stages[stage].plan;
    add(fmt::format(R"({{"ph": "M", "name": "process_name", "pid": {}, "args": {{"name": {}}}}})",
                    plan.device_index, json_string(plan.device)));
    add(fmt::format(
        R"({{"ph": "M", "name": "thread_name", "pid": {}, "tid": {}, "args": {{"name": "layers {} to {}"}}}})",
        plan.device_index, stage, plan.first_layer, plan.last_layer));
  }
  if (!runs.empty()) {
    const auto first = std::ranges::min(runs, {}, &KernelRun::start).start;
    for (const KernelRun& run : runs) {
      if (run.stage >= stages.size()) continue;
      add(fmt::format(
          R"({{"ph": "X", "name": {}, "cat": "{}", "pid": {}, "tid": {}, "ts": {:.3f}, "dur": {:.3f}}})",
          json_string(run.kernel), run.decode ? "decoding" : "prompt", stages[run.stage].plan.device_index,
          run.stage, Microseconds(run.start - first).count(), Microseconds(run.time).count()));
    }
  }
  return text + "\n]}\n";
}

}  // namespace motley::tools
