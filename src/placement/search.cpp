#include "placement/search.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <tuple>
#include <vector>

#include "placement/order.hpp"
#include "placement/prices.hpp"
#include "placement/reach.hpp"

namespace motley::placement {
namespace {

constexpr double kUnlimited = std::numeric_limits<double>::infinity();
constexpr double kPrecision = 2e-4;
constexpr int kRounds = 32;  // of better prices between two sweeps
constexpr int32_t kNone = -1;
constexpr uint32_t kNowhere = ~uint32_t{0};
constexpr uint64_t kStepsPerState = 12;  // keeping one costs so many times looking at a stage

/// A pipeline of some first layers.
struct State {
  double excess = 0;  ///< its cost above what the prices of its layers and its devices' gains account for
  uint64_t host_bytes = 0;
  uint32_t used = 0;
  int32_t parent = kNone;  ///< into the arena
  uint32_t layer = 0;      ///< the first not placed
  uint32_t device = 0;     ///< of the last stage
};

class Search {
 public:
  Search(const StageSpace& space, const SearchStart& start, uint64_t step_budget)
      : space_(space),
        start_(start),
        step_budget_(step_budget),
        table_(space, start.begin, start.used),
        reach_(space, kUnlimited),
        prices_(first_prices(space, table_)),
        place_of_set_(size_t{1} << space.devices(), kNowhere) {}

  std::optional<SearchResult> run() {
    const uint32_t all = (uint32_t{1} << space_.devices()) - 1;
    steps_ = uint64_t{all} * space_.devices();  // of the table over all sets
    const bool possible =
        start_.begin == 0 ? reach_.whole().has_value() : reach_.begin(all & ~start_.used) <= start_.begin;
    if (!possible) return std::nullopt;
    for (size_t width = 4;; width *= 4) {
      sweep(width);
      if (cut_off_ == kUnlimited || proven_gap() <= kPrecision || steps_ >= step_budget_) break;
      reorder();
      if (upper_ < kUnlimited) prices_ = improve(table_, prices_, upper_, kPrecision, kRounds);
    }
    if (upper_ == kUnlimited) return std::nullopt;
    return SearchResult{best_cuts(), upper_, proven_gap()};
  }

 private:
  double proven_gap() const {
    if (upper_ <= 0) return 0;
    const double lower = std::max(prices_.bound, std::min(cut_off_, upper_ * (1 - kPrecision)));
    return std::max(0.0, (upper_ - lower) / upper_);
  }

  /// One pass over the layers, keeping at most `width` states for each.
  void sweep(size_t width) {
    arena_.clear();
    width_ = width;
    waiting_.assign(space_.layers(), {});
    worst_kept_.assign(space_.layers(), kUnlimited);
    cut_off_ = kUnlimited;
    State first;
    first.used = start_.used;
    first.host_bytes = start_.host_bytes;
    first.layer = start_.begin;
    waiting_[start_.begin].push_back(first);
    for (uint32_t layer = start_.begin; layer < space_.layers(); ++layer) {
      std::vector<State>& states = waiting_[layer];
      drop_dominated(states);
      trim(states, steps_ < step_budget_ ? width : std::min<size_t>(width, 8));
      for (const State& state : states) {
        arena_.push_back(state);
        extend(static_cast<int32_t>(arena_.size() - 1));
      }
      states.clear();
    }
  }

  /// Of states of one set, keeps those that nothing beats in both excess and host memory.
  void drop_dominated(std::vector<State>& states) {
    if (space_.host_limited()) return drop_dominated_in_both(states);
    size_t kept = 0;
    for (const State& state : states) {
      uint32_t& place = place_of_set_[state.used];
      if (place == kNowhere) {
        place = static_cast<uint32_t>(kept);
        states[kept++] = state;
      } else if (state.excess < states[place].excess) {
        states[place] = state;
      }
    }
    states.resize(kept);
    for (const State& state : states) place_of_set_[state.used] = kNowhere;
  }

  static void drop_dominated_in_both(std::vector<State>& states) {
    std::ranges::sort(states, [](const State& a, const State& b) {
      return std::tie(a.used, a.excess, a.host_bytes) < std::tie(b.used, b.excess, b.host_bytes);
    });
    size_t kept = 0;
    for (const State& state : states) {
      const bool beaten =
          kept > 0 && states[kept - 1].used == state.used && states[kept - 1].host_bytes <= state.host_bytes;
      if (!beaten) states[kept++] = state;
    }
    states.resize(kept);
  }

  void trim(std::vector<State>& states, size_t width) {
    if (states.size() <= width) return;
    const auto by_excess = [](const State& a, const State& b) { return a.excess < b.excess; };
    const auto by_host = [](const State& a, const State& b) { return a.host_bytes < b.host_bytes; };
    // Where host memory is short, half of the places go to those that take least of it.
    const size_t places = space_.host_limited() ? width / 2 : width;
    const auto middle = states.begin() + static_cast<ptrdiff_t>(places);
    std::nth_element(states.begin(), middle, states.end(), by_excess);
    const auto end = states.begin() + static_cast<ptrdiff_t>(width);
    if (end != middle) std::nth_element(middle, end, states.end(), by_host);
    for (auto state = end; state != states.end(); ++state) {
      cut_off_ = std::min(cut_off_, prices_.bound + state->excess);
    }
    states.erase(end, states.end());
  }

