#include "tokenizer/byte_level.hpp"

#include <array>
#include <cstddef>

namespace motley::tokenizer {
namespace {

constexpr uint32_t kAlphabetEnd = 0x144;  // 256 plus the 68 bytes that do not stand for themselves

struct Alphabet {
  std::array<std::array<char, 2>, 256> text{};
  std::array<uint8_t, 256> text_bytes{};
  std::array<int16_t, kAlphabetEnd> byte_of{};  // -1 where the character stands for no byte

  constexpr Alphabet() {
    byte_of.fill(-1);
    uint32_t next = 256;
    for (uint32_t byte = 0; byte < 256; ++byte) {
      const bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
      const uint32_t character = printable ? byte : next++;
      byte_of[character] = static_cast<int16_t>(byte);
      if (character < 0x80) {
        text[byte] = {static_cast<char>(character), 0};
        text_bytes[byte] = 1;
      } else {
        text[byte] = {static_cast<char>(0xC0 | (character >> 6)),
                      static_cast<char>(0x80 | (character & 0x3F))};
        text_bytes[byte] = 2;
      }
    }
  }
};

constexpr Alphabet kAlphabet;

}  // namespace

std::string_view byte_level_text(uint8_t byte) {
  return {kAlphabet.text[byte].data(), kAlphabet.text_bytes[byte]};
}

void append_byte_level(std::string_view bytes, std::string& out) {
  for (const char byte : bytes) out += byte_level_text(static_cast<uint8_t>(byte));
}

std::string from_byte_level(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const auto first = static_cast<uint8_t>(text[i]);
    const auto second = static_cast<uint8_t>(i + 1 < text.size() ? text[i + 1] : 0);
    const bool two_bytes = first >= 0xC2 && first <= 0xDF && (second & 0xC0) == 0x80;
    const uint32_t character = two_bytes ? (first & 0x1FU) << 6 | (second & 0x3FU) : first;
    const int byte =
        (two_bytes || first < 0x80) && character < kAlphabetEnd ? kAlphabet.byte_of[character] : -1;
    if (byte < 0) {
      out += text[i];  // and its continuation bytes in the rounds to come
      continue;
    }
    out += static_cast<char>(byte);
    i += two_bytes;
  }
  return out;
}

}  // namespace motley::tokenizer
