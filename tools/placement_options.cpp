#include "placement_options.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

#include <fmt/format.h>

#include "options.hpp"

namespace motley::tools {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Unit {
  std::string_view name;  // in small letters
  double bytes;
};
constexpr double kKibi = 1024;
constexpr std::array kUnits{Unit{"", 1},
                            Unit{"b", 1},
                            Unit{"k", kKibi},
                            Unit{"kib", kKibi},
                            Unit{"kb", 1e3},
                            Unit{"m", kKibi* kKibi},
                            Unit{"mib", kKibi* kKibi},
                            Unit{"mb", 1e6},
                            Unit{"g", kKibi* kKibi* kKibi},
                            Unit{"gib", kKibi* kKibi* kKibi},
                            Unit{"gb", 1e9}};

constexpr std::array kObjectives{Objective::kLatency, Objective::kThroughput, Objective::kCapacity,
                                 Objective::kEfficiency};

Objective objective_named(const std::string& name) {
  return *std::ranges::find(kObjectives, name, [](Objective each) { return to_string(each); });
}

std::vector<std::string> objective_names() {
  std::vector<std::string> names;
  names.reserve(kObjectives.size());
  for (const Objective each : kObjectives) names.emplace_back(to_string(each));
  return names;
}

CLI::Option* add_device_list(CLI::App& app, const std::string& name, std::vector<std::string>& devices,
                             const std::string& description) {
  return add_repeated_option(app, name, devices, description)->type_name("DEVICE,…");
}

}  // namespace

std::uint64_t parse_size(std::string_view text, std::string_view option) {
  double figure = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), figure);
  std::string unit;
  for (const char c : text.substr(static_cast<size_t>(end - text.data()))) {
    if (c != ' ') unit += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  const auto found = std::ranges::find(kUnits, unit, &Unit::name);
  constexpr double kTooLarge = 0x1p62;
  const double bytes = found == kUnits.end() || error != std::errc{} ? -1 : figure * found->bytes;
  // Written so that NaN fails.
  if (bytes >= 0 && bytes < kTooLarge) return static_cast<std::uint64_t>(bytes);
  throw Error(
      ErrorCode::kInvalidArgument,
      fmt::format("{}: '{}' is no size such as 512MiB, 8GiB, 8GB or a number of bytes", option, text));
}

std::vector<std::pair<std::string, std::uint64_t>> parse_memory_limits(std::string_view text) {
  std::vector<std::pair<std::string, std::uint64_t>> limits;
  for (std::string_view rest = text; !rest.empty() || limits.empty();) {
    const size_t equals = rest.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("--max-memory: '{}' is not DEVICE=SIZE, such as 0=8GiB", rest));
    }
    const std::string_view size = rest.substr(equals + 1, rest.find(',', equals) - equals - 1);
    limits.emplace_back(rest.substr(0, equals), parse_size(size, "--max-memory"));
    rest.remove_prefix(std::min(rest.size(), equals + 1 + size.size() + 1));
  }
  return limits;
}

PlanOptions PlacementOptions::resolve() const {
  PlanOptions plan;
  plan.objective = objective_named(objective);
  plan.spread = spread;
  plan.devices = devices;
  plan.excluded = excluded;
  plan.priority = priority;
  plan.split = split;
  plan.layers = layers;
  if (!reserve.empty()) plan.reserve_bytes = parse_size(reserve, "--reserve");
  for (const std::string& text : max_memory) {
    for (auto& limit : parse_memory_limits(text)) plan.max_memory.push_back(std::move(limit));
  }
  plan.device_layers = gpu_layers;
  return plan;
}

void add_placement_options(CLI::App& app, PlacementOptions& options) {
  add_device_list(app, "--device", options.devices,
                  "Run on these only: index, name (* and ? stand for others), UUID or PCI address");
  add_device_list(app, "--exclude-device", options.excluded, "Do not run on these");
  add_device_list(app, "--priority", options.priority, "Fill these first, in this order");
  app.add_option("--split", options.split, "Shares of the layers, one for each device")
      ->type_name("SHARE,…")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(number_between(0, kInfinity));
  app.add_option("--layers", options.layers, "Which device holds which layers, such as 0:0-19,1:20-31")
      ->type_name("DEVICE:FIRST-LAST,…");
  app.add_option("--reserve", options.reserve, "Memory to leave free on every device, such as 1GiB")
      ->type_name("SIZE");
  add_repeated_option(app, "--max-memory", options.max_memory,
                      "The most memory to take on a device; may be repeated")
      ->type_name("DEVICE=SIZE,…");
  app.add_option("--objective", options.objective, "latency, throughput, capacity or efficiency")
      ->type_name("OBJECTIVE")
      ->check(CLI::IsMember(objective_names()).description(""));
  app.add_flag("--spread", options.spread, "Use every suitable device, even where one would do");
  app.add_option("--gpu-layers", options.gpu_layers,
                 "(-ngl) So many layers in the devices' memory, the others in host memory")
      ->type_name("COUNT")
      ->check(number_between(0, std::numeric_limits<std::int32_t>::max()));
}

}  // namespace motley::tools
