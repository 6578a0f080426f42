#include "model/config.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "gguf/fields.hpp"

namespace motley::model {
namespace {

// Limits far beyond real models; with them no product of two sizes leaves 64 bits.
constexpr uint64_t kMaximumLayers = 1024;
constexpr uint64_t kMaximumHeads = 1024;
constexpr uint64_t kMaximumLength = uint64_t{1} << 20;  // Of an embedding or a hidden layer.
constexpr uint64_t kMaximumVocabulary = uint64_t{1} << 24;
constexpr uint64_t kMaximumContext = uint64_t{1} << 30;
constexpr uint64_t kMaximumExperts = 65536;
constexpr uint32_t kMaximumHeadSize = 256;
constexpr uint32_t kHeadSizeStep = 4;

/// The keys of one architecture in one file. Keys are given without the architecture's name before them.
class Keys {
 public:
  Keys(const gguf::File& file, const Architecture& architecture) : file_(file), architecture_(architecture) {}

  const gguf::File& file() const { return file_; }
  std::string path() const { return file_.path().string(); }
  std::string full(std::string_view key) const { return fmt::format("{}.{}", architecture_.name, key); }
  bool has(std::string_view key) const { return file_.find(full(key)) != nullptr; }

  uint32_t count(std::string_view key, uint64_t minimum, uint64_t maximum) const {
    return static_cast<uint32_t>(gguf::get_uint(file_, full(key), minimum, maximum));
  }
  uint32_t count_or(std::string_view key, uint64_t minimum, uint64_t maximum, uint32_t absent) const {
    return has(key) ? count(key, minimum, maximum) : absent;
  }
  uint32_t same_in_every_layer(std::string_view key, uint32_t layers, uint64_t maximum) const;

  /// A finite number above `above`; also as a float32, in which most of them are stored and used.
  double number(std::string_view key, double above) const;
  double number_or(std::string_view key, double above, double absent) const {
    return has(key) ? number(key, above) : absent;
  }

