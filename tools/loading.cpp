#include "loading.hpp"

#include <cstdint>
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

void say_prediction(const MemoryNeed& need) {
  say(fmt::format("memory predicted: weights {}, cache {}, scratch {}; {} in all ({} bytes)",
                  human_size(need.weights_bytes), human_size(need.cache_bytes),
                  human_size(need.scratch_bytes), human_size(need.total_bytes()), need.total_bytes()));
}

}  // namespace

void set_up_log(bool verbose) {
  set_log(verbose ? LogSeverity::kInfo : LogSeverity::kWarning, say_diagnostic);
}

Engine load_engine(const Model& model, const ComputeOptions& options, const SessionOptions& session,
                   Interruption& interruption) {
  const Device device = Device::open(options.device, options.device_options());
  if (options.verbose) say_prediction(predict_memory(model, device, session));

  const Interruption::Scope scope(interruption, [] {});
  ProgressBar bar("Loading " + model.path().filename().string());
  EngineOptions engine_options;
  engine_options.progress = [&](std::uint64_t done_bytes, std::uint64_t total_bytes) {
    bar.update(done_bytes, total_bytes, "of " + human_size(total_bytes));
    return !scope.interrupted();
  };
  return Engine(model, device, engine_options);
}

Session make_session(const Engine& engine, const ComputeOptions& options, const SessionOptions& session) {
  const Device& device = engine.device();
  const std::uint64_t weights_bytes = device.allocated_bytes();
  Session made(engine, session);
  if (options.verbose) {
    const std::uint64_t all_bytes = device.allocated_bytes();
    say(fmt::format("memory allocated: weights {}, cache and scratch {}; {} in all ({} bytes)",
                    human_size(weights_bytes), human_size(all_bytes - weights_bytes), human_size(all_bytes),
                    all_bytes));
    say(fmt::format("context {} tokens, {} prompt tokens at once", made.context_tokens(),
                    made.batch_tokens()));
  }
  return made;
}

void check_validation(const Device& device, const ComputeOptions& options) {
  if (!options.validate) return;
  const std::uint32_t count = device.validation_messages();
  if (count > 0) {
    throw Error(ErrorCode::kInternal, fmt::format("the Vulkan validation layers had {} messages", count));
  }
  say("the Vulkan validation layers had no messages");
}

}  // namespace motley::tools
