// How `motley run` writes: the draw of tokens and where the text ends.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <motley/motley.hpp>

namespace motley::tools {

struct SamplingOptions {
  GenerateOptions generate;
  std::int64_t seed = -1;  ///< negative: a new one each time
  std::vector<std::string> logit_bias;

  /// With the seed chosen and the biases read. Throws Error{kInvalidArgument} for a bias that is none.
  GenerateOptions resolve() const;
};

void add_sampling_options(CLI::App& app, SamplingOptions& options);

/// "ID=NUMBER", or as llama.cpp has it "ID+NUMBER" and "ID-NUMBER". -inf bans the token. Throws
/// Error{kInvalidArgument}.
std::pair<Token, float> parse_logit_bias(const std::string& text);

}  // namespace motley::tools
