// Values as text for people.
#include <fmt/format.h>

#include "gguf/value.hpp"

namespace motley::gguf {
namespace {

/// The length of the UTF-8 character at the start of `text`; 0 when it is broken or a C1 control character.
size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto continues = [&](size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned first = byte(0);
  const unsigned second = byte(1);
  if (first >= 0xC2 && first <= 0xDF && continues(1)) return first == 0xC2 && second < 0xA0 ? 0 : 2;
  if ((first & 0xF0U) == 0xE0U && continues(1) && continues(2)) {
    const bool overlong = first == 0xE0 && second < 0xA0;
    const bool surrogate = first == 0xED && second >= 0xA0;
    return overlong || surrogate ? 0 : 3;
  }
  if (first >= 0xF0 && first <= 0xF4 && continues(1) && continues(2) && continues(3)) {
    const bool overlong = first == 0xF0 && second < 0x90;
    const bool beyond_unicode = first == 0xF4 && second >= 0x90;
    return overlong || beyond_unicode ? 0 : 4;
  }
  return 0;
}

void append_escape(std::string& out, char character) {
  if (character == '\n') {
    out += "\\n";
  } else if (character == '\t') {
    out += "\\t";
  } else if (character == '\r') {
    out += "\\r";
  } else if (character == '"' || character == '\\') {
    out += '\\';
    out += character;
  } else {
    out += fmt::format("\\x{:02x}", static_cast<unsigned char>(character));
  }
}

std::string quoted(std::string_view text) { return fmt::format("\"{}\"", escaped(text, text.size())); }

std::string array_to_string(const Array& array, size_t max_items) {
  std::string out = "[";
  const size_t shown = std::min(array.size(), max_items);
  for (size_t i = 0; i < shown; ++i) {
    if (i != 0) out += ", ";
    const bool nested = array.element_type() == ValueType::kArray;
    out += nested ? array_to_string(array.array_at(i), max_items) : to_string(array.value_at(i), max_items);
  }
  if (shown < array.size()) out += fmt::format("{}... {} more", shown == 0 ? "" : ", ", array.size() - shown);
  return out + "]";
}

}  // namespace

std::string escaped(std::string_view text, size_t max_bytes) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    if (i >= max_bytes) return out + "...";
    const char character = text[i];
    const bool plain = character >= 0x20 && character < 0x7F && character != '"' && character != '\\';
    const size_t length = plain ? 1 : utf8_length(text.substr(i));
    if (length == 0) {
      append_escape(out, character);
    } else {
      out += text.substr(i, length);
    }
    i += std::max<size_t>(length, 1);
  }
  return out;
}

std::string to_string(const Value& value, size_t max_items) {
  if (const Array* array = value.as_array()) return array_to_string(*array, max_items);
  if (const std::string* string = value.as_string()) return quoted(*string);
  if (const auto boolean = value.as_bool()) return *boolean ? "true" : "false";
  if (const auto integer = value.as_uint()) return fmt::to_string(*integer);
  if (const auto integer = value.as_int()) return fmt::to_string(*integer);
  const double number = value.as_float().value_or(0);
  // As float, so that float32 1e-5 reads 1e-05 and not 9.999999747378752e-06.
  if (value.type() == ValueType::kFloat32) return fmt::to_string(static_cast<float>(number));
  return fmt::to_string(number);
}

std::string describe_type(const Value& value) {
  const Array* array = value.as_array();
  if (array == nullptr) return to_string(value.type());
  return fmt::format("array of {} {}{}", array->size(), to_string(array->element_type()),
                     array->size() == 1 ? "" : "s");
}

}  // namespace motley::gguf
