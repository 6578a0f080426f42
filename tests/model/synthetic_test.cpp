// Models with made-up weights: valid files, the same bytes however they are read, numbers a model can run on.
#include "model/synthetic.hpp"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "base/error.hpp"
#include "base/file.hpp"
#include "gguf/fields.hpp"
#include "gguf/source.hpp"
#include "model/config.hpp"
#include "model/synthetic_header.hpp"
#include "model/synthetic_weights.hpp"
#include "model/tensors.hpp"
#include "quant/format.hpp"
#include "support/reference_model.hpp"
#include "support/temporary_directory.hpp"
#include "tokenizer/tokenizer.hpp"

namespace motley::model {
namespace {

using Bytes = std::vector<std::byte>;

/// A shape of a few hundred kilobytes.
Shape tiny_shape(const char* architecture = "llama") {
  return {"tiny", "none", architecture, 8, 256, 4, 2, 64, 512, 300, 128, 10000.0F, 1e-5F, false};
}

Bytes read_tensor(const gguf::File& file, const std::string& name) {
  const gguf::TensorInfo* tensor = file.find_tensor(name);
  Bytes bytes(tensor->size_bytes);
  file.read(*tensor, 0, bytes);
  return bytes;
}

Bytes bytes_of(const std::filesystem::path& path) {
  const std::string content = read_whole_file(path);
  const auto bytes = std::as_bytes(std::span(content));
  return {bytes.begin(), bytes.end()};
}

struct Statistics {
  double mean = 0;
  double deviation = 0;
  double largest = 0;
};

Statistics statistics_of(const std::vector<float>& values) {
  double sum = 0;
  double squares = 0;
  Statistics result;
  for (const double value : values) {
    sum += value;
    squares += value * value;
    result.largest = std::max(result.largest, std::isfinite(value) ? std::abs(value) : INFINITY);
  }
  const auto count = static_cast<double>(values.size());
  result.mean = sum / count;
  result.deviation = std::sqrt(squares / count - result.mean * result.mean);
  return result;
}

class Weights : public testing::TestWithParam<quant::FormatInfo> {};

TEST_P(Weights, AreSpreadAsModelsAre) {
  constexpr size_t kElements = size_t{1} << 18;
  const quant::FormatInfo& format = GetParam();
  Bytes bytes(kElements / format.block_elements * format.block_bytes);
  SyntheticWeights{format.format, 7}.read_at(0, bytes);
  std::vector<float> values(kElements);
  quant::decode(format.format, bytes, values);
  const Statistics all = statistics_of(values);
  EXPECT_NEAR(all.mean, 0.0, 5 * 0.02 / 512);  // Five standard errors; scales make blocks a little unequal.
  EXPECT_NEAR(all.deviation, 0.02, 0.002);
  EXPECT_LT(all.largest, 0.15);
  // No stretch of a block is dead, none dominates.
  for (size_t i = 0; i < kElements; i += 32) {
    const Statistics run = statistics_of({values.begin() + static_cast<std::ptrdiff_t>(i),
                                          values.begin() + static_cast<std::ptrdiff_t>(i + 32)});
    ASSERT_GT(run.deviation, 0.004) << "elements from " << i;
    ASSERT_LT(run.deviation, 0.045) << "elements from " << i;
  }
}

TEST_P(Weights, AreTheSameHoweverTheyAreRead) {
  const quant::FormatInfo& format = GetParam();
  const SyntheticWeights weights{format.format, 7};
  Bytes whole(20000);
  weights.read_at(0, whole);
  std::mt19937 random(1);
  for (int i = 0; i < 500; ++i) {
    const size_t offset = random() % whole.size();
    const size_t count = random() % std::min<size_t>(whole.size() - offset, i % 2 == 0 ? 300 : 20000);
    Bytes part(count);
    weights.read_at(offset, part);
    ASSERT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + static_cast<std::ptrdiff_t>(offset)))
        << count << " bytes at " << offset;
  }
}

