// The command `motley`: finds the subcommand, reads its options, and turns what it throws into an exit code.
#include <algorithm>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <motley/motley.hpp>

#include "command.hpp"
#include "exit_code.hpp"
#include "options.hpp"
#include "output.hpp"
#include "printing.hpp"

namespace motley::tools {
namespace {

void set_up(CLI::App& app) {
  app.name("motley");
  app.set_version_flag("--version", fmt::format("motley {}", version()), "Print the version");
  app.require_subcommand(0, 1);  // none is found out in execute(), after an argument that is no command
  // Where an option is given twice, the last prevails.
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.footer(
      "motley COMMAND --help lists a command's options. Each may be given as an environment variable too:\n"
      "--ctx-size as MOTLEY_CTX_SIZE. The manual page says more: man motley.");
}

int execute(const std::vector<std::string>& arguments) {
  CLI::App app("Runs language models (GGUF files) on any Vulkan GPU.");
  set_up(app);
  const std::vector<Command> commands{
      add_run_command(app),        add_inspect_command(app), add_tokenize_command(app),
      add_detokenize_command(app), add_logits_command(app),  add_perplexity_command(app),
      add_bench_command(app),      add_devices_command(app), add_plan_command(app),
      add_tune_command(app),       add_synth_command(app)};
  if (arguments.empty()) {
    write_error(app.help());
    return exit_code(ErrorCode::kInvalidArgument);
  }
  try {
    // CLI11 takes them from the back.
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    write_output(app.help());
    return kSuccess;
  } catch (const CLI::CallForVersion&) {
    write_output(app.version() + "\n");
    return kSuccess;
  } catch (const CLI::ParseError& error) {
    throw Error(ErrorCode::kInvalidArgument, fmt::format("{} (motley --help tells the usage)", error.what()));
  }
  const auto chosen = std::find_if(commands.begin(), commands.end(),
                                   [](const Command& command) { return command.app->parsed(); });
  if (chosen == commands.end())
    throw Error(ErrorCode::kInvalidArgument, "no command (motley --help lists them)");
  read_environment(*chosen->app);
  return chosen->run();
}

/// The exit code for the exception being handled, which it tells the user about.
int report() {
  try {
    throw;
  } catch (const ClosedOutput&) {
    return exit_code(ErrorCode::kIo);
  } catch (const Error& error) {
    say(error.what());
    return exit_code(error.code());
  } catch (const std::bad_alloc&) {
    say("not enough memory on this machine");
    return exit_code(ErrorCode::kOutOfMemory);
  } catch (const std::exception& error) {
    say(fmt::format("internal error, please report it: {}", error.what()));
    return exit_code(ErrorCode::kInternal);
  }
}

}  // namespace
}  // namespace motley::tools

int main(int argc, char** argv) {
  using namespace motley::tools;
  prepare_standard_streams();
  try {
    return execute(arguments_of(argc, argv));
  } catch (...) {
    return report();
  }
}
