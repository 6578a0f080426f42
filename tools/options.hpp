// Options that several subcommands share, and what CLI11 does not do by itself.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <motley/motley.hpp>

#include "placement_options.hpp"

namespace motley::tools {

/// What every subcommand that computes wants to know.
struct ComputeOptions {
  std::string model;
  PlacementOptions placement;
  bool no_recover = false;
  bool no_tune = false;
  bool list_devices = false;
  std::uint32_t context_tokens = 0;  ///< 0: the subcommand's default
  std::uint32_t batch_tokens = 0;    ///< 0: not given, as the next
  std::uint32_t micro_batch_tokens = 0;
  std::string cache_k = "f16";
  std::string cache_v = "f16";
  std::string activations = "auto";
  bool validate = false;
  bool verbose = false;

  SessionOptions session() const;
  DeviceOptions device_options() const { return {.validate = validate}; }
};

/// Adds -m, --device, -c and so on. `options` must outlive the parsing, as with all functions here.
void add_compute_options(CLI::App& app, ComputeOptions& options);
/// Of these only what a session's memory follows from: -c, -b, -ub, -ctk, -ctv, --activations.
void add_session_options(CLI::App& app, ComputeOptions& options);

/// Adds the model as an argument or as -m. Whether it was given is for require_model() to check.
void add_model_option(CLI::App& app, std::string& model);
/// The same as an argument only.
void add_model_argument(CLI::App& app, std::string& model);
/// Throws Error{kInvalidArgument} when `model` is empty.
void require_model(const std::string& model);

/// A value that counts as given also when it is empty.
CLI::Option* add_text_option(CLI::App& app, const std::string& names, std::optional<std::string>& value,
                             const std::string& description);
/// An option that may be given several times, one value each, whatever it looks like.
CLI::Option* add_repeated_option(CLI::App& app, const std::string& names, std::vector<std::string>& values,
                                 const std::string& description);

/// A number from `lowest` to `highest`, both included; not NaN.
CLI::Validator number_between(double lowest, double highest);

/// The arguments of main() without the program's name, the single-dashed options of two and three letters
/// (-ub, -ctk, -ctv, -pg, -ngl) as their long names: CLI11 would take them for bundles of one-letter options.
std::vector<std::string> arguments_of(int argc, char** argv);

/// "--ctx-size" is mirrored by "MOTLEY_CTX_SIZE".
std::string environment_name(const CLI::Option& option);

/// Gives the options of `app` that were not on the command line the values of their environment variables. A
/// variable that is empty counts as not set, and so does one whose option is ruled out by one on the command
/// line. Throws Error{kInvalidArgument} that names the variable.
void read_environment(CLI::App& app);

}  // namespace motley::tools