TEST_P(Weights, DifferByKeyAndPosition) {
  const auto bytes_at = [&](uint64_t key, uint64_t offset) {
    Bytes bytes(1680);  // Whole cells of every format.
    SyntheticWeights{GetParam().format, key}.read_at(offset, bytes);
    return bytes;
  };
  EXPECT_EQ(bytes_at(1, 0), bytes_at(1, 0));
  EXPECT_NE(bytes_at(1, 0), bytes_at(2, 0));
  EXPECT_NE(bytes_at(1, 0), bytes_at(1, uint64_t{20160} << 40));
}

INSTANTIATE_TEST_SUITE_P(Formats, Weights,
                         testing::Values(quant::info(quant::Format::kF32), quant::info(quant::Format::kF16),
                                         quant::info(quant::Format::kBF16), quant::info(quant::Format::kQ8_0),
                                         quant::info(quant::Format::kQ4_0), quant::info(quant::Format::kQ4_K),
                                         quant::info(quant::Format::kQ5_K),
                                         quant::info(quant::Format::kQ6_K)),
                         [](const auto& instance) { return std::string(instance.param.stem); });

TEST(Weights, KeysTellSeedsAndTensorsApart) {
  EXPECT_EQ(synthetic_key(1, "output.weight"), synthetic_key(1, "output.weight"));
  EXPECT_NE(synthetic_key(1, "output.weight"), synthetic_key(2, "output.weight"));
  EXPECT_NE(synthetic_key(1, "blk.1.attn_q.weight"), synthetic_key(1, "blk.2.attn_q.weight"));
}

/// Every format, in every architecture.
TEST(Synthetic, ModelsRun) {
  for (const char* architecture : {"llama", "qwen2", "qwen3"}) {
    for (const ShapeFormat& format : shape_formats()) {
      const Shape shape = tiny_shape(architecture);
      const auto file = make_synthetic({&shape, &format}, 1);
      const test::ReferenceModel model(*file);
      const std::vector<double> logits = model.logits(std::vector<int32_t>{1, 70, 80, 299}).back();
      const auto [lowest, highest] = std::ranges::minmax(logits);
      EXPECT_TRUE(std::ranges::all_of(logits, [](double logit) { return std::isfinite(logit); }))
          << architecture << " in " << format.name;
      EXPECT_GT(highest - lowest, 0.1) << architecture << " in " << format.name;
      EXPECT_LT(highest - lowest, 100.0) << architecture << " in " << format.name;
    }
  }
}

TEST(Synthetic, NormsAreNearOneAndBiasesNearZero) {
  const Shape shape = tiny_shape("qwen2");
  const auto file = make_synthetic({&shape, shape_formats().data()}, 1);
  const auto statistics = [&](const char* name) {
    const Bytes bytes = read_tensor(*file, name);
    std::vector<float> values(bytes.size() / sizeof(float));
    quant::decode(quant::Format::kF32, bytes, values);
    return statistics_of(values);
  };
  EXPECT_NEAR(statistics("blk.0.attn_norm.weight").mean, 1.0, 0.01);
  EXPECT_NEAR(statistics("output_norm.weight").mean, 1.0, 0.01);
  EXPECT_NEAR(statistics("blk.7.attn_q.bias").mean, 0.0, 0.01);
}

TEST(Synthetic, LargestShapeOpensAndReadsToItsEnd) {
  const auto file = make_synthetic(parse_shape_spec("shape:llama-3-70b@f32"), 1);
  EXPECT_GT(file->size_bytes(), 4 * uint64_t{70553706496});
  const gguf::TensorInfo& last = file->tensors().back();
  EXPECT_EQ(last.name, "output.weight");
  Bytes end(100);
  file->read(last, last.size_bytes - end.size(), end);
  EXPECT_NE(end, Bytes(100));
  EXPECT_THROW(file->read(last, last.size_bytes - 99, end), Error);
}

