#include "model/tensors.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "quant/format.hpp"

namespace motley::model {
namespace {

using gguf::TensorInfo;
using gguf::TensorType;

/// What a tensor's row length and rows follow from.
enum class Size { kOne, kEmbedding, kQ, kKv, kHead, kFeedForward, kVocabulary, kRopePairs };

uint64_t length(Size size, const Config& config) {
  switch (size) {
    case Size::kOne:
      return 1;
    case Size::kEmbedding:
      return config.embedding;
    case Size::kQ:
      return config.q_size();
    case Size::kKv:
      return config.kv_size();
    case Size::kHead:
      return config.head_size;
    case Size::kFeedForward:
      return config.feed_forward;
    case Size::kVocabulary:
      return config.vocabulary;
    case Size::kRopePairs:
      return config.rope_dimensions / 2;
  }
  fail(ErrorCode::kInternal, "no such tensor size: {}", static_cast<int>(size));
}

enum class Need { kAlways, kOptional, kQkvBias, kQkNorm };

/// One tensor of a model or a layer. A single row is a vector: a norm, a bias, the factors.
template <typename Owner>
struct Row {
  const TensorInfo* Owner::*slot;
  const char* name;
  Size columns;
  Size rows;
  Need need;
};

constexpr std::array kModelRows = {
    Row<Tensors>{&Tensors::token_embedding, "token_embd.weight", Size::kEmbedding, Size::kVocabulary,
                 Need::kAlways},
    Row<Tensors>{&Tensors::output_norm, "output_norm.weight", Size::kEmbedding, Size::kOne, Need::kAlways},
    Row<Tensors>{&Tensors::output, "output.weight", Size::kEmbedding, Size::kVocabulary, Need::kOptional},
    Row<Tensors>{&Tensors::rope_factors, "rope_freqs.weight", Size::kRopePairs, Size::kOne, Need::kOptional},
};

using Layer = LayerTensors;
/// Names without the `blk.N.` before them.
constexpr std::array kLayerRows = {
    Row<Layer>{&Layer::attention_norm, "attn_norm.weight", Size::kEmbedding, Size::kOne, Need::kAlways},
    Row<Layer>{&Layer::q, "attn_q.weight", Size::kEmbedding, Size::kQ, Need::kAlways},
    Row<Layer>{&Layer::k, "attn_k.weight", Size::kEmbedding, Size::kKv, Need::kAlways},
    Row<Layer>{&Layer::v, "attn_v.weight", Size::kEmbedding, Size::kKv, Need::kAlways},
    Row<Layer>{&Layer::q_bias, "attn_q.bias", Size::kQ, Size::kOne, Need::kQkvBias},
    Row<Layer>{&Layer::k_bias, "attn_k.bias", Size::kKv, Size::kOne, Need::kQkvBias},
    Row<Layer>{&Layer::v_bias, "attn_v.bias", Size::kKv, Size::kOne, Need::kQkvBias},
    Row<Layer>{&Layer::q_norm, "attn_q_norm.weight", Size::kHead, Size::kOne, Need::kQkNorm},
    Row<Layer>{&Layer::k_norm, "attn_k_norm.weight", Size::kHead, Size::kOne, Need::kQkNorm},
    Row<Layer>{&Layer::attention_output, "attn_output.weight", Size::kQ, Size::kEmbedding, Need::kAlways},
    Row<Layer>{&Layer::feed_forward_norm, "ffn_norm.weight", Size::kEmbedding, Size::kOne, Need::kAlways},
    Row<Layer>{&Layer::gate, "ffn_gate.weight", Size::kEmbedding, Size::kFeedForward, Need::kAlways},
    Row<Layer>{&Layer::up, "ffn_up.weight", Size::kEmbedding, Size::kFeedForward, Need::kAlways},
    Row<Layer>{&Layer::down, "ffn_down.weight", Size::kFeedForward, Size::kEmbedding, Need::kAlways},
};

/// Old converters wrote the rope frequencies of each layer; they follow from the metadata.
constexpr std::string_view kSuperfluousSuffix = ".attn_rot_embd.weight";

std::string shape_text(const TensorInfo& tensor) {
  std::string text = fmt::format("{}", tensor.shape[0]);
  for (uint32_t i = 1; i < tensor.dimensions; ++i) text += fmt::format(" x {}", tensor.shape[i]);
  return text;
}

class Finder {
 public:
  Finder(const gguf::File& file, const Config& config) : file_(file), config_(config) {}

  template <typename Owner, size_t count>
  void fill(Owner& owner, const std::array<Row<Owner>, count>& rows, const std::string& prefix) {
    for (const Row<Owner>& row : rows) {
      const std::string name = prefix + row.name;
      const TensorInfo* tensor = may_be_there(row.need) ? file_.find_tensor(name) : nullptr;
      if (tensor == nullptr) {
        if (must_be_there(row.need)) {
          fail(ErrorCode::kMalformedModel, "'{}' lacks the tensor '{}', which a {} model of {} layers has",
               path(), name, config_.architecture->name, config_.layers);
        }
        continue;
      }
      check_shape(*tensor, length(row.columns, config_), length(row.rows, config_));
      check_format(*tensor, row.rows == Size::kOne);
      owner.*row.slot = tensor;
      used_.push_back(tensor);
    }
  }

