#include "placement/advice.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "placement/choose.hpp"
#include "placement/explain.hpp"

namespace motley::placement {
namespace {

/// Fractions are found to this many bisections: each asks for the exact answer over all sets of devices, so
/// with many of them fewer are made.
int bisections(const Allowed& allowed) { return allowed.regular.size() > 12 ? 4 : 10; }

uint64_t scaled(uint64_t bytes, double factor) {
  return static_cast<uint64_t>(std::ceil(static_cast<double>(bytes) * factor));
}

void scale(LayerCost& layer, double weights, double kv) {
  for (MatrixCost& matrix : layer.matrices) matrix.bytes = scaled(matrix.bytes, weights);
  layer.kv_bytes = scaled(layer.kv_bytes, kv);
}

bool fits(const Context& context, const Allowed& allowed, double weights, double kv, double scratch = 1) {
  Workload smaller = context.workload;
  for (Scratch& device : smaller.scratch) {
    device.bytes -= std::min(device.context_bytes, device.bytes);
    device.bytes += scaled(device.context_bytes, scratch);
  }
  for (LayerCost& layer : smaller.layers) scale(layer, weights, kv);
  scale(smaller.embedding, weights, kv);
  scale(smaller.output, weights, kv);
  return fits_devices(context, allowed, MemoryModel(smaller, allowed.usable_bytes));
}

/// The largest factor found below 1 so that fits(factor); nothing where none down to 1/1000 does.
template <typename Fits>
std::optional<double> largest_fitting(Fits fits, int rounds) {
  double low = 1e-3;
  double high = 1;
  if (!fits(low)) return std::nullopt;
  for (int round = 0; round < rounds; ++round) {
    const double middle = (low + high) / 2;
    (fits(middle) ? low : high) = middle;
  }
  return low;
}

/// The largest context found that fits, tokens; 0 where none does. Bisects the ratio: what fits may be a
/// small part of what was asked for.
uint32_t largest_context(const Context& context, const Allowed& allowed, int rounds) {
  constexpr uint32_t kStep = 32;  // caches come in whole steps
  const double asked = context.workload.context;
  const auto fits_tokens = [&](double tokens) {
    return fits(context, allowed, 1, tokens / asked, tokens / asked);
  };
  double low = 1;
  double high = asked;
  if (!fits_tokens(low)) return 0;
  for (int round = 0; round < rounds; ++round) {
    const double middle = std::sqrt(low * high);
    (fits_tokens(middle) ? low : high) = middle;
  }
  const auto tokens = static_cast<uint32_t>(low);
  return tokens > kStep ? tokens / kStep * kStep : tokens;
}

double bits_per_weight(const Workload& workload) {
  double bytes = 0;
  double weights = 0;
  const auto add = [&](const LayerCost& layer) {
    for (const MatrixCost& matrix : layer.matrices) {
      bytes += static_cast<double>(matrix.bytes);
      weights += static_cast<double>(matrix.weights);
    }
  };
  for (const LayerCost& layer : workload.layers) add(layer);
  add(workload.embedding);
  if (!workload.tied) add(workload.output);
  return weights > 0 ? 8 * bytes / weights : 0;
}

std::string shortage(const Context& context, const Allowed& allowed) {
  const MemoryModel& memory = context.memory;
  uint64_t usable = 0;
  for (const size_t device : allowed.regular) {
    usable = saturating_sum(usable, memory.usable_bytes(device));
  }
  const uint64_t needed = memory.least_bytes_from(0);
  const std::string model = fmt::format(
      "the model with its KV cache for {} tokens takes {} ({} weights, {} KV cache, {} scratch)",
      context.workload.context, gibibytes(needed),
      gibibytes(memory.weights_bytes(0, memory.layers()) + memory.outer_weights_bytes(true, true)),
      gibibytes(memory.kv_bytes(0, memory.layers())), gibibytes(memory.least_scratch_bytes(true)));
  if (needed > usable) {
    return fmt::format("{}; the devices have {} usable: {} too little", model, gibibytes(usable),
                       gibibytes(needed - usable));
  }
  return fmt::format(
      "{}; the devices have {} usable, but with each part's scratch memory and whole layers it "
      "cannot be cut to fit them",
      model, gibibytes(usable));
}

}  // namespace

std::vector<std::string> advice(const Context& context, const Allowed& allowed) {
  std::vector<std::string> sentences = {shortage(context, allowed)};
  const int rounds = bisections(allowed);
  const uint32_t tokens = context.workload.context;
  const bool has_kv = context.memory.kv_bytes(0, context.memory.layers()) > 0;
  if (has_kv && tokens > 1) {
    const uint32_t fitting = largest_context(context, allowed, rounds + rounds / 2);
    if (fitting > 0) {
      sentences.push_back(fmt::format("a context of {} tokens would fit (now {})", fitting, tokens));
    }
  }
  if (has_kv && fits(context, allowed, 1, 0.5)) {
    sentences.push_back("a KV cache of half as many bits a value (f16 for f32) would fit");
  }
  const double bits = bits_per_weight(context.workload);
  const auto factor =
      largest_fitting([&](double weights) { return fits(context, allowed, weights, 1); }, rounds);
  if (bits > 0 && factor) {
    sentences.push_back(fmt::format("a format of at most {:.2f} bits a weight would fit (now {:.2f})",
                                    std::floor(bits * *factor * 100) / 100, bits));
  }
  return sentences;
}

}  // namespace motley::placement
