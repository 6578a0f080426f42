#include "kernels/workload.hpp"

#include <algorithm>
#include <memory>

#include "base/math.hpp"
#include "kernels/made_up.hpp"
#include "kernels/made_up_attention.hpp"
#include "kernels/matmul.hpp"

namespace motley::kernels {
namespace {

/// Room for rounded activations; none where they must not be rounded, or no variant does.
vk::Buffer make_rounded(Context& context, uint32_t stride, uint32_t tokens, bool may_round) {
  const uint64_t bytes = may_round ? rounding_bytes(context.profile, stride, tokens) : 0;
  return bytes > 0 ? filled(context.device, bytes, kPattern) : vk::Buffer();
}

/// Matrices and vectors to multiply them with. That rounding takes time is left out, as one vector is rounded
/// for several matrices far larger than these may be.
struct Products {
  WeightSet weights;
  uint32_t tokens;
  uint32_t x_stride;
  uint32_t y_stride;
  vk::Buffer floats;
  vk::Buffer rounded;
  vk::Buffer y;

  Products(Context& context, quant::Format format, uint32_t matrices, uint32_t tokens_at_once, bool may_round)
      : weights(context, format, matrices),
        tokens(tokens_at_once),
        x_stride(round_up(context.profile.measured_columns, kActivationPadding)),
        y_stride(round_up(weights.rows(), kFloatsPerAlignment)),
        floats(filled(context.device, uint64_t{x_stride} * tokens * sizeof(float), kPattern)),
        rounded(make_rounded(context, x_stride, tokens, may_round)),
        y(context.device, uint64_t{y_stride} * tokens * matrices * sizeof(float), vk::MemoryUse::kDevice,
          kMeasuring) {}

  /// Each matrix writes vectors of its own, so that none waits for another, as with q, k and v.
  void record(Context& context, vk::CommandList& commands, uint32_t rows) const {
    const Vectors x{floats, x_stride, rounded.size_bytes() > 0 ? rounded : vk::BufferRange()};
    const uint64_t bytes = uint64_t{y_stride} * tokens * sizeof(float);
    for (size_t i = 0; i < weights.count(); ++i)
      matmul(context, commands, weights.weight(i, rows), x, {{y, i * bytes, bytes}, y_stride}, tokens);
  }

  uint32_t affordable(Context& context, uint32_t most_rows) const {
    return affordable_rows(
        context.device, most_rows, weights.panel_rows(),
        [&](vk::CommandList& commands, uint32_t rows) { record(context, commands, rows); });
  }
};

}  // namespace

Workload product_workload(Context& context, quant::Format format, uint32_t tokens, bool may_round) {
  const Profile& profile = context.profile;
  const bool few = tokens < kMoreTokens;
  const auto products =
      std::make_shared<const Products>(context, format, few ? profile.matvec_buffers : 1, tokens, may_round);
  const WeightSet& weights = products->weights;
  const uint32_t rows =
      products->affordable(context, few ? weights.rows() : std::min(profile.matmat_rows, weights.rows()));
  const uint64_t bytes = weights.weight(0, rows).shape.packed_bytes() * weights.count();
  const double operations = 2.0 * rows * profile.measured_columns * tokens;
  return {
      [products, rows](Context& with, vk::CommandList& commands) { products->record(with, commands, rows); },
      (few ? static_cast<double>(bytes) : operations) / 1e9};
}

Workload attention_workload(Context& context, bool keys_f32, bool values_f32, bool may_round) {
  const auto attention = std::make_shared<MadeUpAttention>(context, keys_f32, values_f32, may_round);
  const uint32_t first = MadeUpAttention::middle(context.profile);
  attention->set_position(first);
  return {[attention](Context& with, vk::CommandList& commands) { attention->prefill(with, commands); },
          attention->giga(context.profile.measured_chunk, first)};
}

}  // namespace motley::kernels
