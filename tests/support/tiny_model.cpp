#include "support/tiny_model.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "gguf/source.hpp"
#include "quant/format.hpp"

namespace motley::test {
namespace {

class TinyWriter {
 public:
  explicit TinyWriter(const TinyModel& model) : model_(model), random_(model.seed) {}

  gguf::Writer write() {
    add_metadata();
    add_vocabulary();
    for (const auto& [key, value] : model_.keys) writer_.add(key, value);
    add_outer_tensors();
    for (uint32_t layer = 0; layer < model_.layers; ++layer) add_layer(fmt::format("blk.{}.", layer));
    for (const auto& [name, shape] : model_.shapes) {
      if (!written_.contains(name)) add_tensor(name, name, shape, model_.format, 0.0F, 1.0F);
    }
    return std::move(writer_);
  }

 private:
  template <typename T>
  void add(const std::string& key, const T& value) {
    if (!model_.keys.contains(key) && !model_.without.contains(key)) writer_.add(key, value);
  }

  void add_metadata() {
    const TinyModel& m = model_;
    const std::string prefix = m.architecture + ".";
    add("general.architecture", m.architecture);
    add("general.name", std::string("tiny"));
    add(prefix + "block_count", m.layers);
    add(prefix + "embedding_length", m.embedding);
    add(prefix + "feed_forward_length", m.feed_forward);
    add(prefix + "context_length", m.context_length);
    add(prefix + "attention.head_count", m.heads);
    add(prefix + "attention.head_count_kv", m.kv_heads);
    add(prefix + "attention.key_length", m.head_size);
    add(prefix + "attention.value_length", m.head_size);
    add(prefix + "attention.layer_norm_rms_epsilon", m.norm_epsilon);
    add(prefix + "rope.dimension_count", m.rope_dimensions != 0 ? m.rope_dimensions : m.head_size);
    add(prefix + "rope.freq_base", m.rope_base);
    add(prefix + "vocab_size", m.vocabulary);
  }

  void add_vocabulary() {
    enum Type : int32_t { kNormal = 1, kUnknown = 2, kControl = 3, kByte = 6 };
    std::vector<std::string> tokens = {"<unk>", "<s>", "</s>"};
    std::vector<int32_t> types = {kUnknown, kControl, kControl};
    for (uint32_t token = 3; token < model_.vocabulary; ++token) {
      const bool is_byte = token < 3 + 256;
      tokens.push_back(is_byte ? fmt::format("<0x{:02X}>", token - 3)
                               : fmt::format("\xE2\x96\x81w{}", token));
      types.push_back(is_byte ? kByte : kNormal);
    }
    add("tokenizer.ggml.model", std::string("llama"));
    const std::string key = "tokenizer.ggml.tokens";
    if (model_.keys.contains(key) || model_.without.contains(key)) return;
    writer_.add_array(key, tokens);
    writer_.add_array("tokenizer.ggml.scores", std::vector<float>(tokens.size()));
    writer_.add_array("tokenizer.ggml.token_type", types);
    add("tokenizer.ggml.bos_token_id", uint32_t{1});
    add("tokenizer.ggml.eos_token_id", uint32_t{2});
    add("tokenizer.ggml.unknown_token_id", uint32_t{0});
    add("tokenizer.ggml.add_bos_token", true);
  }

  void add_outer_tensors() {
    add_matrix("", "token_embd", model_.embedding, model_.vocabulary,
               std::sqrt(static_cast<float>(model_.embedding)));
    add_norm("", "output_norm", model_.embedding);
    // A gain of 4 spreads the logits, so that a wrong one tells.
    if (!model_.tied) add_matrix("", "output", model_.embedding, model_.vocabulary, 4.0F);
    if (model_.rope_factors) add_rope_factors();
  }

