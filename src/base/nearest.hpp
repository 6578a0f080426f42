// What somebody who misspelled a name may have meant.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace motley {

/// The names, those most like `wanted` first: "llama-3-8b, llama-3-70b, ...". Likeness is the count of
/// letters to put in, leave out or exchange (Levenshtein 1966); of those alike the given order is kept.
std::string list_nearest_first(std::span<const std::string_view> names, std::string_view wanted);

}  // namespace motley
