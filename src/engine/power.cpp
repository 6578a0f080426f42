#include "engine/power.hpp"

#include <cstdint>
#include <fstream>
#include <span>
#include <string_view>

#include <dlfcn.h>

namespace motley::engine {
namespace {

/// NVML's functions as nvml.h of the CUDA toolkit declares them; each returns 0 on success.
using NvmlDevice = void*;
using NvmlVoidFunction = int (*)();
using NvmlHandleFunction = int (*)(const char* pci_bus_id, NvmlDevice* device);
using NvmlMilliwattsFunction = int (*)(NvmlDevice device, unsigned int* milliwatts);

/// An unsigned number of microwatts that is a file's whole content, in watts.
std::optional<double> read_microwatts(const std::filesystem::path& path) {
  std::ifstream file(path);
  uint64_t microwatts = 0;
  if (!(file >> microwatts)) return std::nullopt;
  return static_cast<double>(microwatts) / 1e6;
}

/// The first of these files that holds a number.
std::optional<double> read_first(const std::filesystem::path& folder,
                                 std::span<const std::string_view> names) {
  if (folder.empty()) return std::nullopt;
  for (const std::string_view name : names) {
    if (const auto watts = read_microwatts(folder / name)) return watts;
  }
  return std::nullopt;
}

constexpr std::string_view kNow[] = {"power1_average", "power1_input"};
constexpr std::string_view kLimit[] = {"power1_cap"};

/// The sensors of a GPU that know its power; empty when there are none.
std::filesystem::path find_sensors(const std::filesystem::path& sysfs, const std::string& pci_address) {
  std::error_code error;
  const std::filesystem::path folder = sysfs / "bus/pci/devices" / pci_address / "hwmon";
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (read_first(entry.path(), kNow) || read_first(entry.path(), kLimit)) return entry.path();
  }
  return {};
}

}  // namespace

/// The library loaded and begun, and the GPU as it names it.
struct PowerMeter::Nvml {
  void* library = nullptr;
  NvmlVoidFunction shut_down = nullptr;
  NvmlMilliwattsFunction usage = nullptr;
  NvmlMilliwattsFunction limit = nullptr;
  NvmlDevice device = nullptr;

  Nvml() = default;
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;
  ~Nvml() {
    if (shut_down != nullptr) shut_down();
    if (library != nullptr) ::dlclose(library);
  }

  template <typename Function>
  Function find(const char* name) const {
    return reinterpret_cast<Function>(::dlsym(library, name));
  }

  /// False when there is no such library or it does not know the GPU.
  bool open(const std::string& name, const std::string& pci_address) {
    library = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return false;
    const auto begin = find<NvmlVoidFunction>("nvmlInit_v2");
    const auto end = find<NvmlVoidFunction>("nvmlShutdown");
    const auto find_device = find<NvmlHandleFunction>("nvmlDeviceGetHandleByPciBusId_v2");
    usage = find<NvmlMilliwattsFunction>("nvmlDeviceGetPowerUsage");
    limit = find<NvmlMilliwattsFunction>("nvmlDeviceGetEnforcedPowerLimit");
    if (begin == nullptr || end == nullptr || find_device == nullptr || begin() != 0) return false;
    shut_down = end;
    return find_device(pci_address.c_str(), &device) == 0;
  }

  std::optional<double> ask(NvmlMilliwattsFunction function) const {
    unsigned int milliwatts = 0;
    if (function == nullptr || function(device, &milliwatts) != 0) return std::nullopt;
    return milliwatts / 1e3;
  }
};

PowerMeter::PowerMeter(const std::string& pci_address, const PowerSources& sources) {
  if (pci_address.empty()) return;
  auto nvml = std::make_unique<Nvml>();
  if (nvml->open(sources.nvml_library, pci_address)) {
    nvml_ = std::move(nvml);
  } else {
    sensors_ = find_sensors(sources.sysfs, pci_address);
  }
}

PowerMeter::PowerMeter(PowerMeter&&) noexcept = default;
PowerMeter& PowerMeter::operator=(PowerMeter&&) noexcept = default;
PowerMeter::~PowerMeter() = default;

std::optional<double> PowerMeter::watts() const {
  return nvml_ ? nvml_->ask(nvml_->usage) : read_first(sensors_, kNow);
}

std::optional<double> PowerMeter::limit_watts() const {
  return nvml_ ? nvml_->ask(nvml_->limit) : read_first(sensors_, kLimit);
}

}  // namespace motley::engine
