// Kernels are tried on a device before it is first used with a driver, and what was found is kept.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "engine/device_files.hpp"
#include "kernels/profile.hpp"
#include "kernels/self_test.hpp"
#include "model/config.hpp"
#include "model/tensors.hpp"

namespace motley::engine {

/// Verdicts on kernel variants as DeviceFiles keeps them. Thread-safe, and safe among processes.
class VariantCache {
 public:
  struct Known {
    kernels::Choices choices;
    /// The variant that was being tried when the file was written. Still there when nobody is at it, that
    /// program ended meanwhile.
    std::string trying;
  };

  /// Without a directory nothing is kept.
  explicit VariantCache(std::optional<std::filesystem::path> directory = cache_directory(),
                        std::string version = version_string());

  /// Nothing is known where there is no file that counts.
  Known load(const vk::DeviceFacts& facts) const;
  void save(const vk::DeviceFacts& facts, const Known& known) const;

  const DeviceFiles& files() const { return files_; }

 private:
  DeviceFiles files_;
};

/// Sees to it that every variant which `context` chooses for these needs was tried on its device, now or
/// earlier, and passed: others are switched off in its profile, with a warning, and the next of their table
/// tried. A variant at which the driver took the program down the last time counts as tried. `again` forgets
/// what was found before. Costs nothing where the profile has all the verdicts and some tenths of a
/// millisecond where the file has. Throws Error{kDeviceLost} when a kernel has no variant left or the device
/// fails, Error{kOutOfMemory}.
void test_kernels(kernels::Context& context, const kernels::KernelNeeds& needs,
                  const VariantCache& cache = VariantCache(), bool again = false);

/// What these tensors of a model ask of the kernels, without a cache.
kernels::KernelNeeds kernel_needs(const model::Tensors& tensors, const model::Config& config);

}  // namespace motley::engine
