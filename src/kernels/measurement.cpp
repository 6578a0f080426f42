#include "kernels/measurement.hpp"

#include <algorithm>
#include <array>

#include "base/math.hpp"
#include "kernels/bandwidth.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/made_up.hpp"
#include "kernels/made_up_attention.hpp"
#include "kernels/matmul.hpp"
#include "kernels/timing.hpp"
#include "placement/machine.hpp"
#include "vk/buffer.hpp"

namespace motley::kernels {
namespace {

constexpr uint64_t kCopyBytes = uint64_t{16} << 20;  // the pieces in which weights are uploaded
constexpr uint32_t kVectorFloats = kActivationPadding;

/// What is told where less than this was measured, for a figure of 0 is none.
constexpr double kLeastMicroseconds = 1e-3;

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

/// Sets what products with one vector cost: their bytes' rate from large matrices, and from the same bytes in
/// many small ones what each costs beside.
void measure_matvec(Context& context, const WeightSet& weights, const Vectors& x, FormatMeasurement& result) {
  constexpr uint32_t kSmallPanels = 8;  // such as the keys' and values' projections of small models
  // Each matrix writes vectors of its own, so that none waits for another, as with q, k and v.
  const uint32_t stride = round_up(weights.rows(), kFloatsPerAlignment);
  const uint64_t vector_bytes = uint64_t{stride} * sizeof(float);
  const vk::Buffer y(context.device, vector_bytes * weights.count(), vk::MemoryUse::kDevice, kMeasuring);
  const auto multiply = [&](vk::CommandList& commands, uint32_t rows, uint32_t matrix_rows) {
    for (size_t i = 0; i < weights.count(); ++i) {
      for (uint32_t row = 0; row < rows; row += matrix_rows) {
        const uint32_t count = std::min(matrix_rows, rows - row);
        const Vectors to{{y, i * vector_bytes + row * sizeof(float), count * sizeof(float)}, stride};
        matmul(context, commands, weights.weight(i, row, count), x, to, 1);
      }
    }
  };
  const uint32_t rows =
      affordable_rows(context.device, weights.rows(), weights.panel_rows(),
                      [&](vk::CommandList& commands, uint32_t some) { multiply(commands, some, some); });
  const double seconds =
      best_pass_seconds(context.device, [&](vk::CommandList& commands) { multiply(commands, rows, rows); });
  const uint64_t bytes = weights.weight(0, rows).shape.packed_bytes() * weights.count();
  result.matvec_gbs = static_cast<double>(bytes) / seconds / 1e9;

  const uint32_t small = kSmallPanels * weights.panel_rows();
  const uint32_t more = (div_ceil(rows, small) - 1) * static_cast<uint32_t>(weights.count());
  const double small_seconds =
      best_pass_seconds(context.device, [&](vk::CommandList& commands) { multiply(commands, rows, small); });
  // Readings may be disturbed; and where hardly anything is beside, it is not measured.
  const double us = more > 0 ? (small_seconds - seconds) / more * 1e6 : 0;
  result.product_us = std::max(us, kLeastMicroseconds);
}

double measure_matmat_gflops(Context& context, const WeightSet& weights, const Vectors& x, uint32_t tokens) {
  const Profile& profile = context.profile;
  const uint32_t most_rows = std::min(profile.matmat_rows, weights.rows());
  const vk::Buffer y(context.device, uint64_t{most_rows} * tokens * sizeof(float), vk::MemoryUse::kDevice,
                     kMeasuring);
  const RowsPass pass = [&](vk::CommandList& commands, uint32_t rows) {
    matmul(context, commands, weights.weight(0, rows), x, {y, most_rows}, tokens);
  };
  const uint32_t rows = affordable_rows(context.device, most_rows, weights.panel_rows(), pass);
  const double seconds =
      best_pass_seconds(context.device, [&](vk::CommandList& commands) { pass(commands, rows); });
  return 2.0 * rows * profile.measured_columns * tokens / seconds / 1e9;
}

/// Of a token that attends to all positions.
double measure_decode_attention_gflops(Context& context, MadeUpAttention& attention, double dispatch_us) {
  const uint32_t last = attention.positions() - 1;
  attention.set_position(last);
  const double seconds = best_pass_seconds(
      context.device, [&](vk::CommandList& commands) { attention.decode(context, commands); });
  // Its dispatch is counted as such.
  return attention.giga(1, last) / std::max(seconds - 1e-6 * dispatch_us, seconds / 4);
}

/// Of a chunk in the middle of a prompt.
double measure_prefill_attention_gflops(Context& context, MadeUpAttention& attention) {
  const uint32_t first = MadeUpAttention::middle(context.profile);
  attention.set_position(first);
  const double seconds = best_pass_seconds(
      context.device, [&](vk::CommandList& commands) { attention.prefill(context, commands); });
  return attention.giga(context.profile.measured_chunk, first) / seconds;
}

/// Two norms and the activation of a feed-forward part four times as wide, as a layer has them.
double measure_activation_gbs(Context& context) {
  constexpr uint32_t kWider = 4;
  const uint32_t width = context.profile.measured_columns;
  const uint32_t tokens = context.profile.measured_chunk;
  const uint64_t narrow_bytes = uint64_t{width} * tokens * sizeof(float);
  const vk::Buffer weight = filled(context.device, uint64_t{width} * sizeof(float), kPattern);
  const vk::Buffer x = filled(context.device, narrow_bytes, kPattern);
  const vk::Buffer y = filled(context.device, narrow_bytes, kPattern);
  const vk::Buffer gate = filled(context.device, narrow_bytes * kWider, kPattern);
  const vk::Buffer up = filled(context.device, narrow_bytes * kWider, kPattern);
  const double seconds = best_pass_seconds(context.device, [&](vk::CommandList& commands) {
    for (int i = 0; i < 2; ++i)
      rms_norm(context, commands, {weight}, {x, width}, 0, {y, width}, width, tokens, 1e-5F);
    swiglu(context, commands, {gate, width * kWider}, {up, width * kWider}, width * kWider, tokens);
  });
  return static_cast<double>(narrow_bytes) * (2 * 2 + 3 * kWider) / seconds / 1e9;
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
  MadeUpAttention attention(context, false, false, true);
  result.decode_attention_gflops = measure_decode_attention_gflops(context, attention, result.dispatch_us);
  result.prefill_attention_gflops = measure_prefill_attention_gflops(context, attention);
  result.activation_gbs = measure_activation_gbs(context);
  return result;
}

FormatMeasurement measure_format(Context& context, quant::Format format) {
  const WeightSet weights(context, format, context.profile.matvec_buffers);
  const uint32_t stride = round_up(context.profile.measured_columns, kActivationPadding);
  const uint32_t tokens = placement::kManyTokens;
  const vk::Buffer floats = filled(context.device, uint64_t{stride} * tokens * sizeof(float), kPattern);
  vk::Buffer rounded;
  Vectors x{floats, stride};
  if (const uint64_t bytes = rounding_bytes(context.profile, stride, tokens); bytes > 0) {
    rounded = filled(context.device, bytes, kPattern);
    x.rounded = rounded;
  }
  FormatMeasurement result{.format = format};
  measure_matvec(context, weights, x, result);
  result.matmat_gflops = measure_matmat_gflops(context, weights, x, tokens);
  result.few_gflops = measure_matmat_gflops(context, weights, x, placement::kFewTokens);
  return result;
}

}  // namespace motley::kernels
