// Reads a GGUF's header from front to back, with little memory, and says where it went wrong.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error.hpp"
#include "gguf/rules.hpp"
#include "gguf/source.hpp"

namespace motley::gguf {

/// A position in a ByteSource, read through a buffer of 64 KiB. Everything it reads is checked against the
/// bytes that are left; every error names the file, the subject (e.g. "key 'general.name'") and the byte
/// offset.
class Reader {
 public:
  explicit Reader(const ByteSource& source);

  uint64_t position() const { return position_; }
  uint64_t remaining() const { return size_bytes_ - position_; }
  /// Goes back to a position that was read before.
  void seek(uint64_t position) { position_ = position; }

  /// What the following bytes belong to, for errors.
  void set_subject(std::string subject) { subject_ = std::move(subject); }

  /// The next number; `what` names it when the file ends before.
  template <typename T>
  requires std::is_arithmetic_v<T> T number(const char* what) {
    T value;
    bytes(std::as_writable_bytes(std::span(&value, 1)), what);
    return value;
  }
  void bytes(std::span<std::byte> out, const char* what);
  /// The length of a string, which GGUF stores before its bytes; checked against the bytes left.
  uint64_t string_length(const char* what);
  void skip(uint64_t count, const char* what);

  /// Throws Error{kMalformedModel} about what was read at `offset_bytes`.
  template <typename... Args>
  [[noreturn]] void refuse(uint64_t offset_bytes, fmt::format_string<Args...> format, Args&&... args) const {
    refuse_as(ErrorCode::kMalformedModel, offset_bytes, fmt::format(format, std::forward<Args>(args)...));
  }
  [[noreturn]] void refuse_as(ErrorCode code, uint64_t offset_bytes, std::string_view message) const;
  void refuse_if(const Fault& fault, uint64_t offset_bytes) const {
    if (fault) refuse_as(ErrorCode::kMalformedModel, offset_bytes, *fault);
  }

 private:
  void check_left(uint64_t count, const char* what) const;
  void fill();

  const ByteSource& source_;
  uint64_t size_bytes_;
  uint64_t position_ = 0;
  uint64_t buffer_begin_ = 0;
  std::vector<std::byte> buffer_;
  std::string subject_ = "header";
};

}  // namespace motley::gguf
