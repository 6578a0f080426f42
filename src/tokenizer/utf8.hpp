// UTF-8: checking, and cutting streams of bytes at character boundaries.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace motley::tokenizer {

/// What stands at the start of some bytes.
struct Utf8Unit {
  enum class Kind {
    kCharacter,   ///< One whole character of `size_bytes` bytes.
    kIncomplete,  ///< All the bytes there are begin a character and more bytes could complete it.
    kInvalid      ///< `size_bytes` bytes that can never become a character.
  };
  Kind kind;
  size_t size_bytes;
};

/// Looks at the first character of `bytes`, which must not be empty. Well-formed means table 3-7 of the
/// Unicode standard: no overlong forms, no surrogates, nothing above U+10FFFF.
Utf8Unit first_utf8_unit(std::string_view bytes);

/// The offset of the first byte that is not part of a well-formed character, or nothing.
std::optional<size_t> find_invalid_utf8(std::string_view text);

/// Collects bytes and gives out whole UTF-8 characters only, so that text can be shown while it is being
/// made. Bytes that can never complete a character become U+FFFD, one for each maximal subpart as Unicode
/// recommends.
class Utf8Stream {
 public:
  /// Adds `bytes` and returns the characters that are complete now.
  std::string push(std::string_view bytes);
  /// Ends the stream: what is left (an incomplete character) as U+FFFD. The stream can be used again.
  std::string flush();

 private:
  std::string pending_;
};

}  // namespace motley::tokenizer
