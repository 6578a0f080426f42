// Standard output without a buffer of its own: what was written is out, and a failure is seen at once.
#pragma once

#include <exception>
#include <string_view>

namespace motley::tools {

/// Thrown when nobody reads standard output any more (`motley run | head`): no fault, so nothing is said.
struct ClosedOutput : std::exception {
  const char* what() const noexcept override { return "standard output was closed"; }
};

/// Gives the standard streams that the caller left closed a harmless file, so that no file opened later
/// becomes standard output, and makes a closed pipe an error of the write instead of a signal. Call it first
/// of all.
void prepare_standard_streams();

/// Writes all of `text`. Throws ClosedOutput, or Error{kIo} for any other reason (a full disk).
void write_output(std::string_view text);

/// Text that a model produces piece by piece, from a callback that must not throw.
class TextOutput {
 public:
  TextOutput() = default;
  TextOutput(const TextOutput&) = delete;
  TextOutput& operator=(const TextOutput&) = delete;
  /// Where an error ends the text before finish(), its line is ended all the same.
  ~TextOutput();

  /// False when it could not be written, for a reason kept until finish().
  bool write(std::string_view text) noexcept;
  /// Ends a line that was begun. Throws what stopped write().
  void finish();

 private:
  std::exception_ptr failure_;
  bool in_line_ = false;
};

}  // namespace motley::tools
