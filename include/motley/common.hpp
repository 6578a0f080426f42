// What all of the interface shares: tokens, the version, diagnostics.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include <motley/error.hpp>

namespace motley {

/// A token's number in the model's vocabulary.
using Token = std::int32_t;

/// The library's version, e.g. "0.1.0".
MOTLEY_API const char* version() noexcept;

enum class LogSeverity { kDebug, kInfo, kWarning, kError };

/// Sends diagnostics at or above `least` to `sink` instead of stderr (the default: warnings and errors).
/// Thread-safe; the sink is called from any thread, one call at a time.
MOTLEY_API void set_log(LogSeverity least, std::function<void(LogSeverity, std::string_view)> sink = {});

}  // namespace motley
