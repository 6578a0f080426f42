#include "loading.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "printing.hpp"
#include "progress_bar.hpp"

namespace motley::tools {
namespace {

void say_diagnostic(LogSeverity severity, std::string_view text) {
  if (stderr_is_terminal()) write_error("\r\033[K");  // a progress bar may be there
  const std::string_view prefix = severity == LogSeverity::kWarning ? "warning: "
                                  : severity == LogSeverity::kError ? "error: "
                                                                    : "";
  say(fmt::format("{}{}", prefix, text));
}

void say_prediction(const Plan& plan) {
  std::uint64_t weights = 0;
  std::uint64_t cache = 0;
  std::uint64_t scratch = 0;
  for (const PlanStage& stage : plan.stages) {
    weights += stage.weights_bytes;
    cache += stage.kv_bytes;
    scratch += stage.scratch_bytes;
  }
  const std::uint64_t all = weights + cache + scratch;
  say(fmt::format("memory predicted: weights {}, cache {}, scratch {}; {} in all ({} bytes)",
                  human_size(weights), human_size(cache), human_size(scratch), human_size(all), all));
}

/// Where the layers go, and why.
void say_plan(const Plan& plan) {
  for (const PlanStage& stage : plan.stages) {
    say(fmt::format("layers {} to {} on {}: {}", stage.first_layer, stage.last_layer, printable(stage.device),
                    printable(stage.reason)));
  }
  for (const Plan::Unused& unused : plan.unused)
    say(fmt::format("not on {}: {}", printable(unused.device), printable(unused.reason)));
  if (plan.decode_tokens_per_second > 0) {
    say(fmt::format("predicted: decode {:.1f} t/s, prompt {:.1f} t/s", plan.decode_tokens_per_second,
                    plan.prefill_tokens_per_second));
  }
}

/// ", 1.50 GB/s"; nothing at the beginning.
std::string rate(std::uint64_t bytes, std::chrono::steady_clock::duration time) {
  if (bytes == 0 || time.count() <= 0) return {};
  return fmt::format(", {:.2f} GB/s",
                     static_cast<double>(bytes) / 1e9 / std::chrono::duration<double>(time).count());
}

std::uint64_t allocated_bytes(const Engine& engine) {
  std::uint64_t bytes = 0;
  for (const Device& device : engine.devices()) bytes += device.allocated_bytes();
  return bytes;
}

}  // namespace

void set_up_log(bool verbose) {
  set_log(verbose ? LogSeverity::kInfo : LogSeverity::kWarning, say_diagnostic);
}

Engine load_engine(const Model& model, const ComputeOptions& options, const SessionOptions& session,
                   Interruption& interruption) {
  const Interruption::Scope scope(interruption, [] {});
  ProgressBar bar("Loading " + model.path().filename().string());
  EngineOptions engine_options;
  std::chrono::steady_clock::time_point start{};
  engine_options.progress = [&](std::uint64_t done_bytes, std::uint64_t total_bytes) {
    const auto now = std::chrono::steady_clock::now();
    if (done_bytes == 0) start = now;
    bar.update(done_bytes, total_bytes,
               fmt::format("of {}{}", human_size(total_bytes), rate(done_bytes, now - start)));
    return !scope.interrupted();
  };
  engine_options.recover = !options.no_recover;
  engine_options.tune = !options.no_tune;
  engine_options.planned = [verbose = options.verbose](const Plan& plan) {
    if (plan.stages.size() > 1 || !plan.unused.empty()) say_plan(plan);
    if (verbose) say_prediction(plan);
  };
  return Engine(model, options.placement.resolve(), session, engine_options, options.device_options());
}

Session make_session(const Engine& engine, const ComputeOptions& options, const SessionOptions& session) {
  const std::uint64_t weights_bytes = allocated_bytes(engine);
  Session made(engine, session);
  if (options.verbose) {
    const std::uint64_t all_bytes = allocated_bytes(engine);
    say(fmt::format("memory allocated: weights {}, cache and scratch {}; {} in all ({} bytes)",
                    human_size(weights_bytes), human_size(all_bytes - weights_bytes), human_size(all_bytes),
                    all_bytes));
    say(fmt::format("context {} tokens, {} prompt tokens at once", made.context_tokens(),
                    made.batch_tokens()));
  }
  return made;
}

void check_validation(const Engine& engine, const ComputeOptions& options) {
  if (!options.validate) return;
  std::uint32_t count = 0;
  for (const Device& device : engine.devices()) count += device.validation_messages();
  if (count > 0) {
    throw Error(ErrorCode::kInternal, fmt::format("the Vulkan validation layers had {} messages", count));
  }
  say("the Vulkan validation layers had no messages");
}

}  // namespace motley::tools
