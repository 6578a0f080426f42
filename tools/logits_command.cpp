// motley logits: what the model gives for the token after a prompt.
#include <algorithm>
#include <bit>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "command.hpp"
#include "devices.hpp"
#include "exit_code.hpp"
#include "loading.hpp"
#include "options.hpp"
#include "output.hpp"
#include "output_file.hpp"
#include "printing.hpp"

namespace motley::tools {
namespace {

static_assert(std::endian::native == std::endian::little, "files of logits are little-endian");

struct LogitsOptions {
  ComputeOptions compute;
  std::optional<std::string> prompt;
  std::string output;
};

std::string as_json(const Model& model, std::span<const Token> tokens, std::span<const float> logits) {
  std::string json = fmt::format("{{\"model\": {}, \"prompt_tokens\": [{}], \"n_logits\": {}, \"logits\": [",
                                 json_string(model.path().string()), fmt::join(tokens, ", "), logits.size());
  for (size_t i = 0; i < logits.size(); ++i) {
    if (i > 0) json += ", ";
    json += json_number(logits[i]);
  }
  return json + "]}\n";
}

int logits(const LogitsOptions& options) {
  set_up_log(options.compute.verbose);
  if (options.compute.list_devices) return list_devices_as_table(options.compute.device_options());
  require_model(options.compute.model);
  if (!options.prompt) throw Error(ErrorCode::kInvalidArgument, "no prompt: give it with -p");
  Interruption interruption;
  const Model model = Model::open(options.compute.model);
  const std::vector<Token> tokens = model.tokenize(*options.prompt);
  if (tokens.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "the prompt is empty, and the model has no begin-of-text token");
  }
  SessionOptions session_options = options.compute.session();
  // Nothing follows the prompt, so that a context as long as it is will do.
  if (session_options.context_tokens == 0)
    session_options.context_tokens = static_cast<std::uint32_t>(tokens.size());

  const Engine engine = load_engine(model, options.compute, session_options, interruption);
  Session session = make_session(engine, options.compute, session_options);
  {
    const Interruption::Scope scope(interruption, [&] { session.cancel(); });
    session.evaluate(tokens);
  }
  const std::span<const float> values = session.logits();
  if (options.output.empty()) {
    write_output(as_json(model, tokens, values));
  } else {
    write_output_file(options.output, std::as_bytes(values));
  }
  check_validation(engine, options.compute);
  return kSuccess;
}

}  // namespace

Command add_logits_command(CLI::App& parent) {
  auto options = std::make_shared<LogitsOptions>();
  CLI::App* app = parent.add_subcommand("logits", "Print the logits that follow a prompt as JSON");
  add_text_option(*app, "-p,--prompt", options->prompt, "The prompt");
  app->add_option("-o,--output", options->output, "Write little-endian 32-bit floats to this file instead")
      ->type_name("FILE");
  add_compute_options(*app, options->compute);
  return {app, [options] { return logits(*options); }};
}

}  // namespace motley::tools
