#include "placement/prices.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace motley::placement {
namespace {

constexpr double kImpossible = std::numeric_limits<double>::infinity();

struct BestStage {
  double gain = 0;
  uint32_t begin = 0, end = 0;  // empty: none gains
};

BestStage best_stage(const StageTable& table, uint32_t device, const std::vector<double>& before) {
  BestStage best;
  for (uint32_t begin = table.first_layer(); begin < table.layers(); ++begin) {
    const double* costs = table.costs(device, begin);
    const uint32_t last_end = table.last_end(device, begin);
    for (uint32_t end = begin + 1; end <= last_end; ++end) {
      const double gain = before[end] - before[begin] - costs[end];
      if (gain > best.gain) best = {gain, begin, end};
    }
  }
  return best;
}

/// Gains and bound for prices whose sums are set; returns how many devices would take each layer.
std::vector<int> evaluate(const StageTable& table, Prices& prices) {
  std::vector<int> takers(table.layers(), 0);
  prices.gain.assign(table.devices(), 0);
  prices.bound = prices.before[table.layers()];
  for (uint32_t device = 0; device < table.devices(); ++device) {
    if (table.left_out(device)) continue;
    const BestStage best = best_stage(table, device, prices.before);
    prices.gain[device] = best.gain;
    prices.bound -= best.gain;
    for (uint32_t layer = best.begin; layer < best.end; ++layer) ++takers[layer];
  }
  return takers;
}

}  // namespace

StageTable::StageTable(const StageSpace& space, uint32_t first_layer, uint32_t without)
    : devices_(space.devices()),
      layers_(space.layers()),
      first_layer_(first_layer),
      without_(without),
      costs_(size_t{devices_} * layers_ * (layers_ + 1), kImpossible),
      ends_(size_t{devices_} * layers_, 0) {
  for (uint32_t device = 0; device < devices_; ++device) {
    if (left_out(device)) continue;
    for (uint32_t begin = first_layer; begin < layers_; ++begin) {
      double* costs = &costs_[(size_t{device} * layers_ + begin) * (layers_ + 1)];
      uint32_t& last_end = ends_[device * layers_ + begin];
      for (uint32_t end = begin + 1; end < layers_ && space.possible(device, begin, end); ++end) {
        costs[end] = space.cost(device, begin, end);
        last_end = end;
      }
      if (space.possible(device, begin, layers_)) {
        costs[layers_] = space.cost(device, begin, layers_);
        last_end = layers_;
      }
    }
  }
}

Prices first_prices(const StageSpace& space, const StageTable& table) {
  // The devices' cost of all layers, could they hold them, and how many they can hold from any beginning.
  struct Entry {
    double cost_per_layer;
    uint32_t most_layers;
    uint32_t device;
  };
  std::vector<Entry> entries;
  const uint32_t layers = table.layers();
  for (uint32_t device = 0; device < table.devices(); ++device) {
    Entry entry{kImpossible, 0, device};
    for (uint32_t begin = table.first_layer(); begin < layers; ++begin) {
      const uint32_t end = table.last_end(device, begin);
      if (end <= begin + entry.most_layers) continue;
      entry.most_layers = end - begin;
      entry.cost_per_layer = table.costs(device, begin)[end] / (end - begin);
    }
    if (entry.most_layers > 0) entries.push_back(entry);
  }
  std::ranges::sort(entries, {}, &Entry::cost_per_layer);
  uint32_t held = 0;
  uint32_t marginal = 0;
  for (const Entry& entry : entries) {
    marginal = entry.device;
    held += entry.most_layers;
    if (held >= layers - table.first_layer()) break;
  }
  Prices prices;
  prices.before.assign(layers + 1, 0);
  for (uint32_t layer = table.first_layer(); layer < layers; ++layer) {
    // A difference, so that only the last layer carries the output and none a hand-off.
    const uint32_t from = layer + 1 == layers ? layer : table.first_layer();
    const double own = space.cost(marginal, from, layer + 1) - space.cost(marginal, from, layer);
    prices.before[layer + 1] = prices.before[layer] + std::max(0.0, own);
  }
  evaluate(table, prices);
  return prices;
}

Prices improve(const StageTable& table, Prices prices, double upper, double precision, int rounds) {
  Prices best = prices;
  double stride = 1;
  int stale = 0;
  for (int round = 0; round < rounds && upper - best.bound > precision * upper; ++round) {
    const std::vector<int> takers = evaluate(table, prices);
    if (prices.bound > best.bound) {
      best = prices;
      stale = 0;
    } else if (++stale == 4) {
      stride /= 2;
      stale = 0;
      prices = best;
      continue;
    }
    double norm = 0;
    for (uint32_t layer = table.first_layer(); layer < table.layers(); ++layer) {
      norm += (1 - takers[layer]) * (1 - takers[layer]);
    }
    if (norm == 0) break;
    const double step = stride * (upper - prices.bound) / norm;
    double sum = 0;
    double previous = prices.before[table.first_layer()];
    for (uint32_t layer = table.first_layer(); layer < table.layers(); ++layer) {
      const double price = prices.before[layer + 1] - previous + step * (1 - takers[layer]);
      previous = prices.before[layer + 1];
      sum += price;
      prices.before[layer + 1] = sum;
    }
  }
  return best;
}

}  // namespace motley::placement
