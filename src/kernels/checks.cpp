#include "kernels/checks.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>
#include <vector>

#include "kernels/elementwise.hpp"
#include "kernels/embed.hpp"
#include "kernels/matmul.hpp"
#include "kernels/quantize.hpp"
#include "kernels/reference.hpp"
#include "kernels/workbench.hpp"
#include "params/step.h"

namespace motley::kernels::checks {

using reference::nmse;
using reference::random_values;

void run(vk::Device& device, const Pass& pass) {
  vk::CommandList commands(device);
  pass(commands);
  commands.finish();
  device.wait(device.submit(commands), std::chrono::minutes(1));
}

vk::Buffer upload_nan(vk::Device& device, size_t floats) {
  return upload<float>(device, std::vector<float>(floats, std::numeric_limits<float>::quiet_NaN()));
}

vk::Buffer upload_step(vk::Device& device, uint32_t position, std::span<const uint32_t> tokens) {
  std::vector<uint32_t> words(shaders::STEP_TOKENS, 0);
  words[shaders::STEP_POSITION] = position;
  words.insert(words.end(), tokens.begin(), tokens.end());
  return upload<uint32_t>(device, words);
}

size_t rounded_floats(uint32_t width, uint32_t tokens) {
  return rounded_bytes(padded_stride(width), tokens) / sizeof(float);
}

std::vector<float> read_vectors(const Vectors& vectors, uint32_t width, uint32_t tokens, bool rounded) {
  if (rounded) return read_rounded(vectors.rounded.buffer->mapped_as<uint32_t>(), vectors.stride, width);
  const std::span<const float> all = vectors.range.buffer->mapped_as<float>();
  std::vector<float> values;
  for (size_t t = 0; t < tokens; ++t) {
    const auto from = all.subspan(t * vectors.stride, width);
    values.insert(values.end(), from.begin(), from.end());
  }
  return values;
}

namespace {

/// One product of so many vectors, and two that add to what is there and a bias. `units` of a row, and some
/// of one more.
class ProductCheck {
 public:
  ProductCheck(Context& context, quant::Format format, uint32_t panels, uint32_t units, uint32_t tokens,
               bool may_round)
      : context_(context),
        tokens_(tokens),
        columns_(units * unit_layout(format).elements + quant::info(format).block_elements),
        matrix_(format, 4 * context.profile.lanes * (panels + 1) + 1, columns_, 1),
        weight_(matrix_.pack(context, storage_)),
        x_(random_values(size_t{tokens} * columns_, 2)),
        x_buffer_(upload_vectors(context.device, x_, columns_)),
        may_round_(may_round) {
    const uint64_t rounded_bytes = rounding_bytes(context.profile, padded_stride(columns_), tokens);
    if (rounded_bytes > 0) rounded_ = upload_nan(context.device, rounded_bytes / sizeof(float));
  }

  double plain() { return error_with({}); }
  double adding() {
    const vk::Buffer bias = upload<float>(context_.device, bias_);
    const vk::BufferRange range(bias);
    Worst worst;
    worst.add(error_with({.accumulate = true}));
    worst.add(error_with({.bias = &range}));
    return worst.get();
  }

 private:
  double error_with(const MatmulOptions& options) {
    const vk::Buffer y = upload<float>(context_.device, before_);
    Vectors vectors{x_buffer_, padded_stride(columns_)};
    if (may_round_ && rounded_.size_bytes() > 0) vectors.rounded = rounded_;
    run(context_.device, [&](vk::CommandList& commands) {
      round_for(context_, commands, weight_, vectors, tokens_);
      matmul(context_, commands, weight_, vectors, {y, matrix_.rows}, tokens_, options);
    });
    reference::Product wanted{matrix_.rows, columns_, tokens_, matrix_.values, x_, {}, {}};
    if (options.bias != nullptr) wanted.bias = bias_;
    if (options.accumulate) wanted.before = before_;
    const Arithmetic arithmetic =
        matmul_choice(context_.profile, matrix_.format, tokens_, may_round_).row.arithmetic;
    // Rounding shows in a single row's few products by chance.
    return arithmetic == Arithmetic::kFloat32 ? wanted.worst_row(y.mapped_as<float>())
                                              : nmse(y.mapped_as<float>(), wanted.values());
  }