  /// The file's tensors are the used ones and nothing else.
  void refuse_unused() {
    std::ranges::sort(used_);
    for (const TensorInfo& tensor : file_.tensors()) {
      if (tensor.name.ends_with(kSuperfluousSuffix) || std::ranges::binary_search(used_, &tensor)) continue;
      fail(ErrorCode::kUnsupported,
           "'{}': Motley has no use for the tensor '{}' in a {} model of {} layers, and would give "
           "wrong results without it",
           path(), gguf::escaped(tensor.name), config_.architecture->name, config_.layers);
    }
  }

 private:
  std::string path() const { return file_.path().string(); }

  bool may_be_there(Need need) const { return need != Need::kQkNorm || config_.architecture->qk_norm; }

  bool must_be_there(Need need) const {
    switch (need) {
      case Need::kAlways:
        return true;
      case Need::kQkvBias:
        return config_.architecture->qkv_bias;
      case Need::kQkNorm:
        return config_.architecture->qk_norm;
      case Need::kOptional:
        break;
    }
    return false;
  }

  void check_shape(const TensorInfo& tensor, uint64_t columns, uint64_t rows) const {
    const std::array<uint64_t, 4> wanted = {columns, rows, 1, 1};
    if (tensor.shape == wanted) return;
    fail(ErrorCode::kMalformedModel, "'{}', tensor '{}': its shape is {}; by the metadata it should be {}",
         path(), tensor.name, shape_text(tensor),
         rows == 1 ? fmt::format("{}", columns) : fmt::format("{} x {}", columns, rows));
  }

  void check_format(const TensorInfo& tensor, bool is_vector) const {
    const TensorType type = tensor.type;
    if (!quant::from_ggml_type(static_cast<uint32_t>(type))) {
      fail(ErrorCode::kUnsupported, "'{}', tensor '{}': its weight format is {}; Motley knows {}", path(),
           tensor.name, to_string(type), quant::supported_list());
    }
    const bool is_float = type == TensorType::kF32 || type == TensorType::kF16 || type == TensorType::kBF16;
    if (is_vector && !is_float) {
      fail(ErrorCode::kUnsupported,
           "'{}', tensor '{}': its format is {}; F32, F16 and BF16 are allowed for norms, biases "
           "and factors",
           path(), tensor.name, to_string(type));
    }
  }

  const gguf::File& file_;
  const Config& config_;
  std::vector<const TensorInfo*> used_;
};

template <typename Owner, size_t count>
std::vector<const TensorInfo*> list(const Owner& owner, const std::array<Row<Owner>, count>& rows) {
  std::vector<const TensorInfo*> found;
  for (const Row<Owner>& row : rows) {
    const TensorInfo* tensor = owner.*row.slot;
    // A tied output is the token embedding once more.
    if (tensor != nullptr && std::ranges::find(found, tensor) == found.end()) found.push_back(tensor);
  }
  return found;
}

uint64_t sum_bytes(const std::vector<const TensorInfo*>& tensors) {
  return std::transform_reduce(tensors.begin(), tensors.end(), uint64_t{0}, std::plus<>(),
                               [](const TensorInfo* tensor) { return tensor->size_bytes; });
}

}  // namespace

Tensors find_tensors(const gguf::File& file, const Config& config) {
  Finder finder(file, config);
  Tensors tensors;
  finder.fill(tensors, kModelRows, "");
  if (tensors.output == nullptr) tensors.output = tensors.token_embedding;
  tensors.layers.resize(config.layers);
  for (uint32_t i = 0; i < config.layers; ++i)
    finder.fill(tensors.layers[i], kLayerRows, fmt::format("blk.{}.", i));
  finder.refuse_unused();
  return tensors;
}

std::vector<const TensorInfo*> LayerTensors::present() const { return list(*this, kLayerRows); }

std::vector<const TensorInfo*> Tensors::present() const {
  std::vector<const TensorInfo*> found = list(*this, kModelRows);
  for (const LayerTensors& layer : layers) {
    const std::vector<const TensorInfo*> of_layer = layer.present();
    found.insert(found.end(), of_layer.begin(), of_layer.end());
  }
  return found;
}

uint64_t parameter_count(const Tensors& tensors) {
  uint64_t count = 0;
  for (const TensorInfo* tensor : tensors.present()) {
    if (tensor != tensors.rope_factors) count += tensor->elements();
  }
  return count;
}

uint64_t size_bytes(const Tensors& tensors) { return sum_bytes(tensors.present()); }

uint64_t size_bytes(const LayerTensors& layer) { return sum_bytes(layer.present()); }

}  // namespace motley::model
