// Where a model is to run: the options of placement that several subcommands share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <motley/motley.hpp>

namespace motley::tools {

/// As the user wrote them.
struct PlacementOptions {
  std::vector<std::string> devices;
  std::vector<std::string> excluded;
  std::vector<std::string> priority;
  std::vector<double> split;
  std::string layers;
  std::string reserve;
  std::vector<std::string> max_memory;
  std::string objective = "latency";
  bool spread = false;
  std::optional<std::uint32_t> gpu_layers;

  /// Throws Error{kInvalidArgument} that names the option.
  PlanOptions resolve() const;
};

/// Adds --device, --exclude-device, --priority, --split, --layers, --reserve, --max-memory, --objective,
/// --spread and --gpu-layers (-ngl). `options` must outlive the parsing.
void add_placement_options(CLI::App& app, PlacementOptions& options);

/// Bytes: "8GiB", "512 MB", "1.5g" (as GiB), "1000000". Throws Error{kInvalidArgument} that begins with
/// `option`.
std::uint64_t parse_size(std::string_view text, std::string_view option);

/// "RTX 4090=8GiB,1=4GiB": devices, whose names may hold commas, and sizes. Throws as parse_size().
std::vector<std::pair<std::string, std::uint64_t>> parse_memory_limits(std::string_view text);

}  // namespace motley::tools
