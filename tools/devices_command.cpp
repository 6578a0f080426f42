// motley devices: what there is to run on, best first, and what it was measured to do.
#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <string_view>
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

using Json = nlohmann::ordered_json;

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

/// Measures every device anew. One that fails is told of and does not keep the others from it.
void measure_devices() {
  for (const DeviceInfo& device : devices_or_throw({})) {
    if (device.same_as) continue;  // it is measured through the better driver
    say(fmt::format("measuring {}", printable(device.name)));
    try {
      Device::open(std::to_string(device.index)).measure(true);
    } catch (const Error& error) {
      say(fmt::format("warning: {} was not measured: {}", printable(device.name), error.what()));
    }
  }
}

Json to_json(const DeviceMeasurements& measured) {
  Json rates = Json::object();
  for (const DeviceMeasurements::Rate& rate : measured.rates)
    rates[rate.format] = {{"matvec_gbs", rate.matvec_gbs},
                          {"matmat_gflops", rate.matmat_gflops},
                          {"few_gflops", rate.few_gflops},
                          {"product_us", rate.product_us}};
  return {{"bandwidth_gbs", measured.bandwidth_gbs},
          {"host_read_gbs", measured.host_read_gbs},
          {"upload_gbs", measured.upload_gbs},
          {"download_gbs", measured.download_gbs},
          {"dispatch_us", measured.dispatch_us},
          {"handoff_us", measured.handoff_us},
          {"decode_attention_gflops", measured.decode_attention_gflops},
          {"prefill_attention_gflops", measured.prefill_attention_gflops},
          {"activation_gbs", measured.activation_gbs},
          {"rates", std::move(rates)}};
}

/// Variants that were tried and those of them that are right.
size_t tried_variants(const DeviceInfo& device) {
  std::set<std::string_view> right;
  for (const KernelChoice& choice : device.kernels)
    if (choice.nmse) right.insert(choice.variant);
  return right.size() + device.switched_off.size();
}

Json to_json(const KernelChoice& choice) {
  return {{"kernel", choice.kernel},   {"format", choice.format},
          {"purpose", choice.purpose}, {"variant", choice.variant.empty() ? Json() : Json(choice.variant)},
          {"suits", choice.suits},     {"nmse", choice.nmse ? Json(*choice.nmse) : Json()},
          {"unit", choice.unit},       {"rate", choice.rate ? Json(*choice.rate) : Json()}};
}

Json self_test_to_json(const DeviceInfo& device) {
  Json switched_off = Json::array();
  for (const SwitchedOffVariant& off : device.switched_off)
    switched_off.push_back({{"variant", off.variant}, {"reason", off.reason}});
  return {{"variants", tried_variants(device)}, {"switched_off", std::move(switched_off)}};
}

Json to_json(const DeviceInfo& device, bool kernels) {
  Json heaps = Json::array();
  for (const DeviceHeap& heap : device.heaps)
    heaps.push_back({{"size_bytes", heap.size_bytes}, {"device_local", heap.device_local}});
  Json json{{"index", device.index},
            {"name", device.name},
            {"type", device.type},
            {"uuid", device.uuid},
            {"pci_address", device.pci_address.empty() ? Json() : Json(device.pci_address)},
            {"driver", device.driver},
            {"vulkan_version", device.vulkan_version},
            {"memory_bytes", device.memory_bytes},
            {"heaps", std::move(heaps)},
            {"subgroup_size", device.subgroup_size},
            {"float16", device.float16},
            {"integer_dot_product", device.integer_dot_product},
            {"reason", device.reason},
            {"same_as", device.same_as ? Json(*device.same_as) : Json()},
            {"measured", device.measurements ? to_json(*device.measurements) : Json()},
            {"self_test", self_test_to_json(device)}};
  if (kernels) {
    json["kernels"] = Json::array();
    for (const KernelChoice& choice : device.kernels) json["kernels"].push_back(to_json(choice));
  }
  return json;
}

std::string facts_of(const DeviceInfo& device) {
  std::string text = fmt::format("Vulkan {}, {} lanes together{}{}; UUID {}", device.vulkan_version,
                                 device.subgroup_size, device.float16 ? ", 16-bit floats" : "",
                                 device.integer_dot_product ? ", integer dot products" : "", device.uuid);
  if (!device.pci_address.empty()) text += ", PCI " + device.pci_address;
  return text;
}

std::string heaps_of(const DeviceInfo& device) {
  std::string text = "heaps:";
  for (const DeviceHeap& heap : device.heaps) {
    text += fmt::format("{} {} of the {}", text.ends_with(':') ? "" : ",", human_size(heap.size_bytes),
                        heap.device_local ? "device" : "host");
  }
  return text;
}

