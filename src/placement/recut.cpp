#include "placement/recut.hpp"

#include <algorithm>
#include <limits>
#include <vector>

namespace motley::placement {
namespace {

constexpr double kImpossible = std::numeric_limits<double>::infinity();

std::vector<uint32_t> local_order(const StageSpace& space, const Cuts& cuts) {
  std::vector<uint32_t> order;
  for (const Cut& cut : cuts) order.push_back(local_index(space, cut.device));
  return order;
}

}  // namespace

std::optional<Cuts> recut(const StageSpace& space, const Cuts& cuts, const StageValue& value) {
  const uint32_t layers = space.layers();
  const std::vector<uint32_t> order = local_order(space, cuts);
  const auto stages = static_cast<uint32_t>(order.size());
  // best[s][l]: the least sum for the first s devices holding the first l layers.
  std::vector<std::vector<double>> best(stages + 1, std::vector<double>(layers + 1, kImpossible));
  std::vector<std::vector<uint32_t>> from(stages + 1, std::vector<uint32_t>(layers + 1, 0));
  best[0][0] = 0;
  for (uint32_t stage = 0; stage < stages; ++stage) {
    const uint32_t left = stages - 1 - stage;
    for (uint32_t begin = stage; begin < layers; ++begin) {
      if (best[stage][begin] == kImpossible) continue;
      const uint32_t last_end = layers - std::min(layers, left);
      for (uint32_t end = left == 0 ? layers : begin + 1; end <= last_end; ++end) {
        if (!space.possible(order[stage], begin, end)) {
          if (begin > 0) break;
          continue;
        }
        const double sum = best[stage][begin] + value(order[stage], begin, end);
        if (sum < best[stage + 1][end]) {
          best[stage + 1][end] = sum;
          from[stage + 1][end] = begin;
        }
      }
    }
  }
  if (!(best[stages][layers] < kImpossible)) return std::nullopt;
  Cuts result(stages);
  uint32_t end = layers;
  for (uint32_t stage = stages; stage > 0; --stage) {
    result[stage - 1] = {cuts[stage - 1].device, from[stage][end], end};
    end = from[stage][end];
  }
  return result;
}

Cuts recut_evenly(const StageSpace& space, const Cuts& cuts) {
  if (cuts.size() < 2) return cuts;
  const double limit = largest_cost(space, cuts) * (1 + 1e-9);
  const auto found = recut(space, cuts, [&](uint32_t device, uint32_t begin, uint32_t end) {
    const double cost = space.cost(device, begin, end);
    return cost <= limit ? cost * cost : kImpossible;
  });
  if (!found || exceeds_host_limit(space, *found)) return cuts;
  return *found;
}

Cuts recut_for_prefill(const StageSpace& space, const CostModel& costs, const Cuts& cuts, double slack) {
  if (cuts.size() < 2 || costs.chunks() < 2) return cuts;
  const double allowed = total_cost(space, cuts) * (1 + slack);
  const auto prefill = [&](uint32_t device, uint32_t begin, uint32_t end) {
    const uint32_t resident = space.resident_from(device, begin, end);
    return costs.prefill(space.machine_index(device)).stage(begin, resident, end);
  };
  const auto longest = [&](const Cuts& some) {
    double ms = 0;
    for (const Cut& cut : some) {
      ms = std::max(ms, prefill(local_index(space, cut.device), cut.begin, cut.end));
    }
    return ms;
  };
  Cuts best = cuts;
  double high = longest(cuts);
  double low = high / static_cast<double>(2 * cuts.size());
  while (high - low > 0.005 * high) {
    const double limit = (low + high) / 2;
    const auto found = recut(space, cuts, [&](uint32_t device, uint32_t begin, uint32_t end) {
      return prefill(device, begin, end) <= limit ? space.cost(device, begin, end) : kImpossible;
    });
    const bool good = found && total_cost(space, *found) <= allowed && !exceeds_host_limit(space, *found);
    if (good) {
      best = *found;
      high = std::min(limit, longest(best));
    } else {
      low = limit;
    }
  }
  return best;
}

}  // namespace motley::placement
