#include "gguf/fields.hpp"

#include "base/error.hpp"

namespace motley::gguf {
namespace {

[[noreturn]] void fail_type(const File& file, std::string_view key, const char* wanted, const Value& found) {
  fail(ErrorCode::kMalformedModel, "'{}', key '{}': it should be {}, but is {}: {}", file.path().string(),
       key, wanted, describe_type(found), escaped(to_string(found, 4), 80));
}

[[noreturn]] void fail_missing(const File& file, std::string_view key, const char* wanted) {
  fail(ErrorCode::kMalformedModel, "'{}' lacks the key '{}', which should be {}", file.path().string(), key,
       wanted);
}

constexpr const char* kUintWanted = "an integer from 0 on";
constexpr const char* kIntWanted = "an integer";
constexpr const char* kFloatWanted = "a number";
constexpr const char* kBoolWanted = "a boolean";
constexpr const char* kStringWanted = "a string";
constexpr const char* kArrayWanted = "an array";

/// `convert` gives what the key should hold, or something false when the value is of another kind.
template <typename Convert>
auto find_as(const File& file, std::string_view key, const char* wanted, Convert convert) {
  const Value* value = file.find(key);
  if (value == nullptr) return decltype(convert(*value)){};
  auto result = convert(*value);
  if (!result) fail_type(file, key, wanted, *value);
  return result;
}

template <typename Found>
decltype(auto) require(const Found& found, const File& file, std::string_view key, const char* wanted) {
  if (!found) fail_missing(file, key, wanted);
  return *found;
}

}  // namespace

std::optional<uint64_t> find_uint(const File& file, std::string_view key) {
  return find_as(file, key, kUintWanted, [](const Value& value) { return value.as_uint(); });
}

std::optional<int64_t> find_int(const File& file, std::string_view key) {
  return find_as(file, key, kIntWanted, [](const Value& value) { return value.as_int(); });
}

std::optional<double> find_float(const File& file, std::string_view key) {
  return find_as(file, key, kFloatWanted, [](const Value& value) { return value.as_float(); });
}

std::optional<bool> find_bool(const File& file, std::string_view key) {
  return find_as(file, key, kBoolWanted, [](const Value& value) { return value.as_bool(); });
}

const std::string* find_string(const File& file, std::string_view key) {
  return find_as(file, key, kStringWanted, [](const Value& value) { return value.as_string(); });
}

const Array* find_array(const File& file, std::string_view key) {
  return find_as(file, key, kArrayWanted, [](const Value& value) { return value.as_array(); });
}

const Array* find_array(const File& file, std::string_view key, ValueType element_type) {
  const std::string wanted = fmt::format("an array of {}s", to_string(element_type));
  return find_as(file, key, wanted.c_str(), [element_type](const Value& value) {
    const Array* array = value.as_array();
    return array != nullptr && array->element_type() == element_type ? array : nullptr;
  });
}

uint64_t get_uint(const File& file, std::string_view key, uint64_t minimum, uint64_t maximum) {
  const uint64_t value = require(find_uint(file, key), file, key, kUintWanted);
  if (value < minimum || value > maximum) {
    fail(ErrorCode::kMalformedModel, "'{}', key '{}': it is {}; {} to {} is allowed", file.path().string(),
         key, value, minimum, maximum);
  }
  return value;
}

int64_t get_int(const File& file, std::string_view key) {
  return require(find_int(file, key), file, key, kIntWanted);
}

double get_float(const File& file, std::string_view key) {
  return require(find_float(file, key), file, key, kFloatWanted);
}

bool get_bool(const File& file, std::string_view key) {
  return require(find_bool(file, key), file, key, kBoolWanted);
}

const std::string& get_string(const File& file, std::string_view key) {
  return require(find_string(file, key), file, key, kStringWanted);
}

const Array& get_array(const File& file, std::string_view key) {
  return require(find_array(file, key), file, key, kArrayWanted);
}

const Array& get_array(const File& file, std::string_view key, ValueType element_type) {
  const std::string wanted = fmt::format("an array of {}s", to_string(element_type));
  return require(find_array(file, key, element_type), file, key, wanted.c_str());
}

}  // namespace motley::gguf
