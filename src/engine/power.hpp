// How much power a GPU takes, where the system tells.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace motley::engine {

/// Where to ask; tests have their own.
struct PowerSources {
  std::filesystem::path sysfs = "/sys";
  std::string nvml_library = "libnvidia-ml.so.1";
};

/// Watts of the GPU at a PCI address: by NVIDIA's management library (NVML, loaded at run time) where it
/// knows the GPU, else by the kernel's sensors (hwmon in sysfs; AMD's and Intel's drivers have them). Nothing
/// is known of GPUs without either, nor without a PCI address. Thread-safe.
class PowerMeter {
 public:
  /// `pci_address` as in vk::DeviceFacts: "0000:01:00.0".
  explicit PowerMeter(const std::string& pci_address, const PowerSources& sources = {});
  PowerMeter(PowerMeter&&) noexcept;
  PowerMeter& operator=(PowerMeter&&) noexcept;
  ~PowerMeter();

  /// What it takes now; drivers average over some milliseconds up to a second.
  std::optional<double> watts() const;
  /// What it is allowed to take.
  std::optional<double> limit_watts() const;

 private:
  struct Nvml;
  std::unique_ptr<Nvml> nvml_;     ///< none: it does not know the GPU
  std::filesystem::path sensors_;  ///< the hwmon folder; empty: none
};

}  // namespace motley::engine
