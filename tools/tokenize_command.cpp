// motley tokenize: a text's token ids as one JSON array.
#include <memory>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "command.hpp"
#include "exit_code.hpp"
#include "input.hpp"
#include "options.hpp"
#include "output.hpp"

namespace motley::tools {
namespace {

struct TokenizeCommandOptions {
  std::string model;
  std::optional<std::string> prompt;
  bool from_stdin = false;
  bool no_special = false;
};

int tokenize(const TokenizeCommandOptions& options) {
  require_model(options.model);
  if (!options.prompt && !options.from_stdin) {
    throw Error(ErrorCode::kInvalidArgument, "no text: give it with -p, or on standard input with --stdin");
  }
  const Model model = Model::open(options.model);
  const bool special = !options.no_special;
  const std::vector<Token> tokens =
      model.tokenize(options.from_stdin ? read_standard_input() : *options.prompt,
                     {.add_special = special, .parse_special = special});
  write_output(fmt::format("[{}]\n", fmt::join(tokens, ", ")));
  return kSuccess;
}

}  // namespace

Command add_tokenize_command(CLI::App& parent) {
  auto options = std::make_shared<TokenizeCommandOptions>();
  CLI::App* app = parent.add_subcommand("tokenize", "Print a text's token ids as a JSON array");
  add_model_argument(*app, options->model);
  CLI::Option* text = add_text_option(*app, "-p,--prompt", options->prompt, "The text");
  app->add_flag("--stdin", options->from_stdin, "Read the text from standard input")->excludes(text);
  app->add_flag("--no-special", options->no_special, "Add no special tokens, and take the text literally");
  return {app, [options] { return tokenize(*options); }};
}

}  // namespace motley::tools