TEST(Synthetic, SeedsGiveOtherWeightsAndTheSameSizes) {
  const Shape shape = tiny_shape();
  const ShapeSpec spec = {&shape, &shape_formats().back()};
  const auto first = make_synthetic(spec, 1);
  const auto again = make_synthetic(spec, 1);
  const auto other = make_synthetic(spec, 2);
  EXPECT_EQ(first->size_bytes(), other->size_bytes());
  for (const gguf::TensorInfo& tensor : first->tensors()) {
    EXPECT_EQ(read_tensor(*first, tensor.name), read_tensor(*again, tensor.name)) << tensor.name;
    EXPECT_NE(read_tensor(*first, tensor.name), read_tensor(*other, tensor.name)) << tensor.name;
  }
}

TEST(Synthetic, WrittenFilesReadAlike) {
  const test::TemporaryDirectory folder;
  const Shape shape = tiny_shape();
  for (const ShapeFormat& format : shape_formats()) {
    const ShapeSpec spec = {&shape, &format};
    const auto path = folder / (std::string(format.name) + ".gguf");
    write_synthetic(spec, 3, path);
    const gguf::File written = gguf::File::open(path);
    const auto made = make_synthetic(spec, 3);
    EXPECT_EQ(written.size_bytes(), made->size_bytes());
    EXPECT_EQ(parameter_count(find_tensors(written, read_config(written))),
              parameter_count(find_tensors(*made, read_config(*made))));
    for (const gguf::TensorInfo& tensor : made->tensors()) {
      EXPECT_EQ(read_tensor(written, tensor.name), read_tensor(*made, tensor.name)) << tensor.name;
    }
  }
}

/// What the writer would have written, with padding between tensors and at the end.
TEST(Synthetic, FilesAreThoseOfTheWriter) {
  Shape shape = tiny_shape("qwen3");
  shape.head_size = 4;  // Norms of 16 bytes, in need of padding.
  shape.tied = true;    // The last tensor is a norm.
  shape.embedding = 260;
  const ShapeSpec spec = {&shape, shape_formats().data()};
  const auto made = make_synthetic(spec, 5);
  const gguf::Writer header = synthetic_header(spec);
  gguf::Writer writer;
  for (const auto& [key, value] : made->metadata()) writer.add(key, value);
  for (const gguf::TensorInfo& tensor : header.tensors()) {
    const std::vector<uint64_t> lengths(tensor.shape.begin(), tensor.shape.begin() + tensor.dimensions);
    writer.add_tensor(tensor.name, tensor.type, lengths, read_tensor(*made, tensor.name));
  }
  const test::TemporaryDirectory folder;
  write_synthetic(spec, 5, folder / "model.gguf");
  EXPECT_EQ(bytes_of(folder / "model.gguf"), writer.bytes());
}

TEST(Synthetic, CancelledWritingLeavesWhatWasThere) {
  const test::TemporaryDirectory folder;
  const auto path = folder / "model.gguf";
  std::ofstream(path) << "before";
  const Shape shape = tiny_shape();
  uint64_t told_bytes = 0;
  const auto stop = [&](uint64_t done_bytes, uint64_t total_bytes) {
    told_bytes = done_bytes;
    EXPECT_LE(done_bytes, total_bytes);
    return false;
  };
  try {
    write_synthetic({&shape, shape_formats().data()}, 1, path, nullptr, stop);
    ADD_FAILURE() << "it went on";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCancelled) << error.what();
  }
  EXPECT_GT(told_bytes, 0U);
  EXPECT_EQ(read_whole_file(path), "before");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

/// Files of this process end at a size, as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(uint64_t bytes) {
    previous_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &previous_);
    rlimit limit = previous_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &previous_);
    std::signal(SIGXFSZ, previous_handler_);
  }

 private:
  rlimit previous_{};
  void (*previous_handler_)(int) = SIG_DFL;
};

void expect_not_written(const ShapeSpec& spec, const std::filesystem::path& path) {
  try {
    write_synthetic(spec, 1, path);
    ADD_FAILURE() << path << " was written";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo) << error.what();
    EXPECT_NE(std::string(error.what()).find(path.string()), std::string::npos) << error.what();
  }
}