  Context& context_;
  uint32_t tokens_;
  uint32_t columns_;
  MadeUpMatrix matrix_;
  vk::Buffer storage_;
  Weight weight_;
  std::vector<float> x_;
  vk::Buffer x_buffer_;
  vk::Buffer rounded_;
  bool may_round_;
  std::vector<float> before_ = random_values(size_t{tokens_} * matrix_.rows, 3);
  std::vector<float> bias_ = random_values(matrix_.rows, 4);
};

/// Tiles of each width.
double tiled_product(Context& context, quant::Format format, uint32_t panels, bool may_round) {
  constexpr uint32_t kUnits = 2;
  constexpr uint32_t kFew = kTileTokens + 2;
  constexpr uint32_t kMore = 2 * kTileTokens;
  constexpr uint32_t kMany = 4 * kTileTokens - 1;
  Worst worst;
  ProductCheck narrow(context, format, panels, kUnits, kFew, may_round);
  worst.add(narrow.plain());
  worst.add(narrow.adding());
  Context wide(context);
  wide.profile.enough_tiles = 1;
  for (const uint32_t tokens : {kFew, kMore, kMany})
    worst.add(ProductCheck(wide, format, panels, kUnits, tokens, may_round).plain());
  return worst.get();
}

}  // namespace

double product(Context& context, quant::Format format, uint32_t least_tokens, bool may_round) {
  const auto [variant, shader] = matmul_choice(context.profile, format, least_tokens, may_round);
  if (variant.least_tokens >= kTileTokens) return tiled_product(context, format, variant.panels, may_round);
  // Whole columns and some, or some of those that are few, of this variant: another may be taken for so many.
  const uint32_t more = variant.columns + 3 <= variant.most_tokens
                            ? variant.columns + 3
                            : std::max(least_tokens, variant.columns - 1);
  const uint32_t tokens = least_tokens == 1 ? 1 : more;
  Context same(context);
  same.profile.choices.tuned[matmul_use(same.profile, format, tokens, may_round).key()].variant = shader.name;
  // As many units as split a row most.
  const uint32_t units = std::max(2U, context.profile.max_split);
  ProductCheck check(same, format, variant.panels, units, tokens, may_round);
  Worst worst;
  worst.add(check.plain());
  // Software drivers compile for seconds what differs in a few lines only, which are the same for one token.
  if (tokens == 1 || context.device.facts().type != vk::DeviceType::kCpu) worst.add(check.adding());
  return worst.get();
}

double embed(Context& context, quant::Format format) {
  const uint32_t columns = unit_layout(format).elements + quant::info(format).block_elements;
  const uint32_t rows = 2 * 4 * context.profile.lanes + 3;
  const uint32_t stride = padded_stride(columns);
  const MadeUpMatrix matrix(format, rows, columns, 5);
  vk::Buffer storage;
  const Weight table = matrix.pack(context, storage, 1);
  const uint32_t ids[] = {0, rows - 1, 1, rows / 2, rows / 2};
  const vk::Buffer step = upload_step(context.device, 0, ids);
  const vk::Buffer x = upload_nan(context.device, std::size(ids) * stride);
  run(context.device, [&](vk::CommandList& commands) {
    kernels::embed(context, commands, table, step, {x, stride}, std::size(ids));
  });
  Worst worst;
  for (size_t t = 0; t < std::size(ids); ++t) {
    const auto row = matrix.values.begin() + ids[t] * std::ptrdiff_t{columns};
    worst.add(
        nmse(x.mapped_as<float>().subspan(t * stride, columns), std::vector<double>(row, row + columns)));
  }
  return worst.get();
}

double norm(Context& context, bool rounded) {
  const uint32_t width = rounded ? 1056 : 1031;
  constexpr uint32_t kTokens = 3;
  constexpr uint32_t kFirst = 1;
  constexpr float kEpsilon = 1e-5F;
  const uint32_t stride = padded_stride(width);
  const std::vector<float> x = random_values(size_t{kFirst + kTokens} * width, 6, 3.0F);
  const std::vector<float> weight = random_values(width, 7);
  const vk::Buffer x_buffer = upload_vectors(context.device, x, width);
  const vk::Buffer weight_buffer = upload<float>(context.device, weight);
  const vk::Buffer y = upload_nan(context.device, size_t{kTokens} * stride);
  const vk::Buffer y_rounded = upload_nan(context.device, rounded_floats(width, kTokens));
  const Vectors to{y, stride, y_rounded};
  run(context.device, [&](vk::CommandList& commands) {
    rms_norm(context, commands, weight_buffer, {x_buffer, stride}, kFirst, to, width, kTokens, kEpsilon,
             {!rounded, rounded});
  });
  const std::vector<float> got = read_vectors(to, width, kTokens, rounded);
  Worst worst;
  for (size_t t = 0; t < kTokens; ++t) {
    const auto wanted =
        reference::rms_norm(std::span(x).subspan((kFirst + t) * width, width), weight, kEpsilon);
    worst.add(nmse(std::span(got).subspan(t * width, width), wanted));
  }
  return worst.get();
}

double norm_of_heads(Context& context) {
  constexpr uint32_t kHeads = 3;
  constexpr uint32_t kTokens = 2;
  constexpr float kEpsilon = 1e-6F;
  constexpr uint32_t kWidth = kHeads * kHeadSize;
  const uint32_t stride = padded_stride(kWidth);
  const std::vector<float> y = random_values(size_t{kTokens} * kWidth, 8);
  const std::vector<float> weight = random_values(kHeadSize, 9);
  const vk::Buffer y_buffer = upload_vectors(context.device, y, kWidth);
  const vk::Buffer weight_buffer = upload<float>(context.device, weight);
  run(context.device, [&](vk::CommandList& commands) {
    rms_norm_heads(context, commands, weight_buffer, {y_buffer, stride}, kHeadSize, kHeads, kTokens,
                   kEpsilon);
  });
  Worst worst;
  for (size_t i = 0; i < size_t{kTokens} * kHeads; ++i) {
    const auto wanted = reference::rms_norm(std::span(y).subspan(i * kHeadSize, kHeadSize), weight, kEpsilon);
    const size_t at = i / kHeads * stride + i % kHeads * kHeadSize;
    worst.add(nmse(y_buffer.mapped_as<float>().subspan(at, kHeadSize), wanted));
  }
  return worst.get();
}

double swiglu(Context& context, bool rounded) {
  const uint32_t width = rounded ? 1056 : 1031;
  constexpr uint32_t kTokens = 2;
  const uint32_t stride = padded_stride(width);
  std::vector<float> gate = random_values(size_t{kTokens} * width, 10, 4.0F);
  gate[0] = -120.0F;  // e^120 is no float
  const std::vector<float> up = random_values(gate.size(), 11);
  const vk::Buffer gate_buffer = upload_vectors(context.device, gate, width);
  const vk::Buffer up_buffer = upload_vectors(context.device, up, width);
  const vk::Buffer gate_rounded = upload_nan(context.device, rounded_floats(width, kTokens));
  const Vectors to{gate_buffer, stride, gate_rounded};
  run(context.device, [&](vk::CommandList& commands) {
    kernels::swiglu(context, commands, to, {up_buffer, stride}, width, kTokens, {!rounded, rounded});
  });
  const std::vector<float> got = read_vectors(to, width, kTokens, rounded);
  Worst worst;
  for (size_t t = 0; t < kTokens; ++t) {
    const auto wanted =
        reference::swiglu(std::span(gate).subspan(t * width, width), std::span(up).subspan(t * width, width));
    worst.add(nmse(std::span(got).subspan(t * width, width), wanted));
  }
  return worst.get();
}

Likeliest largest(std::span<const float> logits, uint32_t k) {
  Likeliest entries;
  for (uint32_t id = 0; id < logits.size(); ++id) entries.emplace_back(id, logits[id]);
  std::ranges::stable_sort(entries, std::ranges::greater(), &Likeliest::value_type::second);
  entries.resize(k);
  return entries;
}

double top_k(Context& context) {
  constexpr uint32_t kCount = 5003;
  constexpr uint32_t kWanted = 40;
  const std::vector<float> logits = random_values(kCount, 12, 5.0F);
  const vk::Buffer logits_buffer = upload<float>(context.device, logits);
  const vk::Buffer out(context.device, top_k_bytes(kWanted), vk::MemoryUse::kShared, "top_k's results");
  run(context.device, [&](vk::CommandList& commands) {
    kernels::top_k(context, commands, logits_buffer, kCount, kWanted, out);
  });
  const auto got = read_top_k(out.mapped_as<uint32_t>(), kWanted);
  return got == largest(logits, kWanted) ? 0 : std::numeric_limits<double>::infinity();
}

}  // namespace motley::kernels::checks
