// GGUF byte by byte, for files that an honest writer refuses to write.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "gguf/tensor_type.hpp"
#include "gguf/value.hpp"

namespace motley::test {

/// Appends whatever it is told to; nothing is checked and nothing is counted.
class GgufBytes {
 public:
  /// A number as it lies in memory: number<uint32_t>(3).
  template <typename T>
  requires std::is_arithmetic_v<T> GgufBytes& number(std::type_identity_t<T> value) {
    return raw(std::as_bytes(std::span(&value, 1)));
  }
  GgufBytes& raw(std::span<const std::byte> bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  GgufBytes& text(std::string_view text) { return raw(std::as_bytes(std::span(text))); }
  GgufBytes& string(std::string_view value) { return number<uint64_t>(value.size()).text(value); }

  GgufBytes& header(uint64_t tensors, uint64_t key_values, uint32_t version = 3) {
    return text("GGUF").number<uint32_t>(version).number<uint64_t>(tensors).number<uint64_t>(key_values);
  }
  /// A key and the type of its value; the value follows with number() or string().
  GgufBytes& key(std::string_view key, gguf::ValueType type) {
    return string(key).number<uint32_t>(static_cast<uint32_t>(type));
  }
  /// The start of an array value, after key(..., kArray); its elements follow.
  GgufBytes& array(uint32_t element_type, uint64_t count) {
    return number<uint32_t>(element_type).number<uint64_t>(count);
  }
  /// A row of the tensor table.
  GgufBytes& tensor(std::string_view name, const std::vector<uint64_t>& shape, uint32_t type,
                    uint64_t offset) {
    string(name).number<uint32_t>(static_cast<uint32_t>(shape.size()));
    for (const uint64_t length : shape) number<uint64_t>(length);
    return number<uint32_t>(type).number<uint64_t>(offset);
  }
  GgufBytes& zeros(size_t count) {
    bytes_.resize(bytes_.size() + count);
    return *this;
  }
  GgufBytes& pad(size_t alignment_bytes = 32) {
    return zeros((alignment_bytes - bytes_.size() % alignment_bytes) % alignment_bytes);
  }

  size_t size() const { return bytes_.size(); }
  const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace motley::test
