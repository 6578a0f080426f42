// Which devices a user means: select() and select_all() of rank.hpp.
#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/error.hpp"
#include "placement/rank.hpp"
#include "placement/same_gpu.hpp"

namespace motley::placement {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

std::string list(std::span<const Candidate> candidates) {
  std::string text;
  for (size_t i = 0; i < candidates.size(); ++i) {
    std::vector<std::string> known;  // a device of a file has neither
    if (!candidates[i].uuid.empty()) known.push_back(fmt::format("UUID {}", candidates[i].uuid));
    if (!candidates[i].pci_address.empty()) known.push_back(fmt::format("PCI {}", candidates[i].pci_address));
    text += fmt::format("\n  {}: {}", i, candidates[i].name);
    if (!known.empty()) text += fmt::format(" ({})", fmt::join(known, ", "));
  }
  return text.empty() ? " none" : text;
}

/// Whether all of `text` is what `pattern` says: * any characters, ? any one. Goes back to the last * only,
/// so the time is bounded by the product of the lengths.
bool matches_pattern(std::string_view pattern, std::string_view text) {
  size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

/// A number of one or two digits. "4090" is a part of a name.
std::optional<size_t> index_of(std::string_view selector) {
  constexpr size_t kMostDigits = 2;
  size_t index = 0;
  const char* const last = selector.data() + selector.size();
  const auto [end, error] = std::from_chars(selector.data(), last, index);
  if (error != std::errc{} || end != last || selector.size() > kMostDigits) return std::nullopt;
  return index;
}

/// `selector` is in lower case, as are UUIDs and PCI addresses.
bool fits(const Candidate& candidate, std::string_view selector) {
  if (selector == candidate.uuid) return true;
  const std::string& pci = candidate.pci_address;
  if (!pci.empty() && (selector == pci || fmt::format("0000:{}", selector) == pci)) return true;
  const std::string name = lower(candidate.name);
  if (selector.find_first_of("*?") != std::string_view::npos) return matches_pattern(selector, name);
  return name.find(selector) != std::string::npos;
}

/// Everything that one selector fits; of one GPU's drivers the preferred alone, if it is among them.
std::vector<size_t> fitting(std::span<const Candidate> candidates, std::string_view selector) {
  if (const auto index = index_of(selector)) {
    if (*index < candidates.size()) return {*index};
    fail(ErrorCode::kNoDevice, "there is no device {}; there are:{}", *index, list(candidates));
  }
  const std::string wanted = lower(selector);
  const std::vector<size_t> preferred = preferred_twins(candidates);
  std::vector<size_t> result;
  for (size_t i = 0; i < candidates.size(); ++i) {
    const bool better = preferred[i] != i && fits(candidates[preferred[i]], wanted);
    if (fits(candidates[i], wanted) && !better) result.push_back(i);
  }
  return result;
}

}  // namespace

size_t select(std::span<const Candidate> candidates, std::string_view selector) {
  const std::vector<size_t> found = fitting(candidates, selector);
  if (found.size() == 1) return found.front();
  fail(ErrorCode::kNoDevice, "{} device is called '{}'; there are:{}", found.empty() ? "no" : "more than one",
       selector, list(candidates));
}

std::vector<size_t> select_all(std::span<const Candidate> candidates, std::string_view selectors) {
  // A driver may put commas into a name: "llvmpipe (LLVM 15.0.6, 256 bits)".
  const auto named = std::ranges::find(candidates, lower(selectors),
                                       [](const Candidate& candidate) { return lower(candidate.name); });
  if (named != candidates.end()) return fitting(candidates, named->name);
  std::vector<size_t> result;
  for (std::string_view rest = selectors;;) {
    const size_t comma = rest.find(',');
    const std::string_view selector = trim(rest.substr(0, comma));
    if (selector.empty()) {
      fail(ErrorCode::kInvalidArgument, "'{}' has an empty part; devices are separated by single commas",
           selectors);
    }
    const std::vector<size_t> found = fitting(candidates, selector);
    if (found.empty())
      fail(ErrorCode::kNoDevice, "no device is called '{}'; there are:{}", selector, list(candidates));
    const size_t before = result.size();
    for (const size_t index : found) {
      if (std::ranges::find(result, index) == result.end()) result.push_back(index);
    }
    if (result.size() == before) {
      fail(ErrorCode::kInvalidArgument, "'{}' names '{}' twice (the second time as '{}')", selectors,
           candidates[found.front()].name, selector);
    }
    if (comma == std::string_view::npos) return result;
    rest.remove_prefix(comma + 1);
  }
}

}  // namespace motley::placement
