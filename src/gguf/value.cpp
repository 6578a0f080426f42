#include "gguf/value.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/error.hpp"

// Arrays keep their numbers as in the file, which is little-endian.
static_assert(std::endian::native == std::endian::little);

namespace motley::gguf {
namespace {

struct TypeRow {
  const char* name;
  uint32_t scalar_bytes;
};

constexpr TypeRow kTypeRows[] = {{"uint8", 1},  {"int8", 1},    {"uint16", 2}, {"int16", 2},  {"uint32", 4},
                                 {"int32", 4},  {"float32", 4}, {"bool", 1},   {"string", 0}, {"array", 0},
                                 {"uint64", 8}, {"int64", 8},   {"float64", 8}};

template <typename T>
T load(const std::vector<std::byte>& bytes, size_t i) {
  T value;
  std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
  return value;
}

}  // namespace

const char* to_string(ValueType type) {
  const auto number = static_cast<uint32_t>(type);
  return number < std::size(kTypeRows) ? kTypeRows[number].name : "unknown";
}

uint32_t scalar_bytes(ValueType type) {
  const auto number = static_cast<uint32_t>(type);
  return number < std::size(kTypeRows) ? kTypeRows[number].scalar_bytes : 0;
}

Array::Array(ValueType element_type, std::vector<std::byte> bytes)
    : element_type_(element_type), bytes_(std::move(bytes)) {
  const uint32_t element_bytes = scalar_bytes(element_type);
  if (element_bytes == 0 || bytes_.size() % element_bytes != 0) {
    fail(ErrorCode::kInvalidArgument, "{} bytes are no array of {}", bytes_.size(), to_string(element_type));
  }
  const auto is_bool = [](std::byte value) { return std::to_integer<int>(value) <= 1; };
  if (element_type == ValueType::kBool && !std::ranges::all_of(bytes_, is_bool)) {
    fail(ErrorCode::kInvalidArgument, "a boolean is stored as 0 or 1");
  }
}

Array::Array(std::string text, std::vector<uint64_t> ends)
    : element_type_(ValueType::kString), text_(std::move(text)), ends_(std::move(ends)) {
  if (!std::ranges::is_sorted(ends_) || (!ends_.empty() && ends_.back() > text_.size())) {
    fail(ErrorCode::kInvalidArgument, "the ends of {} strings do not lie within {} bytes of text",
         ends_.size(), text_.size());
  }
}

Array Array::of_strings(const std::vector<std::string>& strings) {
  std::string text;
  std::vector<uint64_t> ends;
  ends.reserve(strings.size());
  for (const std::string& string : strings) {
    text += string;
    ends.push_back(text.size());
  }
  return Array(std::move(text), std::move(ends));
}

Array Array::of_arrays(std::vector<Array> arrays) {
  Array result(std::string(), {});
  result.element_type_ = ValueType::kArray;
  result.arrays_ = std::move(arrays);
  return result;
}

size_t Array::size() const {
  if (element_type_ == ValueType::kString) return ends_.size();
  if (element_type_ == ValueType::kArray) return arrays_.size();
  const uint32_t element_bytes = scalar_bytes(element_type_);
  return element_bytes == 0 ? 0 : bytes_.size() / element_bytes;
}

bool Array::is_integer() const {
  return scalar_bytes(element_type_) != 0 && element_type_ != ValueType::kBool &&
         element_type_ != ValueType::kFloat32 && element_type_ != ValueType::kFloat64;
}

void Array::check_index(size_t i) const {
  if (i >= size()) fail(ErrorCode::kInternal, "element {} of an array of {}", i, size());
}

Value Array::scalar_at(size_t i) const {
  switch (element_type_) {
    case ValueType::kUint8:
      return Value(load<uint8_t>(bytes_, i));
    case ValueType::kInt8:
      return Value(load<int8_t>(bytes_, i));
    case ValueType::kUint16:
      return Value(load<uint16_t>(bytes_, i));
    case ValueType::kInt16:
      return Value(load<int16_t>(bytes_, i));
    case ValueType::kUint32:
      return Value(load<uint32_t>(bytes_, i));
    case ValueType::kInt32:
      return Value(load<int32_t>(bytes_, i));
    case ValueType::kFloat32:
      return Value(load<float>(bytes_, i));
    case ValueType::kBool:
      return Value(bytes_[i] != std::byte{0});
    case ValueType::kUint64:
      return Value(load<uint64_t>(bytes_, i));
    case ValueType::kInt64:
      return Value(load<int64_t>(bytes_, i));
    case ValueType::kFloat64:
      return Value(load<double>(bytes_, i));
    case ValueType::kString:
    case ValueType::kArray:
      break;
  }
  fail(ErrorCode::kInternal, "an array of {} has no scalars", to_string(element_type_));
}

Value Array::value_at(size_t i) const {
  check_index(i);
  if (element_type_ == ValueType::kString) return Value(std::string(string_at(i)));
  if (element_type_ == ValueType::kArray) return Value(arrays_[i]);
  return scalar_at(i);
}

std::optional<uint64_t> Array::uint_at(size_t i) const {
  check_index(i);
  return bytes_.empty() ? std::nullopt : scalar_at(i).as_uint();
}

std::optional<int64_t> Array::int_at(size_t i) const {
  check_index(i);
  return bytes_.empty() ? std::nullopt : scalar_at(i).as_int();
}

std::optional<double> Array::float_at(size_t i) const {
  check_index(i);
  return bytes_.empty() ? std::nullopt : scalar_at(i).as_float();
}

std::optional<bool> Array::bool_at(size_t i) const {
  check_index(i);
  return bytes_.empty() ? std::nullopt : scalar_at(i).as_bool();
}

std::string_view Array::string_at(size_t i) const {
  check_index(i);
  if (element_type_ != ValueType::kString) {
    fail(ErrorCode::kInternal, "an array of {} has no strings", to_string(element_type_));
  }
  const uint64_t begin = i == 0 ? 0 : ends_[i - 1];
  return std::string_view(text_).substr(begin, ends_[i] - begin);
}

std::vector<std::string_view> Array::strings() const {
  std::vector<std::string_view> result;
  result.reserve(ends_.size());
  for (size_t i = 0; i < ends_.size(); ++i) result.push_back(string_at(i));
  return result;
}

const Array& Array::array_at(size_t i) const {
  check_index(i);
  if (element_type_ != ValueType::kArray) {
    fail(ErrorCode::kInternal, "an array of {} has no arrays", to_string(element_type_));
  }
  return arrays_[i];
}

uint32_t Array::depth() const {
  uint32_t deepest = 0;
  for (const Array& array : arrays_) deepest = std::max(deepest, array.depth());
  return deepest + 1;
}

std::optional<uint64_t> Value::as_uint() const {
  if (const auto* value = std::get_if<uint64_t>(&data_)) return *value;
  const auto* value = std::get_if<int64_t>(&data_);
  if (value == nullptr || *value < 0) return std::nullopt;
  return static_cast<uint64_t>(*value);
}

std::optional<int64_t> Value::as_int() const {
  if (const auto* value = std::get_if<int64_t>(&data_)) return *value;
  const auto* value = std::get_if<uint64_t>(&data_);
  if (value == nullptr || !std::in_range<int64_t>(*value)) return std::nullopt;
  return static_cast<int64_t>(*value);
}

std::optional<double> Value::as_float() const {
  if (const auto* value = std::get_if<double>(&data_)) return *value;
  if (const auto* value = std::get_if<int64_t>(&data_)) return static_cast<double>(*value);
  if (const auto* value = std::get_if<uint64_t>(&data_)) return static_cast<double>(*value);
  return std::nullopt;
}

std::optional<bool> Value::as_bool() const {
  const auto* value = std::get_if<bool>(&data_);
  return value == nullptr ? std::nullopt : std::optional(*value);
}

const std::string* Value::as_string() const { return std::get_if<std::string>(&data_); }

const Array* Value::as_array() const {
  const auto* value = std::get_if<std::shared_ptr<const Array>>(&data_);
  return value == nullptr ? nullptr : value->get();
}

}  // namespace motley::gguf
