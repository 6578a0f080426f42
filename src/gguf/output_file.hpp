// Writing a large file piece by piece, all or nothing.
#pragma once

#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <span>
#include <string>

namespace motley::gguf {

/// A temporary beside `path` that takes its place at commit(), and is removed when that is not reached. Every
/// function throws Error{kIo} (disk full, no permission, no such folder).
class OutputFile {
 public:
  explicit OutputFile(const std::filesystem::path& path);
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile();

  void write(std::span<const std::byte> bytes);
  void commit();

 private:
  std::filesystem::path path_;
  std::string temporary_;
  std::FILE* stream_ = nullptr;
};

}  // namespace motley::gguf
