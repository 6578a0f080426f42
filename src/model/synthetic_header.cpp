#include "model/synthetic_header.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "gguf/fields.hpp"
#include "model/architecture.hpp"

namespace motley::model {
namespace {

using gguf::TensorType;

constexpr std::string_view kTokensKey = "tokenizer.ggml.tokens";
constexpr std::string_view kScoresKey = "tokenizer.ggml.scores";
constexpr std::string_view kTypesKey = "tokenizer.ggml.token_type";

/// Numbers of tokenizer.ggml.token_type (enum llama_token_type of llama.h).
enum TokenType : int32_t { kNormal = 1, kUnknown = 2, kControl = 3, kUnused = 5, kByte = 6 };

constexpr uint32_t kFirstByteToken = 3;
constexpr uint32_t kSpaceToken = kFirstByteToken + 256;
constexpr std::string_view kSpaceMark = "\xE2\x96\x81";  // U+2581, SentencePiece's space

void add_metadata(gguf::Writer& writer, const ShapeSpec& spec) {
  const Shape& shape = *spec.shape;
  const std::string prefix = std::string(shape.architecture) + ".";
  writer.add("general.architecture", shape.architecture);
  writer.add("general.name", fmt::format("{} (random weights)", spec.text()));
  writer.add("general.file_type", spec.format->file_type);
  writer.add("general.quantization_version", uint32_t{2});  // GGML_QNT_VERSION of ggml.h
  writer.add(prefix + "block_count", shape.layers);
  writer.add(prefix + "context_length", shape.context_length);
  writer.add(prefix + "embedding_length", shape.embedding);
  writer.add(prefix + "feed_forward_length", shape.feed_forward);
  writer.add(prefix + "attention.head_count", shape.heads);
  writer.add(prefix + "attention.head_count_kv", shape.kv_heads);
  writer.add(prefix + "attention.key_length", shape.head_size);
  writer.add(prefix + "attention.value_length", shape.head_size);
  writer.add(prefix + "attention.layer_norm_rms_epsilon", shape.norm_epsilon);
  writer.add(prefix + "rope.dimension_count", shape.head_size);
  writer.add(prefix + "rope.freq_base", shape.rope_base);
  writer.add(prefix + "vocab_size", shape.vocabulary);
}

/// Adds the tensors of a shape, without data.
class TensorTable {
 public:
  TensorTable(gguf::Writer& writer, const ShapeSpec& spec)
      : writer_(writer), spec_(spec), architecture_(find_architecture(spec.shape->architecture)) {}

  void add() {
    const Shape& shape = *spec_.shape;
    matrix("token_embd.weight", shape.embedding, shape.vocabulary, 0, MatrixRole::kTokenEmbedding);
    for (uint32_t layer = 0; layer < shape.layers; ++layer) add_layer(layer);
    vector("output_norm.weight", shape.embedding);
    if (!shape.tied) matrix("output.weight", shape.embedding, shape.vocabulary, 0, MatrixRole::kOutput);
  }

 private:
  void add_layer(uint32_t layer) {
    const Shape& shape = *spec_.shape;
    const std::string prefix = fmt::format("blk.{}.", layer);
    const uint32_t q_size = shape.heads * shape.head_size;
    const uint32_t kv_size = shape.kv_heads * shape.head_size;
    vector(prefix + "attn_norm.weight", shape.embedding);
    matrix(prefix + "attn_q.weight", shape.embedding, q_size, layer);
    matrix(prefix + "attn_k.weight", shape.embedding, kv_size, layer);
    matrix(prefix + "attn_v.weight", shape.embedding, kv_size, layer, MatrixRole::kAttentionV);
    if (architecture_->qkv_bias) {
      vector(prefix + "attn_q.bias", q_size);
      vector(prefix + "attn_k.bias", kv_size);
      vector(prefix + "attn_v.bias", kv_size);
    }
    if (architecture_->qk_norm) {
      vector(prefix + "attn_q_norm.weight", shape.head_size);
      vector(prefix + "attn_k_norm.weight", shape.head_size);
    }
    matrix(prefix + "attn_output.weight", q_size, shape.embedding, layer);
    vector(prefix + "ffn_norm.weight", shape.embedding);
    matrix(prefix + "ffn_gate.weight", shape.embedding, shape.feed_forward, layer);
    matrix(prefix + "ffn_up.weight", shape.embedding, shape.feed_forward, layer);
    matrix(prefix + "ffn_down.weight", shape.feed_forward, shape.embedding, layer,
           MatrixRole::kFeedForwardDown);
  }

