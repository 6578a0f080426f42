// Finding a row of a table by name.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace motley::gguf {

/// The rows' numbers in the order of their names. Sorted rather than hashed, because names come from the
/// file: no choice of names makes it slow. It keeps no reference to the table; every call gets `name_of`,
/// which maps a row's number to its name.
class NameIndex {
 public:
  NameIndex() = default;

  template <typename NameOf>
  NameIndex(size_t rows, NameOf name_of) : order_(rows) {
    std::iota(order_.begin(), order_.end(), uint32_t{0});
    std::ranges::stable_sort(order_, {}, name_of);
  }

  template <typename NameOf>
  std::optional<size_t> find(std::string_view name, NameOf name_of) const {
    const auto found = std::ranges::lower_bound(order_, name, {}, name_of);
    if (found == order_.end() || name_of(*found) != name) return std::nullopt;
    return *found;
  }

  /// The first two rows found to share a name, the earlier row first; nothing when all names differ.
  template <typename NameOf>
  std::optional<std::pair<size_t, size_t>> duplicate(NameOf name_of) const {
    const auto found = std::ranges::adjacent_find(order_, {}, name_of);
    if (found == order_.end()) return std::nullopt;
    return std::pair<size_t, size_t>(found[0], found[1]);
  }

 private:
  std::vector<uint32_t> order_;
};

}  // namespace motley::gguf
