// Compiles every kernel for an AMD GPU that is not there.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace motley::isa {

/// What the compiler made of one kernel. The figures are RADV's and its ACO compiler's own.
struct Figures {
  double vgprs = 0;  ///< vector registers a lane
  double sgprs = 0;  ///< scalar registers a subgroup
  double spilled_vgprs = 0;
  double spilled_sgprs = 0;
  double scratch_bytes = 0;       ///< memory for what does not fit registers
  double shared_bytes = 0;        ///< of a workgroup
  double subgroups_per_simd = 0;  ///< that run at once: occupancy
  double instructions = 0;
  double latency = 0;             ///< estimated cycles of a subgroup alone
  double inverse_throughput = 0;  ///< estimated cycles that 64 invocations keep a full SIMD busy
};

/// A figure by name, for everything that treats all alike.
struct FigureInfo {
  const char* key;        ///< in JSON
  const char* heading;    ///< of a table's column
  const char* statistic;  ///< the driver's name for it
  double Figures::*member;
};
std::span<const FigureInfo> all_figures();

/// One kernel with the specialization constants that a use gave it, and its figures.
struct Row {
  std::string family;
  std::string use;     ///< the first use (kernel_uses.hpp) that wanted it
  std::string kernel;  ///< name in the shader table
  std::vector<uint32_t> constants;
  Figures figures;
};

/// The generations that the compiler is asked for: GCN 4, GCN 5, RDNA 1, RDNA 2, RDNA 3.
std::span<const char* const> all_families();

struct Compiled {
  std::string driver;
  uint32_t min_subgroup_size = 0;
  uint32_t max_subgroup_size = 0;
  bool dot_products = false;  ///< of bytes, in hardware
  std::vector<Row> rows;
};

/// Compiles all uses for the family (a name that $RADV_FORCE_FAMILY takes) with subgroups of that size (0:
/// the driver's choice). Needs the null hardware of RADV, which Mesa had until 22.3: nothing where it is not
/// there. The size may be one that the family does not have; then there are no rows. Sets $RADV_FORCE_FAMILY
/// and $VK_ICD_FILENAMES of this process. Throws motley::Error when a kernel does not compile.
std::optional<Compiled> compile(const std::string& family, uint32_t subgroup_size = 0);

}  // namespace motley::isa
