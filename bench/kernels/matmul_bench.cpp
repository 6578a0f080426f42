#include <algorithm>

#include <fmt/format.h>

#include "kernels/bench.hpp"
#include "kernels/matmul.hpp"
#include "kernels/memory.hpp"
#include "kernels/quantize.hpp"
#include "kernels/reference.hpp"
#include "kernels/round_half.hpp"
#include "kernels/timing.hpp"

namespace motley::bench {
namespace {

/// A product of made-up weights with made-up vectors.
struct Product {
  kernels::Context& context;
  kernels::MadeUpMatrix matrix;
  uint32_t tokens;
  std::vector<float> x_values;
  DeviceWeights weights;
  vk::Buffer x;
  vk::Buffer rounded;         ///< x, where the device's variant wants it so
  std::vector<vk::Buffer> y;  ///< one for each copy of the weights: as with q, k and v none waits for another

  Product(kernels::Context& of, quant::Format format, uint32_t rows, uint32_t columns, uint32_t count,
          bool may_round)
      : context(of),
        matrix(format, rows, columns, 1),
        tokens(count),
        x_values(kernels::reference::random_values(size_t{count} * columns, 2)),
        weights(of, matrix),
        x(vectors_on_device(of.device, x_values, columns)) {
    for (uint32_t i = 0; i < weights.copies(); ++i) y.push_back(zeros_on_device(of.device, count, rows));
    const uint64_t bytes = kernels::rounding_bytes(of.profile, kernels::padded_stride(columns), count);
    if (!may_round || bytes == 0) return;
    rounded = vk::Buffer(of.device, bytes, vk::MemoryUse::kDevice, "benchmark of matmul");
    kernels::run_once(of.device, [&](vk::CommandList& commands) {
      kernels::round_for(context, commands, weights.weight(0), vectors(), tokens);
    });
  }

  kernels::Vectors vectors() const {
    const bool rounds = rounded.size_bytes() > 0;
    return {x, kernels::padded_stride(matrix.columns), rounds ? rounded : vk::BufferRange()};
  }

  void record(vk::CommandList& commands, uint32_t turn) {
    const uint32_t copy = turn % weights.copies();
    kernels::matmul(context, commands, weights.weight(copy), vectors(),
                    {y[copy], kernels::padded_stride(matrix.rows)}, tokens);
  }

  Work work() const {
    const double rows = matrix.rows;
    const double columns = matrix.columns;
    return {static_cast<double>(weights.weight(0).shape.packed_bytes()) + 4 * tokens * (rows + columns),
            2 * rows * columns * tokens};
  }

