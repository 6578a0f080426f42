#include "output_file.hpp"

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <motley/error.hpp>
#include <unistd.h>

namespace motley::tools {
namespace {

[[noreturn]] void fail_write(const std::filesystem::path& path, int error) {
  throw Error(ErrorCode::kIo, fmt::format("cannot write '{}': {}", path.string(), std::strerror(error)));
}

/// A file being written on the way to being `target`, closed in any case; where it is another file than
/// `target`, it is removed unless it was renamed.
class Written {
 public:
  Written(std::filesystem::path path, std::filesystem::path target, int flags)
      : path_(std::move(path)),
        target_(std::move(target)),
        descriptor_(::open(path_.c_str(), O_WRONLY | O_CLOEXEC | flags, 0666)) {
    if (descriptor_ < 0) fail_write(target_, errno);
    remove_ = path_ != target_;
  }
  Written(const Written&) = delete;
  Written& operator=(const Written&) = delete;
  ~Written() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (remove_) ::unlink(path_.c_str());
  }

  void write(std::span<const std::byte> content) {
    while (!content.empty()) {
      const ssize_t put = ::write(descriptor_, content.data(), content.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) fail_write(target_, errno);
      content = content.subspan(static_cast<size_t>(put));
    }
    // Some file systems find out that they are full only here.
    if (::close(std::exchange(descriptor_, -1)) != 0) fail_write(target_, errno);
  }

  void rename() {
    if (::rename(path_.c_str(), target_.c_str()) != 0) fail_write(target_, errno);
    remove_ = false;
  }

 private:
  std::filesystem::path path_;
  std::filesystem::path target_;
  int descriptor_;
  bool remove_ = false;
};

}  // namespace

void write_output_file(const std::filesystem::path& path, std::span<const std::byte> content) {
  std::error_code none;
  // Through symbolic links, so that the file behind is replaced and not the link.
  const std::filesystem::path target = std::filesystem::exists(path, none) ? canonical(path, none) : path;
  if (exists(target, none) && !is_regular_file(target, none)) {
    Written(target, target, 0).write(content);
    return;
  }
  Written temporary(fmt::format("{}.{}.part", target.string(), ::getpid()), target, O_CREAT | O_EXCL);
  temporary.write(content);
  temporary.rename();
}

}  // namespace motley::tools
