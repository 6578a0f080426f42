// One metadata value of a GGUF file: a scalar, a string, or an array of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace motley::gguf {

/// Numbers as in the file (enum gguf_type of the GGUF specification).
enum class ValueType : uint32_t {
  kUint8 = 0,
  kInt8,
  kUint16,
  kInt16,
  kUint32,
  kInt32,
  kFloat32,
  kBool,
  kString,
  kArray,
  kUint64,
  kInt64,
  kFloat64
};

/// "uint32", "string", "array"; "unknown" for a number that is no ValueType.
const char* to_string(ValueType type);

/// Size in the file, in bytes, of a scalar of that type; 0 for strings, arrays and unknown types.
uint32_t scalar_bytes(ValueType type);

/// The ValueType that stores a C++ scalar.
template <typename T>
constexpr ValueType value_type_of() {
  if constexpr (std::is_same_v<T, bool>)
    return ValueType::kBool;
  else if constexpr (std::is_same_v<T, uint8_t>)
    return ValueType::kUint8;
  else if constexpr (std::is_same_v<T, int8_t>)
    return ValueType::kInt8;
  else if constexpr (std::is_same_v<T, uint16_t>)
    return ValueType::kUint16;
  else if constexpr (std::is_same_v<T, int16_t>)
    return ValueType::kInt16;
  else if constexpr (std::is_same_v<T, uint32_t>)
    return ValueType::kUint32;
  else if constexpr (std::is_same_v<T, int32_t>)
    return ValueType::kInt32;
  else if constexpr (std::is_same_v<T, uint64_t>)
    return ValueType::kUint64;
  else if constexpr (std::is_same_v<T, int64_t>)
    return ValueType::kInt64;
  else if constexpr (std::is_same_v<T, float>)
    return ValueType::kFloat32;
  else {
    static_assert(std::is_same_v<T, double>, "not a type that GGUF metadata can hold");
    return ValueType::kFloat64;
  }
}

class Value;

/// A homogeneous array. Numbers lie as in the file and strings in one run of text, so that an array takes
/// hardly more memory than it takes in the file. Every accessor throws Error{kInternal} for an index past the
/// end.
class Array {
 public:
  /// An array of scalars: `bytes` as in the file (little-endian). Throws Error{kInvalidArgument} for a broken
  /// last element, a boolean that is neither 0 nor 1, or a type that is no scalar.
  Array(ValueType element_type, std::vector<std::byte> bytes);
  /// An array of strings: string i is text[ends[i-1], ends[i]). Throws Error{kInvalidArgument} when the ends
  /// go down or past the text.
  Array(std::string text, std::vector<uint64_t> ends);
  static Array of_strings(const std::vector<std::string>& strings);
  /// An array of arrays, which may differ in type and length.
  static Array of_arrays(std::vector<Array> arrays);

  ValueType element_type() const { return element_type_; }
  size_t size() const;
  bool empty() const { return size() == 0; }
  bool is_integer() const;  ///< The elements are integers, signed or not.

  /// Element i; nothing when the elements are of another kind or it does not fit, as Value's as_* have it.
  std::optional<uint64_t> uint_at(size_t i) const;
  std::optional<int64_t> int_at(size_t i) const;
  std::optional<double> float_at(size_t i) const;
  std::optional<bool> bool_at(size_t i) const;

  /// String i, valid as long as the array; throws Error{kInternal} when the elements are no strings.
  std::string_view string_at(size_t i) const;
  /// All strings, valid as long as the array; empty when the elements are no strings.
  std::vector<std::string_view> strings() const;
  /// Array i; throws Error{kInternal} when the elements are no arrays.
  const Array& array_at(size_t i) const;
  /// Element i of whatever type, copied.
  Value value_at(size_t i) const;

  /// 1 for an array of scalars or strings, one more for every level of arrays around it.
  uint32_t depth() const;

  /// The elements of an array of scalars, as in the file; empty for others.
  const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  void check_index(size_t i) const;
  Value scalar_at(size_t i) const;

  ValueType element_type_;
  std::vector<std::byte> bytes_;
  std::string text_;
  std::vector<uint64_t> ends_;
  std::vector<Array> arrays_;
};

/// Immutable; cheap to copy but for long strings (arrays are shared).
class Value {
 public:
  /// A scalar of one of the types that value_type_of() knows.
  template <typename T>
  requires std::is_arithmetic_v<T>
  explicit Value(T value) : type_(value_type_of<T>()), data_(widen(value)) {}
  explicit Value(std::string value) : type_(ValueType::kString), data_(std::move(value)) {}
  explicit Value(Array value)
      : type_(ValueType::kArray), data_(std::make_shared<const Array>(std::move(value))) {}

  ValueType type() const { return type_; }

  /// Nothing when the value is of another kind. Integers convert between widths and signs when the value
  /// fits.
  std::optional<uint64_t> as_uint() const;
  std::optional<int64_t> as_int() const;
  /// float32, float64 and integers (rounded when beyond 2^53).
  std::optional<double> as_float() const;
  std::optional<bool> as_bool() const;
  /// nullptr when the value is no string / no array; valid as long as the Value.
  const std::string* as_string() const;
  const Array* as_array() const;

 private:
  template <typename T>
  static auto widen(T value) {
    if constexpr (std::is_same_v<T, bool>)
      return value;
    else if constexpr (std::is_floating_point_v<T>)
      return static_cast<double>(value);
    else if constexpr (std::is_signed_v<T>)
      return static_cast<int64_t>(value);
    else
      return static_cast<uint64_t>(value);
  }

  ValueType type_;
  std::variant<uint64_t, int64_t, double, bool, std::string, std::shared_ptr<const Array>> data_;
};

/// For people: numbers in full, strings quoted with control characters and broken UTF-8 escaped, arrays as
/// `[1, 2, 3, ... 4093 more]` with at most `max_items` elements at each level.
std::string to_string(const Value& value, size_t max_items);

/// "uint32", "array of 32000 strings": how an error names what it found.
std::string describe_type(const Value& value);

/// `text` with quotes, control characters and broken UTF-8 escaped, so that what comes from a file cannot
/// disturb a terminal; cut after `max_bytes`, with an ellipsis.
std::string escaped(std::string_view text, size_t max_bytes = 200);

}  // namespace motley::gguf
