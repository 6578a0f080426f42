// The one error type of Motley. Includes only the standard library.
#pragma once

#include <stdexcept>
#include <string>

/// Marks what the shared library exports.
#if defined(__GNUC__)
#define MOTLEY_API __attribute__((visibility("default")))
#else
#define MOTLEY_API
#endif

namespace motley {

/// Stable codes; the C ABI (`motley.h`) and the command's exit codes use the same numbers.
enum class ErrorCode : int {
  kInternal = 1,         ///< A broken promise inside Motley: please report it.
  kInvalidArgument = 2,  ///< A value the caller gave is out of range or makes no sense.
  kIo = 3,               ///< A file cannot be opened, read or written.
  kMalformedModel = 4,   ///< The model file breaks the GGUF format or contradicts itself.
  kUnsupported = 5,      ///< Well-formed, but an architecture, weight format or feature Motley lacks.
  kNoDevice = 6,         ///< No Vulkan loader, driver or device that suits, or it fails to initialise.
  kOutOfMemory = 7,      ///< Device or host memory does not suffice.
  kDeviceLost = 8,       ///< The device failed, hung or was reset while working.
  kContextFull = 9,      ///< The session's context holds no further token.
  kCancelled = 10,       ///< The caller cancelled.
};

/// Thrown by every part of Motley. `what()` says what failed, the figure wanted and the figure found, and
/// what the user can do about it.
class MOTLEY_API Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace motley
