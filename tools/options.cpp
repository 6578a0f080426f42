#include "options.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace motley::tools {
namespace {

constexpr double kMaxTokens = std::numeric_limits<std::int32_t>::max();

struct ShortName {
  std::string_view given;
  std::string_view meant;
};
constexpr std::array kShortNames{ShortName{"-ub", "--ubatch-size"},   ShortName{"-ctk", "--cache-type-k"},
                                 ShortName{"-ctv", "--cache-type-v"}, ShortName{"-pg", "--prompt-gen"},
                                 ShortName{"-npl", "--parallel"},     ShortName{"-ngl", "--gpu-layers"}};

CacheType cache_type(const std::string& name) { return name == "f32" ? CacheType::kF32 : CacheType::kF16; }

/// An option's longest name with its dashes; empty for an argument without one.
std::string long_name(const CLI::Option& option) {
  return option.get_lnames().empty() ? std::string() : "--" + option.get_lnames().front();
}

/// The smaller of the two limits; 0, for what is fastest, where nothing below that is given.
std::uint32_t most_tokens(std::uint32_t batch, std::uint32_t micro_batch) {
  constexpr std::uint32_t kMostChosen = 512;
  if (micro_batch == 0) return batch < kMostChosen ? batch : 0;
  return batch == 0 ? micro_batch : std::min(batch, micro_batch);
}

bool ruled_out(const CLI::Option& option) {
  const auto others = option.get_excludes();
  return std::any_of(others.begin(), others.end(),
                     [](const CLI::Option* other) { return other->count() > 0; });
}

}  // namespace

SessionOptions ComputeOptions::session() const {
  return {.context_tokens = context_tokens,
          .batch_tokens = most_tokens(batch_tokens, micro_batch_tokens),
          .cache_k = cache_type(cache_k),
          .cache_v = cache_type(cache_v),
          .activations = activations == "f32" ? Activations::kF32 : Activations::kAuto};
}

void add_compute_options(CLI::App& app, ComputeOptions& options) {
  add_model_option(app, options.model);
  add_placement_options(app, options.placement);
  app.add_flag("--no-recover", options.no_recover, "End with an error when a device fails");
  app.add_flag("--no-tune", options.no_tune,
               "Do not measure at first use which kernel variants are fastest on a GPU");
  app.add_flag("--list-devices", options.list_devices, "List the devices and end");
  add_session_options(app, options);
  app.add_flag("--validate", options.validate, "Load the Vulkan validation layers and report what they find");
  app.add_flag("-v,--verbose", options.verbose, "Tell what is being done and how much memory it takes");
}

void add_session_options(CLI::App& app, ComputeOptions& options) {
  app.add_option("-c,--ctx-size", options.context_tokens,
                 "Tokens of prompt and text that the model sees; 0: default")
      ->type_name("TOKENS")
      ->check(number_between(0, kMaxTokens));
  app.add_option("-b,--batch-size", options.batch_tokens, "The most tokens of a prompt taken at once")
      ->type_name("TOKENS")
      ->check(number_between(1, kMaxTokens));
  app.add_option("--ubatch-size", options.micro_batch_tokens,
                 "(-ub) The most tokens of a prompt computed at once, 1 to 4096; default: what is fastest")
      ->type_name("TOKENS")
      ->check(number_between(1, 4096));
  app.add_option("--cache-type-k", options.cache_k, "(-ctk) How keys are kept: f16 or f32")
      ->type_name("TYPE")
      ->check(CLI::IsMember({"f16", "f32"}).description(""));
  app.add_option("--cache-type-v", options.cache_v, "(-ctv) How values are kept: f16 or f32")
      ->type_name("TYPE")
      ->check(CLI::IsMember({"f16", "f32"}).description(""));
  app.add_option("--activations", options.activations,
                 "What weights are multiplied with: f32, or auto: rounded where that is faster")
      ->type_name("TYPE")
      ->check(CLI::IsMember({"auto", "f32"}).description(""));
}

void add_model_option(CLI::App& app, std::string& model) {
  app.add_option("-m,--model,model", model, "The model, a GGUF file")
      ->type_name("FILE")
      ->multi_option_policy(CLI::MultiOptionPolicy::Throw);
}

void add_model_argument(CLI::App& app, std::string& model) {
  app.add_option("model", model, "The model, a GGUF file")->type_name("FILE");
}

void require_model(const std::string& model) {
  if (model.empty()) throw Error(ErrorCode::kInvalidArgument, "no model: name a GGUF file");
}

CLI::Option* add_text_option(CLI::App& app, const std::string& names, std::optional<std::string>& value,
                             const std::string& description) {
  return app
      .add_option_function<std::string>(
          names, [&value](const std::string& given) { value = given; }, description)
      ->type_name("TEXT");
}

CLI::Option* add_repeated_option(CLI::App& app, const std::string& names, std::vector<std::string>& values,
                                 const std::string& description) {
  return app.add_option(names, values, description)
      ->type_name("TEXT")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
}

CLI::Validator number_between(double lowest, double highest) {
  const auto check = [=](std::string& text) -> std::string {
    double value = 0;
    // Written so that NaN fails.
    if (!CLI::detail::lexical_cast(text, value) || !(value >= lowest && value <= highest)) {
      if (std::isinf(highest)) return fmt::format("'{}' is no number from {} on", text, lowest);
      return fmt::format("'{}' is no number from {} to {}", text, lowest, highest);
    }
    return {};
  };
  return CLI::Validator(check, "");
}

std::vector<std::string> arguments_of(int argc, char** argv) {
  std::vector<std::string> arguments(argv + std::min(1, argc), argv + argc);
  for (std::string& argument : arguments) {
    if (argument == "--") break;
    for (const auto& [given, meant] : kShortNames) {
      const std::string_view name = std::string_view(argument).substr(0, argument.find('='));
      if (name == given) argument.replace(0, given.size(), meant);
    }
  }
  return arguments;
}

std::string environment_name(const CLI::Option& option) {
  std::string name = "MOTLEY_";
  for (const char c : option.get_lnames().front()) {
    name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return name;
}

void read_environment(CLI::App& app) {
  // What the command line gave is known before the first variable is looked at.
  std::vector<CLI::Option*> open;
  for (CLI::Option* option : app.get_options()) {
    const bool is_help = option == app.get_help_ptr();
    if (!is_help && !option->get_lnames().empty() && option->count() == 0 && !ruled_out(*option))
      open.push_back(option);
  }
  for (CLI::Option* option : open) {
    const std::string variable = environment_name(*option);
    const char* value = std::getenv(variable.c_str());
    if (value == nullptr || *value == '\0') continue;
    try {
      const bool is_flag = option->get_expected_max() == 0;
      option->add_result(is_flag ? option->get_flag_value(long_name(*option), value) : std::string(value));
      option->run_callback();
    } catch (const CLI::Error& error) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("environment variable {}: {}", variable, error.what()));
    }
  }
}

}  // namespace motley::tools