  void vector(const std::string& name, uint32_t length) {
    writer_.add_tensor(name, TensorType::kF32, {length}, gguf::TensorData());
  }
  void matrix(const std::string& name, uint32_t columns, uint32_t rows, uint32_t layer,
              MatrixRole role = MatrixRole::kOther) {
    writer_.add_tensor(name, matrix_type(spec_, role, columns, layer), {columns, rows}, gguf::TensorData());
  }

  gguf::Writer& writer_;
  const ShapeSpec& spec_;
  const Architecture* architecture_;
};

/// The array of that key with as many elements as there are tokens, or nullptr when the file lacks it.
const gguf::Array* find_array_of_tokens(const gguf::File& file, std::string_view key,
                                        gguf::ValueType element_type, size_t tokens) {
  const gguf::Array* array = gguf::find_array(file, key, element_type);
  if (array != nullptr && array->size() != tokens) {
    fail(ErrorCode::kMalformedModel, "'{}', key '{}': it has {} elements, but '{}' has {}",
         file.path().string(), key, array->size(), kTokensKey, tokens);
  }
  return array;
}

}  // namespace

gguf::Writer synthetic_header(const ShapeSpec& spec, const gguf::File* vocabulary) {
  gguf::Writer writer;
  add_metadata(writer, spec);
  if (vocabulary != nullptr) {
    copy_vocabulary(writer, *vocabulary, spec.shape->vocabulary);
  } else {
    add_vocabulary(writer, spec.shape->vocabulary);
  }
  TensorTable(writer, spec).add();
  return writer;
}

void add_vocabulary(gguf::Writer& writer, uint32_t size) {
  if (size <= kSpaceToken) {
    fail(ErrorCode::kInvalidArgument, "a vocabulary has {} tokens at least; {} were asked for",
         kSpaceToken + 1, size);
  }
  std::vector<std::string> tokens = {"<unk>", "<s>", "</s>"};
  for (uint32_t byte = 0; byte < 256; ++byte) tokens.push_back(fmt::format("<0x{:02X}>", byte));
  tokens.emplace_back(kSpaceMark);
  for (uint32_t token = kSpaceToken + 1; token < size; ++token) {
    tokens.push_back(fmt::format("{}t{}", kSpaceMark, token));
  }
  std::vector<int32_t> types(size, kNormal);
  types[0] = kUnknown;
  types[1] = types[2] = kControl;
  std::fill_n(types.begin() + kFirstByteToken, 256, kByte);
  writer.add("tokenizer.ggml.model", "llama");
  writer.add_array(kTokensKey, tokens);
  writer.add_array(kScoresKey, std::vector<float>(tokens.size()));
  writer.add_array(kTypesKey, types);
  writer.add("tokenizer.ggml.unknown_token_id", uint32_t{0});
  writer.add("tokenizer.ggml.bos_token_id", uint32_t{1});
  writer.add("tokenizer.ggml.eos_token_id", uint32_t{2});
  writer.add("tokenizer.ggml.add_bos_token", true);
}

void copy_vocabulary(gguf::Writer& writer, const gguf::File& file, uint32_t size) {
  const gguf::Array& tokens = gguf::get_array(file, kTokensKey, gguf::ValueType::kString);
  if (tokens.size() > size) {
    fail(ErrorCode::kInvalidArgument,
         "the vocabulary of '{}' has {} tokens, but the shape has {}: take a smaller vocabulary or another "
         "shape",
         file.path().string(), tokens.size(), size);
  }
  std::vector<std::string> texts;
  for (size_t i = 0; i < tokens.size(); ++i) texts.emplace_back(tokens.string_at(i));
  for (size_t i = tokens.size(); i < size; ++i) texts.push_back(fmt::format("[PAD{}]", i));
  writer.add_array(kTokensKey, texts);
  if (const gguf::Array* scores =
          find_array_of_tokens(file, kScoresKey, gguf::ValueType::kFloat32, tokens.size())) {
    std::vector<float> values;
    for (size_t i = 0; i < scores->size(); ++i) values.push_back(static_cast<float>(*scores->float_at(i)));
    values.resize(size);
    writer.add_array(kScoresKey, values);
  }
  if (const gguf::Array* types =
          find_array_of_tokens(file, kTypesKey, gguf::ValueType::kInt32, tokens.size())) {
    std::vector<int32_t> values;
    for (size_t i = 0; i < types->size(); ++i) values.push_back(static_cast<int32_t>(*types->int_at(i)));
    values.resize(size, kUnused);
    writer.add_array(kTypesKey, values);
  }
  for (const auto& [key, value] : file.metadata()) {
    if (key == kTokensKey || key == kScoresKey || key == kTypesKey) continue;
    if (key.starts_with("tokenizer.")) writer.add(key, value);
  }
}

}  // namespace motley::model