  /// Of rows here and there: all of a large product would take double precision minutes.
  double error(kernels::Arithmetic arithmetic) const {
    constexpr uint32_t kMostRows = 67;
    const std::vector<float> results = read_floats(context.device, y[0]);
    const uint32_t stride = kernels::padded_stride(matrix.rows);
    const uint32_t count = std::min(matrix.rows, kMostRows);
    std::vector<float> weight_rows;
    std::vector<float> got(size_t{tokens} * count);
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t row = static_cast<uint32_t>(uint64_t{matrix.rows - 1} * i / std::max(count - 1, 1U));
      const auto from = matrix.values.begin() + static_cast<std::ptrdiff_t>(size_t{row} * matrix.columns);
      weight_rows.insert(weight_rows.end(), from, from + matrix.columns);
      for (uint32_t t = 0; t < tokens; ++t) got[size_t{t} * count + i] = results[size_t{t} * stride + row];
    }
    const kernels::reference::Product wanted{count, matrix.columns, tokens, weight_rows, x_values, {}, {}};
    // Rounding shows in a single row's few products by chance.
    return arithmetic == kernels::Arithmetic::kFloat32 ? wanted.worst_row(got)
                                                       : kernels::reference::nmse(got, wanted.values());
  }
};

Subject prepare(kernels::Context& context, quant::Format format, uint32_t rows, uint32_t columns,
                uint32_t tokens, bool may_round) {
  const auto product = std::make_shared<Product>(context, format, rows, columns, tokens, may_round);
  kernels::run_once(context.device, [&](vk::CommandList& commands) { product->record(commands, 0); });
  const kernels::Arithmetic arithmetic =
      kernels::matmul_choice(context.profile, format, tokens, may_round).row.arithmetic;
  return {[=](vk::CommandList& commands, uint32_t turn) { product->record(commands, turn); },
          product->weights.copies(), product->work(), product->error(arithmetic),
          kernels::nmse_limit(arithmetic, 1e-10)};
}

/// The products as the engine has them and, where those take rounded activations, with exact ones.
void add_products(Bench& bench, uint32_t tokens, bool may_round) {
  const uint32_t rows = bench.shapes().feed_forward;
  const uint32_t columns = bench.shapes().width;
  const kernels::Profile& profile = bench.context().profile;
  for (const quant::FormatInfo& format : quant::all_formats()) {
    const auto arithmetic = [&](bool rounds) {
      return kernels::matmul_choice(profile, format.format, tokens, rounds).row.arithmetic;
    };
    if (!may_round && arithmetic(false) == arithmetic(true)) continue;
    bench.add(fmt::format("{}/{}/{}x{}/{}_tokens", may_round ? "matmul" : "matmul_exact", format.stem, rows,
                          columns, tokens),
              [=, &bench, of = format.format] {
                return prepare(bench.context(), of, rows, columns, tokens, may_round);
              });
  }
}

/// A way of rounding vectors: how it is recorded, the bytes of what comes of it, and how that is read.
struct RoundingKind {
  const char* name;
  kernels::Arithmetic arithmetic;
  uint64_t (*bytes)(uint32_t stride, uint32_t tokens);
  void (*record)(kernels::Context& context, vk::CommandList& commands, const kernels::Vectors& x,
                 uint32_t width, uint32_t tokens);
  std::vector<float> (*read)(std::span<const uint32_t> words, uint32_t stride, uint32_t width,
                             uint32_t tokens);
};

constexpr RoundingKind kRoundings[] = {
    {"quantize", kernels::Arithmetic::kInt8Activations, kernels::rounded_bytes,
     [](kernels::Context& context, vk::CommandList& commands, const kernels::Vectors& x, uint32_t,
        uint32_t tokens) { kernels::quantize(context, commands, x, tokens); },
     [](std::span<const uint32_t> words, uint32_t stride, uint32_t width, uint32_t) {
       return kernels::read_rounded(words, stride, width);
     }},
    {"round_half", kernels::Arithmetic::kFloat16Activations, kernels::half_bytes, kernels::round_half,
     kernels::read_halves},
};

Subject prepare_rounding(Bench& bench, const RoundingKind& kind, uint32_t tokens) {
  struct Rounding {
    std::vector<float> values;
    vk::Buffer x;
    vk::Buffer rounded;
  };
  const uint32_t width = bench.shapes().width;
  const uint32_t stride = kernels::padded_stride(width);
  vk::Device& device = bench.device();
  const auto rounding = std::make_shared<Rounding>();
  rounding->values = kernels::reference::random_values(size_t{tokens} * width, 1);
  rounding->x = vectors_on_device(device, rounding->values, width);
  rounding->rounded =
      vk::Buffer(device, kind.bytes(stride, tokens), vk::MemoryUse::kShared, "benchmark of rounding");
  const auto record = [=, &bench](vk::CommandList& commands, uint32_t) {
    kind.record(bench.context(), commands, {rounding->x, stride, rounding->rounded}, width, tokens);
  };
  kernels::run_once(device, [&](vk::CommandList& commands) { record(commands, 0); });
  const std::vector<float> got = kind.read(rounding->rounded.mapped_as<uint32_t>(), stride, width, tokens);
  const std::vector<double> wanted(rounding->values.begin(), rounding->values.end());
  const double bytes = 4.0 * static_cast<double>(rounding->values.size()) +
                       static_cast<double>(rounding->rounded.size_bytes());
  return {
      record, 1, {bytes, 0}, kernels::reference::nmse(got, wanted), kernels::nmse_limit(kind.arithmetic, 0)};
}

}  // namespace

void add_matmul(Bench& bench) {
  for (const uint32_t tokens :
       {1U, kernels::kMoreTokens - 1, kernels::kSeveralTokens - 1, bench.shapes().batch}) {
    add_products(bench, tokens, true);
    add_products(bench, tokens, false);
    for (const RoundingKind& kind : kRoundings) {
      bench.add(fmt::format("{}/{}/{}_tokens", kind.name, bench.shapes().width, tokens),
                [=, &bench, &kind] { return prepare_rounding(bench, kind, tokens); });
    }
  }
}

}  // namespace motley::bench
