#include <algorithm>

#include <fmt/format.h>

#include "kernels/bench.hpp"
#include "kernels/matmul.hpp"
#include "kernels/memory.hpp"
#include "kernels/reference.hpp"
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
  std::vector<vk::Buffer> y;  ///< one for each copy of the weights: as with q, k and v none waits for another

  Product(kernels::Context& of, quant::Format format, uint32_t rows, uint32_t columns, uint32_t count)
      : context(of),
        matrix(format, rows, columns, 1),
        tokens(count),
        x_values(kernels::reference::random_values(size_t{count} * columns, 2)),
        weights(of, matrix),
        x(vectors_on_device(of.device, x_values, columns)) {
    for (uint32_t i = 0; i < weights.copies(); ++i) y.push_back(zeros_on_device(of.device, count, rows));
  }

  void record(vk::CommandList& commands, uint32_t turn) {
    const uint32_t copy = turn % weights.copies();
    kernels::matmul(context, commands, weights.weight(copy), {x, kernels::padded_stride(matrix.columns)},
                    {y[copy], kernels::padded_stride(matrix.rows)}, tokens);
  }

  Work work() const {
    const double rows = matrix.rows;
    const double columns = matrix.columns;
    return {static_cast<double>(weights.weight(0).shape.packed_bytes()) + 4 * tokens * (rows + columns),
            2 * rows * columns * tokens};
  }

  /// Of rows here and there: all of a large product would take double precision minutes.
  double error() const {
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
    return kernels::reference::Product{count, matrix.columns, tokens, weight_rows, x_values, {}, {}}
        .worst_row(got);
  }
};

Subject prepare(kernels::Context& context, quant::Format format, uint32_t rows, uint32_t columns,
                uint32_t tokens) {
  const auto product = std::make_shared<Product>(context, format, rows, columns, tokens);
  kernels::run_once(context.device, [&](vk::CommandList& commands) { product->record(commands, 0); });
  const kernels::Arithmetic arithmetic =
      kernels::matmul_choice(context.profile, format, tokens).row.arithmetic;
  return {[=](vk::CommandList& commands, uint32_t turn) { product->record(commands, turn); },
          product->weights.copies(), product->work(), product->error(),
          kernels::nmse_limit(arithmetic, 1e-10)};
}

}  // namespace

void add_matmul(Bench& bench) {
  const Shapes& shapes = bench.shapes();
  for (const uint32_t tokens : {1U, shapes.batch}) {
    for (const quant::FormatInfo& format : quant::all_formats()) {
      const uint32_t rows = shapes.feed_forward;
      const uint32_t columns = shapes.width;
      bench.add(
          fmt::format("matmul/{}/{}x{}/{}_tokens", format.stem, rows, columns, tokens),
          [=, &bench, of = format.format] { return prepare(bench.context(), of, rows, columns, tokens); });
    }
  }
}

}  // namespace motley::bench
