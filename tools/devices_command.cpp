// motley devices: what there is to run on, best first.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "command.hpp"
#include "devices.hpp"
#include "exit_code.hpp"
#include "output.hpp"
#include "printing.hpp"

namespace motley::tools {
namespace {

std::vector<DeviceInfo> devices_or_throw(const DeviceOptions& options) {
  std::vector<DeviceInfo> devices = list_devices(options);
  if (devices.empty()) {
    throw Error(ErrorCode::kNoDevice,
                "the Vulkan drivers of this machine offer no device with Vulkan 1.2; the package "
                "mesa-vulkan-drivers has one "
                "that computes on the CPU");
  }
  return devices;
}

int list_devices_as_json() {
  auto list = nlohmann::ordered_json::array();
  for (const DeviceInfo& device : devices_or_throw({})) {
    list.push_back({{"index", device.index},
                    {"name", device.name},
                    {"type", device.type},
                    {"uuid", device.uuid},
                    {"driver", device.driver},
                    {"vulkan_version", device.vulkan_version},
                    {"memory_bytes", device.memory_bytes},
                    {"subgroup_size", device.subgroup_size},
                    {"float16", device.float16},
                    {"integer_dot_product", device.integer_dot_product},
                    {"reason", device.reason}});
  }
  write_output(list.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  return kSuccess;
}

}  // namespace

int list_devices_as_table(const DeviceOptions& options) {
  const std::vector<DeviceInfo> devices = devices_or_throw(options);
  size_t name_width = 4;
  for (const DeviceInfo& device : devices) name_width = std::max(name_width, printable(device.name).size());
  std::string table = fmt::format("{:5}  {:{}}  {:10}  {:>10}  {}\n", "index", "name", name_width, "type",
                                  "memory", "driver");
  for (const DeviceInfo& device : devices) {
    table += fmt::format("{:5}  {:{}}  {:10}  {:>10}  {}\n", device.index, printable(device.name), name_width,
                         device.type, human_size(device.memory_bytes), printable(device.driver));
    table += fmt::format("{:5}  {}\n", "", printable(device.reason));
  }
  write_output(table);
  return kSuccess;
}

Command add_devices_command(CLI::App& parent) {
  auto as_json = std::make_shared<bool>(false);
  CLI::App* app = parent.add_subcommand("devices", "List the Vulkan devices, best first");
  app->add_flag("--json", *as_json, "Print JSON");
  return {app, [as_json] { return *as_json ? list_devices_as_json() : list_devices_as_table(); }};
}

}  // namespace motley::tools
