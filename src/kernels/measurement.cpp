#include "kernels/measurement.hpp"

#include <algorithm>
#include <array>
#include <functional>

#include "base/math.hpp"
#include "kernels/bandwidth.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/matmul.hpp"
#include "kernels/quantize.hpp"
#include "kernels/timing.hpp"
#include "vk/buffer.hpp"

namespace motley::kernels {
namespace {

constexpr const char* kPurpose = "measurement";
constexpr uint64_t kCopyBytes = uint64_t{16} << 20;  // the pieces in which weights are uploaded
constexpr uint32_t kVectorFloats = kActivationPadding;
constexpr uint32_t kFloatsPerAlignment = 64;  // 256 bytes, the most that Vulkan lets a device ask for

/// 1.0 as each half of a word and 0.0078 as a float: in every format a number that is neither NaN nor
/// denormal, both of which some processors compute slowly.
constexpr uint32_t kPattern = 0x3C003C00;

/// Slow drivers multiply fewer rows: those of so long a pass.
constexpr double kPassSeconds = 0.02;

vk::Buffer filled(vk::Device& device, uint64_t size_bytes, uint32_t pattern,
                  vk::MemoryUse use = vk::MemoryUse::kDevice) {
  vk::Buffer buffer(device, size_bytes, use, kPurpose);
  run_once(device, [&](vk::CommandList& commands) { commands.fill(buffer, pattern); });
  return buffer;
}

double copy_gbs(vk::Device& device, const vk::Buffer& from, const vk::Buffer& to) {
  const double seconds =
      best_pass_seconds(device, [&](vk::CommandList& commands) { commands.copy(from, to); });
  return static_cast<double>(from.size_bytes()) / seconds / 1e9;
}

void measure_link(Context& context, Measurements& result) {
  vk::Device& device = context.device;
  const vk::Buffer local = filled(device, kCopyBytes, kPattern);
  result.upload_gbs = copy_gbs(device, filled(device, kCopyBytes, kPattern, vk::MemoryUse::kUpload), local);
  result.download_gbs =
      copy_gbs(device, local, filled(device, kCopyBytes, kPattern, vk::MemoryUse::kReadback));
}

/// Dispatches that each read what the one before wrote, of one workgroup. Zeros stay zeros.
class TinyDispatches {
 public:
  explicit TinyDispatches(Context& context)
      : context_(context),
        gate_(filled(context.device, kVectorFloats * sizeof(float), 0)),
        up_(filled(context.device, kVectorFloats * sizeof(float), 0)) {}

  Pass pass(int dispatches) const {
    return [this, dispatches](vk::CommandList& commands) {
      for (int i = 0; i < dispatches; ++i)
        swiglu(context_, commands, {gate_, kVectorFloats}, {up_, kVectorFloats}, 1, 1);
    };
  }

 private:
  Context& context_;
  vk::Buffer gate_;
  vk::Buffer up_;
};

double measure_dispatch_us(Context& context) {
  constexpr int kFew = 32;
  constexpr int kMany = 288;
  const TinyDispatches tiny(context);
  const double few = best_pass_seconds(context.device, tiny.pass(kFew));
  const double many = best_pass_seconds(context.device, tiny.pass(kMany));
  // Readings may be disturbed; more dispatches never cost less, so then their own mean is taken.
  const double seconds = many > few ? (many - few) / (kMany - kFew) : many / kMany;
  return seconds * 1e6;
}

double measure_handoff_us(Context& context) {
  const TinyDispatches tiny(context);
  vk::CommandList commands(context.device);
  tiny.pass(1)(commands);
  commands.finish();
  std::array<double, 33> readings{};
  seconds_of(context.device, commands);  // the first run compiles
  for (double& reading : readings) reading = seconds_of(context.device, commands);
  // The usual time, not the least: a hand-off waits for threads to wake, as it will in earnest.
  std::ranges::nth_element(readings, readings.begin() + readings.size() / 2);
  return readings[readings.size() / 2] * 1e6;
}

/// Made-up weights of one format in buffers of their own.
class WeightSet {
 public:
  WeightSet(Context& context, quant::Format format)
      : shape_{format, 0, context.profile.measured_columns, context.profile.lanes} {
    const Profile& profile = context.profile;
    const vk::DeviceFacts& facts = context.device.facts();
    const uint64_t affordable = context.device.available_bytes() / 4 / profile.matvec_buffers;
    const uint64_t bytes = std::min({profile.matvec_buffer_bytes, affordable,
                                     facts.max_storage_buffer_range_bytes, facts.max_allocation_bytes});
    const uint64_t panels = std::max<uint64_t>(bytes / shape_.panel_bytes(), 1);
    shape_.rows = static_cast<uint32_t>(panels * shape_.panel_rows());
    for (uint32_t i = 0; i < profile.matvec_buffers; ++i)
      buffers_.push_back(filled(context.device, shape_.packed_bytes(), kPattern));
  }

