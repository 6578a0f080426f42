// Reading tensor data, and real files where they are at hand.
#include "gguf/file.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "gguf/fields.hpp"
#include "support/gguf_samples.hpp"
#include "support/shared.hpp"
#include "support/temporary_directory.hpp"

namespace motley::test {
namespace {

namespace fs = std::filesystem;

ErrorCode code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::kInternal;
}

TEST(File, ReadsWithinTheTensorOnly) {
  const TemporaryDirectory directory;
  sample_model().write(directory / "m.gguf");
  const gguf::File file = gguf::File::open(directory / "m.gguf");
  const gguf::TensorInfo& tensor = file.tensors().front();
  std::vector<std::byte> data(12);
  EXPECT_NO_THROW(file.read(tensor, 0, data));
  EXPECT_EQ(data, counting_bytes(12));
  EXPECT_NO_THROW(file.read(tensor, 12, {}));
  EXPECT_EQ(code_of([&] { file.read(tensor, 1, data); }), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of([&] { file.read(tensor, 13, {}); }), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of([&] { file.read(tensor, ~uint64_t{0}, data); }), ErrorCode::kInvalidArgument);
}

TEST(File, TruncatedWhileOpen) {
  const TemporaryDirectory directory;
  sample_model().write(directory / "m.gguf");
  const gguf::File file = gguf::File::open(directory / "m.gguf");
  const gguf::TensorInfo& tensor = file.tensors().back();
  fs::resize_file(directory / "m.gguf", tensor.offset_bytes + 3);
  std::vector<std::byte> data(tensor.size_bytes);
  EXPECT_EQ(code_of([&] { file.read(tensor, 0, data); }), ErrorCode::kIo);
}

TEST(File, MovesWithItsIndex) {
  const TemporaryDirectory directory;
  sample_model().write(directory / "m.gguf");
  gguf::File first = gguf::File::open(directory / "m.gguf");
  const gguf::File file = std::move(first);
  EXPECT_EQ(*file.find("general.architecture")->as_string(), "llama");
  EXPECT_EQ(file.find_tensor("blk.0.e"), &file.tensors()[2]);
}

TEST(SharedModels, OpenWithEveryByteAccountedFor) {
  MOTLEY_SHARED_OR_SKIP(folder, "reference/models");
  size_t files = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    SCOPED_TRACE(entry.path().filename().string());
    const gguf::File file = gguf::File::open(entry.path());
    EXPECT_FALSE(gguf::get_string(file, "general.architecture").empty());
    EXPECT_NE(file.find_tensor("token_embd.weight"), nullptr);
    uint64_t end_bytes = 0;
    for (const gguf::TensorInfo& tensor : file.tensors()) {
      // These files have no gaps beyond the alignment, so each tensor starts where the one before ends.
      if (end_bytes != 0) {
        EXPECT_EQ(tensor.offset_bytes, (end_bytes + 31) / 32 * 32) << tensor.name;
      }
      end_bytes = tensor.offset_bytes + tensor.size_bytes;
    }
    EXPECT_EQ((end_bytes + 31) / 32 * 32, (file.size_bytes() + 31) / 32 * 32);
    ++files;
  }
  EXPECT_GT(files, 0U);
}

TEST(SharedModels, KnownFigures) {
  MOTLEY_SHARED_OR_SKIP(path, "reference/models/stories260K-q4_0.gguf");
  const gguf::File file = gguf::File::open(path);
  EXPECT_EQ(file.version(), 3U);
  EXPECT_EQ(file.tensors().size(), 47U);
  EXPECT_EQ(file.metadata().size(), 24U);
  EXPECT_EQ(gguf::get_uint(file, "llama.embedding_length"), 64U);
  EXPECT_EQ(gguf::get_array(file, "tokenizer.ggml.tokens", gguf::ValueType::kString).size(), 512U);
}

TEST(SharedVocabularies, Open) {
  MOTLEY_SHARED_OR_SKIP(folder, "reference/vocab");
  size_t files = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".gguf") continue;
    SCOPED_TRACE(entry.path().filename().string());
    const gguf::File file = gguf::File::open(entry.path());
    EXPECT_GT(gguf::get_array(file, "tokenizer.ggml.tokens", gguf::ValueType::kString).size(), 30000U);
    EXPECT_TRUE(file.tensors().empty());
    ++files;
  }
  EXPECT_GT(files, 0U);
}

}  // namespace
}  // namespace motley::test
