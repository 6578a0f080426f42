#include <cmath>

#include <fmt/format.h>

#include "kernels/attention_decode.hpp"
#include "kernels/bench.hpp"
#include "kernels/mapped_cache.hpp"
#include "kernels/matmul.hpp"
#include "kernels/memory.hpp"
#include "kernels/reference.hpp"
#include "kernels/timing.hpp"
#include "params/step.h"

namespace motley::bench {
namespace {

using kernels::reference::random_values;

/// The last token of a full context. Its key and value are random, and rotated where they are expected.
struct Decode {
  kernels::Context& context;
  Shapes shapes;
  kernels::AttentionShape attention;
  kernels::reference::Rotation rotation;
  kernels::MappedCache wanted;
  std::vector<float> q_values;
  kernels::Cache cache;  ///< in the device's own memory
  vk::Buffer keys, values, q, k, v, y, parts, table, step;

  Decode(kernels::Context& of, const Shapes& sizes, const kernels::CacheShape& shape)
      : context(of),
        shapes(sizes),
        attention{sizes.heads, 1 / std::sqrt(static_cast<float>(sizes.head_size))},
        rotation{sizes.head_size, true},
        wanted(of.device, shape, shape.kv_heads),
        q_values(random_values(width(), 1)) {
    vk::Device& device = of.device;
    const uint32_t kv_width = shape.kv_heads * shape.head_size;
    std::vector<float> cached_keys = random_values(size_t{shape.context} * kv_width, 2);
    const std::vector<float> cached_values = random_values(size_t{shape.context} * kv_width, 3);
    const auto newest_key = std::span(cached_keys).last(kv_width);
    k = vectors_on_device(device, newest_key, kv_width);
    v = vectors_on_device(device, std::span(cached_values).last(kv_width), kv_width);
    for (uint32_t head = 0; head < shape.kv_heads; ++head) {
      const auto to = newest_key.subspan(size_t{head} * shape.head_size, shape.head_size);
      std::ranges::copy(rotation.rotate(to, position()), to.begin());
    }
    wanted.fill(cached_keys, cached_values);
    const kernels::CacheSlice& slice = wanted.cache().slices[0];
    keys = on_device(device, *slice.keys.buffer);
    values = on_device(device, *slice.values.buffer);
    cache = {shape, {{0, shape.kv_heads, keys, values}}};
    q = vectors_on_device(device, q_values, width());
    y = zeros_on_device(device, 1, width());
    const uint64_t parts_bytes = kernels::attention_parts_bytes(of.profile, attention, shape);
    parts = zeros_on_device(device, 1, static_cast<uint32_t>(parts_bytes / sizeof(float)));
    table = kernels::upload<float>(device, rotation.table(shape.context));
    std::vector<uint32_t> words(shaders::STEP_TOKENS, 0);
    kernels::write_attention_step(of.profile, attention, cache, position(), words);
    step = kernels::upload<uint32_t>(device, words);
  }

  uint32_t width() const { return shapes.heads * shapes.head_size; }
  uint32_t position() const { return shapes.context - 1; }

  void record(vk::CommandList& commands) {
    const kernels::Rope rope{{shapes.heads, rotation.rotated, rotation.halves}, table};
    kernels::attention_decode(context, commands, attention, rope, step, {q, k, v}, cache, parts,
                              {y, kernels::padded_stride(width())});
  }

  /// The worst head.
  double error() const {
    const std::vector<float> got = read_floats(context.device, y);
    double worst = 0;
    for (uint32_t head = 0; head < shapes.heads; ++head) {
      const size_t at = size_t{head} * shapes.head_size;
      const auto rotated = rotation.rotate(std::span(q_values).subspan(at, shapes.head_size), position());
      const std::vector<float> query(rotated.begin(), rotated.end());
      const double error = kernels::reference::nmse(
          std::span(got).subspan(at, shapes.head_size),
          kernels::reference::attend(query, attention.scale, wanted, head / attention.group(cache.shape),
                                     shapes.context));
      if (!(error <= worst)) worst = error;
    }
    return worst;
  }

  Work work() const {
    const double cache_bytes =
        static_cast<double>(cache.shape.key_head_bytes() + cache.shape.value_head_bytes()) * shapes.kv_heads;
    return {cache_bytes + 8.0 * width(), 4.0 * shapes.context * width()};
  }
};

}  // namespace

void add_attention_decode(Bench& bench) {
  const Shapes& shapes = bench.shapes();
  for (const bool f32 : {false, true}) {
    bench.add(fmt::format("attention_decode/{}/{}x{}/{}_positions", f32 ? "f32" : "f16", shapes.heads,
                          shapes.head_size, shapes.context),
              [&bench, f32]() -> Subject {
                const Shapes& sizes = bench.shapes();
                const kernels::CacheShape shape{sizes.kv_heads, sizes.head_size, sizes.context, f32, f32};
                const auto subject = std::make_shared<Decode>(bench.context(), sizes, shape);
                kernels::run_once(bench.device(),
                                  [&](vk::CommandList& commands) { subject->record(commands); });
                return {[=](vk::CommandList& commands, uint32_t) { subject->record(commands); }, 1,
                        subject->work(), subject->error(), 1e-8};
              });
  }
}

}  // namespace motley::bench