  uint32_t rows() const { return shape_.rows; }
  uint32_t panel_rows() const { return shape_.panel_rows(); }
  size_t count() const { return buffers_.size(); }
  /// The first `rows` rows, whole panels, of one buffer as a matrix.
  Weight weight(size_t index, uint32_t rows) const {
    Weight weight;
    weight.shape = shape_;
    weight.shape.rows = rows;
    weight.parts.push_back({{buffers_[index], 0, weight.shape.packed_bytes()}, 0, rows});
    return weight;
  }

 private:
  PackedShape shape_;
  std::vector<vk::Buffer> buffers_;
};

/// Records products with the first rows of the matrices.
using RowsPass = std::function<void(vk::CommandList& commands, uint32_t rows)>;

/// Of `rows` rows, whole panels, those that take no longer than a pass should, by what a few of them take.
uint32_t affordable_rows(vk::Device& device, uint32_t rows, uint32_t panel_rows, const RowsPass& pass) {
  constexpr uint32_t kShare = 16;
  const uint32_t few = std::max(rows / kShare / panel_rows, 1U) * panel_rows;
  const Pass few_rows = [&](vk::CommandList& commands) { pass(commands, few); };
  run_once(device, few_rows);  // compiles
  const double affordable = few * (kPassSeconds / run_once(device, few_rows));
  if (affordable >= rows) return rows;
  return std::max(few, static_cast<uint32_t>(affordable) / panel_rows * panel_rows);
}

double measure_matvec_gbs(Context& context, const WeightSet& weights, const Vectors& x) {
  // Each matrix writes vectors of its own, so that none waits for another, as with q, k and v.
  const uint32_t stride = round_up(weights.rows(), kFloatsPerAlignment);
  const uint64_t vector_bytes = uint64_t{stride} * sizeof(float);
  const vk::Buffer y(context.device, vector_bytes * weights.count(), vk::MemoryUse::kDevice, kPurpose);
  const RowsPass pass = [&](vk::CommandList& commands, uint32_t rows) {
    for (size_t i = 0; i < weights.count(); ++i) {
      const Vectors to{{y, i * vector_bytes, vector_bytes}, stride};
      matmul(context, commands, weights.weight(i, rows), x, to, 1);
    }
  };
  const uint32_t rows = affordable_rows(context.device, weights.rows(), weights.panel_rows(), pass);
  const double seconds =
      best_pass_seconds(context.device, [&](vk::CommandList& commands) { pass(commands, rows); });
  const uint64_t bytes = weights.weight(0, rows).shape.packed_bytes() * weights.count();
  return static_cast<double>(bytes) / seconds / 1e9;
}

double measure_matmat_gflops(Context& context, const WeightSet& weights, const Vectors& x) {
  const Profile& profile = context.profile;
  const uint32_t tokens = profile.matmat_tokens;
  const uint32_t most_rows = std::min(profile.matmat_rows, weights.rows());
  const vk::Buffer y(context.device, uint64_t{most_rows} * tokens * sizeof(float), vk::MemoryUse::kDevice,
                     kPurpose);
  const RowsPass pass = [&](vk::CommandList& commands, uint32_t rows) {
    matmul(context, commands, weights.weight(0, rows), x, {y, most_rows}, tokens);
  };
  const uint32_t rows = affordable_rows(context.device, most_rows, weights.panel_rows(), pass);
  const double seconds =
      best_pass_seconds(context.device, [&](vk::CommandList& commands) { pass(commands, rows); });
  return 2.0 * rows * profile.measured_columns * tokens / seconds / 1e9;
}

}  // namespace

const FormatMeasurement* Measurements::find(quant::Format format) const {
  const auto found = std::ranges::find(formats, format, &FormatMeasurement::format);
  return found == formats.end() ? nullptr : &*found;
}

Measurements measure_device(Context& context) {
  Measurements result;
  result.bandwidth_gbs = measure_bandwidth_gbs(context);
  result.host_read_gbs = context.device.facts().has_host_memory()
                             ? measure_bandwidth_gbs(context, vk::MemoryUse::kUpload)
                             : result.bandwidth_gbs;
  measure_link(context, result);
  result.dispatch_us = measure_dispatch_us(context);
  result.handoff_us = measure_handoff_us(context);
  return result;
}

FormatMeasurement measure_format(Context& context, quant::Format format) {
  const Profile& profile = context.profile;
  const WeightSet weights(context, format);
  const uint32_t stride = round_up(profile.measured_columns, kActivationPadding);
  const uint32_t tokens = profile.matmat_tokens;
  const vk::Buffer floats = filled(context.device, uint64_t{stride} * tokens * sizeof(float), kPattern);
  const vk::Buffer rounded = filled(context.device, rounded_bytes(stride, tokens), kPattern);
  const Vectors x{floats, stride, rounded};
  return {format, measure_matvec_gbs(context, weights, x), measure_matmat_gflops(context, weights, x)};
}

}  // namespace motley::kernels
