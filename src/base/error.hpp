// Throwing motley::Error with a formatted message.
#pragma once

#include <utility>

#include <fmt/format.h>
#include <motley/error.hpp>

namespace motley {

/// Throws Error{code, formatted message}. `format` follows {fmt}'s syntax and is checked at compile time.
template <typename... Args>
[[noreturn]] void fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace motley
