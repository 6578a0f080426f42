// Models that lie in several files.
#include <gtest/gtest.h>

#include "gguf/refusal.hpp"
#include "gguf/writer.hpp"
#include "support/gguf_samples.hpp"
#include "support/temporary_directory.hpp"

namespace motley::test {
namespace {

namespace fs = std::filesystem;

class Split : public testing::Test {
 protected:
  struct Figures {
    uint16_t number = 0;
    uint16_t count = 3;
    int32_t tensors = 3;
  };

  /// Writes a shard with one tensor "w<name>" of four bytes that start with `first`.
  void write(const char* file, Figures figures, const char* name, unsigned first) const {
    gguf::Writer writer;
    writer.add("general.architecture", name);
    writer.add("split.no", figures.number);
    writer.add("split.count", figures.count);
    writer.add("split.tensors.count", figures.tensors);
    writer.add_tensor(std::string("w") + name, gguf::TensorType::kI8, {4}, counting_bytes(4, first));
    writer.write(directory_ / file);
  }
  void write_all() const {
    write("m-00001-of-00003.gguf", {.number = 0}, "a", 10);
    write("m-00002-of-00003.gguf", {.number = 1}, "b", 20);
    write("m-00003-of-00003.gguf", {.number = 2}, "c", 30);
  }
  void expect_error(const char* file, ErrorCode code, std::initializer_list<const char*> figures) const {
    try {
      gguf::File::open(directory_ / file);
      ADD_FAILURE() << "the model was opened";
    } catch (const Error& error) {
      const std::string message = error.what();
      EXPECT_EQ(error.code(), code) << message;
      for (const char* figure : figures)
        EXPECT_NE(message.find(figure), std::string::npos) << figure << ": " << message;
    }
  }

