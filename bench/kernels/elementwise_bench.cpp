#include <fmt/format.h>

#include "kernels/bench.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/memory.hpp"
#include "kernels/reference.hpp"
#include "kernels/timing.hpp"

namespace motley::bench {
namespace {

constexpr float kEpsilon = 1e-5F;

/// Vectors of one token after the other, on which a kernel works.
struct Vectors {
  vk::Device& device;
  uint32_t width;
  uint32_t tokens;
  std::vector<float> values;
  vk::Buffer buffer;

  Vectors(vk::Device& of, uint32_t of_width, uint32_t count, uint32_t seed)
      : device(of),
        width(of_width),
        tokens(count),
        values(kernels::reference::random_values(size_t{count} * of_width, seed)),
        buffer(vectors_on_device(of, values, of_width)) {}

  kernels::Vectors range() const { return {buffer, kernels::padded_stride(width)}; }
  std::span<const float> of(uint32_t token) const {
    return std::span(values).subspan(size_t{token} * width, width);
  }
  double bytes() const { return 4.0 * width * tokens; }

  /// The largest error of a part of a vector, `part` elements of them.
  template <typename Wanted>
  double error(uint32_t part, Wanted wanted) const {
    const std::vector<float> got = read_floats(device, buffer);
    double worst = 0;
    for (uint32_t t = 0; t < tokens; ++t) {
      for (uint32_t first = 0; first < width; first += part) {
        const size_t at = size_t{t} * kernels::padded_stride(width) + first;
        const double error = kernels::reference::nmse(std::span(got).subspan(at, part), wanted(t, first));
        if (!(error <= worst)) worst = error;
      }
    }
    return worst;
  }
};

Subject prepare_norm(Bench& bench, uint32_t tokens) {
  const uint32_t width = bench.shapes().width;
  const auto x = std::make_shared<Vectors>(bench.device(), width, tokens, 1);
  const auto y = std::make_shared<Vectors>(bench.device(), width, tokens, 2);
  const auto weight = std::make_shared<Vectors>(bench.device(), width, 1, 3);
  const auto record = [=, &bench](vk::CommandList& commands, uint32_t) {
    kernels::rms_norm(bench.context(), commands, weight->buffer, x->range(), 0, y->range(), width, tokens,
                      kEpsilon);
  };
  kernels::run_once(bench.device(), [&](vk::CommandList& commands) { record(commands, 0); });
  const double error = y->error(width, [&](uint32_t t, uint32_t) {
    return kernels::reference::rms_norm(x->of(t), weight->values, kEpsilon);
  });
  return {record, 1, {x->bytes() + y->bytes() + weight->bytes(), 0}, error, 1e-9};
}

Subject prepare_norm_of_heads(Bench& bench, uint32_t tokens) {
  const Shapes& shapes = bench.shapes();
  const uint32_t head_size = shapes.head_size;
  const auto y = std::make_shared<Vectors>(bench.device(), shapes.heads * head_size, tokens, 1);
  const auto weight = std::make_shared<Vectors>(bench.device(), head_size, 1, 2);
  const auto record = [=, &bench](vk::CommandList& commands, uint32_t) {
    kernels::rms_norm_heads(bench.context(), commands, weight->buffer, y->range(), head_size,
                            bench.shapes().heads, tokens, kEpsilon);
  };
  kernels::run_once(bench.device(), [&](vk::CommandList& commands) { record(commands, 0); });
  const double error = y->error(head_size, [&](uint32_t t, uint32_t first) {
    return kernels::reference::rms_norm(y->of(t).subspan(first, head_size), weight->values, kEpsilon);
  });
  return {record, 1, {2 * y->bytes() + weight->bytes(), 0}, error, 1e-9};
}

Subject prepare_swiglu(Bench& bench, uint32_t tokens) {
  const uint32_t width = bench.shapes().feed_forward;
  const auto gate = std::make_shared<Vectors>(bench.device(), width, tokens, 1);
  const auto up = std::make_shared<Vectors>(bench.device(), width, tokens, 2);
  const auto record = [=, &bench](vk::CommandList& commands, uint32_t) {
    kernels::swiglu(bench.context(), commands, gate->range(), up->range(), width, tokens);
  };
  kernels::run_once(bench.device(), [&](vk::CommandList& commands) { record(commands, 0); });
  const double error = gate->error(
      width, [&](uint32_t t, uint32_t) { return kernels::reference::swiglu(gate->of(t), up->of(t)); });
  return {record, 1, {2 * gate->bytes() + up->bytes(), 0}, error, 1e-9};
}

}  // namespace

void add_elementwise(Bench& bench) {
  const Shapes& shapes = bench.shapes();
  for (const uint32_t tokens : {1U, shapes.batch}) {
    bench.add(fmt::format("rms_norm/{}/{}_tokens", shapes.width, tokens),
              [&bench, tokens] { return prepare_norm(bench, tokens); });
    bench.add(fmt::format("rms_norm_heads/{}x{}/{}_tokens", shapes.heads, shapes.head_size, tokens),
              [&bench, tokens] { return prepare_norm_of_heads(bench, tokens); });
    bench.add(fmt::format("swiglu/{}/{}_tokens", shapes.feed_forward, tokens),
              [&bench, tokens] { return prepare_swiglu(bench, tokens); });
  }
}

}  // namespace motley::bench
