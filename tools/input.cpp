#include "input.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <motley/error.hpp>
#include <poll.h>
#include <unistd.h>

namespace motley::tools {
namespace {

constexpr size_t kLimitBytes = size_t{1} << 30;

struct Descriptor {
  int number = -1;
  explicit Descriptor(int opened) : number(opened) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

[[noreturn]] void fail_read(const std::string& name, int error) {
  throw Error(ErrorCode::kIo, fmt::format("cannot read {}: {}", name, std::strerror(error)));
}

std::string read_all(int descriptor, const std::string& name) {
  std::string content;
  std::array<char, 1 << 16> chunk;
  for (;;) {
    const ssize_t got = ::read(descriptor, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_read(name, errno);
    if (got == 0) return content;
    content.append(chunk.data(), static_cast<size_t>(got));
    if (content.size() > kLimitBytes) {
      throw Error(ErrorCode::kIo, fmt::format("{} has more than {} bytes of text", name, kLimitBytes));
    }
  }
}

}  // namespace

std::string read_text_file(const std::filesystem::path& path) {
  const std::string name = fmt::format("'{}'", path.string());
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number < 0) fail_read(name, errno);
  return read_all(file.number, name);
}

std::string read_prompt_file(const std::filesystem::path& path) {
  return without_last_line_end(read_text_file(path));
}

std::string read_standard_input() { return read_all(STDIN_FILENO, "standard input"); }

bool standard_input_speaks(std::chrono::milliseconds patience) {
  pollfd wanted{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  return ::poll(&wanted, 1, static_cast<int>(patience.count())) != 0;
}

std::string without_last_line_end(std::string text) {
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

}  // namespace motley::tools
