// motley perplexity: how well a model predicts a text.
#include <memory>
#include <string>

#include <fmt/format.h>

#include "command.hpp"
#include "devices.hpp"
#include "exit_code.hpp"
#include "input.hpp"
#include "loading.hpp"
#include "options.hpp"
#include "output.hpp"
#include "progress_bar.hpp"

namespace motley::tools {
namespace {

/// As llama.cpp's tool has it, so that figures compare.
constexpr std::uint32_t kDefaultContextTokens = 512;

struct PerplexityOptions {
  ComputeOptions compute;
  std::string file;
  bool json = false;
};

std::string as_text(const Perplexity& result) {
  return fmt::format("perplexity {:#.6g} +/- {:#.6g} ({} tokens scored, {} chunks)\n", result.value,
                     result.standard_error, result.scored_tokens, result.chunks);
}

std::string as_json(const Perplexity& result) {
  return fmt::format(
      "{{\"perplexity\": {:.17g}, \"standard_error\": {:.17g}, \"scored_tokens\": {}, \"chunks\": {}}}\n",
      result.value, result.standard_error, result.scored_tokens, result.chunks);
}

int run(const PerplexityOptions& options) {
  set_up_log(options.compute.verbose);
  if (options.compute.list_devices) return list_devices_as_table(options.compute.device_options());
  require_model(options.compute.model);
  if (options.file.empty()) throw Error(ErrorCode::kInvalidArgument, "no text: name its file with -f");
  Interruption interruption;
  const std::string text = read_prompt_file(options.file);
  const Model model = Model::open(options.compute.model);
  SessionOptions session = options.compute.session();
  if (session.context_tokens == 0) session.context_tokens = kDefaultContextTokens;
  const Engine engine = load_engine(model, options.compute, session, interruption);

  Perplexity result;
  {
    const Interruption::Scope scope(interruption, [] {});
    ProgressBar bar("Perplexity");
    result = perplexity(engine, text, session.context_tokens, session,
                        [&](std::uint32_t done, std::uint32_t total, double so_far) {
                          bar.update(done, total,
                                     fmt::format("{:.4f} after {} of {} chunks", so_far, done, total));
                          return !scope.interrupted();
                        });
  }
  write_output(options.json ? as_json(result) : as_text(result));
  check_validation(engine, options.compute);
  return kSuccess;
}

}  // namespace

Command add_perplexity_command(CLI::App& parent) {
  auto options = std::make_shared<PerplexityOptions>();
  CLI::App* app = parent.add_subcommand("perplexity", "Tell how well a text is predicted");
  app->add_option("-f,--file", options->file, "The text")->type_name("FILE");
  app->add_flag("--json", options->json, "Print JSON");
  add_compute_options(*app, options->compute);
  return {app, [options] { return run(*options); }};
}

}  // namespace motley::tools