 private:
  const gguf::File& file_;
  const Architecture& architecture_;
};

double Keys::number(std::string_view key, double above) const {
  const double value = gguf::get_float(file_, full(key));
  const float rounded = static_cast<float>(value);
  if (!std::isfinite(rounded) || !(rounded > above)) {
    fail(ErrorCode::kMalformedModel, "'{}', key '{}': it is {}; a finite number above {} is allowed", path(),
         full(key), value, above);
  }
  return value;
}

/// A count that some models give for each layer, as an array: Motley runs those whose layers are alike.
uint32_t Keys::same_in_every_layer(std::string_view key, uint32_t layers, uint64_t maximum) const {
  const gguf::Value* value = file_.find(full(key));
  const gguf::Array* array = value != nullptr ? value->as_array() : nullptr;
  if (array == nullptr) return count(key, 1, maximum);
  if (array->size() != layers) {
    fail(ErrorCode::kMalformedModel,
         "'{}', key '{}': the array has {} elements; one for each of the {} layers is wanted", path(),
         full(key), array->size(), layers);
  }
  for (size_t i = 0; i < array->size(); ++i) {
    const std::optional<uint64_t> element = array->uint_at(i);
    if (!element || *element == 0 || *element > maximum) {
      fail(ErrorCode::kMalformedModel, "'{}', key '{}': element {} is {}; an integer from 1 to {} is allowed",
           path(), full(key), i, gguf::escaped(to_string(array->value_at(i), 4), 80), maximum);
    }
    if (*element != *array->uint_at(0)) {
      fail(ErrorCode::kUnsupported,
           "'{}', key '{}': it is {} for layer 0 but {} for layer {}; Motley runs models whose layers are "
           "alike",
           path(), full(key), *array->uint_at(0), *element, i);
    }
  }
  return static_cast<uint32_t>(*array->uint_at(0));
}

const Architecture& read_architecture(const gguf::File& file) {
  const std::string& name = gguf::get_string(file, "general.architecture");
  const Architecture* architecture = find_architecture(name);
  if (architecture == nullptr) {
    fail(ErrorCode::kUnsupported,
         "'{}': its architecture (key 'general.architecture') is \"{}\"; Motley runs {}",
         file.path().string(), gguf::escaped(name, 80), supported_architectures());
  }
  return *architecture;
}

/// Models with expert layers are refused; those whose counts make no sense, as malformed.
void refuse_experts(const Keys& keys) {
  const uint32_t experts = keys.count_or("expert_count", 0, kMaximumExperts, 0);
  const uint32_t used = keys.count_or("expert_used_count", 0, kMaximumExperts, 0);
  if (used > experts || (experts > 0 && used == 0)) {
    fail(ErrorCode::kMalformedModel,
         "'{}', key '{}': it is {}, but '{}' is {}; 1 to that many is allowed, or 0 for both", keys.path(),
         keys.full("expert_used_count"), used, keys.full("expert_count"), experts);
  }
  if (experts > 0) {
    fail(ErrorCode::kUnsupported,
         "'{}', key '{}': the model has expert layers ({} experts, {} used); Motley runs dense models only",
         keys.path(), keys.full("expert_count"), experts, used);
  }
}

void read_heads(const Keys& keys, Config& config) {
  config.heads = keys.same_in_every_layer("attention.head_count", config.layers, kMaximumHeads);
  config.kv_heads = config.heads;
  if (keys.has("attention.head_count_kv")) {
    config.kv_heads = keys.same_in_every_layer("attention.head_count_kv", config.layers, kMaximumHeads);
  }
  if (config.heads % config.kv_heads != 0) {
    fail(ErrorCode::kMalformedModel, "'{}', key '{}': it is {}, which does not divide the {} heads of '{}'",
         keys.path(), keys.full("attention.head_count_kv"), config.kv_heads, config.heads,
         keys.full("attention.head_count"));
  }
}

void read_head_size(const Keys& keys, Config& config) {
  constexpr const char* kKey = "attention.key_length";
  if (!keys.has(kKey) && config.embedding % config.heads != 0) {
    fail(ErrorCode::kMalformedModel,
         "'{}', key '{}': it is {}, which does not divide the embedding's {} ('{}'), and "
         "there is no '{}' to give the heads' size",
         keys.path(), keys.full("attention.head_count"), config.heads, config.embedding,
         keys.full("embedding_length"), keys.full(kKey));
  }
  config.head_size = keys.count_or(kKey, 1, kMaximumLength, config.embedding / config.heads);
  const uint32_t value_size = keys.count_or("attention.value_length", 1, kMaximumLength, config.head_size);
  if (value_size != config.head_size) {
    fail(ErrorCode::kUnsupported,
         "'{}', key '{}': it is {}, but the heads of keys have {}; Motley runs models where both "
         "are equal",
         keys.path(), keys.full("attention.value_length"), value_size, config.head_size);
  }
  if (config.head_size % kHeadSizeStep != 0 || config.head_size > kMaximumHeadSize) {
    fail(ErrorCode::kUnsupported,
         "'{}': the attention heads (key '{}') have {} elements; Motley runs multiples of {} up "
         "to {}",
         keys.path(), keys.full(kKey), config.head_size, kHeadSizeStep, kMaximumHeadSize);
  }
  config.attention_scale = 1.0F / std::sqrt(static_cast<float>(config.head_size));
}

void read_yarn(const Keys& keys, Config& config) {
  Yarn& yarn = config.yarn;
  yarn.enabled = true;
  yarn.original_context =
      keys.count_or("rope.scaling.original_context_length", 1, kMaximumContext, config.context_length);
  yarn.beta_fast = keys.number_or("rope.scaling.yarn_beta_fast", 0.0, yarn.beta_fast);
  yarn.beta_slow = keys.number_or("rope.scaling.yarn_beta_slow", 0.0, yarn.beta_slow);
  if (config.rope_dimensions != config.head_size) {
    fail(ErrorCode::kUnsupported,
         "'{}', key '{}': YaRN with only {} of a head's {} elements rotated; Motley runs it where "
         "all are",
         keys.path(), keys.full("rope.dimension_count"), config.rope_dimensions, config.head_size);
  }
  // YaRN lengthens q and k by this much each; for their product it is a matter of the attention's scale.
  const double factor = std::max(1.0, 1.0 / config.rope_scale);
  const double lengthening =
      keys.number_or("rope.scaling.attn_factor", 0.0, 1.0) * (1.0 + 0.1 * std::log(factor));
  config.attention_scale = static_cast<float>(config.attention_scale * lengthening * lengthening);
}

void read_rope(const Keys& keys, Config& config) {
  config.rope_dimensions = keys.count_or("rope.dimension_count", 2, config.head_size, config.head_size);
  if (config.rope_dimensions % 2 != 0) {
    fail(ErrorCode::kMalformedModel,
         "'{}', key '{}': it is {}; an even number is allowed, for rope turns pairs", keys.path(),
         keys.full("rope.dimension_count"), config.rope_dimensions);
  }
  config.rope_base = keys.number_or("rope.freq_base", 1.0, config.rope_base);

  const std::string* type = gguf::find_string(keys.file(), keys.full("rope.scaling.type"));
  if (type != nullptr && *type == "none") return;
  if (type != nullptr && *type != "linear" && *type != "yarn") {
    fail(ErrorCode::kUnsupported, "'{}', key '{}': it is \"{}\"; Motley knows none, linear, yarn",
         keys.path(), keys.full("rope.scaling.type"), gguf::escaped(*type, 80));
  }
  // The second key is how old files have it.
  const char* factor_key = keys.has("rope.scaling.factor") ? "rope.scaling.factor" : "rope.scale_linear";
  config.rope_scale = 1.0 / keys.number_or(factor_key, 0.0, 1.0);
  if (type != nullptr && *type == "yarn") read_yarn(keys, config);
}

/// Where the file has both the key and the tokens they must agree: a token without an embedding is an index
/// out of range, and an embedding without a token cannot be shown.
uint32_t read_vocabulary(const Keys& keys) {
  constexpr const char* kTokensKey = "tokenizer.ggml.tokens";
  const gguf::Array* tokens = gguf::find_array(keys.file(), kTokensKey);
  const gguf::TensorInfo* embedding = keys.file().find_tensor("token_embd.weight");
  uint64_t vocabulary = 0;
  if (keys.has("vocab_size")) {
    vocabulary = keys.count("vocab_size", 1, kMaximumVocabulary);
  } else if (tokens != nullptr) {
    vocabulary = tokens->size();
  } else if (embedding != nullptr) {
    vocabulary = embedding->shape[1];
  }
  if (tokens != nullptr && tokens->size() != vocabulary) {
    fail(ErrorCode::kMalformedModel, "'{}', key '{}': it is {}, but '{}' has {} elements", keys.path(),
         keys.full("vocab_size"), vocabulary, kTokensKey, tokens->size());
  }
  if (vocabulary < 1 || vocabulary > kMaximumVocabulary) {
    fail(ErrorCode::kMalformedModel,
         "'{}': the vocabulary ('{}', else '{}', else the rows of 'token_embd.weight') has {} "
         "tokens; 1 to {} are allowed",
         keys.path(), keys.full("vocab_size"), kTokensKey, vocabulary, kMaximumVocabulary);
  }
  return static_cast<uint32_t>(vocabulary);
}

std::string read_name(const gguf::File& file) {
  const std::string* name = gguf::find_string(file, "general.name");
  return name != nullptr ? *name : file.path().stem().string();
}

}  // namespace

Config read_config(const gguf::File& file) {
  Config config;
  config.architecture = &read_architecture(file);
  config.name = read_name(file);
  const Keys keys(file, *config.architecture);
  refuse_experts(keys);
  config.layers = keys.count("block_count", 1, kMaximumLayers);
  config.embedding = keys.count("embedding_length", 1, kMaximumLength);
  config.feed_forward = keys.same_in_every_layer("feed_forward_length", config.layers, kMaximumLength);
  config.context_length = keys.count("context_length", 1, kMaximumContext);
  config.norm_epsilon = static_cast<float>(keys.number("attention.layer_norm_rms_epsilon", 0.0));
  config.vocabulary = read_vocabulary(keys);
  config.tied_embeddings = file.find_tensor("output.weight") == nullptr;
  read_heads(keys, config);
  read_head_size(keys, config);
  read_rope(keys, config);
  return config;
}

}  // namespace motley::model
