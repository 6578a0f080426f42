#include "placement/reach.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>

#include "placement/recut.hpp"

namespace motley::placement {
namespace {

constexpr double kUnlimited = std::numeric_limits<double>::infinity();
constexpr double kPrecision = 4e-4;
constexpr size_t kFollowed = 64;

uint32_t everything(const StageSpace& space) { return (uint32_t{1} << space.devices()) - 1; }

bool within(const StageSpace& space, uint32_t device, uint32_t begin, uint32_t end, double limit) {
  return space.possible(device, begin, end) &&
         (limit == kUnlimited || space.cost(device, begin, end) <= limit);
}

/// No largest stage is below this: if every device worked all the time at its best rate for any layer, the
/// layers' sizes would still take so long. (Weights of the layers: their cost on the first device.)
double fluid_bound(const StageSpace& space) {
  double work = 0;
  std::vector<double> rates(space.devices());
  for (uint32_t layer = 0; layer < space.layers(); ++layer) {
    const double size = space.layer_cost(0, layer);
    work += size;
    for (uint32_t device = 0; device < space.devices(); ++device) {
      const double cost = space.layer_cost(device, layer);
      double rate = kUnlimited;
      if (cost > 0) rate = size / cost;
      rates[device] = std::max(rates[device], rate);
    }
  }
  const double rate = std::accumulate(rates.begin(), rates.end(), 0.0);
  return rate > 0 ? work / rate : 0;
}

}  // namespace

Reach::Reach(const StageSpace& space, double limit, bool use_all, size_t width)
    : space_(space), limit_(limit), use_all_(use_all), dead_(static_cast<uint16_t>(space.layers() + 2)) {
  for (uint32_t device = 0; device < space.devices(); ++device) tabulate(device);
  begin_.assign(size_t{everything(space)} + 1, dead_);
  begin_[0] = static_cast<uint16_t>(space.layers() + 1);
  width == 0 ? follow_all() : follow(width);
}

void Reach::follow_all() {
  for (uint32_t set = 1; set < begin_.size(); ++set) {
    uint16_t best = dead_;
    for (uint32_t left = set; left != 0; left &= left - 1) {
      const auto device = static_cast<uint32_t>(std::countr_zero(left));
      best = std::min(best, before(device, begin_[set & ~(uint32_t{1} << device)]));
    }
    begin_[set] = use_all_ ? leave_some(set, best) : best;
  }
}

void Reach::follow(size_t width) {
  std::vector<double> speeds;
  for (uint32_t device = 0; device < space_.devices(); ++device) {
    double cost = 0;
    for (uint32_t layer = 0; layer < space_.layers(); ++layer) cost += space_.layer_cost(device, layer);
    speeds.push_back(cost > 0 ? 1 / cost : 1);
  }
  struct Followed {
    double left;  // layers to place over the speed of the devices to place them on
    uint32_t set;
  };
  std::vector<Followed> level = {{0, 0}};
  std::vector<Followed> next;
  for (uint32_t size = 1; size <= space_.devices(); ++size) {
    next.clear();
    for (const Followed& from : level) {
      for (uint32_t left = everything(space_) & ~from.set; left != 0; left &= left - 1) {
        const auto device = static_cast<uint32_t>(std::countr_zero(left));
        const uint32_t set = from.set | uint32_t{1} << device;
        uint16_t begin = before(device, begin_[from.set]);
        if (use_all_) begin = leave_some(set, begin);
        if (begin_[set] == dead_ && begin != dead_) next.push_back({0, set});
        begin_[set] = std::min(begin_[set], begin);
      }
    }
    for (Followed& one : next) {
      double speed = 0;
      for (uint32_t left = everything(space_) & ~one.set; left != 0; left &= left - 1) {
        speed += speeds[static_cast<size_t>(std::countr_zero(left))];
      }
      one.left = begin_[one.set] / std::max(speed, 1e-300);
    }
    if (next.size() > width) {
      std::ranges::nth_element(next, next.begin() + static_cast<ptrdiff_t>(width), {}, &Followed::left);
      next.resize(width);
    }
    std::swap(level, next);
  }
}

void Reach::tabulate(uint32_t device) {
  const uint32_t layers = space_.layers();
  const auto add = [&](uint32_t begin, uint32_t end, uint32_t otherwise) {
    lowest_.push_back(static_cast<uint16_t>(begin < end ? begin : otherwise));
  };
  uint32_t begin = 1;
  for (uint32_t end = 0; end < layers; ++end) {
    while (begin < end && !within(space_, device, begin, end, limit_)) ++begin;
    add(begin, end, use_all_ ? dead_ : end);
  }
  add(layers, layers, dead_);  // no set begins at layers()
  begin = 1;
  while (begin < layers && !within(space_, device, begin, layers, limit_)) ++begin;
  add(begin, layers, use_all_ ? dead_ : layers + 1);
  add(layers, layers, dead_);
}

/// With every device of the set in use and one layer at least for each of the others.
uint16_t Reach::leave_some(uint32_t set, uint16_t begin) const {
  const auto others = static_cast<uint16_t>(std::popcount(everything(space_) & ~set));
  begin = std::max(begin, others);
  const uint32_t needed = static_cast<uint32_t>(std::popcount(set)) + begin;
  return needed > space_.layers() ? dead_ : begin;
}

Cuts Reach::cuts(uint32_t set, uint32_t begin) const {
  const uint32_t layers = space_.layers();
  Cuts result;
  while (begin < layers) {
    uint32_t chosen = 0;
    bool idle = false;
    for (uint32_t left = set; left != 0 && !idle; left &= left - 1) {
      const auto device = static_cast<uint32_t>(std::countr_zero(left));
      const uint16_t after = begin_[set & ~(uint32_t{1} << device)];
      idle = !use_all_ && after <= begin;
      if (idle || before(device, after) <= begin) chosen = device;
    }
    set &= ~(uint32_t{1} << chosen);
    if (idle) continue;
    const uint32_t end = std::min<uint32_t>(begin_[set], layers);
    result.push_back({space_.machine_index(chosen), begin, end});
    begin = end;
  }
  return result;
}

std::optional<Cuts> Reach::whole() const {
  const uint32_t layers = space_.layers();
  const uint32_t all = everything(space_);
  std::optional<Cuts> best;
  for (uint32_t device = 0; device < space_.devices(); ++device) {
    if ((!use_all_ || all == 1) && within(space_, device, 0, layers, limit_)) {
      return Cuts{{space_.machine_index(device), 0, layers}};
    }
    const uint32_t rest = all & ~(uint32_t{1} << device);
    if (begin_[rest] >= layers || !within(space_, device, 0, begin_[rest], limit_)) continue;
    Cuts cuts = {{space_.machine_index(device), 0, begin_[rest]}};
    const Cuts others = this->cuts(rest, begin_[rest]);
    cuts.insert(cuts.end(), others.begin(), others.end());
    if (!best || cuts.size() < best->size()) best = std::move(cuts);
  }
  return best;
}

bool feasible(const StageSpace& space) { return Reach(space, kUnlimited).whole().has_value(); }

std::optional<Cuts> minimise_largest(const StageSpace& space, bool use_all) {
  std::optional<Cuts> best = Reach(space, kUnlimited, use_all).whole();
  if (!best) return std::nullopt;
  double high = largest_cost(space, *best);
  double low = fluid_bound(space);
  const auto possible_at = [&](double limit, size_t width) {
    std::optional<Cuts> found = Reach(space, limit, use_all, width).whole();
    if (!found) return false;
    high = std::min(limit, largest_cost(space, *found));
    best = std::move(found);
    return true;
  };
  // A good pipeline first, without proof ...
  double unproven = low;
  while (high - unproven > kPrecision * high) {
    const double limit = (unproven + high) / 2;
    if (!possible_at(limit, kFollowed)) unproven = limit;
  }
  // ... then the proof that none is better; or better ones, until there is.
  double step = 0.99 * kPrecision;
  while (high - low > kPrecision * high) {
    const double limit = std::max(high * (1 - step), (low + high) / 2);
    if (possible_at(limit, 0)) {
      step *= 2;
    } else {
      low = limit;
      step = 1;
    }
  }
  return recut_evenly(space, *best);
}

}  // namespace motley::placement
