#include "gguf/writer.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/file.hpp"
#include "gguf/refusal.hpp"
#include "support/gguf_samples.hpp"
#include "support/temporary_directory.hpp"

namespace motley::test {
namespace {

using gguf::TensorType;
using gguf::Value;
using gguf::Writer;

template <typename Action>
void expect_invalid(Action action, const char* figure) {
  try {
    action();
    ADD_FAILURE() << "nothing was thrown; wanted: " << figure;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find(figure), std::string::npos) << error.what();
  }
}

TEST(Writer, WritesTheFormatByteForByte) {
  Writer writer(64);
  writer.add("k", uint16_t{258});
  writer.add_tensor("w", TensorType::kF32, {2, 1}, counting_bytes(8, 1));
  GgufBytes expected;
  expected.header(1, 2);
  expected.key("general.alignment", gguf::ValueType::kUint32).number<uint32_t>(64);
  expected.key("k", gguf::ValueType::kUint16).number<uint16_t>(258);
  expected.tensor("w", {2, 1}, 0, 0).pad(64).raw(counting_bytes(8, 1)).pad(64);
  EXPECT_EQ(writer.bytes(), expected.bytes());
}

TEST(Writer, MetadataComeBackAsTheyWere) {
  const std::vector<std::byte> bytes = sample_model().bytes();
  const gguf::File file = open_bytes(bytes);
  const auto value = [&file](const char* key) -> const Value& { return *file.find(key); };
  EXPECT_EQ(file.version(), 3U);
  EXPECT_EQ(file.metadata().size(), 21U);
  EXPECT_EQ(file.metadata()[1].first, "t.uint8");
  EXPECT_EQ(value("t.uint8").type(), gguf::ValueType::kUint8);
  EXPECT_EQ(value("t.uint8").as_uint(), 200U);
  EXPECT_EQ(value("t.int8").as_int(), -100);
  EXPECT_EQ(value("t.uint16").as_uint(), 60000U);
  EXPECT_EQ(value("t.int16").as_int(), -30000);
  EXPECT_EQ(value("t.uint32").as_uint(), 4000000000U);
  EXPECT_EQ(value("t.int32").as_int(), -2000000000);
  EXPECT_EQ(value("t.uint64").as_uint(), uint64_t{1} << 63);
  EXPECT_EQ(value("t.int64").as_int(), int64_t{-1} << 62);
  EXPECT_EQ(value("t.float32").as_float(), double{1e-5F});
  EXPECT_EQ(value("t.float64").as_float(), 0.1);
  EXPECT_EQ(value("t.yes").as_bool(), true);
  EXPECT_EQ(value("t.no").as_bool(), false);
  EXPECT_EQ(*value("t.empty").as_string(), "");
  EXPECT_EQ(to_string(value("a.uint8"), 9), "[1, 2, 3]");
  EXPECT_EQ(to_string(value("a.int32"), 9), "[-1, 0, 1]");
  EXPECT_EQ(to_string(value("a.float32"), 9), "[0.5, -2]");
  EXPECT_EQ(value("a.strings").as_array()->string_at(2), "\xE2\x96\x81once");
  EXPECT_TRUE(value("a.none").as_array()->empty());
  EXPECT_EQ(to_string(value("a.bools"), 9), "[true, false]");
  EXPECT_EQ(to_string(value("a.nested"), 9), "[[\"x\", \"y\"], [7]]");
  EXPECT_EQ(file.find("t.uint"), nullptr);
}

TEST(Writer, TensorsComeBackAsTheyWere) {
  const std::vector<std::byte> bytes = sample_model().bytes();
  const gguf::File file = open_bytes(bytes);
  ASSERT_EQ(file.tensors().size(), 3U);
  const gguf::TensorInfo& tensor = *file.find_tensor("blk.0.w");
  EXPECT_EQ(&tensor, &file.tensors()[1]);
  EXPECT_EQ(tensor.type, TensorType::kQ8_0);
  EXPECT_EQ(tensor.dimensions, 2U);
  EXPECT_EQ(tensor.shape, (std::array<uint64_t, 4>{32, 2, 1, 1}));
  EXPECT_EQ(tensor.elements(), 64U);
  EXPECT_EQ(tensor.rows(), 2U);
  EXPECT_EQ(tensor.row_bytes(), 34U);
  EXPECT_EQ(tensor.size_bytes, 68U);
  EXPECT_EQ(tensor.offset_bytes % 32, 0U);
  std::vector<std::byte> data(60);
  file.read(tensor, 8, data);
  EXPECT_EQ(data, counting_bytes(60, 20));
  EXPECT_EQ(file.find_tensor("blk.0"), nullptr);
}

TEST(Writer, DataStreamThrough) {
  const TemporaryDirectory directory;
  const std::filesystem::path path = directory / "large.gguf";
  const std::vector<std::byte> piece(1 << 20, std::byte{42});
  Writer writer;
  for (const char* name : {"a", "b"}) {
    writer.add_tensor(name, TensorType::kI8, {1 << 20, 16}, [&piece](const gguf::Sink& put) {
      for (int row = 0; row < 16; ++row) put(piece);
    });
  }
  const AllocationMeter meter;
  writer.write(path);
  EXPECT_LE(meter.peak_bytes(), 1U << 20);
  EXPECT_EQ(gguf::File::open(path).size_bytes(), (uint64_t{32} << 20) + 128);
}

TEST(Writer, RefusesDataOfTheWrongSize) {
  for (const size_t size : {size_t{7}, size_t{9}}) {
    const TemporaryDirectory directory;
    Writer writer;
    writer.add_tensor("w", TensorType::kF32, {2}, counting_bytes(size));
    expect_invalid([&] { writer.write(directory / "w.gguf"); }, "takes 8 bytes");
    EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
  }
}

TEST(Writer, HeaderIsWhatStandsBeforeTheData) {
  Writer writer(256);
  writer.add("k", true);
  writer.add_tensor("w", TensorType::kF32, {5}, counting_bytes(20));
  const std::vector<std::byte> header = writer.header();
  EXPECT_EQ(header.size(), 256U);
  const std::vector<std::byte> bytes = writer.bytes();
  EXPECT_TRUE(std::equal(header.begin(), header.end(), bytes.begin()));
  EXPECT_EQ(open_bytes(bytes).tensors().front().offset_bytes, header.size());
}

TEST(Writer, RefusesWhatReadingWouldRefuse) {
  Writer writer;
  writer.add("k", true);
  writer.add_tensor("w", TensorType::kF32, {1}, counting_bytes(4));
  const auto add_tensor = [&](const char* name, TensorType type, const std::vector<uint64_t>& shape) {
    writer.add_tensor(name, type, shape, counting_bytes(4));
  };
  expect_invalid([] { Writer(12); }, "12 bytes");
  expect_invalid([&] { writer.add("", true); }, "empty");
  expect_invalid([&] { writer.add("k", true); }, "it is there");
  expect_invalid([&] { writer.add("general.alignment", uint32_t{32}); }, "alignment");
  expect_invalid([&] { add_tensor("w", TensorType::kF32, {1}); }, "it is there");
  expect_invalid([&] { add_tensor("", TensorType::kF32, {1}); }, "0 bytes");
  expect_invalid([&] { add_tensor("x", TensorType::kF32, {}); }, "0 dimensions");
  expect_invalid([&] { add_tensor("x", TensorType::kF32, {1, 0}); }, "dimension 1 is 0");
  expect_invalid([&] { add_tensor("x", TensorType::kQ4_0, {16}); }, "block of Q4_0");
  expect_invalid([&] { add_tensor("x", static_cast<TensorType>(4), {32}); }, "number 4");
  expect_invalid([&] { add_tensor("x", TensorType::kF32, {uint64_t{1} << 60}); }, "bytes of data");
  gguf::Array deep = gguf::Array::of_strings({"x"});
  for (int i = 0; i < 4; ++i) deep = gguf::Array::of_arrays({deep});
  expect_invalid([&] { writer.add("deep", Value(deep)); }, "5 deep");
  // What was refused left no trace.
  EXPECT_EQ(open_bytes(writer.bytes()).tensors().size(), 1U);
}

TEST(Writer, ReportsAnUnwritablePlace) {
  const TemporaryDirectory directory;
  try {
    sample_model().write(directory / "missing" / "m.gguf");
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
  }
}

}  // namespace
}  // namespace motley::test
