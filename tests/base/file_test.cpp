#include "base/file.hpp"

#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/error.hpp"
#include "support/temporary_directory.hpp"

namespace motley {
namespace {

using test::TemporaryDirectory;

void write_text(const std::filesystem::path& path, std::string_view text) { std::ofstream(path) << text; }

ErrorCode code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::kInternal;
}

TEST(ReadFile, ReadsAtAnOffset) {
  const TemporaryDirectory directory;
  write_text(directory / "text", "0123456789");
  const ReadFile file(directory / "text");
  EXPECT_EQ(file.size_bytes(), 10u);
  std::string part(3, ' ');
  file.read_at(4, std::as_writable_bytes(std::span(part)));
  EXPECT_EQ(part, "456");
}

TEST(ReadFile, RefusesWhatIsNoFile) {
  const TemporaryDirectory directory;
  EXPECT_EQ(code_of([&] { ReadFile file(directory / "missing"); }), ErrorCode::kIo);
  EXPECT_EQ(code_of([&] { ReadFile file(directory.path()); }), ErrorCode::kIo);
  EXPECT_EQ(code_of([] { ReadFile file("/dev/null"); }), ErrorCode::kIo);
}

TEST(ReadFile, TruncatedMeanwhileIsAnError) {
  const TemporaryDirectory directory;
  write_text(directory / "text", "0123456789");
  const ReadFile file(directory / "text");
  std::filesystem::resize_file(directory / "text", 5);
  std::string part(8, ' ');
  EXPECT_EQ(code_of([&] { file.read_at(0, std::as_writable_bytes(std::span(part))); }), ErrorCode::kIo);
}

TEST(WriteFile, ReplacesAtomicallyAndLeavesNoTemporary) {
  const TemporaryDirectory directory;
  const std::string text = "new";
  write_text(directory / "text", "old");
  write_file_atomically(directory / "text", std::as_bytes(std::span(text)));
  EXPECT_EQ(read_whole_file(directory / "text"), "new");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory.path()), {}), 1);
}

TEST(WriteFile, FullDiskIsAnError) {
  const std::string text = "x";
  EXPECT_EQ(code_of([&] { write_file_atomically("/proc/motley", std::as_bytes(std::span(text))); }),
            ErrorCode::kIo);
}

TEST(ReadWholeFile, RefusesMoreThanTheLimit) {
  const TemporaryDirectory directory;
  write_text(directory / "text", "0123456789");
  EXPECT_EQ(code_of([&] { read_whole_file(directory / "text", 9); }), ErrorCode::kIo);
}

}  // namespace
}  // namespace motley
