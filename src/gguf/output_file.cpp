#include "gguf/output_file.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"

namespace motley::gguf {
namespace {

[[noreturn]] void fail_errno(const char* action, const std::filesystem::path& path, int error) {
  fail(ErrorCode::kIo, "cannot {} '{}': {}", action, path.string(), std::strerror(error));
}

}  // namespace

OutputFile::OutputFile(const std::filesystem::path& path) : path_(path) {
  std::string name = path.string() + ".XXXXXX";
  const int descriptor = ::mkostemp(name.data(), O_CLOEXEC);
  if (descriptor < 0) fail_errno("write", path, errno);
  ::fchmod(descriptor, 0644);
  stream_ = ::fdopen(descriptor, "wb");
  if (stream_ == nullptr) {
    const int error = errno;
    ::close(descriptor);
    ::unlink(name.c_str());
    fail_errno("write", path, error);
  }
  temporary_ = std::move(name);
}

OutputFile::~OutputFile() {
  if (stream_ != nullptr) std::fclose(stream_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void OutputFile::write(std::span<const std::byte> bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), stream_) != bytes.size()) fail_errno("write", path_, errno);
}

void OutputFile::commit() {
  // A full disk may show only now, when the last buffer is written and the descriptor closed.
  if (std::fclose(std::exchange(stream_, nullptr)) != 0) fail_errno("write", path_, errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail_errno("replace", path_, errno);
  temporary_.clear();
}

}  // namespace motley::gguf
