#include "output.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <motley/error.hpp>
#include <unistd.h>

namespace motley::tools {

void prepare_standard_streams() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(descriptor, F_GETFD) >= 0) continue;
    // Takes the lowest free number, which is this one. Reading ends at once; writing to it fails and is
    // reported, except on standard error, where nobody would hear of it.
    (void)::open("/dev/null", descriptor == STDERR_FILENO ? O_WRONLY : O_RDONLY);
  }
  std::signal(SIGPIPE, SIG_IGN);
}

void write_output(std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::write(STDOUT_FILENO, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && errno == EPIPE) throw ClosedOutput();
    if (put < 0) {
      throw Error(ErrorCode::kIo, fmt::format("cannot write to standard output: {}", std::strerror(errno)));
    }
    text.remove_prefix(static_cast<size_t>(put));
  }
}

TextOutput::~TextOutput() {
  if (in_line_) write("\n");
}

bool TextOutput::write(std::string_view text) noexcept {
  if (failure_) return false;
  if (text.empty()) return true;
  try {
    write_output(text);
    in_line_ = text.back() != '\n';
    return true;
  } catch (...) {
    failure_ = std::current_exception();
    return false;
  }
}

void TextOutput::finish() {
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  if (std::exchange(in_line_, false)) write_output("\n");
}

}  // namespace motley::tools
