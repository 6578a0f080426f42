// motley run: continues a prompt.
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include "command.hpp"
#include "conversation.hpp"
#include "demo_model.hpp"
#include "devices.hpp"
#include "exit_code.hpp"
#include "input.hpp"
#include "interruption.hpp"
#include "loading.hpp"
#include "options.hpp"
#include "output.hpp"
#include "output_file.hpp"
#include "printing.hpp"
#include "sampling_options.hpp"
#include "stage_report.hpp"
#include "statistics.hpp"

namespace motley::tools {
namespace {

using Clock = std::chrono::steady_clock;

struct RunOptions {
  ComputeOptions compute;
  SamplingOptions sampling;
  std::optional<std::string> prompt;
  std::string prompt_file;
  bool hide_prompt = false;
  bool stats = false;
  std::string stats_json;
};

/// How long the demo model waits for a prompt on a standard input that is neither a terminal nor at its end.
/// Something that is started without a thought for its standard input, as by a service, shall tell its story
/// and not hang.
constexpr std::chrono::milliseconds kDemoPatience(300);

/// One `motley run` from its options to its exit code.
class Run {
 public:
  explicit Run(const RunOptions& options)
      : options_(options), generate_(options.sampling.resolve()), is_demo_(options.compute.model.empty()) {
    if (options_.prompt) {
      prompt_ = options_.prompt;
    } else if (!options_.prompt_file.empty()) {
      prompt_ = read_prompt_file(options_.prompt_file);
    }
  }

  int execute() {
    const auto start = Clock::now();
    const Model model =
        Model::open(is_demo_ ? find_demo_model() : std::filesystem::path(options_.compute.model));
    if (prompt_) tokenize(model);  // so that a bad prompt costs no loading
    const SessionOptions session_options = options_.compute.session();
    const Engine engine = load_engine(model, options_.compute, session_options, interruption_);
    Session session = make_session(engine, options_.compute, session_options);
    statistics_.load_time = Clock::now() - start;
    say_model(engine);

    if (!prompt_) find_prompt();
    if (prompt_) continue_prompt(model, session);
    if (talks_) talk(session);
    say_statistics(statistics_, engine);
    if (options_.stats) write_error(stage_table(session.stage_statistics()));
    if (!options_.stats_json.empty()) {
      const std::string json = stage_json(session.stage_statistics());
      write_output_file(options_.stats_json, std::as_bytes(std::span(json)));
    }
    check_validation(engine, options_.compute);
    return interrupted_ ? kInterrupted : kSuccess;
  }

 private:
  void say_model(const Engine& engine) const {
    const bool draws = generate_.sampling.temperature > 0;
    const std::string seed = draws ? fmt::format(", seed {}", generate_.sampling.seed) : std::string();
    say(fmt::format("{} on {}{}", printable(engine.model().path().filename().string()), device_names(engine),
                    seed));
  }

  static std::string device_names(const Engine& engine) {
    std::vector<std::string> names;
    for (const Device& device : engine.devices()) names.push_back(printable(device.info().name));
    return fmt::format("{}", fmt::join(names, " and "));
  }

  void find_prompt() {
    if (::isatty(STDIN_FILENO) == 1) {
      talks_ = true;
      if (is_demo_) prompt_ = kDemoPrompt;
      return;
    }
    if (is_demo_ && !standard_input_speaks(kDemoPatience)) {
      say("no prompt on standard input: telling a story");
      prompt_ = kDemoPrompt;
      return;
    }
    prompt_ = without_last_line_end(read_standard_input());
    if (is_demo_ && prompt_->empty()) prompt_ = kDemoPrompt;
  }

  std::vector<Token> tokenize(const Model& model) const {
    std::vector<Token> tokens = model.tokenize(*prompt_, generate_.tokenize);
    if (tokens.empty()) {
      throw Error(
          ErrorCode::kInvalidArgument,
          "the prompt is empty, and the model has no begin-of-text token to start from; give one with -p");
    }
    return tokens;
  }

  void continue_prompt(const Model& model, Session& session) {
    const std::vector<Token> tokens = tokenize(model);
    TextOutput output;
    if (!options_.hide_prompt) output.write(*prompt_);
    const Interruption::Scope scope(interruption_, [&] { session.cancel(); });
    const Generation generation = session.generate(
        tokens, generate_, [&](std::string_view text) { return output.write(text) && !scope.interrupted(); });
    output.finish();
    statistics_.add(generation);
    interrupted_ = scope.interrupted() && !talks_;
    if (generation.reason == StopReason::kEnd && talks_) session.reset();
    if (generation.reason == StopReason::kContextFull) {
      say(fmt::format(
          "the context of {} tokens is full; -c makes it larger, --context-shift forgets its older half "
          "and goes on",
          session.context_tokens()));
    }
  }

  void talk(Session& session) {
    const AfterEnd after_end = is_demo_ ? AfterEnd::kForget : AfterEnd::kRemember;
    converse(session, generate_, after_end, interruption_, statistics_);
  }

  const RunOptions& options_;
  Interruption interruption_;  // before anything starts threads
  GenerateOptions generate_;
  bool is_demo_;
  std::optional<std::string> prompt_;
  bool talks_ = false;
  bool interrupted_ = false;
  Statistics statistics_;
};

int run(const RunOptions& options) {
  set_up_log(options.compute.verbose);
  if (options.compute.list_devices) return list_devices_as_table(options.compute.device_options());
  return Run(options).execute();
}

}  // namespace

Command add_run_command(CLI::App& parent) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* app = parent.add_subcommand("run", "Continue a prompt; without a model, tell a story");
  CLI::Option* text = add_text_option(*app, "-p,--prompt", options->prompt, "The prompt");
  app->add_option("-f,--file", options->prompt_file, "The file that holds the prompt")
      ->type_name("FILE")
      ->excludes(text);
  app->add_flag("--no-display-prompt", options->hide_prompt, "Write what follows the prompt only");
  app->add_flag("--stats", options->stats, "Tell what each device did, beside what was predicted");
  app->add_option("--stats-json", options->stats_json, "Write that as JSON to this file")->type_name("FILE");
  add_sampling_options(*app, options->sampling);
  add_compute_options(*app, options->compute);
  return {app, [options] { return run(*options); }};
}

}  // namespace motley::tools
