#include "sampling_options.hpp"

#include <charconv>
#include <limits>
#include <random>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "options.hpp"

namespace motley::tools {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kMaxCount = std::numeric_limits<std::int32_t>::max();

template <typename Number>
bool parse_whole(std::string_view text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

void add_number(CLI::App& app, const std::string& names, float& value, double lowest, double highest,
                const std::string& description) {
  app.add_option(names, value, description)->type_name("NUMBER")->check(number_between(lowest, highest));
}

}  // namespace

std::pair<Token, float> parse_logit_bias(const std::string& text) {
  const size_t separator = text.find_first_of("=+-", 1);
  const std::string_view view(text);
  Token token = 0;
  float bias = 0;
  if (separator != std::string::npos && parse_whole(view.substr(0, separator), token) && token >= 0) {
    std::string_view number = view.substr(separator + (text[separator] == '-' ? 0 : 1));
    if (text[separator] == '=' && number.starts_with('+')) number.remove_prefix(1);
    // Written so that NaN and +infinity, which no draw can honour, fail.
    if (parse_whole(number, bias) && bias < std::numeric_limits<float>::infinity()) return {token, bias};
  }
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("--logit-bias: '{}' is not ID=NUMBER, such as 15043=-2.5", text));
}

GenerateOptions SamplingOptions::resolve() const {
  GenerateOptions result = generate;
  // 31 bits: such a seed can be given again with -s in any program.
  result.sampling.seed = seed >= 0 ? static_cast<std::uint64_t>(seed) : std::random_device{}() >> 1;
  for (const std::string& bias : logit_bias) result.sampling.logit_bias.push_back(parse_logit_bias(bias));
  return result;
}

void add_sampling_options(CLI::App& app, SamplingOptions& options) {
  GenerateOptions& generate = options.generate;
  Sampling& sampling = generate.sampling;
  app.add_option("-n,--predict", generate.max_tokens, "The most tokens to write; -1: until the text ends")
      ->type_name("TOKENS")
      ->check(number_between(-1, kMaxCount));
  app.add_option("-s,--seed", options.seed, "Seed of the draw; -1: a new one each time")->type_name("NUMBER");
  add_number(app, "--temp", sampling.temperature, 0, kInfinity, "Temperature; 0 takes the likeliest token");
  app.add_option("--top-k", sampling.top_k, "Keep so many of the likeliest tokens; 0: all")
      ->type_name("COUNT")
      ->check(number_between(0, kMaxCount));
  add_number(app, "--top-p", sampling.top_p, 0, 1, "Keep the likeliest tokens that hold this share; 1: all");
  add_number(app, "--min-p", sampling.min_p, 0, 1, "Drop tokens below this share of the likeliest; 0: none");
  add_number(app, "--typical", sampling.typical_p, 0, 1,
             "Keep the most typical tokens that hold this share; 1: all");
  add_number(app, "--repeat-penalty", sampling.repeat_penalty, std::numeric_limits<float>::min(), kInfinity,
             "Divide the likelihood of recent tokens; 1: off");
  add_number(app, "--frequency-penalty", sampling.frequency_penalty, -100, 100,
             "Lower recent tokens for each time; 0: off");
  add_number(app, "--presence-penalty", sampling.presence_penalty, -100, 100,
             "Lower recent tokens once; 0: off");
  app.add_option("--repeat-last-n", sampling.penalty_last_n, "How many tokens count as recent; -1: all")
      ->type_name("TOKENS")
      ->check(number_between(-1, kMaxCount));
  add_repeated_option(app, "--logit-bias", options.logit_bias, "Add to a token's logit; may be repeated")
      ->type_name("ID=NUMBER");
  add_repeated_option(app, "-r,--stop", generate.stop,
                      "End the text where this would follow; may be repeated");
  app.add_flag("--context-shift", generate.context_shift,
               "Forget the older half of a full context and go on");
  app.add_flag("--ignore-eos", generate.ignore_end, "Go on after the end of the text");
}

}  // namespace motley::tools