  void extend(int32_t parent) {
    const State state = arena_[static_cast<size_t>(parent)];
    for (uint32_t device = 0; device < space_.devices(); ++device) {
      if ((state.used >> device & 1) != 0) continue;
      const uint32_t twin = space_.twin(device);
      if (twin != device && (state.used >> twin & 1) == 0) continue;
      State next = state;
      next.parent = parent;
      next.device = device;
      next.used |= uint32_t{1} << device;
      extend_with(state, next);
    }
  }

  void extend_with(const State& state, State& next) {
    const uint32_t layers = space_.layers();
    const uint32_t all = (uint32_t{1} << space_.devices()) - 1;
    const double* costs = table_.costs(next.device, state.layer);
    const double spent = state.excess + prices_.gain[next.device] + prices_.before[state.layer];
    const uint32_t last_end = table_.last_end(next.device, state.layer);
    const uint32_t least_end = std::max(state.layer + 1, reach_.begin(all & ~next.used));
    if (last_end == layers) finish(state, next, spent + costs[layers] - prices_.before[layers]);
    for (uint32_t end = least_end; end <= std::min(last_end, layers - 1); ++end) {
      ++steps_;
      next.excess = spent + costs[end] - prices_.before[end];
      if (prices_.bound + next.excess >= upper_ * (1 - kPrecision)) continue;
      if (!take_host(state, next, end)) continue;
      next.layer = end;
      enqueue(next);
    }
  }

  /// Adds to the states that wait at a layer; when they are many, the worst go at once.
  void enqueue(const State& state) {
    std::vector<State>& states = waiting_[state.layer];
    if (state.excess >= worst_kept_[state.layer]) {
      cut_off_ = std::min(cut_off_, prices_.bound + state.excess);
      return;
    }
    steps_ += kStepsPerState;
    states.push_back(state);
    if (states.size() < 4 * width_) return;
    drop_dominated(states);
    if (states.size() <= 2 * width_) return;
    trim(states, width_);
    if (space_.host_limited()) return;
    const auto worst = std::ranges::max_element(states, {}, &State::excess);
    worst_kept_[state.layer] = worst->excess;
  }

  /// Sets next.host_bytes; false when that is more than there is.
  bool take_host(const State& state, State& next, uint32_t end) const {
    if (!space_.host_limited()) return true;
    next.host_bytes = state.host_bytes + space_.host_bytes(next.device, state.layer, end);
    return next.host_bytes <= space_.rules().host_limit_bytes;
  }

  /// A whole pipeline: devices not used give back their gains.
  void finish(const State& state, State& last, double excess) {
    double total = prices_.bound + excess;
    for (uint32_t device = 0; device < space_.devices(); ++device) {
      if ((last.used >> device & 1) == 0) total += prices_.gain[device];
    }
    if (!(total < upper_) || !take_host(state, last, space_.layers())) return;
    upper_ = total;
    best_ = {};
    best_.cost = total;
    uint32_t end = space_.layers();
    uint32_t device = last.device;
    for (int32_t at = last.parent; at != kNone; at = arena_[static_cast<size_t>(at)].parent) {
      best_.devices.insert(best_.devices.begin(), device);
      best_.ends.insert(best_.ends.begin(), end);
      const State& before = arena_[static_cast<size_t>(at)];
      end = before.layer;
      device = before.device;
    }
  }

  /// Where host memory is not short, whose use other orders would change.
  void reorder() {
    if (upper_ == kUnlimited || space_.host_limited()) return;
    const uint32_t all = (uint32_t{1} << space_.devices()) - 1;
    const uint64_t limit = steps_ + (step_budget_ - std::min(steps_, step_budget_)) / 16;
    improve_order(table_, prices_, all & ~start_.used, best_, steps_, limit);
    upper_ = best_.cost;
  }

  Cuts best_cuts() const {
    Cuts cuts;
    uint32_t begin = start_.begin;
    for (size_t i = 0; i < best_.devices.size(); ++i) {
      cuts.push_back({space_.machine_index(best_.devices[i]), begin, best_.ends[i]});
      begin = best_.ends[i];
    }
    return cuts;
  }

  const StageSpace& space_;
  SearchStart start_;
  uint64_t step_budget_;
  StageTable table_;
  Reach reach_;
  Prices prices_;
  std::vector<State> arena_;
  size_t width_ = 0;
  std::vector<std::vector<State>> waiting_;  // by layer
  std::vector<double> worst_kept_;           // by layer: states from here on are cut off
  std::vector<uint32_t> place_of_set_;       // where its best state is kept, while some are sifted
  Pipeline best_;
  double upper_ = kUnlimited;
  double cut_off_ = kUnlimited;  // the least bound of a state that was cut off
  uint64_t steps_ = 0;
};

}  // namespace

std::optional<SearchResult> minimise_total(const StageSpace& space, const SearchStart& start,
                                           uint64_t step_budget) {
  return Search(space, start, step_budget).run();
}

}  // namespace motley::placement