/// Lines of the measured figures.
std::vector<std::string> figures_of(const DeviceInfo& device) {
  if (!device.measurements) return {"not measured yet: motley devices --measure"};
  const DeviceMeasurements& measured = *device.measurements;
  std::vector<std::string> lines{
      fmt::format("measured: reads its memory at {:.4g} GB/s, the host's at {:.4g}; upload {:.4g}, download "
                  "{:.4g} GB/s",
                  measured.bandwidth_gbs, measured.host_read_gbs, measured.upload_gbs, measured.download_gbs),
      fmt::format("a dispatch costs {:.3g} us, a hand-off {:.3g} us", measured.dispatch_us,
                  measured.handoff_us),
      fmt::format("attention: {:.4g} GFLOP/s decoding, {:.4g} on prompts; vectors: {:.4g} GB/s",
                  measured.decode_attention_gflops, measured.prefill_attention_gflops,
                  measured.activation_gbs)};
  for (const DeviceMeasurements::Rate& rate : measured.rates) {
    lines.push_back(
        fmt::format("{:5} weights: {:>7.4g} GB/s and {:.3g} us a product decoding, {:>7.4g} GFLOP/s on "
                    "prompts ({:.4g} on 32 tokens)",
                    rate.format, rate.matvec_gbs, rate.product_us, rate.matmat_gflops, rate.few_gflops));
  }
  return lines;
}

/// Lines of what the self-test found.
std::vector<std::string> self_test_of(const DeviceInfo& device) {
  const size_t tried = tried_variants(device);
  if (tried == 0) return {"self-test: not run yet; it is before the first use"};
  if (device.switched_off.empty())
    return {fmt::format("self-test: {} kernel variants compute rightly", tried)};
  std::vector<std::string> lines{
      fmt::format("self-test: {} of {} kernel variants are switched off", device.switched_off.size(), tried)};
  for (const SwitchedOffVariant& off : device.switched_off)
    lines.push_back(fmt::format("  {}: {}", off.variant, off.reason));
  return lines;
}

/// Lines of a table: which variant is chosen for what, and why.
std::vector<std::string> kernels_of(const DeviceInfo& device) {
  const auto line = [](std::string_view kernel, std::string_view format, std::string_view purpose,
                       std::string_view variant, std::string_view found, std::string_view tuned,
                       std::string_view suits) {
    return fmt::format("{:16}  {:7}  {:31}  {:32}  {:9}  {:14}  {}", kernel, format, purpose, variant, found,
                       tuned, suits);
  };
  std::vector<std::string> lines{line("kernel", "format", "for", "variant", "NMSE", "tuned", "suits")};
  for (const KernelChoice& choice : device.kernels) {
    const std::string found = choice.nmse ? fmt::format("{:.1e}", *choice.nmse) : "not tried";
    const std::string tuned = choice.rate ? fmt::format("{:.4g} {}", *choice.rate, choice.unit) : "";
    lines.push_back(line(choice.kernel, choice.format, choice.purpose,
                         choice.variant.empty() ? "none" : choice.variant, found, tuned, choice.suits));
  }
  return lines;
}

/// How much is told of each device.
enum class Detail { kReason, kFacts, kKernels };

std::string table_of(const std::vector<DeviceInfo>& devices, Detail detail) {
  size_t name_width = 4;
  for (const DeviceInfo& device : devices) name_width = std::max(name_width, printable(device.name).size());
  std::string table = fmt::format("{:5}  {:{}}  {:10}  {:>10}  {}\n", "index", "name", name_width, "type",
                                  "memory", "driver");
  const auto add_line = [&](std::string_view line) {
    table += fmt::format("{:5}  {}\n", "", printable(line));
  };
  for (const DeviceInfo& device : devices) {
    table += fmt::format("{:5}  {:{}}  {:10}  {:>10}  {}\n", device.index, printable(device.name), name_width,
                         device.type, human_size(device.memory_bytes), printable(device.driver));
    add_line(device.reason);
    if (detail == Detail::kReason) continue;
    add_line(facts_of(device));
    add_line(heaps_of(device));
    if (device.same_as) continue;
    for (const std::string& line : figures_of(device)) add_line(line);
    for (const std::string& line : self_test_of(device)) add_line(line);
    if (detail != Detail::kKernels) continue;
    for (const std::string& line : kernels_of(device)) add_line(line);
  }
  return table;
}

int devices(bool measure, bool kernels, bool as_json) {
  if (measure) measure_devices();
  const std::vector<DeviceInfo> found = devices_or_throw({});
  if (as_json) {
    auto list = Json::array();
    for (const DeviceInfo& device : found) list.push_back(to_json(device, kernels));
    write_output(list.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  } else {
    write_output(table_of(found, kernels ? Detail::kKernels : Detail::kFacts));
  }
  return kSuccess;
}

}  // namespace

int list_devices_as_table(const DeviceOptions& options) {
  write_output(table_of(devices_or_throw(options), Detail::kReason));
  return kSuccess;
}

Command add_devices_command(CLI::App& parent) {
  auto as_json = std::make_shared<bool>(false);
  auto measure = std::make_shared<bool>(false);
  auto kernels = std::make_shared<bool>(false);
  CLI::App* app = parent.add_subcommand("devices", "List the Vulkan devices, best first");
  app->add_flag("--measure", *measure,
                "Try the kernels and measure what the devices can do before, which takes some seconds each");
  app->add_flag("--kernels", *kernels, "Tell which variant of each kernel is chosen for what, and why");
  app->add_flag("--json", *as_json, "Print JSON");
  return {app, [=] { return devices(*measure, *kernels, *as_json); }};
}

}  // namespace motley::tools
