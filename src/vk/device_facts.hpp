// What a device is and can do, found out once, as plain data.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace motley::vk {

enum class DeviceType { kDiscrete, kIntegrated, kVirtual, kCpu, kOther };

const char* to_string(DeviceType type);

struct HeapFacts {
  uint64_t size_bytes = 0;
  bool device_local = false;
};

/// A kind of memory that buffers may lie in; its heap says how much there is.
struct MemoryTypeFacts {
  uint32_t heap = 0;  ///< into DeviceFacts::heaps
  bool device_local = false;
  bool host_visible = false;
  bool host_coherent = false;
  bool host_cached = false;
};

/// A product of cooperative matrices: [m][k] times [k][n].
struct MatrixShape {
  uint32_t m = 0;
  uint32_t n = 0;
  uint32_t k = 0;
};

/// Who multiplies matrices of any size together: its rows, columns and depth are multiples of `granularity`.
struct MatrixTeam {
  MatrixShape granularity;
  uint32_t workgroup = 0;  ///< the invocations of a workgroup that does it as a whole; 0: a subgroup does it
};

/// Of a texel buffer as kernels read it: four 32-bit words.
constexpr uint64_t kTexelBytes = 16;

/// Properties, limits and the feature tiers that kernels choose by. Everything here was reported by the
/// driver.
struct DeviceFacts {
  std::string name;
  DeviceType type = DeviceType::kOther;
  uint32_t vendor_id = 0;
  uint32_t device_id = 0;
  std::array<uint8_t, 16> uuid{};
  std::string pci_address;  ///< domain:bus:device.function, "0000:01:00.0"; empty: not told
  std::optional<std::array<uint8_t, 8>> luid;  ///< the system's own number for the GPU, where it has one
  uint32_t api_version = 0;
  std::string driver_name;  ///< e.g. "llvmpipe"
  std::string driver_info;  ///< e.g. "Mesa 22.3.6 (LLVM 15.0.6)"
  uint32_t driver_version = 0;
  uint32_t driver_id = 0;  ///< a VkDriverId
  std::array<uint8_t, 16> pipeline_cache_uuid{};

  std::vector<HeapFacts> heaps;
  std::vector<MemoryTypeFacts> memory_types;

  uint64_t max_storage_buffer_range_bytes = 0;
  uint64_t max_texel_buffer_bytes = 0;  ///< of texels of four words
  uint64_t max_allocation_bytes = 0;
  uint64_t storage_buffer_alignment_bytes = 0;
  uint64_t texel_buffer_alignment_bytes = 0;
  uint64_t non_coherent_atom_bytes = 0;
  uint32_t max_workgroup_invocations = 0;
  uint32_t max_shared_memory_bytes = 0;
  std::array<uint32_t, 3> max_workgroup_count{};
  uint32_t subgroup_size = 0;  ///< of shaders that ask for none
  uint32_t min_subgroup_size = 0;
  uint32_t max_subgroup_size = 0;
  double timestamp_period_ns = 0;
  uint32_t timestamp_bits = 0;  ///< that the compute queue's timestamps have; 0: it has none

  bool storage_16bit = false;    ///< 16-bit values in storage buffers
  bool float16 = false;          ///< 16-bit float arithmetic
  bool int8 = false;             ///< 8-bit integers in storage buffers and arithmetic
  bool subgroup_ballot = false;  ///< includes broadcasting a lane's value
  /// Shaders may read a buffer by its 64-bit address, and reckon with those.
  bool buffer_device_address = false;
  bool integer_dot_product = false;  ///< shaders may have dot products of integers, four packed bytes too
  bool packed_dot_product_accelerated = false;  ///< such of signed bytes take fewer instructions than without
  /// Alignment of host memory that the device can work on in place; 0: it cannot.
  uint64_t host_import_alignment_bytes = 0;
  bool memory_budget = false;
  bool subgroup_size_control = false;  ///< shaders may ask for a size from min_ to max_subgroup_size
  bool full_subgroups = false;         ///< and for workgroups whose subgroups have no idle lanes
  /// Products of half-precision matrices with sums in single precision that a subgroup computes together;
  /// empty unless shaders may declare all that such products need.
  std::vector<MatrixShape> half_matrices;
  /// The same of matrices as large as max_matrix_dimension, of which single numbers can be worked on.
  std::vector<MatrixTeam> half_matrix_teams;
  uint32_t max_matrix_dimension = 0;
  uint32_t matrix_team_shared_bytes =
      0;                             ///< of shared memory that a workgroup's matrices take for themselves
  bool pipeline_statistics = false;  ///< the driver tells what its compiler made of a shader

  /// Bytes of all device-local heaps together.
  uint64_t device_local_bytes() const;
  /// The UUID in the usual 8-4-4-4-12 hexadecimal form.
  std::string uuid_string() const;
  /// The LUID as 16 hexadecimal digits; empty where there is none.
  std::string luid_string() const;
  /// Whether the host sees memory that is not the device's own, so that the device reads it over its link.
  bool has_host_memory() const;
};

}  // namespace motley::vk
