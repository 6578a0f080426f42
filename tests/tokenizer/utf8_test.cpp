#include "tokenizer/utf8.hpp"

#include <string>

#include <gtest/gtest.h>

#include "tokenizer/byte_level.hpp"

namespace motley::tokenizer {
namespace {

TEST(FindInvalidUtf8, AcceptsTheEndsOfEveryRange) {
  EXPECT_EQ(find_invalid_utf8(""), std::nullopt);
  EXPECT_EQ(find_invalid_utf8(std::string("\0\x7F", 2)), std::nullopt);
  EXPECT_EQ(find_invalid_utf8("\xC2\x80\xDF\xBF"), std::nullopt);
  EXPECT_EQ(find_invalid_utf8("\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF"), std::nullopt);
  EXPECT_EQ(find_invalid_utf8("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"), std::nullopt);
}

TEST(FindInvalidUtf8, NamesTheFirstBadByte) {
  EXPECT_EQ(find_invalid_utf8("ab\x80"), 2U);             // continuation without a lead
  EXPECT_EQ(find_invalid_utf8("\xC0\xAF"), 0U);           // overlong
  EXPECT_EQ(find_invalid_utf8("\xE0\x9F\xBF"), 0U);       // overlong
  EXPECT_EQ(find_invalid_utf8("a\xED\xA0\x80"), 1U);      // surrogate
  EXPECT_EQ(find_invalid_utf8("\xF0\x8F\xBF\xBF"), 0U);   // overlong
  EXPECT_EQ(find_invalid_utf8("\xF4\x90\x80\x80"), 0U);   // above U+10FFFF
  EXPECT_EQ(find_invalid_utf8("\xF5\x80\x80\x80"), 0U);   // no such lead
  EXPECT_EQ(find_invalid_utf8("abc\xE4\xB8"), 3U);        // cut short
  EXPECT_EQ(find_invalid_utf8("\xC3\xA9\xE4\xB8z"), 2U);  // broken off
}

TEST(Utf8Stream, HoldsBackWhatIsIncomplete) {
  Utf8Stream stream;
  EXPECT_EQ(stream.push("a\xF0"), "a");
  EXPECT_EQ(stream.push("\x9F\xA6"), "");
  EXPECT_EQ(stream.push("\x99z"), "\xF0\x9F\xA6\x99z");
  EXPECT_EQ(stream.flush(), "");
}

TEST(Utf8Stream, GivesTheSameTextHoweverItIsCut) {
  const std::string text = "a\u00E9\u4E2D\U0001F999\n";
  for (size_t first = 0; first <= text.size(); ++first) {
    for (size_t second = first; second <= text.size(); ++second) {
      Utf8Stream stream;
      std::string out = stream.push(text.substr(0, first));
      out += stream.push(text.substr(first, second - first));
      out += stream.push(text.substr(second));
      EXPECT_EQ(out, text);
      EXPECT_EQ(stream.flush(), "");
    }
  }
}

TEST(Utf8Stream, ReplacesOnlyWhatCanNeverComplete) {
  Utf8Stream stream;
  EXPECT_EQ(stream.push("\x80"), "\uFFFD");
  EXPECT_EQ(stream.push("\xE4\xB8"), "");
  EXPECT_EQ(stream.push("x"), "\uFFFDx");              // one for the two bytes that began a character
  EXPECT_EQ(stream.push("\xED\xA0"), "\uFFFD\uFFFD");  // no character starts so
  EXPECT_EQ(stream.push("\xC3"), "");
  EXPECT_EQ(stream.flush(), "\uFFFD");
  EXPECT_EQ(stream.flush(), "");
  EXPECT_EQ(stream.push("ok"), "ok");
}

TEST(ByteLevel, SpellsEveryByteWithACharacterOfItsOwn) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  std::string spelling;
  append_byte_level(all, spelling);
  EXPECT_EQ(find_invalid_utf8(spelling), std::nullopt);
  EXPECT_EQ(from_byte_level(spelling), all);
  EXPECT_EQ(byte_level_text('A'), "A");
  EXPECT_EQ(byte_level_text(' '), "\u0120");
  EXPECT_EQ(byte_level_text('\n'), "\u010A");
  EXPECT_EQ(byte_level_text(0xAD), "\u0143");
  EXPECT_EQ(byte_level_text(0xFF), "\u00FF");
}

TEST(ByteLevel, KeepsWhatIsNotOfTheAlphabet) {
  EXPECT_EQ(from_byte_level("a b\u4E2D\u0144\u0120"), "a b\u4E2D\u0144 ");
  EXPECT_EQ(from_byte_level("\xC4"), "\xC4");
}

}  // namespace
}  // namespace motley::tokenizer
