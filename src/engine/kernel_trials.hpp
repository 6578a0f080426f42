// Kernel variants tried on a device, with a mark on disk while each is.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/device_files.hpp"
#include "kernels/profile.hpp"
#include "kernels/self_test.hpp"

namespace motley::engine {

/// What is known of kernel variants as DeviceFiles keeps it. Thread-safe, and safe among processes.
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
                        std::string build = this_build());

  /// Nothing is known where there is no file that counts.
  Known load(const vk::DeviceFacts& facts) const;
  void save(const vk::DeviceFacts& facts, const Known& known) const;

  const DeviceFiles& files() const { return files_; }

 private:
  DeviceFiles files_;
};

/// Adds what is known to what a context knows, in whose place it comes.
void take(kernels::Choices& into, const kernels::Choices& known);

/// Tries variants on one device and writes down each before and after: where the driver takes the program
/// down, the file says at which. What the context knows of variants is what is written.
class KernelTrials {
 public:
  KernelTrials(kernels::Context& context, const VariantCache& cache, const DeviceFiles::Turn& turn)
      : context_(context), cache_(cache), turn_(turn) {}

  /// Takes over what is written, by who had the turn before too. A variant that is still marked as being
  /// tried has not passed.
  void read();
  /// Until every use has a variant that passed. Throws as kernels::next_trial and run_trial do.
  void run(const std::vector<kernels::KernelUse>& uses);
  /// Keeps the verdict, with a warning where the variant is switched off.
  void conclude(const std::string& variant, const kernels::Verdict& verdict);
  /// Another's turn is not written into.
  void save(const std::string& trying = {}) const;

 private:
  kernels::Verdict try_one(const kernels::Trial& trial);

  kernels::Context& context_;
  const VariantCache& cache_;
  const DeviceFiles::Turn& turn_;
};

}  // namespace motley::engine
