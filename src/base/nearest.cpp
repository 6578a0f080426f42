#include "base/nearest.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace motley {
namespace {

size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t exchanged = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({exchanged, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string list_nearest_first(std::span<const std::string_view> names, std::string_view wanted) {
  constexpr size_t kLongestCompared = 64;  // beyond any name, and little work
  std::vector<std::string_view> sorted(names.begin(), names.end());
  wanted = wanted.substr(0, kLongestCompared);
  std::ranges::stable_sort(sorted, {}, [&](std::string_view name) { return distance(wanted, name); });
  return fmt::format("{}", fmt::join(sorted, ", "));
}

}  // namespace motley
