// The alphabet of byte-level BPE: every byte as one printable character.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace motley::tokenizer {

/// The UTF-8 text (1 or 2 bytes) that stands for a byte in a byte-level vocabulary: printable Latin-1
/// characters stand for themselves, the other bytes for U+0100 onwards in their order (`bytes_to_unicode` of
/// GPT-2's encoder.py).
std::string_view byte_level_text(uint8_t byte);

/// Appends the byte-level spelling of `bytes` to `out`.
void append_byte_level(std::string_view bytes, std::string& out);

/// The bytes that a byte-level spelling stands for. Characters outside the alphabet are kept as they are.
std::string from_byte_level(std::string_view text);

}  // namespace motley::tokenizer
