// Headers that must be refused. The format is described in ggml's docs/gguf.md.
#include <gtest/gtest.h>

#include "base/file.hpp"
#include "gguf/refusal.hpp"
#include "support/temporary_directory.hpp"

namespace motley::test {
namespace {

constexpr uint64_t kHuge = ~uint64_t{0};

TEST(MalformedHeader, EmptyFile) {
  expect_malformed(GgufBytes(), {"header", "at byte 0", "the magic number"});
}

TEST(MalformedHeader, ShorterThanAHeader) {
  const GgufBytes whole = GgufBytes().header(0, 0);
  for (size_t size = 1; size < whole.size(); ++size) {
    GgufBytes cut;
    cut.raw(std::span(whole.bytes()).first(size));
    expect_malformed(cut, {"ends at byte", std::to_string(size).c_str()});
  }
  EXPECT_NO_THROW(open_bytes(whole.bytes()));
}

TEST(MalformedHeader, WrongMagic) {
  expect_malformed(GgufBytes().text("GGML").zeros(40), {"at byte 0", "47 47 4d 4c", "47 47 55 46"});
}

TEST(MalformedHeader, Version) {
  expect_malformed(GgufBytes().header(0, 0, 0), {"at byte 4", "version 0", "2 to 3"});
  expect_refused(GgufBytes().header(0, 0, 1), ErrorCode::kUnsupported, {"at byte 4", "version 1", "2 to 3"});
  expect_refused(GgufBytes().header(0, 0, 4), ErrorCode::kUnsupported, {"at byte 4", "version 4", "2 to 3"});
  expect_refused(GgufBytes().header(0, 0, 0xFFFFFFFF), ErrorCode::kUnsupported, {"4294967295"});
  EXPECT_EQ(open_bytes(GgufBytes().header(0, 0, 2).bytes()).version(), 2U);
}

TEST(MalformedHeader, ByteSwapped) {
  expect_refused(GgufBytes().header(0, 0, 0x03000000), ErrorCode::kUnsupported, {"at byte 4", "big-endian"});
  expect_refused(GgufBytes().text("FUGG").zeros(40), ErrorCode::kUnsupported, {"at byte 0", "byte-swapped"});
}

TEST(MalformedHeader, TensorCount) {
  expect_malformed(GgufBytes().header(kHuge, 0),
                   {"at byte 8", "tensor count", "18446744073709551615", "hold 0"});
  // 329 bytes hold nine of the shortest rows of 33 bytes.
  expect_malformed(GgufBytes().header(10, 0).zeros(329), {"at byte 8", "tensor count is 10", "hold 9"});
}

TEST(MalformedHeader, KeyValueCount) {
  expect_malformed(GgufBytes().header(0, kHuge),
                   {"at byte 16", "key-value count", "18446744073709551615", "hold 0"});
  expect_malformed(GgufBytes().header(0, 10).zeros(139), {"at byte 16", "key-value count is 10", "hold 9"});
}

TEST(MalformedHeader, MoreRowsThanAreRead) {
  expect_refused(GgufBytes().header(131073, 0).zeros(size_t{131073} * 33), ErrorCode::kUnsupported,
                 {"131073", "131072"});
  expect_refused(GgufBytes().header(0, 65537).zeros(size_t{65537} * 14), ErrorCode::kUnsupported,
                 {"65537", "65536"});
}

TEST(Open, RefusesWhatIsNoFile) {
  const TemporaryDirectory directory;
  const auto expect_io = [](const std::filesystem::path& path) {
    try {
      gguf::File::open(path);
      ADD_FAILURE() << path << " was opened";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kIo) << error.what();
      EXPECT_NE(std::string(error.what()).find(path.string()), std::string::npos) << error.what();
    }
  };
  expect_io(directory / "missing.gguf");
  expect_io(directory.path());
}

TEST(Open, NamesTheFileInErrors) {
  const TemporaryDirectory directory;
  const std::filesystem::path path = directory / "text.gguf";
  write_file_atomically(path, std::as_bytes(std::span("no model at all, just text")));
  try {
    gguf::File::open(path);
    ADD_FAILURE() << "the file was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kMalformedModel);
    EXPECT_NE(std::string(error.what()).find(path.string()), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace motley::test
