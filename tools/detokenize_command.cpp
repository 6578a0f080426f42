// motley detokenize: the text of token ids.
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "command.hpp"
#include "exit_code.hpp"
#include "input.hpp"
#include "options.hpp"
#include "output.hpp"

namespace motley::tools {
namespace {

struct DetokenizeOptions {
  std::string model;
  std::vector<std::string> arguments;
  std::optional<std::string> ids;
};

[[noreturn]] void fail_ids(std::string_view why) {
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("token ids must be a JSON array such as [1, 42, 7]: {}", why));
}

std::vector<Token> parse_ids(const std::string& text) {
  const nlohmann::json array = nlohmann::json::parse(text, nullptr, false);
  if (array.is_discarded()) fail_ids("this is no JSON");
  if (!array.is_array()) fail_ids(fmt::format("this is a JSON {}", array.type_name()));
  std::vector<Token> ids;
  for (const nlohmann::json& element : array) {
    const bool fits =
        element.is_number_integer() && element >= 0 && element <= std::numeric_limits<Token>::max();
    if (!fits) {
      const auto shown = element.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
      fail_ids(fmt::format("{} is no token id", shown.substr(0, 80)));
    }
    ids.push_back(element.get<Token>());
  }
  return ids;
}

/// Ids as separate arguments are the elements of an array.
std::string ids_text(const DetokenizeOptions& options) {
  if (options.ids) return *options.ids;
  if (options.arguments.empty()) return read_standard_input();
  return fmt::format("[{}]", fmt::join(options.arguments, ","));
}

int detokenize(const DetokenizeOptions& options) {
  require_model(options.model);
  const Model model = Model::open(options.model);
  write_output(model.detokenize(parse_ids(ids_text(options))));
  return kSuccess;
}

}  // namespace

Command add_detokenize_command(CLI::App& parent) {
  auto options = std::make_shared<DetokenizeOptions>();
  CLI::App* app = parent.add_subcommand("detokenize", "Print the text of token ids");
  add_model_argument(*app, options->model);
  CLI::Option* ids = add_text_option(*app, "--ids", options->ids, "The ids as a JSON array");
  ids->type_name("JSON");
  app->add_option("id", options->arguments, "The ids; without any, a JSON array on standard input")
      ->excludes(ids);
  return {app, [options] { return detokenize(*options); }};
}

}  // namespace motley::tools
