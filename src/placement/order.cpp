#include "placement/order.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace motley::placement {
namespace {

constexpr double kUnlimited = std::numeric_limits<double>::infinity();
constexpr double kWorthwhile = 1 - 1e-6;

class OrderSearch {
 public:
  OrderSearch(const StageTable& table, const Prices& prices, uint32_t unused, Pipeline& pipeline,
              uint64_t& steps, uint64_t step_limit)
      : table_(table),
        prices_(prices),
        unused_(unused),
        best_(pipeline),
        steps_(steps),
        step_limit_(step_limit) {}

  void run() {
    recut(best_.devices);
    while (steps_ < step_limit_ && (try_swaps() || try_moves() || try_others())) {
    }
  }

 private:
  /// The best cuts for the devices in this order; keeps them when they are cheaper than the best known. Cuts
  /// that the prices show to be dearer are not followed.
  bool recut(const std::vector<uint32_t>& devices) {
    const uint32_t layers = table_.layers();
    const size_t stages = devices.size();
    double gains = 0;
    for (const uint32_t device : devices) gains += prices_.gain[device];
    cost_.assign((stages + 1) * (layers + 1), kUnlimited);
    from_.resize((stages + 1) * (layers + 1));
    cost_[table_.first_layer()] = 0;
    const double most = best_.cost * kWorthwhile - prices_.before[layers] + gains;
    double settled = 0;  // the gains of the stages before
    for (size_t stage = 0; stage < stages; ++stage) {
      const uint32_t device = devices[stage];
      const bool last = stage + 1 == stages;
      double* next = &cost_[(stage + 1) * (layers + 1)];
      uint32_t* from = &from_[(stage + 1) * (layers + 1)];
      for (uint32_t begin = table_.first_layer(); begin < layers; ++begin) {
        const double cost = cost_[stage * (layers + 1) + begin];
        if (!(cost - prices_.before[begin] + settled < most)) continue;
        const double* costs = table_.costs(device, begin);
        const uint32_t last_end = table_.last_end(device, begin);
        for (uint32_t end = last ? layers : begin + 1; end <= last_end; ++end) {
          ++steps_;
          if (cost + costs[end] >= next[end]) continue;
          next[end] = cost + costs[end];
          from[end] = begin;
        }
      }
      settled += prices_.gain[device];
    }
    const double total = cost_[stages * (layers + 1) + layers];
    if (!(total < best_.cost * kWorthwhile)) return false;
    keep(devices, total);
    return true;
  }

  void keep(const std::vector<uint32_t>& devices, double total) {
    const uint32_t layers = table_.layers();
    best_.devices = devices;
    best_.cost = total;
    best_.ends.assign(devices.size(), layers);
    for (size_t stage = devices.size() - 1; stage > 0; --stage) {
      best_.ends[stage - 1] = from_[(stage + 1) * (layers + 1) + best_.ends[stage]];
    }
  }

  bool try_swaps() {
    std::vector<uint32_t> devices = best_.devices;
    for (size_t a = 0; a < devices.size(); ++a) {
      for (size_t b = a + 1; b < devices.size() && steps_ < step_limit_; ++b) {
        std::swap(devices[a], devices[b]);
        if (recut(devices)) return true;
        std::swap(devices[a], devices[b]);
      }
    }
    return false;
  }

  bool try_moves() {
    for (size_t a = 0; a < best_.devices.size(); ++a) {
      for (size_t b = 0; b < best_.devices.size() && steps_ < step_limit_; ++b) {
        if (a == b) continue;
        std::vector<uint32_t> devices = best_.devices;
        const uint32_t device = devices[a];
        devices.erase(devices.begin() + static_cast<ptrdiff_t>(a));
        devices.insert(devices.begin() + static_cast<ptrdiff_t>(b), device);
        if (recut(devices)) return true;
      }
    }
    return false;
  }

  /// Devices not used yet, in place of one or beside the others; and one device less.
  bool try_others() {
    for (uint32_t device = 0; device < table_.devices(); ++device) {
      if ((unused_ >> device & 1) == 0 || std::ranges::find(best_.devices, device) != best_.devices.end()) {
        continue;
      }
      for (size_t at = 0; at < best_.devices.size() && steps_ < step_limit_; ++at) {
        std::vector<uint32_t> devices = best_.devices;
        devices[at] = device;
        if (recut(devices)) return true;
        devices = best_.devices;
        devices.insert(devices.begin() + static_cast<ptrdiff_t>(at), device);
        if (recut(devices)) return true;
      }
    }
    for (size_t at = 0; best_.devices.size() > 1 && at < best_.devices.size(); ++at) {
      std::vector<uint32_t> devices = best_.devices;
      devices.erase(devices.begin() + static_cast<ptrdiff_t>(at));
      if (recut(devices)) return true;
    }
    return false;
  }

  const StageTable& table_;
  const Prices& prices_;
  uint32_t unused_;
  Pipeline& best_;
  uint64_t& steps_;
  uint64_t step_limit_;
  std::vector<double> cost_;    // [stages done][layers done]
  std::vector<uint32_t> from_;  // where the last of them began
};

}  // namespace

void improve_order(const StageTable& table, const Prices& prices, uint32_t unused, Pipeline& pipeline,
                   uint64_t& steps, uint64_t step_limit) {
  OrderSearch(table, prices, unused, pipeline, steps, step_limit).run();
}

}  // namespace motley::placement
