// What the process returns; the manual page lists it.
#pragma once

#include <motley/error.hpp>

namespace motley::tools {

constexpr int kSuccess = 0;
constexpr int kInterrupted = 130;  ///< 128 + SIGINT, as shells have it

/// The number of the error's kind. A prompt too long for the context is a value out of range; what the user
/// cancelled was interrupted.
constexpr int exit_code(ErrorCode code) {
  if (code == ErrorCode::kContextFull) return static_cast<int>(ErrorCode::kInvalidArgument);
  if (code == ErrorCode::kCancelled) return kInterrupted;
  return static_cast<int>(code);
}

}  // namespace motley::tools
