#include "placement/rank.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>

#include <fmt/format.h>

#include "placement/quirks.hpp"
#include "placement/same_gpu.hpp"

namespace motley::placement {
namespace {

const char* describe(DeviceClass device_class) {
  switch (device_class) {
    case DeviceClass::kDiscrete:
      return "a discrete GPU";
    case DeviceClass::kIntegrated:
      return "an integrated GPU, which shares the host's memory,";
    case DeviceClass::kVirtual:
      return "a virtual GPU";
    case DeviceClass::kCpu:
      return "a software driver that computes on the CPU,";
    case DeviceClass::kOther:
      break;
  }
  return "a device of no known kind";
}

const char* short_name(DeviceClass device_class) {
  switch (device_class) {
    case DeviceClass::kDiscrete:
      return "discrete";
    case DeviceClass::kIntegrated:
      return "integrated";
    case DeviceClass::kVirtual:
      return "virtual";
    case DeviceClass::kCpu:
      return "a software driver";
    case DeviceClass::kOther:
      break;
  }
  return "of no known kind";
}

std::string ordinal(size_t number) {
  const size_t tens = number / 10 % 10;
  const char* ending = "th";
  if (tens != 1 && number % 10 == 1) ending = "st";
  if (tens != 1 && number % 10 == 2) ending = "nd";
  if (tens != 1 && number % 10 == 3) ending = "rd";
  return fmt::format("{}{}", number, ending);
}

double gibibytes(const Candidate& candidate) {
  return static_cast<double>(candidate.device_local_bytes) / (1 << 30);
}

/// Whether bandwidths can be compared within a class.
bool all_measured(std::span<const Candidate> candidates, std::span<const size_t> indices, DeviceClass of) {
  return std::ranges::all_of(indices, [&](size_t index) {
    return candidates[index].device_class != of || candidates[index].bandwidth_gbs.has_value();
  });
}

/// Why `later` stands behind `earlier`: the first thing in which they differ.
std::string comparison(const Candidate& earlier, const std::string& place, const Candidate& later,
                       bool measured) {
  if (earlier.device_class != later.device_class)
    return fmt::format("the {} is {}", place, short_name(earlier.device_class));
  if (measured && earlier.bandwidth_gbs != later.bandwidth_gbs) {
    return fmt::format("it reads its memory at {:.4g} GB/s, the {} at {:.4g} GB/s", *later.bandwidth_gbs,
                       place, *earlier.bandwidth_gbs);
  }
  if (earlier.device_local_bytes != later.device_local_bytes) {
    return fmt::format("the {} has {:.{}f} GiB", place, gibibytes(earlier),
                       // A few MiB more decide as well, and must be seen to.
                       gibibytes(earlier) - gibibytes(later) < 0.1 ? 3 : 1);
  }
  if (earlier.subgroup_size != later.subgroup_size) {
    return fmt::format("it computes on {} lanes at once, the {} on {}", later.subgroup_size, place,
                       earlier.subgroup_size);
  }
  return fmt::format("nothing that counts here tells it from the {}, which is listed before it", place);
}

std::string reason_of(std::span<const Candidate> candidates, std::span<const size_t> order, size_t at) {
  const Candidate& candidate = candidates[order[at]];
  const bool measured = all_measured(candidates, order, candidate.device_class);
  std::string reason = fmt::format("{}: {} with {:.1f} GiB of memory", ordinal(at + 1),
                                   describe(candidate.device_class), gibibytes(candidate));
  if (at > 0) {
    reason += "; " + comparison(candidates[order[at - 1]], ordinal(at), candidate, measured);
  } else if (candidate.bandwidth_gbs) {
    reason += fmt::format(", which it reads at {:.4g} GB/s", *candidate.bandwidth_gbs);
  }
  return reason + ".";
}

std::string reason_of_twin(const Candidate& preferred, size_t preferred_index, const Candidate& other) {
  const auto driver = [](const Candidate& of) {
    const std::string_view why = find_quirks(of.driver_name, {}).preference_reason;
    return why.empty() ? fmt::format("'{}'", of.driver_name) : fmt::format("'{}' {}", of.driver_name, why);
  };
  return fmt::format("Not used: it is device {} through another driver ({}); {}, {}.", preferred_index,
                     same_gpu(preferred, other), driver(preferred), driver(other));
}

}  // namespace

std::vector<Place> rank(std::span<const Candidate> candidates) {
  const std::vector<size_t> preferred = preferred_twins(candidates);
  std::vector<size_t> order;
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (preferred[i] == i) order.push_back(i);
  }
  std::vector<bool> measured;  // by class, found before the order changes
  measured.reserve(order.size());
  for (const size_t index : order)
    measured.push_back(all_measured(candidates, order, candidates[index].device_class));
  std::vector<double> bandwidth(candidates.size(), 0);
  for (size_t i = 0; i < order.size(); ++i) {
    if (measured[i]) bandwidth[order[i]] = *candidates[order[i]].bandwidth_gbs;
  }
  std::ranges::stable_sort(order, {}, [&](size_t index) {
    const Candidate& candidate = candidates[index];
    return std::tuple(candidate.device_class, -bandwidth[index], ~candidate.device_local_bytes,
                      ~candidate.subgroup_size);
  });
  std::vector<Place> places;
  for (size_t at = 0; at < order.size(); ++at)
    places.push_back({order[at], reason_of(candidates, order, at), std::nullopt});
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (preferred[i] == i) continue;
    places.push_back(
        {i, reason_of_twin(candidates[preferred[i]], preferred[i], candidates[i]), preferred[i]});
  }
  return places;
}

}  // namespace motley::placement
