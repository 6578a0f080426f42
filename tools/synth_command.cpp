// motley synth: a model of a named shape with made-up weights, as a file.
#include <cstdint>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <motley/motley.hpp>

#include "command.hpp"
#include "exit_code.hpp"
#include "interruption.hpp"
#include "printing.hpp"
#include "progress_bar.hpp"

namespace motley::tools {
namespace {

struct SynthOptions {
  std::string shape;
  std::string output;
  std::string vocabulary;
  std::uint64_t seed = SyntheticOptions{}.seed;
};

int synth(const SynthOptions& options) {
  if (options.shape.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "no shape: name one, such as shape:llama-3.2-1b@q4_k_m");
  }
  if (options.output.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "no file to write: name it after the shape");
  }
  Interruption interruption;
  const Interruption::Scope scope(interruption, [] {});
  ProgressBar bar("Writing " + printable(options.output));
  SyntheticOptions synthetic;
  synthetic.seed = options.seed;
  synthetic.vocabulary = options.vocabulary;
  synthetic.progress = [&](std::uint64_t done_bytes, std::uint64_t total_bytes) {
    bar.update(done_bytes, total_bytes, "of " + human_size(total_bytes));
    return !scope.interrupted();
  };
  write_synthetic_model(options.shape, options.output, synthetic);
  return kSuccess;
}

}  // namespace

Command add_synth_command(CLI::App& parent) {
  auto options = std::make_shared<SynthOptions>();
  CLI::App* app = parent.add_subcommand("synth", "Write a model of a named shape with made-up weights");
  app->add_option("shape", options->shape, "The shape, such as shape:llama-3.2-1b@q4_k_m")
      ->type_name("SHAPE");
  app->add_option("output", options->output, "The GGUF file to write")->type_name("FILE");
  app->add_option("--vocab", options->vocabulary, "A GGUF file whose vocabulary it gets; else made-up tokens")
      ->type_name("FILE");
  app->add_option("-s,--seed", options->seed, "Seed of the weights; default 1")->type_name("NUMBER");
  return {app, [options] { return synth(*options); }};
}

}  // namespace motley::tools
