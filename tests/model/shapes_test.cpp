// The table of named shapes, against what their makers publish.
#include "model/shapes.hpp"

#include <cmath>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "model/config.hpp"
#include "model/synthetic.hpp"
#include "model/tensors.hpp"

namespace motley::model {
namespace {

/// Weights by the model's page at huggingface.co ("Model size", exact: metadata of its safetensors files).
const std::map<std::string, uint64_t> kPublishedParameters = {
    {"llama-1.1b-bench", 1104216064},  // 2 * 32000 * 2048 + 16 * (60817408 + 2 * 2048) + 2048
    {"llama-138m-bench", 138429440},   // 2 * 8192 * 1024 + 8 * (15204352 + 2 * 1024) + 1024
    {"llama-3.2-1b", 1235814400},     {"llama-3.2-3b", 3212749824}, {"llama-3-8b", 8030261248},
    {"llama-3-70b", 70553706496},     {"mistral-7b", 7248023552},   {"qwen2.5-0.5b", 494032768},
    {"qwen2.5-7b", 7615616512},       {"qwen2.5-14b", 14770033664}, {"qwen2.5-32b", 32763876352},
    {"qwen2.5-72b", 72706203648},     {"qwen3-0.6b", 596049920},    {"qwen3-4b", 4022468096},
    {"qwen3-8b", 8190735360},         {"qwen3-14b", 14768307200},   {"qwen3-32b", 32762123264},
};

double relative_error(uint64_t got, uint64_t wanted) {
  return std::abs(static_cast<double>(got) / static_cast<double>(wanted) - 1.0);
}

class NamedShape : public testing::TestWithParam<Shape> {};

TEST_P(NamedShape, HasThePublishedParametersAndSizes) {
  const Shape& shape = GetParam();
  const auto file = make_synthetic(parse_shape_spec(std::string("shape:") + shape.name), 1);
  const Config config = read_config(*file);
  EXPECT_EQ(config.architecture->name, std::string(shape.architecture));
  EXPECT_EQ(config.layers, shape.layers);
  EXPECT_EQ(config.embedding, shape.embedding);
  EXPECT_EQ(config.heads, shape.heads);
  EXPECT_EQ(config.kv_heads, shape.kv_heads);
  EXPECT_EQ(config.head_size, shape.head_size);
  EXPECT_EQ(config.feed_forward, shape.feed_forward);
  EXPECT_EQ(config.vocabulary, shape.vocabulary);
  EXPECT_EQ(config.context_length, shape.context_length);
  EXPECT_EQ(config.rope_base, static_cast<double>(shape.rope_base));
  EXPECT_EQ(config.norm_epsilon, shape.norm_epsilon);
  EXPECT_EQ(config.tied_embeddings, shape.tied);
  const uint64_t parameters = parameter_count(find_tensors(*file, config));
  ASSERT_TRUE(kPublishedParameters.contains(shape.name));
  EXPECT_LE(relative_error(parameters, kPublishedParameters.at(shape.name)), 1e-4) << parameters;
}

std::string case_name(const testing::TestParamInfo<Shape>& instance) {
  std::string name = instance.param.name;
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}
INSTANTIATE_TEST_SUITE_P(All, NamedShape, testing::ValuesIn(shapes().begin(), shapes().end()), case_name);

/// The files llama-quantize makes of these models, as published at huggingface.co/bartowski, in units of 10
/// MB.
TEST(ShapeFormats, MixtureTakesWhatPublishedFilesTake) {
  const std::map<std::string, uint64_t> published = {{"shape:llama-3-8b@q4_k_m", 4920000000},
                                                     {"shape:llama-3-70b@Q4_K_M", 42520000000},
                                                     {"shape:llama-3.2-3b", 2020000000},
                                                     {"shape:qwen2.5-7b@q4_k_m", 4680000000}};
  for (const auto& [spec, bytes] : published) {
    const auto file = make_synthetic(parse_shape_spec(spec), 1);
    EXPECT_LE(relative_error(file->size_bytes(), bytes), 0.005) << spec << ": " << file->size_bytes();
  }
}

TEST(ShapeFormats, MixtureRaisesWhatItShould) {
  using gguf::TensorType;
  const ShapeSpec spec = parse_shape_spec("shape:llama-3-70b@q4_k_m");
  const auto type = [&](MatrixRole role, uint32_t layer) { return matrix_type(spec, role, 8192, layer); };
  EXPECT_EQ(type(MatrixRole::kOutput, 0), TensorType::kQ6_K);
  EXPECT_EQ(type(MatrixRole::kTokenEmbedding, 0), TensorType::kQ4_K);
  EXPECT_EQ(type(MatrixRole::kOther, 0), TensorType::kQ4_K);
  for (const uint32_t layer : {0U, 9U, 12U, 15U, 70U, 79U}) {
    EXPECT_EQ(type(MatrixRole::kFeedForwardDown, layer), TensorType::kQ6_K) << layer;
    EXPECT_EQ(type(MatrixRole::kAttentionV, layer), TensorType::kQ6_K) << layer;
  }
  for (const uint32_t layer : {10U, 11U, 13U, 68U}) {
    EXPECT_EQ(type(MatrixRole::kFeedForwardDown, layer), TensorType::kQ4_K) << layer;
    EXPECT_EQ(type(MatrixRole::kAttentionV, layer), TensorType::kQ5_K) << layer;
  }
  const ShapeSpec tied = parse_shape_spec("shape:llama-3.2-1b@q4_k_m");
  EXPECT_EQ(matrix_type(tied, MatrixRole::kTokenEmbedding, 2048, 0), TensorType::kQ6_K);
}

TEST(ShapeFormats, RowsThatAreNoWholeBlocksGetSmallerBlocks) {
  using gguf::TensorType;
  const auto type = [](const char* spec) {
    return matrix_type(parse_shape_spec(spec), MatrixRole::kOther, 896, 0);
  };
  EXPECT_EQ(type("shape:qwen2.5-0.5b@q4_k"), TensorType::kQ4_0);
  EXPECT_EQ(type("shape:qwen2.5-0.5b@q5_k"), TensorType::kQ8_0);
  EXPECT_EQ(type("shape:qwen2.5-0.5b@q6_k"), TensorType::kQ8_0);
  EXPECT_EQ(type("shape:qwen2.5-0.5b@q4_0"), TensorType::kQ4_0);
}

TEST(ShapeSpecs, AreReadInAnyCase) {
  EXPECT_EQ(parse_shape_spec("shape:llama-3-8b").text(), "shape:llama-3-8b@q4_k_m");
  EXPECT_EQ(parse_shape_spec("shape:Llama-3-8B@Q4_K").text(), "shape:llama-3-8b@q4_k");
  EXPECT_EQ(parse_shape_spec("shape:qwen2.5-0.5b@BF16").format->type, gguf::TensorType::kBF16);
  EXPECT_TRUE(is_shape_spec("shape:anything"));
  EXPECT_FALSE(is_shape_spec("shape.gguf"));
  EXPECT_FALSE(is_shape_spec("./shape:llama-3-8b"));
}

std::string refusal_of(const std::string& spec) {
  try {
    parse_shape_spec(spec);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_LT(std::string(error.what()).size(), 600U);
    return error.what();
  }
  ADD_FAILURE() << spec << " was accepted";
  return "";
}

TEST(ShapeSpecs, UnknownNamesAreToldTheNearest) {
  EXPECT_NE(refusal_of("shape:llama-3-9b@q4_0").find("first: llama-3-8b, "), std::string::npos);
  EXPECT_NE(refusal_of("shape:qwen3_32b").find("first: qwen3-32b, "), std::string::npos);
  EXPECT_NE(refusal_of("shape:llama-3-8b@q4_1").find("first: q4_0, "), std::string::npos);
  EXPECT_NE(refusal_of("shape:llama-3-8b@q9").find("\"q9\""), std::string::npos);
  const std::string message = refusal_of("shape:");
  for (const Shape& shape : shapes()) EXPECT_NE(message.find(shape.name), std::string::npos) << shape.name;
  const std::string formats = refusal_of("shape:llama-3-8b@");
  for (const ShapeFormat& format : shape_formats())
    EXPECT_NE(formats.find(format.name), std::string::npos) << format.name;
}

TEST(ShapeSpecs, HostileTextIsRefused) {
  for (const std::string& spec :
       {std::string(""), std::string("llama-3-8b"), std::string("shape"), std::string("shape:x@"),
        std::string("shape:@q4_0"), std::string("shape:@"), std::string("shape:llama-3-8b@q4_0@q4_0"),
        std::string("shape:llama-3-8b "), std::string("shape:llama-3-8b\0@q4_0", 22),
        std::string("shape:\x1b[31m\xff"), "shape:" + std::string(1000000, 'l'),
        "shape:llama-3-8b@" + std::string(1000000, 'q'), std::string(1000000, 's')}) {
    const std::string message = refusal_of(spec);
    EXPECT_EQ(message.find('\x1b'), std::string::npos);
  }
}

}  // namespace
}  // namespace motley::model
