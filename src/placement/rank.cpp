#include "placement/rank.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <numeric>
#include <tuple>

#include "base/error.hpp"

namespace motley::placement {
namespace {

const char* describe(DeviceClass device_class) {
  switch (device_class) {
    case DeviceClass::kDiscrete:
      return "a discrete GPU";
    case DeviceClass::kIntegrated:
      return "an integrated GPU, which shares the host's memory";
    case DeviceClass::kVirtual:
      return "a virtual GPU";
    case DeviceClass::kCpu:
      return "a software driver that computes on the CPU";
    case DeviceClass::kOther:
      break;
  }
  return "of no known kind";
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

std::string list(std::span<const Candidate> candidates) {
  std::string text;
  for (size_t i = 0; i < candidates.size(); ++i) {
    text += fmt::format("\n  {}: {} (UUID {})", i, candidates[i].name, candidates[i].uuid);
  }
  return text.empty() ? " none" : text;
}

}  // namespace

std::vector<Place> rank(std::span<const Candidate> candidates) {
  std::vector<size_t> order(candidates.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto key = [&](size_t index) {
    const Candidate& candidate = candidates[index];
    return std::tuple(candidate.device_class, ~candidate.device_local_bytes, ~candidate.subgroup_size);
  };
  std::ranges::stable_sort(order, {}, key);
  std::vector<Place> places;
  for (const size_t index : order) {
    const Candidate& candidate = candidates[index];
    const double gibibytes = static_cast<double>(candidate.device_local_bytes) / (1 << 30);
    places.push_back({index, fmt::format("It is {} with {:.1f} GiB of memory.",
                                         describe(candidate.device_class), gibibytes)});
  }
  return places;
}

size_t select(std::span<const Candidate> candidates, std::string_view selector) {
  size_t index = 0;
  const auto [end, error] = std::from_chars(selector.data(), selector.data() + selector.size(), index);
  if (error == std::errc{} && end == selector.data() + selector.size()) {
    if (index < candidates.size()) return index;
    fail(ErrorCode::kNoDevice, "there is no device {}; there are:{}", index, list(candidates));
  }
  std::vector<size_t> fitting;
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (lower(selector) == candidates[i].uuid) return i;
    if (lower(candidates[i].name).find(lower(selector)) != std::string::npos) fitting.push_back(i);
  }
  if (fitting.size() == 1) return fitting.front();
  fail(ErrorCode::kNoDevice, "{} device is called '{}'; there are:{}",
       fitting.empty() ? "no" : "more than one", selector, list(candidates));
}

}  // namespace motley::placement
