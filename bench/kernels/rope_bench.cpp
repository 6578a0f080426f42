#include <algorithm>

#include <fmt/format.h>

#include "kernels/bench.hpp"
#include "kernels/mapped_cache.hpp"
#include "kernels/memory.hpp"
#include "kernels/reference.hpp"
#include "kernels/rope.hpp"
#include "kernels/timing.hpp"
#include "params/step.h"

namespace motley::bench {
namespace {

struct Rope {
  kernels::Context& context;
  Shapes shapes;
  kernels::reference::Rotation rotation;
  kernels::MappedCache cache;
  std::vector<float> q_values;
  vk::Buffer q, k, v, table, step;

  Rope(kernels::Context& of, const Shapes& sizes, bool halves, const kernels::CacheShape& shape)
      : context(of),
        shapes(sizes),
        rotation{sizes.head_size, halves},
        cache(of.device, shape, sizes.kv_heads),
        q_values(kernels::reference::random_values(size_t{sizes.batch} * sizes.heads * sizes.head_size, 1)) {
    vk::Device& device = of.device;
    const uint32_t kv_width = shapes.kv_heads * shapes.head_size;
    const auto kv_values = kernels::reference::random_values(size_t{shapes.batch} * kv_width, 2);
    q = vectors_on_device(device, q_values, shapes.heads * shapes.head_size);
    k = vectors_on_device(device, kv_values, kv_width);
    v = vectors_on_device(device, kv_values, kv_width);
    table = kernels::upload<float>(device, rotation.table(shapes.batch));
    step = kernels::upload<uint32_t>(device, std::vector<uint32_t>(shaders::STEP_TOKENS, 0));
  }

  void record(vk::CommandList& commands) {
    const uint32_t kv_stride = kernels::padded_stride(shapes.kv_heads * shapes.head_size);
    kernels::rope_and_store(context, commands, {shapes.heads, rotation.rotated, rotation.halves}, step, table,
                            {q, q_stride()}, {k, kv_stride}, {v, kv_stride}, cache.cache(), shapes.batch);
  }

  uint32_t q_stride() const { return kernels::padded_stride(shapes.heads * shapes.head_size); }

  /// Of the queries, after one pass.
  double error() const {
    const std::vector<float> got = read_floats(context.device, q);
    double worst = 0;
    for (uint32_t t = 0; t < shapes.batch; ++t) {
      for (uint32_t head = 0; head < shapes.heads; ++head) {
        const size_t from = (size_t{t} * shapes.heads + head) * shapes.head_size;
        const auto wanted = rotation.rotate(std::span(q_values).subspan(from, shapes.head_size), t);
        const size_t at = size_t{t} * q_stride() + size_t{head} * shapes.head_size;
        const double error = kernels::reference::nmse(std::span(got).subspan(at, shapes.head_size), wanted);
        if (!(error <= worst)) worst = error;
      }
    }
    return worst;
  }

  Work work() const {
    const double heads_bytes = 8.0 * shapes.heads * shapes.head_size;  // read and written
    const double kv_bytes = 2 * (4.0 + 2.0) * shapes.kv_heads * shapes.head_size;
    return {shapes.batch * (heads_bytes + kv_bytes), 0};
  }
};

}  // namespace

void add_rope(Bench& bench) {
  const Shapes& shapes = bench.shapes();
  for (const bool halves : {false, true}) {
    bench.add(fmt::format("rope/{}/{}x{}/{}_tokens", halves ? "halves" : "pairs", shapes.heads,
                          shapes.head_size, shapes.batch),
              [&bench, halves]() -> Subject {
                const Shapes& sizes = bench.shapes();
                const kernels::CacheShape shape{sizes.kv_heads, sizes.head_size, sizes.context};
                const auto rope = std::make_shared<Rope>(bench.context(), sizes, halves, shape);
                kernels::run_once(bench.device(), [&](vk::CommandList& commands) { rope->record(commands); });
                return {[=](vk::CommandList& commands, uint32_t) { rope->record(commands); }, 1, rope->work(),
                        rope->error(), 1e-9};
              });
  }
}

}  // namespace motley::bench
