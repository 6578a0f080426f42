// Integer arithmetic on sizes that come from outside.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>

namespace motley {

/// a * b, or nothing when it does not fit 64 bits.
constexpr std::optional<uint64_t> checked_multiply(uint64_t a, uint64_t b) {
  if (a != 0 && b > std::numeric_limits<uint64_t>::max() / a) return std::nullopt;
  return a * b;
}

/// a + b, or nothing when it does not fit 64 bits.
constexpr std::optional<uint64_t> checked_add(uint64_t a, uint64_t b) {
  if (b > std::numeric_limits<uint64_t>::max() - a) return std::nullopt;
  return a + b;
}

template <std::unsigned_integral T>
constexpr T div_ceil(T a, T b) {
  return static_cast<T>(a / b + (a % b != 0));
}

/// The smallest multiple of `step` that is not below `value`.
template <std::unsigned_integral T>
constexpr T round_up(T value, T step) {
  return static_cast<T>(div_ceil(value, step) * step);
}

}  // namespace motley
