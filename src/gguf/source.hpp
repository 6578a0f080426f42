// Where a GGUF's bytes come from: a file, or memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"

namespace motley::gguf {

/// Bytes at positions. Reads may come from many threads at once.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual uint64_t size_bytes() const = 0;
  /// What errors call it.
  virtual const std::filesystem::path& path() const = 0;
  /// Fills `out` from `offset_bytes` on; throws Error{kIo} when that many bytes are not there.
  virtual void read_at(uint64_t offset_bytes, std::span<std::byte> out) const = 0;
};

class FileSource final : public ByteSource {
 public:
  explicit FileSource(const std::filesystem::path& path) : file_(path) {}
  uint64_t size_bytes() const override { return file_.size_bytes(); }
  const std::filesystem::path& path() const override { return file_.path(); }
  void read_at(uint64_t offset_bytes, std::span<std::byte> out) const override {
    file_.read_at(offset_bytes, out);
  }

 private:
  ReadFile file_;
};

/// Bytes in memory that somebody else keeps.
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::span<const std::byte> bytes, std::filesystem::path name = "(memory)")
      : bytes_(bytes), name_(std::move(name)) {}
  uint64_t size_bytes() const override { return bytes_.size(); }
  const std::filesystem::path& path() const override { return name_; }
  void read_at(uint64_t offset_bytes, std::span<std::byte> out) const override {
    if (offset_bytes > bytes_.size() || out.size() > bytes_.size() - offset_bytes) {
      fail(ErrorCode::kIo, "'{}' has {} bytes; {} at offset {} are not there", name_.string(), bytes_.size(),
           out.size(), offset_bytes);
    }
    if (!out.empty()) std::memcpy(out.data(), bytes_.data() + offset_bytes, out.size());
  }

 private:
  std::span<const std::byte> bytes_;
  std::filesystem::path name_;
};

/// Bytes in memory that it keeps itself.
class OwnedSource final : public ByteSource {
 public:
  explicit OwnedSource(std::vector<std::byte> bytes, std::filesystem::path name = "(memory)")
      : bytes_(std::move(bytes)), view_(bytes_, std::move(name)) {}
  OwnedSource(const OwnedSource&) = delete;
  OwnedSource& operator=(const OwnedSource&) = delete;
  uint64_t size_bytes() const override { return view_.size_bytes(); }
  const std::filesystem::path& path() const override { return view_.path(); }
  void read_at(uint64_t offset_bytes, std::span<std::byte> out) const override {
    view_.read_at(offset_bytes, out);
  }

 private:
  std::vector<std::byte> bytes_;
  MemorySource view_;
};

}  // namespace motley::gguf
