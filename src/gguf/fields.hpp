// Typed access to metadata, with errors that say what is wrong with which key.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "gguf/file.hpp"

namespace motley::gguf {

/// find_*: the key's value, or nothing when the file lacks the key. Throws Error{kMalformedModel}, naming
/// file, key, expected and found type, when it is there but of another kind.
std::optional<uint64_t> find_uint(const File& file, std::string_view key);
std::optional<int64_t> find_int(const File& file, std::string_view key);
std::optional<double> find_float(const File& file, std::string_view key);
std::optional<bool> find_bool(const File& file, std::string_view key);
const std::string* find_string(const File& file, std::string_view key);
/// An array of any element type.
const Array* find_array(const File& file, std::string_view key);
/// An array whose elements are of that type.
const Array* find_array(const File& file, std::string_view key, ValueType element_type);

/// get_*: the same, where the key must be there: Error{kMalformedModel} when it is missing.
/// get_uint also checks the range, `minimum` and `maximum` included.
uint64_t get_uint(const File& file, std::string_view key, uint64_t minimum = 0,
                  uint64_t maximum = std::numeric_limits<uint64_t>::max());
int64_t get_int(const File& file, std::string_view key);
double get_float(const File& file, std::string_view key);
bool get_bool(const File& file, std::string_view key);
const std::string& get_string(const File& file, std::string_view key);
const Array& get_array(const File& file, std::string_view key);
const Array& get_array(const File& file, std::string_view key, ValueType element_type);

}  // namespace motley::gguf
