#include "placement/machine_file.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/nearest.hpp"

namespace motley::placement {
namespace {

using nlohmann::json;

constexpr size_t kMaxDepth = 8;  // the format needs 5
constexpr size_t kMaxNameBytes = 200;
constexpr double kMaxFigure = 1e9;  // that of check_machine()
constexpr double kMinFigure = 1e-6;
constexpr uint64_t kMaxMemoryBytes = uint64_t{1} << 50;

constexpr std::array<std::pair<std::string_view, DeviceClass>, 5> kTypes{
    {{"discrete", DeviceClass::kDiscrete},
     {"integrated", DeviceClass::kIntegrated},
     {"virtual", DeviceClass::kVirtual},
     {"cpu", DeviceClass::kCpu},
     {"other", DeviceClass::kOther}}};

std::string shortened(std::string text) {
  constexpr size_t kLongest = 60;
  if (text.size() <= kLongest) return text;
  size_t end = kLongest;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // whole characters
  return text.substr(0, end) + "...";
}

/// One object of the file and where it stands. Fields are asked for by name; absent ones are nothing or 0.
class Fields {
 public:
  Fields(const json& object, std::string where, const std::string& file)
      : object_(object), where_(std::move(where)), file_(file) {
    if (!object.is_object()) refuse("", object, "an object in braces");
  }

  void allow(std::initializer_list<std::string_view> names) const {
    for (const auto& item : object_.items()) {
      if (item.key() == "source" || std::ranges::find(names, item.key()) != names.end()) continue;
      fail(ErrorCode::kInvalidArgument, "'{}': {} is unknown; known are, the nearest first: {}, source",
           file_, place(shortened(item.key())), list_nearest_first(names, item.key()));
    }
  }

  const json* find(const char* name) const {
    const auto found = object_.find(name);
    return found == object_.end() ? nullptr : &*found;
  }

  const json& require(const char* name, const char* wanted) const {
    const json* const found = find(name);
    if (found != nullptr) return *found;
    fail(ErrorCode::kInvalidArgument, "'{}': {} is missing, want {}", file_, place(name), wanted);
  }

  std::string name() {
    constexpr const char* kWanted = "a name of 1 to 200 bytes";
    const json& value = require("name", kWanted);
    if (!value.is_string()) refuse("name", value, kWanted);
    auto text = value.get<std::string>();
    if (text.empty() || text.size() > kMaxNameBytes) refuse("name", value, kWanted);
    owner_ = " of '" + text + "'";
    return text;
  }

  double figure(const char* name) const {
    const json* const value = find(name);
    if (value == nullptr) return 0;
    const double figure = value->is_number() ? value->get<double>() : 0;
    if (!(figure > 0)) refuse(name, *value, "a figure above 0");
    if (!(figure >= kMinFigure && figure <= kMaxFigure)) {
      refuse(name, *value, fmt::format("a figure from {} to {}", kMinFigure, kMaxFigure));
    }
    return figure;
  }

  uint64_t bytes(const char* name) const {
    const json* const value = find(name);
    if (value == nullptr) return 0;
    const double figure = value->is_number() ? value->get<double>() : 0;
    const bool whole = figure == std::floor(figure);
    if (!(whole && figure >= 1 && figure <= static_cast<double>(kMaxMemoryBytes))) {
      refuse(name, *value, fmt::format("whole bytes from 1 to {}", kMaxMemoryBytes));
    }
    return value->get<uint64_t>();
  }

  DeviceClass type() const {
    const json* const value = find("type");
    if (value == nullptr) return DeviceClass::kDiscrete;
    const std::string text = value->is_string() ? value->get<std::string>() : "";
    const auto found = std::ranges::find(kTypes, text, &decltype(kTypes)::value_type::first);
    if (found == kTypes.end()) refuse("type", *value, "discrete, integrated, virtual, cpu or other");
    return found->second;
  }

  /// The object in field `name`.
  Fields inner(const std::string& name, const json& value) const {
    return {value, where_.empty() ? name : where_ + "." + name, file_};
  }

  [[noreturn]] void refuse(const std::string& name, const json& found, std::string_view wanted) const {
    fail(ErrorCode::kInvalidArgument, "'{}': {}: {}, want {}", file_, place(name),
         shortened(found.dump(-1, ' ', false, json::error_handler_t::replace)), wanted);
  }

 private:
  std::string place(const std::string& name) const {
    const std::string path = where_ + (where_.empty() || name.empty() ? "" : ".") + name;
    return (path.empty() ? "the file" : path) + owner_;
  }

