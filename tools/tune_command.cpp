// motley tune: finds the fastest variant of each kernel on the devices, and keeps it.
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <motley/motley.hpp>
#include <nlohmann/json.hpp>

#include "command.hpp"
#include "exit_code.hpp"
#include "loading.hpp"
#include "options.hpp"
#include "output.hpp"
#include "printing.hpp"

namespace motley::tools {
namespace {

using Json = nlohmann::ordered_json;

/// A device and what was found there.
struct TunedDevice {
  DeviceInfo info;
  std::vector<KernelTuning> kernels;
};

struct TuneCommandOptions {
  std::vector<std::string> devices;
  std::vector<std::string> formats;
  bool json = false;
};

/// Those named, else every one, each GPU through one driver.
std::vector<Device> devices_to_tune(const std::vector<std::string>& selectors) {
  std::vector<Device> devices;
  for (const std::string& selector : selectors) devices.push_back(Device::open(selector));
  if (!selectors.empty()) return devices;
  for (const DeviceInfo& info : list_devices())
    if (!info.same_as) devices.push_back(Device::open(std::to_string(info.index)));
  if (devices.empty()) devices.push_back(Device::open());  // which says why there is none
  return devices;
}

std::string join(std::string_view kernel, std::string_view format, std::string_view purpose) {
  return fmt::format("{} {}, {}", kernel, format, purpose);
}

TunedDevice tune_device(const Device& device, const std::vector<std::string>& formats) {
  say(fmt::format("tuning {}", printable(device.info().name)));
  TuneOptions options;
  options.formats = formats;
  options.progress = [](std::string_view kernel, std::string_view format, std::string_view purpose,
                        std::size_t variants) {
    say(fmt::format("  {}: {} variants", join(kernel, format, purpose), variants));
  };
  return {device.info(), device.tune(options)};
}

/// What the table's order would take.
std::string_view first_of(const KernelTuning& tuning) {
  return tuning.figures.empty() ? std::string_view(tuning.variant) : tuning.figures.front().variant;
}

Json to_json(const KernelTuning& tuning) {
  Json figures = Json::array();
  for (const KernelTuning::Figure& figure : tuning.figures)
    figures.push_back({{"variant", figure.variant}, {"rate", figure.rate ? Json(*figure.rate) : Json()}});
  return {{"kernel", tuning.kernel},    {"format", tuning.format},   {"purpose", tuning.purpose},
          {"unit", tuning.unit},        {"variant", tuning.variant}, {"by_order", first_of(tuning)},
          {"tried", std::move(figures)}};
}

Json to_json(const TunedDevice& device) {
  Json kernels = Json::array();
  for (const KernelTuning& tuning : device.kernels) kernels.push_back(to_json(tuning));
  return {{"index", device.info.index},
          {"name", device.info.name},
          {"uuid", device.info.uuid},
          {"driver", device.info.driver},
          {"kernels", std::move(kernels)}};
}

/// Lines of the variants tried; a star marks the one that is taken.
std::string figures_of(const KernelTuning& tuning) {
  std::string text;
  for (const KernelTuning::Figure& figure : tuning.figures) {
    const bool taken = figure.variant == tuning.variant;
    text += fmt::format("    {} {:24}  {:>14}{}\n", taken ? '*' : ' ', figure.variant,
                        figure.rate ? fmt::format("{:.4g} {}", *figure.rate, tuning.unit) : "not timed",
                        taken && figure.variant != first_of(tuning) ? "  in place of the first" : "");
  }
  return text;
}

std::string text_of(const TunedDevice& device) {
  std::string text = fmt::format("{} ({})\n", printable(device.info.name), printable(device.info.driver));
  if (device.kernels.empty()) text += "  one variant of each kernel suits it\n";
  std::set<std::string> told;
  for (const KernelTuning& tuning : device.kernels) {
    const std::string figures = figures_of(tuning);
    // Where no variant rounds, products that must not be rounded have the same to choose from.
    if (!told.insert(figures).second) continue;
    text += fmt::format("  {}\n{}", join(tuning.kernel, tuning.format, tuning.purpose), figures);
  }
  return text;
}

int tune(const TuneCommandOptions& options) {
  set_up_log(false);
  std::vector<TunedDevice> tuned;
  for (const Device& device : devices_to_tune(options.devices))
    tuned.push_back(tune_device(device, options.formats));
  if (options.json) {
    auto list = Json::array();
    for (const TunedDevice& device : tuned) list.push_back(to_json(device));
    write_output(list.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  } else {
    for (const TunedDevice& device : tuned) write_output(text_of(device));
  }
  return kSuccess;
}

}  // namespace

Command add_tune_command(CLI::App& parent) {
  auto options = std::make_shared<TuneCommandOptions>();
  CLI::App* app = parent.add_subcommand("tune", "Find the fastest variant of each kernel, and keep it");
  add_repeated_option(*app, "--device", options->devices,
                      "Tune this device only: an index, a UUID, a PCI address or a name")
      ->type_name("DEVICE");
  add_repeated_option(*app, "--format", options->formats, "Tune for this weight format only, such as q4_0")
      ->type_name("FORMAT");
  app->add_flag("--json", options->json, "Print JSON");
  return {app, [options] { return tune(*options); }};
}

}  // namespace motley::tools