  const TemporaryDirectory directory_;
};

TEST_F(Split, AnyShardOpensAll) {
  write_all();
  for (const char* name : {"m-00001-of-00003.gguf", "m-00002-of-00003.gguf", "m-00003-of-00003.gguf"}) {
    const gguf::File file = gguf::File::open(directory_ / name);
    EXPECT_EQ(file.path(), directory_ / name);
    EXPECT_EQ(file.shard_count(), 3U);
    EXPECT_EQ(*file.find("general.architecture")->as_string(), "a");
    ASSERT_EQ(file.tensors().size(), 3U);
    uint64_t size_bytes = 0;
    for (uint32_t shard = 0; shard < 3; ++shard) {
      const gguf::TensorInfo& tensor = file.tensors()[shard];
      EXPECT_EQ(tensor.name, std::string("w") + "abc"[shard]);
      EXPECT_EQ(tensor.shard, shard);
      std::vector<std::byte> data(4);
      file.read(tensor, 0, data);
      EXPECT_EQ(data, counting_bytes(4, 10 + 10 * shard));
    }
    for (const auto& entry : fs::directory_iterator(directory_.path())) size_bytes += entry.file_size();
    EXPECT_EQ(file.size_bytes(), size_bytes);
  }
}

TEST_F(Split, ACountOfZeroOrOneStandsAlone) {
  write("merged.gguf", {.count = 0}, "a", 0);
  write("single.gguf", {.count = 1}, "a", 0);
  EXPECT_EQ(gguf::File::open(directory_ / "merged.gguf").shard_count(), 1U);
  EXPECT_EQ(gguf::File::open(directory_ / "single.gguf").shard_count(), 1U);
}

TEST_F(Split, MissingShard) {
  write_all();
  fs::remove(directory_ / "m-00002-of-00003.gguf");
  expect_error("m-00001-of-00003.gguf", ErrorCode::kIo, {"m-00002-of-00003.gguf' is missing", "3 shards"});
  fs::create_directory(directory_ / "m-00002-of-00003.gguf");
  expect_error("m-00001-of-00003.gguf", ErrorCode::kIo, {"m-00002-of-00003.gguf' is a directory"});
}

TEST_F(Split, WrongNumberOrCount) {
  write_all();
  write("m-00002-of-00003.gguf", {.number = 2}, "b", 0);
  expect_error("m-00001-of-00003.gguf", ErrorCode::kMalformedModel,
               {"m-00002-of-00003.gguf", "shard 3 of 3", "2 of 3"});
  write("m-00002-of-00003.gguf", {.number = 1, .count = 4}, "b", 0);
  expect_error("m-00001-of-00003.gguf", ErrorCode::kMalformedModel, {"shard 2 of 4", "2 of 3"});
  write("m-00001-of-00003.gguf", {.number = 3}, "a", 0);
  expect_error("m-00001-of-00003.gguf", ErrorCode::kMalformedModel, {"'split.no': 3", "0 to 2"});
  write("m-00001-of-00003.gguf", {.number = 0, .count = 60000}, "a", 0);
  expect_error("m-00001-of-00003.gguf", ErrorCode::kUnsupported, {"'split.count': 60000", "512"});
}

TEST_F(Split, WrongTypeOrMissingNumber) {
  gguf::Writer text;
  text.add("split.count", "three");
  text.write(directory_ / "text.gguf");
  expect_error("text.gguf", ErrorCode::kMalformedModel, {"'split.count'", "three", "string"});
  gguf::Writer lone;
  lone.add("split.count", uint16_t{2});
  lone.write(directory_ / "lone-00001-of-00002.gguf");
  expect_error("lone-00001-of-00002.gguf", ErrorCode::kMalformedModel,
               {"'split.no': missing", "'split.count' is 2"});
}

TEST_F(Split, WrongTensorCount) {
  write_all();
  write("m-00001-of-00003.gguf", {.number = 0, .tensors = 4}, "a", 0);
  expect_error("m-00001-of-00003.gguf", ErrorCode::kMalformedModel,
               {"'split.tensors.count': 4", "3 tensors"});
}

TEST_F(Split, TheSameTensorTwice) {
  write_all();
  write("m-00003-of-00003.gguf", {.number = 2}, "a", 0);
  expect_error("m-00001-of-00003.gguf", ErrorCode::kMalformedModel,
               {"tensor 'wa'", "m-00001-of-00003.gguf", "m-00003-of-00003.gguf"});
}

TEST_F(Split, ARenamedShardIsExplained) {
  write("model.gguf", {.number = 1}, "b", 0);
  expect_error("model.gguf", ErrorCode::kMalformedModel, {"shard 2 of 3", "-00002-of-00003.gguf"});
  write("-00002-of-00003.gguf", {.number = 1}, "b", 0);
  expect_error("-00002-of-00003.gguf", ErrorCode::kMalformedModel, {"should end in"});
}

TEST_F(Split, NamesInsideTheFileLeadNowhere) {
  // The second shard lies one folder up, and the first says so; shards are looked for beside the first alone.
  fs::create_directory(directory_ / "inner");
  write("m-00002-of-00002.gguf", {.number = 1, .count = 2}, "b", 0);
  gguf::Writer writer;
  writer.add("general.name", "../m");
  writer.add("split.no", uint16_t{0});
  writer.add("split.count", uint16_t{2});
  writer.add_array("split.files",
                   std::vector<std::string>{"m-00001-of-00002.gguf", "../m-00002-of-00002.gguf"});
  writer.write(directory_.path() / "inner" / "m-00001-of-00002.gguf");
  expect_error("inner/m-00001-of-00002.gguf", ErrorCode::kIo, {"inner/m-00002-of-00002.gguf' is missing"});
  fs::rename(directory_.path() / "inner" / "m-00001-of-00002.gguf",
             directory_.path() / "inner" / "..-00001-of-00002.gguf");
  expect_error("inner/..-00001-of-00002.gguf", ErrorCode::kIo, {"inner/..-00002-of-00002.gguf' is missing"});
}

TEST_F(Split, OneShardInMemoryIsRefused) {
  GgufBytes file = GgufBytes().header(0, 2);
  file.key("split.no", gguf::ValueType::kUint16).number<uint16_t>(0);
  file.key("split.count", gguf::ValueType::kUint16).number<uint16_t>(2);
  expect_refused(file, ErrorCode::kUnsupported, {"shard 1 of 2"});
}

}  // namespace
}  // namespace motley::test
