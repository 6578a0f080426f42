#include "model/shapes.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "base/error.hpp"
#include "base/nearest.hpp"
#include "gguf/value.hpp"

namespace motley::model {
namespace {

using gguf::TensorType;

constexpr std::string_view kPrefix = "shape:";
constexpr std::string_view kDefaultFormat = "q4_k_m";

// Where a family has base and chat models that differ in context and epsilon, the chat model's are given.
// clang-format off
constexpr std::array kShapes = {
    // name, source, architecture,
    //     layers, embedding, heads, kv heads, head size, feed forward, vocabulary, context, rope base,
    //     epsilon, tied
    Shape{"llama-1.1b-bench", "none: the shape that benchmarks are run on", "llama",
          16, 2048, 32, 8, 64, 8192, 32000, 4096, 10000.0F, 1e-5F, false},
    Shape{"llama-138m-bench", "none: the shape that benchmarks of software drivers are run on", "llama",
          8, 1024, 16, 4, 64, 4096, 8192, 4096, 10000.0F, 1e-5F, false},
    Shape{"llama-3.2-1b", "meta-llama/Llama-3.2-1B-Instruct", "llama",
          16, 2048, 32, 8, 64, 8192, 128256, 131072, 500000.0F, 1e-5F, true},
    Shape{"llama-3.2-3b", "meta-llama/Llama-3.2-3B-Instruct", "llama",
          28, 3072, 24, 8, 128, 8192, 128256, 131072, 500000.0F, 1e-5F, true},
    Shape{"llama-3-8b", "meta-llama/Meta-Llama-3-8B-Instruct", "llama",
          32, 4096, 32, 8, 128, 14336, 128256, 8192, 500000.0F, 1e-5F, false},
    Shape{"llama-3-70b", "meta-llama/Meta-Llama-3-70B-Instruct", "llama",
          80, 8192, 64, 8, 128, 28672, 128256, 8192, 500000.0F, 1e-5F, false},
    Shape{"mistral-7b", "mistralai/Mistral-7B-Instruct-v0.3", "llama",
          32, 4096, 32, 8, 128, 14336, 32768, 32768, 1000000.0F, 1e-5F, false},
    Shape{"qwen2.5-0.5b", "Qwen/Qwen2.5-0.5B-Instruct", "qwen2",
          24, 896, 14, 2, 64, 4864, 151936, 32768, 1000000.0F, 1e-6F, true},
    Shape{"qwen2.5-7b", "Qwen/Qwen2.5-7B-Instruct", "qwen2",
          28, 3584, 28, 4, 128, 18944, 152064, 32768, 1000000.0F, 1e-6F, false},
    Shape{"qwen2.5-14b", "Qwen/Qwen2.5-14B-Instruct", "qwen2",
          48, 5120, 40, 8, 128, 13824, 152064, 32768, 1000000.0F, 1e-6F, false},
    Shape{"qwen2.5-32b", "Qwen/Qwen2.5-32B-Instruct", "qwen2",
          64, 5120, 40, 8, 128, 27648, 152064, 32768, 1000000.0F, 1e-6F, false},
    Shape{"qwen2.5-72b", "Qwen/Qwen2.5-72B-Instruct", "qwen2",
          80, 8192, 64, 8, 128, 29568, 152064, 32768, 1000000.0F, 1e-6F, false},
    Shape{"qwen3-0.6b", "Qwen/Qwen3-0.6B", "qwen3",
          28, 1024, 16, 8, 128, 3072, 151936, 40960, 1000000.0F, 1e-6F, true},
    Shape{"qwen3-4b", "Qwen/Qwen3-4B", "qwen3",
          36, 2560, 32, 8, 128, 9728, 151936, 40960, 1000000.0F, 1e-6F, true},
    Shape{"qwen3-8b", "Qwen/Qwen3-8B", "qwen3",
          36, 4096, 32, 8, 128, 12288, 151936, 40960, 1000000.0F, 1e-6F, false},
    Shape{"qwen3-14b", "Qwen/Qwen3-14B", "qwen3",
          40, 5120, 40, 8, 128, 17408, 151936, 40960, 1000000.0F, 1e-6F, false},
    Shape{"qwen3-32b", "Qwen/Qwen3-32B", "qwen3",
          64, 5120, 64, 8, 128, 25600, 151936, 40960, 1000000.0F, 1e-6F, false},
};
// clang-format on

constexpr std::array kFormats = {
    ShapeFormat{"f32", TensorType::kF32, 0},
    ShapeFormat{"f16", TensorType::kF16, 1},
    ShapeFormat{"bf16", TensorType::kBF16, 32},
    ShapeFormat{"q8_0", TensorType::kQ8_0, 7},
    ShapeFormat{"q4_0", TensorType::kQ4_0, 2},
    ShapeFormat{"q4_k", TensorType::kQ4_K, 14},
    ShapeFormat{"q5_k", TensorType::kQ5_K, 16},
    ShapeFormat{"q6_k", TensorType::kQ6_K, 18},
    ShapeFormat{"q4_k_m", TensorType::kQ4_K, 15, true},
};

/// The row of that name; throws Error{kInvalidArgument} where there is none.
template <typename Row>
const Row& row_named(std::span<const Row> rows, std::string_view wanted, const char* what) {
  const auto found =
      std::ranges::find(rows, wanted, [](const Row& row) { return std::string_view(row.name); });
  if (found != rows.end()) return *found;
  std::vector<std::string_view> names;
  for (const Row& row : rows) names.emplace_back(row.name);
  fail(ErrorCode::kInvalidArgument, "there is no {} \"{}\"; there are, the nearest first: {}", what,
       gguf::escaped(wanted, 80), list_nearest_first(names, wanted));
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// The layers whose more sensitive matrices get more bits.
bool uses_more_bits(uint32_t layer, uint32_t layers) {
  const uint32_t eighth = layers / 8;
  return layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2;
}

TensorType q4_k_m_type(const Shape& shape, MatrixRole role, uint32_t layer) {
  constexpr uint32_t kLayersOf70B = 80;
  switch (role) {
    case MatrixRole::kTokenEmbedding:
      return shape.tied ? TensorType::kQ6_K : TensorType::kQ4_K;
    case MatrixRole::kOutput:
      return TensorType::kQ6_K;
    case MatrixRole::kAttentionV:
      if (uses_more_bits(layer, shape.layers)) return TensorType::kQ6_K;
      return shape.layers == kLayersOf70B ? TensorType::kQ5_K : TensorType::kQ4_K;
    case MatrixRole::kFeedForwardDown:
      return uses_more_bits(layer, shape.layers) ? TensorType::kQ6_K : TensorType::kQ4_K;
    case MatrixRole::kOther:
      break;
  }
  return TensorType::kQ4_K;
}

}  // namespace

std::string ShapeSpec::text() const { return fmt::format("{}{}@{}", kPrefix, shape->name, format->name); }

std::span<const Shape> shapes() { return kShapes; }

std::span<const ShapeFormat> shape_formats() { return kFormats; }

bool is_shape_spec(std::string_view text) { return text.starts_with(kPrefix); }

ShapeSpec parse_shape_spec(std::string_view text) {
  if (!is_shape_spec(text)) {
    fail(ErrorCode::kInvalidArgument,
         "\"{}\" is no shape: \"{}NAME@FORMAT\" is wanted, e.g. \"{}llama-3-8b@q4_0\"",
         gguf::escaped(text, 80), kPrefix, kPrefix);
  }
  std::string rest(text.substr(kPrefix.size()));
  std::ranges::transform(rest, rest.begin(), lower);
  const size_t at = rest.find('@');
  const std::string_view name = std::string_view(rest).substr(0, at);
  const std::string_view format =
      at == std::string::npos ? kDefaultFormat : std::string_view(rest).substr(at + 1);
  return {&row_named(shapes(), name, "shape"), &row_named(shape_formats(), format, "format of a shape")};
}

TensorType matrix_type(const ShapeSpec& spec, MatrixRole role, uint32_t columns, uint32_t layer) {
  const TensorType type = spec.format->is_mixture ? q4_k_m_type(*spec.shape, role, layer) : spec.format->type;
  if (columns % gguf::tensor_type_info(type).block_elements == 0) return type;
  // llama-quantize takes Q5_0 for Q4_K and Q5_1 for Q5_K; Motley has neither.
  return type == TensorType::kQ4_K ? TensorType::kQ4_0 : TensorType::kQ8_0;
}

}  // namespace motley::model