TEST(Synthetic, FailedWritingLeavesNothing) {
  const test::TemporaryDirectory folder;
  const Shape shape = tiny_shape();
  const ShapeSpec spec = {&shape, shape_formats().data()};
  expect_not_written(spec, folder / "missing/model.gguf");
  {
    const FileSizeLimit limit(100000);
    expect_not_written(spec, folder / "model.gguf");
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Synthetic, AModelThatNoDiskHoldsIsRefusedAtOnce) {
  const test::TemporaryDirectory folder;
  Shape shape = tiny_shape();
  shape.layers = 1024;
  shape.feed_forward = 1U << 30;
  expect_not_written({&shape, shape_formats().data()}, folder / "model.gguf");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Synthetic, MadeUpVocabularyTokenizesByteByByte) {
  const Shape shape = tiny_shape();
  const auto tokenizer = tokenizer::Tokenizer::load(*make_synthetic({&shape, shape_formats().data()}, 1));
  EXPECT_EQ(tokenizer.size(), shape.vocabulary);
  const std::string text = "Grüße!";
  const auto tokens = tokenizer.encode(text, {});
  EXPECT_EQ(tokenizer.decode(tokens), text);
  EXPECT_EQ(tokenizer.piece(299), " t299");
  EXPECT_THROW(
      {
        gguf::Writer writer;
        add_vocabulary(writer, 259);
      },
      Error);
}

gguf::File vocabulary_file(uint32_t size, size_t scores) {
  gguf::Writer made;
  add_vocabulary(made, size);
  const gguf::File file = gguf::File::from_source(std::make_unique<const gguf::OwnedSource>(made.bytes()));
  gguf::Writer writer;
  writer.add("general.name", "left out");
  writer.add("tokenizer.chat_template", "copied");
  for (const auto& [key, value] : file.metadata()) {
    if (key != "tokenizer.ggml.scores") writer.add(key, value);
  }
  writer.add_array("tokenizer.ggml.scores", std::vector<float>(scores, -2.0F));
  return gguf::File::from_source(std::make_unique<const gguf::OwnedSource>(writer.bytes(), "words.gguf"));
}

TEST(Synthetic, VocabularyIsCopiedAndFilledUp) {
  const Shape shape = tiny_shape();
  const ShapeSpec spec = {&shape, shape_formats().data()};
  const gguf::File vocabulary = vocabulary_file(290, 290);
  const auto file = make_synthetic(spec, 1, &vocabulary);
  EXPECT_EQ(read_config(*file).vocabulary, 300U);
  EXPECT_EQ(gguf::get_string(*file, "tokenizer.chat_template"), "copied");
  EXPECT_NE(gguf::get_string(*file, "general.name"), "left out");
  EXPECT_EQ(gguf::get_array(*file, "tokenizer.ggml.scores").float_at(289), -2.0);
  const auto tokenizer = tokenizer::Tokenizer::load(*file);
  EXPECT_EQ(tokenizer.text(289), "\xE2\x96\x81t289");
  EXPECT_EQ(tokenizer.text(299), "[PAD299]");
  EXPECT_EQ(tokenizer.piece(299), "");  // Unused.
}

TEST(Synthetic, UnfitVocabulariesAreRefused) {
  const Shape shape = tiny_shape();
  const ShapeSpec spec = {&shape, shape_formats().data()};
  const auto code_of = [&](const gguf::File& vocabulary) {
    try {
      make_synthetic(spec, 1, &vocabulary);
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("words.gguf"), std::string::npos) << error.what();
      return error.code();
    }
    return ErrorCode::kInternal;
  };
  EXPECT_EQ(code_of(vocabulary_file(301, 301)), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of(vocabulary_file(290, 289)), ErrorCode::kMalformedModel);
  gguf::Writer empty;
  EXPECT_EQ(code_of(gguf::File::from_source(
                std::make_unique<const gguf::OwnedSource>(empty.bytes(), "words.gguf"))),
            ErrorCode::kMalformedModel);
}

}  // namespace
}  // namespace motley::model
