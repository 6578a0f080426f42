// Positioned reading of files that may change, be cut short or be something else than a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace motley {

/// A regular file open for reading. Move-only; reads are positioned (pread), so one object serves many
/// threads.
class ReadFile {
 public:
  /// Throws Error{kIo} that names the path and the reason: missing, unreadable, a directory, not a regular
  /// file.
  explicit ReadFile(const std::filesystem::path& path);
  ReadFile(ReadFile&& other) noexcept;
  ReadFile& operator=(ReadFile&& other) noexcept;
  ReadFile(const ReadFile&) = delete;
  ReadFile& operator=(const ReadFile&) = delete;
  ~ReadFile();

  /// Size when the file was opened, in bytes.
  uint64_t size_bytes() const { return size_bytes_; }
  const std::filesystem::path& path() const { return path_; }

  /// Fills `out` from `offset_bytes` on. Throws Error{kIo} when the file ends before (it was truncated
  /// meanwhile) or the device fails.
  void read_at(uint64_t offset_bytes, std::span<std::byte> out) const;

 private:
  void close() noexcept;

  std::filesystem::path path_;
  int descriptor_ = -1;
  uint64_t size_bytes_ = 0;
};

/// The whole file as bytes; throws Error{kIo} when it is larger than `limit_bytes`.
std::string read_whole_file(const std::filesystem::path& path, uint64_t limit_bytes = uint64_t{1} << 30);

/// Writes a file so that a reader sees the old or the new content, never half of it: a temporary beside it,
/// then a rename. Throws Error{kIo} (disk full, no permission) and leaves no temporary behind.
void write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> content);

}  // namespace motley
