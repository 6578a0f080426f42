#include <cmath>

#include <fmt/format.h>

#include "kernels/attention.hpp"
#include "kernels/bench.hpp"
#include "kernels/mapped_cache.hpp"
#include "kernels/matmul.hpp"
#include "kernels/memory.hpp"
#include "kernels/reference.hpp"
#include "kernels/timing.hpp"
#include "params/step.h"

namespace motley::bench {
namespace {

/// Tokens at the end of a full context.
struct Attention {
  kernels::Context& context;
  Shapes shapes;
  uint32_t tokens;
  kernels::AttentionShape attention;
  kernels::MappedCache filled;
  std::vector<float> q_values;
  kernels::Cache cache;  ///< in the device's own memory
  vk::Buffer keys, values, q, y, rounded, step;

  Attention(kernels::Context& of, const Shapes& sizes, uint32_t count, const kernels::CacheShape& shape)
      : context(of),
        shapes(sizes),
        tokens(count),
        attention{sizes.heads, 1 / std::sqrt(static_cast<float>(sizes.head_size))},
        filled(of.device, shape, shape.kv_heads),
        q_values(kernels::reference::random_values(size_t{count} * width(), 1)) {
    vk::Device& device = of.device;
    const size_t cached = size_t{shape.context} * shape.kv_heads * shape.head_size;
    filled.fill(kernels::reference::random_values(cached, 2), kernels::reference::random_values(cached, 3));
    const kernels::CacheSlice& slice = filled.cache().slices[0];
    keys = on_device(device, *slice.keys.buffer);
    values = on_device(device, *slice.values.buffer);
    cache = {shape, {{0, shape.kv_heads, keys, values}}};
    q = vectors_on_device(device, q_values, width());
    y = zeros_on_device(device, tokens, width());
    const uint64_t rounding = kernels::rounding_bytes(of.profile, kernels::padded_stride(width()), tokens);
    if (rounding > 0)
      rounded = vk::Buffer(device, rounding, vk::MemoryUse::kDevice, "benchmark of attention");
    std::vector<uint32_t> words(shaders::STEP_TOKENS, 0);
    words[shaders::STEP_POSITION] = position();
    step = kernels::upload<uint32_t>(device, words);
  }

  uint32_t width() const { return shapes.heads * shapes.head_size; }
  uint32_t position() const { return shapes.context - tokens; }

  void record(vk::CommandList& commands) {
    const kernels::Vectors from{q, kernels::padded_stride(width())};
    const kernels::Vectors to{y, kernels::padded_stride(width()),
                              rounded.size_bytes() > 0 ? rounded : vk::BufferRange()};
    kernels::attention_prefill(context, commands, attention, step, from, cache, to, tokens);
  }

  /// Of the first and the last token, a few heads each: the worst of these rows, or where vectors are
  /// rounded, which shows in a single row by chance, that of all of them.
  double error(bool rounds) const {
    const std::vector<float> floats = read_floats(context.device, y);
    const uint32_t group = shapes.heads / shapes.kv_heads;
    std::vector<float> all_got;
    std::vector<double> all_wanted;
    double worst = 0;
    for (const uint32_t t : {0U, tokens - 1}) {
      for (uint32_t head = 0; head < shapes.heads; head += group + 1) {
        const size_t from = size_t{t} * width() + size_t{head} * shapes.head_size;
        const std::vector<double> wanted =
            kernels::reference::attend(std::span(q_values).subspan(from, shapes.head_size), attention.scale,
                                       filled, head / group, position() + t + 1);
        const size_t at = size_t{t} * kernels::padded_stride(width()) + size_t{head} * shapes.head_size;
        const auto got = std::span(floats).subspan(at, shapes.head_size);
        const double error = kernels::reference::nmse(got, wanted);
        if (!(error <= worst)) worst = error;
        all_got.insert(all_got.end(), got.begin(), got.end());
        all_wanted.insert(all_wanted.end(), wanted.begin(), wanted.end());
      }
    }
    return rounds ? kernels::reference::nmse(all_got, all_wanted) : worst;
  }

  Work work() const {
    double seen = 0;  // positions, of all tokens
    for (uint32_t t = 0; t < tokens; ++t) seen += position() + t + 1;
    const double cache_bytes =
        static_cast<double>(cache.shape.key_head_bytes() + cache.shape.value_head_bytes()) * shapes.kv_heads;
    return {cache_bytes + 8.0 * tokens * width(), 4 * seen * width()};
  }
};

}  // namespace

void add_attention(Bench& bench) {
  const Shapes& shapes = bench.shapes();
  for (const bool f32 : {false, true}) {
    bench.add(fmt::format("attention/{}/{}x{}/{}_positions/{}_tokens", f32 ? "f32" : "f16", shapes.heads,
                          shapes.head_size, shapes.context, shapes.batch),
              [&bench, f32]() -> Subject {
                const Shapes& sizes = bench.shapes();
                const kernels::CacheShape shape{sizes.kv_heads, sizes.head_size, sizes.context, f32, f32};
                const auto subject = std::make_shared<Attention>(bench.context(), sizes, sizes.batch, shape);
                kernels::run_once(bench.device(),
                                  [&](vk::CommandList& commands) { subject->record(commands); });
                const auto choice = kernels::attention_choice(
                    bench.context().profile, shape, sizes.batch * sizes.heads / sizes.kv_heads, true);
                const kernels::Arithmetic arithmetic = choice.row.arithmetic;
                return {[=](vk::CommandList& commands, uint32_t) { subject->record(commands); }, 1,
                        subject->work(), subject->error(arithmetic != kernels::Arithmetic::kFloat32),
                        kernels::nmse_limit(arithmetic, 1e-8)};
              });
  }
}

}  // namespace motley::bench
