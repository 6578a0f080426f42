// Finds out whether the variants chosen for a device compute rightly there.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "kernels/profile.hpp"
#include "kernels/variant.hpp"
#include "kernels/workload.hpp"
#include "quant/format.hpp"

namespace motley::kernels {

/// What a model, or a part of one, asks of the kernels.
struct KernelNeeds {
  struct CacheTypes {
    bool keys_f32 = false;  ///< else half precision
    bool values_f32 = false;
  };

  std::vector<quant::Format> products;  ///< of matrices that vectors are multiplied with
  std::vector<quant::Format> tables;    ///< of embedding tables
  std::vector<CacheTypes> caches;
  uint32_t head_size = 80;    ///< of attention; 80 is no power of two
  bool single_heads = false;  ///< a KV head serves one query head alone; always tried with several
  /// Of matrices that vectors are multiplied with as they are, also where rounding them is faster.
  std::vector<quant::Format> exact_products = {};
};

/// Every format and every cache, and both kinds of heads.
KernelNeeds all_kernel_needs();

/// How the variants that there are for a use are compared with each other in speed.
struct Comparison {
  /// Use::key(). Two uses may have one there, where a device does not tell them apart.
  std::function<std::string(const Profile&)> key;
  /// Of a use of the same work: what was timed for that need not be timed again.
  std::function<std::string(const Profile&)> work;
  const char* unit = "";  ///< "GB/s" of weights or "GFLOP/s"
  /// Those that there are to choose from, best first by the kernel's table.
  std::function<std::vector<Choice<Variant>>(const Profile&)> variants;
  std::function<Workload(Context&)> workload;
};

/// Something that a kernel is used for; one variant of it is chosen for that.
struct KernelUse {
  std::string kernel;   ///< e.g. "matmul"
  std::string format;   ///< of the weights, "q4_0", or of the cache's keys and values, "f16/f32"; or empty
  std::string purpose;  ///< e.g. a TokenClass's name, "one token"; empty where it makes no difference
  std::function<Choice<Variant>(const Profile&)> choose;
  /// Runs the chosen variant on small awkward shapes and compares the results with a double-precision
  /// computation; the largest error, as a share of the results' power. NaN when a result is none, or infinite
  /// when it is something else altogether. Throws as Device::pipeline, submit and wait do.
  std::function<double(Context&)> error;
  double limit = 0;  ///< of the error, where the variant's arithmetic is Arithmetic::kFloat32
  std::optional<Comparison> comparison = {};  ///< nothing where there is but one variant for it
};

/// Everything the needs ask for. Kernels that every model runs come first.
std::vector<KernelUse> kernel_uses(const KernelNeeds& needs);

/// A variant to try.
struct Trial {
  const KernelUse* use;
  Choice<Variant> choice;

  std::string variant() const { return choice.shader.name; }
};

/// The first use whose chosen variant was not tried yet on the device; nothing when all were and passed.
/// Throws Error{kDeviceLost} when no variant is left for a use.
std::optional<Trial> next_trial(const Profile& profile, const std::vector<KernelUse>& uses);

/// Tries it. A variant that the driver refuses or that gives wrong results has not passed. Throws
/// Error{kDeviceLost} when the device failed meanwhile or took longer than a minute, and
/// Error{kOutOfMemory}; that is no verdict.
Verdict run_trial(Context& context, const Trial& trial);

}  // namespace motley::kernels
