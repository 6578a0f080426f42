#include <fmt/format.h>

#include "kernels/bench.hpp"
#include "kernels/embed.hpp"
#include "kernels/memory.hpp"
#include "kernels/reference.hpp"
#include "kernels/timing.hpp"
#include "params/step.h"

namespace motley::bench {
namespace {

constexpr uint32_t kTableRows = 1024;  // as many as make no difference

struct Lookup {
  kernels::Context& context;
  kernels::MadeUpMatrix matrix;
  std::vector<uint32_t> ids;
  DeviceWeights table;
  vk::Buffer step;
  vk::Buffer x;

  Lookup(kernels::Context& of, quant::Format format, uint32_t width, uint32_t tokens)
      : context(of),
        matrix(format, kTableRows, width, 1),
        table(of, matrix),
        x(zeros_on_device(of.device, tokens, width)) {
    for (uint32_t t = 0; t < tokens; ++t) ids.push_back(t * 383 % kTableRows);
    std::vector<uint32_t> words(shaders::STEP_TOKENS, 0);
    words.insert(words.end(), ids.begin(), ids.end());
    step = kernels::upload<uint32_t>(of.device, words);
  }

  void record(vk::CommandList& commands, uint32_t turn) {
    kernels::embed(context, commands, table.weight(turn % table.copies()), step,
                   {x, kernels::padded_stride(matrix.columns)}, static_cast<uint32_t>(ids.size()));
  }

  double error() const {
    const std::vector<float> got = read_floats(context.device, x);
    std::vector<float> rows;
    std::vector<double> wanted;
    for (size_t t = 0; t < ids.size(); ++t) {
      const auto from = got.begin() + static_cast<std::ptrdiff_t>(t * kernels::padded_stride(matrix.columns));
      rows.insert(rows.end(), from, from + matrix.columns);
      const auto row = matrix.values.begin() + static_cast<std::ptrdiff_t>(size_t{ids[t]} * matrix.columns);
      wanted.insert(wanted.end(), row, row + matrix.columns);
    }
    return kernels::reference::nmse(rows, wanted);
  }

  Work work() const {
    const double row_bytes = static_cast<double>(table.weight(0).shape.packed_bytes()) / kTableRows;
    return {static_cast<double>(ids.size()) * (row_bytes + 4.0 * matrix.columns), 0};
  }
};

}  // namespace

void add_embed(Bench& bench) {
  const Shapes& shapes = bench.shapes();
  for (const quant::FormatInfo& format : quant::all_formats()) {
    bench.add(fmt::format("embed/{}/{}/{}_tokens", format.stem, shapes.width, shapes.batch),
              [&bench, of = format.format]() -> Subject {
                const Shapes& sizes = bench.shapes();
                const auto lookup = std::make_shared<Lookup>(bench.context(), of, sizes.width, sizes.batch);
                kernels::run_once(bench.device(),
                                  [&](vk::CommandList& commands) { lookup->record(commands, 0); });
                return {[=](vk::CommandList& commands, uint32_t turn) { lookup->record(commands, turn); },
                        lookup->table.copies(), lookup->work(), lookup->error(), 1e-10};
              });
  }
}

}  // namespace motley::bench