  void add_layer(const std::string& prefix) {
    const TinyModel& m = model_;
    const uint32_t q_size = m.heads * m.head_size;
    const uint32_t kv_size = m.kv_heads * m.head_size;
    add_norm(prefix, "attn_norm", m.embedding);
    add_matrix(prefix, "attn_q", m.embedding, q_size);
    add_matrix(prefix, "attn_k", m.embedding, kv_size);
    add_matrix(prefix, "attn_v", m.embedding, kv_size);
    if (m.qkv_bias || m.architecture == "qwen2") {
      add_vector(prefix + "attn_q.bias", "attn_q.bias", q_size, 0.0F);
      add_vector(prefix + "attn_k.bias", "attn_k.bias", kv_size, 0.0F);
      add_vector(prefix + "attn_v.bias", "attn_v.bias", kv_size, 0.0F);
    }
    if (m.architecture == "qwen3") {
      add_norm(prefix, "attn_q_norm", m.head_size);
      add_norm(prefix, "attn_k_norm", m.head_size);
    }
    add_matrix(prefix, "attn_output", q_size, m.embedding);
    add_norm(prefix, "ffn_norm", m.embedding);
    add_matrix(prefix, "ffn_gate", m.embedding, m.feed_forward);
    add_matrix(prefix, "ffn_up", m.embedding, m.feed_forward);
    add_matrix(prefix, "ffn_down", m.feed_forward, m.embedding);
  }

  void add_matrix(const std::string& prefix, const char* kind, uint32_t columns, uint32_t rows,
                  float gain = 1.0F) {
    const float deviation = gain / std::sqrt(static_cast<float>(columns));
    add_tensor(prefix + kind + ".weight", kind, {columns, rows}, model_.format, 0.0F, deviation);
  }
  void add_norm(const std::string& prefix, const char* kind, uint32_t size) {
    add_vector(prefix + kind + ".weight", kind, size, 1.0F);
  }
  void add_vector(const std::string& name, std::string_view kind, uint32_t size, float mean) {
    add_tensor(name, kind, {size}, gguf::TensorType::kF32, mean, 0.1F);
  }

  void add_rope_factors() {
    const uint32_t pairs = (model_.rope_dimensions != 0 ? model_.rope_dimensions : model_.head_size) / 2;
    std::vector<float> factors(pairs);
    for (uint32_t i = 0; i < pairs; ++i) {
      factors[i] = 1.0F + 7.0F * static_cast<float>(i) / static_cast<float>(pairs);
    }
    add_values("rope_freqs.weight", "rope_freqs", {pairs}, gguf::TensorType::kF32, factors);
  }

  /// Normally distributed values.
  void add_tensor(const std::string& name, std::string_view kind, std::vector<uint64_t> shape,
                  gguf::TensorType type, float mean, float deviation) {
    if (const auto other = model_.shapes.find(name); other != model_.shapes.end()) shape = other->second;
    uint64_t elements = 1;
    for (const uint64_t length : shape) elements *= length;
    std::normal_distribution<float> normal(mean, deviation);
    std::vector<float> values(elements);
    for (float& value : values) value = normal(random_);
    if (model_.not_numbers.contains(name)) std::ranges::fill(values, std::numeric_limits<float>::quiet_NaN());
    add_values(name, kind, shape, type, values);
  }

  void add_values(const std::string& name, std::string_view kind, const std::vector<uint64_t>& shape,
                  gguf::TensorType type, const std::vector<float>& values) {
    if (const auto other = model_.formats.find(kind); other != model_.formats.end()) type = other->second;
    if (model_.without.contains(name)) return;
    const gguf::TensorTypeInfo& layout = gguf::tensor_type_info(type);
    std::vector<std::byte> bytes(values.size() / layout.block_elements * layout.block_bytes);
    const std::optional<quant::Format> format = quant::from_ggml_type(static_cast<uint32_t>(type));
    if (format) quant::encode(*format, values, bytes);
    writer_.add_tensor(name, type, shape, bytes);
    written_.insert(name);
  }

  const TinyModel& model_;
  std::mt19937 random_;
  gguf::Writer writer_;
  std::set<std::string, std::less<>> written_;
};

}  // namespace

gguf::Writer TinyModel::writer() const { return TinyWriter(*this).write(); }

gguf::File TinyModel::open() const {
  return gguf::File::from_source(std::make_unique<const gguf::OwnedSource>(writer().bytes(), "tiny.gguf"));
}

}  // namespace motley::test
