#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "kernels/bench.hpp"
#include "kernels/memory.hpp"
#include "kernels/reference.hpp"
#include "kernels/timing.hpp"
#include "kernels/top_k.hpp"

namespace motley::bench {
namespace {

constexpr uint32_t kWanted = 40;

struct TopK {
  kernels::Context& context;
  uint32_t vocabulary;
  std::vector<float> values;
  vk::Buffer logits;
  vk::Buffer out;

  TopK(kernels::Context& of, uint32_t size)
      : context(of),
        vocabulary(size),
        values(kernels::reference::random_values(size, 1, 5.0F)),
        logits(on_device(of.device, kernels::upload<float>(of.device, values))),
        out(of.device, kernels::top_k_bytes(kWanted), vk::MemoryUse::kShared, "benchmark of top_k") {}

  void record(vk::CommandList& commands) {
    kernels::top_k(context, commands, logits, vocabulary, kWanted, out);
  }

  /// Exact, or not at all.
  double error() const {
    const auto got = kernels::read_top_k(out.mapped_as<uint32_t>(), kWanted);
    std::vector<float> sorted = values;
    std::ranges::sort(sorted, std::greater<>());
    const bool right = got && std::ranges::equal(*got, std::span(sorted).first(kWanted), {},
                                                 [](const auto& entry) { return entry.second; });
    return right ? 0 : std::numeric_limits<double>::infinity();
  }
};

}  // namespace

void add_top_k(Bench& bench) {
  bench.add(fmt::format("top_k/{}/{}", bench.shapes().vocabulary, kWanted), [&bench]() -> Subject {
    const auto subject = std::make_shared<TopK>(bench.context(), bench.shapes().vocabulary);
    kernels::run_once(bench.device(), [&](vk::CommandList& commands) { subject->record(commands); });
    return {[=](vk::CommandList& commands, uint32_t) { subject->record(commands); },
            1,
            {4.0 * subject->vocabulary, 0},
            subject->error(),
            0};
  });
}

}  // namespace motley::bench
