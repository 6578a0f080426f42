// A subcommand: its options on the command line, and what it does once they are known.
#pragma once

#include <functional>

namespace CLI {  // NOLINT(readability-identifier-naming): not ours
class App;
}

namespace motley::tools {

struct Command {
  CLI::App* app = nullptr;   ///< the subcommand, owned by the application it was added to
  std::function<int()> run;  ///< returns the exit code; throws motley::Error or ClosedOutput
};

/// Each adds its subcommand to `parent`, which must outlive it.
Command add_run_command(CLI::App& parent);
Command add_inspect_command(CLI::App& parent);
Command add_tokenize_command(CLI::App& parent);
Command add_detokenize_command(CLI::App& parent);
Command add_logits_command(CLI::App& parent);
Command add_perplexity_command(CLI::App& parent);
Command add_bench_command(CLI::App& parent);
Command add_devices_command(CLI::App& parent);
Command add_plan_command(CLI::App& parent);
Command add_tune_command(CLI::App& parent);
Command add_synth_command(CLI::App& parent);

}  // namespace motley::tools
