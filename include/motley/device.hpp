// The devices that Vulkan shows, and what they were measured to do.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <motley/common.hpp>

namespace motley {

/// What a device was measured to do, with the kernels that run models on it. Rates in 10^9 a second.
struct DeviceMeasurements {
  struct Rate {
    std::string format;        ///< of the weights, e.g. "q4_0"
    double matvec_gbs = 0;     ///< bytes of weights read while a token is decoded
    double matmat_gflops = 0;  ///< arithmetic while 512 tokens of a prompt are run at once
    double few_gflops = 0;     ///< while 32 are
    double product_us = 0;     ///< what a product costs beside its bytes while a token is decoded
  };

  double bandwidth_gbs = 0;  ///< reading its own memory
  double host_read_gbs = 0;  ///< its kernels reading host memory; the same where the host's is its own
  double upload_gbs = 0;     ///< copies from host memory
  double download_gbs = 0;   ///< copies to host memory
  double dispatch_us = 0;    ///< one more dispatch that waits for the one before it
  double handoff_us = 0;     ///< submitting next to no work and waiting for it
  double decode_attention_gflops = 0;   ///< attention of one token
  double prefill_attention_gflops = 0;  ///< of a prompt
  double activation_gbs = 0;            ///< norms and other work on single vectors
  std::vector<Rate> rates;              ///< of the formats that were measured
};

/// Memory that a device's buffers may lie in.
struct DeviceHeap {
  std::uint64_t size_bytes = 0;
  bool device_local = false;  ///< the device's own; else the host's, which it reads over its link
};

/// What a kernel is used for on a device, and the variant of it that is chosen for that.
struct KernelChoice {
  std::string kernel;   ///< e.g. "matmul"
  std::string format;   ///< of weights, "q4_0", or of keys and values, "f16/f32"; empty: none
  std::string purpose;  ///< e.g. "one token"; empty where it makes no difference
  std::string variant;  ///< e.g. "matmul.q4_0.b8"; empty where none is left: the device cannot be used
  std::string suits;    ///< devices that the variant is for, e.g. "subgroups of 8"
  std::optional<double>
      nmse;  ///< its error in the self-test, as a share of the results' power; none: not tried yet
  /// How fast tuning found it, 10^9 a second; none: not timed, so that the kernel's table alone decides.
  std::optional<double> rate;
  std::string unit;  ///< of the rate: "GB/s" of weights or "GFLOP/s"
};

/// What tuning found for a use of a kernel for which a device has several variants.
struct KernelTuning {
  struct Figure {
    std::string variant;
    std::optional<double> rate;  ///< 10^9 a second; none: it was not timed
  };

  std::string kernel, format, purpose;  ///< as of KernelChoice
  std::string unit;                     ///< "GB/s" of weights or "GFLOP/s"
  std::string variant;                  ///< the one that is taken
  std::vector<Figure> figures;          ///< of those tried, in the order of the kernel's table
};

struct TuneOptions {
  std::vector<std::string> formats;  ///< of weights, e.g. "q4_0"; empty: all, and attention over prompts
  /// Called before the variants of a use are tried and timed.
  std::function<void(std::string_view kernel, std::string_view format, std::string_view purpose,
                     std::size_t variants)>
      progress;
};

/// A kernel variant that the self-test switched off for a device with its driver.
struct SwitchedOffVariant {
  std::string variant;
  std::string reason;
};

/// What a Vulkan device is, as its driver reports it.
struct DeviceInfo {
  std::uint32_t index = 0;           ///< position in the Vulkan loader's list: what `--device 0` means
  std::string name;                  ///< e.g. "NVIDIA GeForce RTX 4090"
  std::string type;                  ///< "discrete", "integrated", "virtual", "cpu" or "other"
  std::string uuid;                  ///< 8-4-4-4-12 hexadecimal
  std::string driver;                ///< name and version
  std::string vulkan_version;        ///< e.g. "1.3.230"
  std::uint64_t memory_bytes = 0;    ///< of all device-local heaps
  std::uint32_t subgroup_size = 0;   ///< lanes that run together
  bool float16 = false;              ///< 16-bit float arithmetic
  bool integer_dot_product = false;  ///< hardware or emulated 8-bit dot products
  std::string reason;                ///< why it stands at this place in the ranking, one sentence
  std::string pci_address;           ///< "0000:01:00.0"; empty where the driver does not tell
  std::vector<DeviceHeap> heaps;
  /// Where another driver offers the same GPU and is preferred: that one's index. It is the one to use.
  std::optional<std::uint32_t> same_as;
  /// Kept from an earlier measurement with this driver and version of Motley; none: not measured yet.
  std::optional<DeviceMeasurements> measurements;
  /// Every use of every kernel. Variants are tried before they are first used with a driver; what was found
  /// is kept for this version of Motley.
  std::vector<KernelChoice> kernels;
  std::vector<SwitchedOffVariant> switched_off;
};

struct DeviceOptions {
  /// Loads the Vulkan validation layer with synchronization checks: slow, for finding faults.
  bool validate = false;
};

/// All devices with Vulkan 1.2, best first; measures nothing. Throws kNoDevice when there is no Vulkan loader
/// or driver; empty when the drivers offer no device.
MOTLEY_API std::vector<DeviceInfo> list_devices(const DeviceOptions& options = {});

/// A device opened for work. A handle: copies refer to the same device. Thread-safe, but engines and sessions
/// that share a device run one after another.
class MOTLEY_API Device {
 public:
  /// `selector`: empty for the best ranked device, else an index, a UUID, a PCI address, or a part of the
  /// name or a pattern of it with * and ? (any case) that fits exactly one device. Throws kNoDevice, listing
  /// what there is, when none or several fit.
  static Device open(std::string_view selector = {}, const DeviceOptions& options = {});

  const DeviceInfo& info() const;
  /// Rate at which the device reads its own memory, in 10^9 bytes a second; measured at the first call (under
  /// a second).
  double bandwidth_gbs() const;
  /// 10^9 single-precision operations a second that its shaders do without matrix units, a multiplication and
  /// an addition counting as two; measured at the first call, as the next.
  double arithmetic_gflops() const;
  /// The same of products of half-precision matrices by the matrix units that prompts are run with; 0 where
  /// there are none that serve.
  double matrix_gflops() const;
  /// What it draws now, where the driver or the system tells; they average over up to a second.
  std::optional<double> watts() const;
  /// What the device can do with weights of every format; measured where it is not known from before, or
  /// `again`, and kept; the kernels are tried before, likewise. Takes some seconds on a GPU, on software
  /// drivers more, mostly to compile. Throws kDeviceLost where a kernel has no variant that computes rightly.
  /// Must not run while an engine uses the device.
  DeviceMeasurements measure(bool again = false) const;
  /// Times all variants of kernels between which the device has the choice and keeps the fastest for this
  /// driver and version of Motley: engines take them from then on. A variant must be 5 % faster than the one
  /// that comes first in its kernel's table to be taken in its place, and one with coarser arithmetic never
  /// is. Measured rates of formats are forgotten where another variant is taken now. Some seconds on a GPU,
  /// minutes on software drivers. Throws as measure(), and kInvalidArgument for a format that is none. Must
  /// not run while an engine uses the device.
  std::vector<KernelTuning> tune(const TuneOptions& options = {}) const;
  /// Bytes that Motley has allocated on the device: now, and at most so far.
  std::uint64_t allocated_bytes() const;
  std::uint64_t peak_allocated_bytes() const;
  /// Messages of the validation layer so far; 0 without DeviceOptions::validate.
  std::uint32_t validation_messages() const;

 private:
  friend struct Access;
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace motley