  const json& object_;
  std::string where_;
  std::string owner_;
  const std::string& file_;
};

/// Depth is bounded so that nothing that walks the values need fear for its stack, and a field that is there
/// twice is refused, since one of the two would be lost.
json parse(std::string_view text, const std::string& file) {
  std::vector<std::set<std::string>> open;
  const auto check = [&](int /*depth*/, json::parse_event_t event, const json& parsed) {
    switch (event) {
      case json::parse_event_t::object_start:
      case json::parse_event_t::array_start:
        open.emplace_back();
        if (open.size() <= kMaxDepth) break;
        fail(ErrorCode::kInvalidArgument, "'{}': more than {} levels of brackets; a file of devices has 5",
             file, kMaxDepth);
      case json::parse_event_t::object_end:
      case json::parse_event_t::array_end:
        open.pop_back();
        break;
      case json::parse_event_t::key:
        if (open.back().insert(parsed.get<std::string>()).second) break;
        fail(ErrorCode::kInvalidArgument, "'{}': the field {} is there twice in one object: drop one", file,
             shortened(parsed.dump()));
      case json::parse_event_t::value:
        break;
    }
    return true;
  };
  try {
    return json::parse(text, check);
  } catch (const json::exception& error) {
    const std::string_view what = error.what();
    const size_t prefix = what.find("] ");  // of "[json.exception.parse_error.101] "
    fail(ErrorCode::kInvalidArgument, "'{}' is no JSON text: {}", file,
         what.substr(prefix == what.npos ? 0 : prefix + 2));
  }
}

std::vector<FormatRate> read_rates(const Fields& device, std::span<const std::string_view> formats) {
  std::vector<FormatRate> rates;
  const json* const value = device.find("rates");
  if (value == nullptr) return rates;
  const Fields all = device.inner("rates", *value);
  for (const auto& item : value->items()) {
    if (item.key() == "source") continue;
    const Fields rate = all.inner(item.key(), item.value());
    if (!formats.empty() && std::ranges::find(formats, item.key()) == formats.end()) {
      all.refuse(shortened(item.key()), item.value(),
                 "a weight format; there are, the nearest first: " + list_nearest_first(formats, item.key()));
    }
    rate.allow({"matvec_gbs", "matmat_gflops"});
    rates.push_back({item.key(), rate.figure("matvec_gbs"), rate.figure("matmat_gflops")});
  }
  return rates;
}

PlanDevice read_device(Fields device, std::span<const std::string_view> formats) {
  PlanDevice result;
  result.name = device.name();
  device.allow({"name", "type", "memory_bytes", "bandwidth_gbs", "matrix_tflops", "link_gbs", "dispatch_us",
                "handoff_us", "power_w", "rates"});
  result.device_class = device.type();
  (void)device.require("memory_bytes", "the bytes that may be used");
  result.memory_bytes = device.bytes("memory_bytes");
  result.bandwidth_gbs = device.figure("bandwidth_gbs");
  result.matrix_tflops = device.figure("matrix_tflops");
  result.link_gbs = device.figure("link_gbs");
  result.dispatch_us = device.figure("dispatch_us");
  result.handoff_us = device.figure("handoff_us");
  result.power_w = device.figure("power_w");
  result.rates = read_rates(device, formats);
  return result;
}

}  // namespace

Machine parse_machine(std::string_view text, const std::string& file,
                      std::span<const std::string_view> formats) {
  const json content = parse(text, file);
  const Fields top(content, "", file);
  top.allow({"devices", "host"});
  const std::string wanted = fmt::format("a list of 1 to {} devices", kMaxDevices);
  const json& devices = top.require("devices", wanted.c_str());
  if (!devices.is_array()) top.refuse("devices", devices, wanted);
  if (devices.empty() || devices.size() > kMaxDevices) {
    fail(ErrorCode::kInvalidArgument, "'{}': devices: {} of them, want {}", file, devices.size(), wanted);
  }
  Machine machine;
  for (size_t i = 0; i < devices.size(); ++i) {
    machine.devices.push_back(read_device({devices[i], fmt::format("devices[{}]", i), file}, formats));
  }
  if (const json* const value = top.find("host")) {
    const Fields host = top.inner("host", *value);
    host.allow({"memory_bytes", "bandwidth_gbs"});
    machine.host = {host.bytes("memory_bytes"), host.figure("bandwidth_gbs")};
  }
  number_namesakes(machine);
  return machine;
}

Machine read_machine_file(const std::filesystem::path& path, std::span<const std::string_view> formats) {
  return parse_machine(read_whole_file(path, kMaxMachineFileBytes), path.string(), formats);
}

void number_namesakes(Machine& machine) {
  std::set<std::string> taken;
  for (PlanDevice& device : machine.devices) {
    const std::string name = device.name;
    for (int number = 2; !taken.insert(device.name).second; ++number) {
      device.name = fmt::format("{} #{}", name, number);
    }
  }
}

}  // namespace motley::placement
