#include "base/file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"

namespace motley {
namespace {

[[noreturn]] void fail_errno(const char* action, const std::filesystem::path& path, int error) {
  fail(ErrorCode::kIo, "cannot {} '{}': {}", action, path.string(), std::strerror(error));
}

/// Owns a descriptor being written and the temporary's name until the rename.
struct Temporary {
  std::string path;
  int descriptor = -1;
  ~Temporary() {
    if (descriptor >= 0) ::close(descriptor);
    if (!path.empty()) ::unlink(path.c_str());
  }
};

}  // namespace

ReadFile::ReadFile(const std::filesystem::path& path) : path_(path) {
  // O_NONBLOCK so that opening a FIFO returns and can be refused below instead of waiting for a writer.
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) fail_errno("open", path, errno);
  struct stat info {};
  const int stat_result = ::fstat(descriptor_, &info);
  const int error = errno;
  if (stat_result != 0 || !S_ISREG(info.st_mode)) {
    close();
    if (stat_result != 0) fail_errno("examine", path, error);
    fail(ErrorCode::kIo, "'{}' is {}, not a regular file", path.string(),
         S_ISDIR(info.st_mode) ? "a directory" : "a special file");
  }
  size_bytes_ = static_cast<uint64_t>(info.st_size);
}

ReadFile::ReadFile(ReadFile&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_bytes_(other.size_bytes_) {}

ReadFile& ReadFile::operator=(ReadFile&& other) noexcept {
  if (this != &other) {
    close();
    path_ = std::move(other.path_);
    descriptor_ = std::exchange(other.descriptor_, -1);
    size_bytes_ = other.size_bytes_;
  }
  return *this;
}

ReadFile::~ReadFile() { close(); }

void ReadFile::close() noexcept {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

void ReadFile::read_at(uint64_t offset_bytes, std::span<std::byte> out) const {
  size_t done = 0;
  while (done < out.size()) {
    const ssize_t got =
        ::pread(descriptor_, out.data() + done, out.size() - done, static_cast<off_t>(offset_bytes + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_errno("read", path_, errno);
    if (got == 0) {
      fail(ErrorCode::kIo,
           "'{}' ended at byte {} while {} bytes at offset {} were expected (it had {} bytes when opened): "
           "the file was truncated while it was being read",
           path_.string(), offset_bytes + done, out.size(), offset_bytes, size_bytes_);
    }
    done += static_cast<size_t>(got);
  }
}

std::string read_whole_file(const std::filesystem::path& path, uint64_t limit_bytes) {
  const ReadFile file(path);
  if (file.size_bytes() > limit_bytes) {
    fail(ErrorCode::kIo, "'{}' has {} bytes; at most {} are read", path.string(), file.size_bytes(),
         limit_bytes);
  }
  std::string content(file.size_bytes(), '\0');
  file.read_at(0, std::as_writable_bytes(std::span(content)));
  return content;
}

void write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> content) {
  Temporary temporary;
  temporary.path = path.string() + ".XXXXXX";
  temporary.descriptor = ::mkostemp(temporary.path.data(), O_CLOEXEC);
  if (temporary.descriptor < 0) {
    const int error = errno;
    temporary.path.clear();
    fail_errno("write", path, error);
  }
  ::fchmod(temporary.descriptor, 0644);
  size_t done = 0;
  while (done < content.size()) {
    const ssize_t put = ::write(temporary.descriptor, content.data() + done, content.size() - done);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail_errno("write", path, errno);
    done += static_cast<size_t>(put);
  }
  // A full disk may show only now, when the descriptor is closed.
  if (::close(std::exchange(temporary.descriptor, -1)) != 0) fail_errno("write", path, errno);
  if (::rename(temporary.path.c_str(), path.c_str()) != 0) fail_errno("replace", path, errno);
  temporary.path.clear();
}

}  // namespace motley
