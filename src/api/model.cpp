#include <nlohmann/json.hpp>

#include "api/impl.hpp"
#include "base/error.hpp"
#include "model/synthetic.hpp"

namespace motley {
namespace {

using nlohmann::ordered_json;

constexpr size_t kSummaryItems = 8;

ordered_json to_json(const gguf::Value& value) {
  if (const gguf::Array* array = value.as_array()) {
    ordered_json items = ordered_json::array();
    for (size_t i = 0; i < array->size(); ++i) items.push_back(to_json(array->value_at(i)));
    return items;
  }
  if (const std::string* text = value.as_string()) return *text;
  if (const auto flag = value.as_bool()) return *flag;
  if (value.type() == gguf::ValueType::kFloat32) return static_cast<float>(*value.as_float());
  if (value.type() == gguf::ValueType::kFloat64) return *value.as_float();
  if (const auto number = value.as_int()) return *number;
  return value.as_uint().value_or(0);
}

}  // namespace

Model Model::open(const std::filesystem::path& path) {
  Model model;
  model.impl_ = std::make_shared<Impl>();
  if (model::is_shape_spec(path.string())) {
    model.impl_->file =
        model::make_synthetic(model::parse_shape_spec(path.string()), SyntheticOptions{}.seed);
  } else {
    model.impl_->file = std::make_shared<const gguf::File>(gguf::File::open(path));
  }
  return model;
}

void write_synthetic_model(std::string_view shape, const std::filesystem::path& path,
                           const SyntheticOptions& options) {
  const model::ShapeSpec spec = model::parse_shape_spec(shape);
  std::optional<gguf::File> vocabulary;
  if (!options.vocabulary.empty()) vocabulary.emplace(gguf::File::open(options.vocabulary));
  model::write_synthetic(spec, options.seed, path, vocabulary ? &*vocabulary : nullptr, options.progress);
}

const std::filesystem::path& Model::path() const { return impl_->file->path(); }
uint64_t Model::size_bytes() const { return impl_->file->size_bytes(); }
uint32_t Model::gguf_version() const { return impl_->file->version(); }

std::vector<MetadataEntry> Model::metadata() const {
  std::vector<MetadataEntry> entries;
  for (const auto& [key, value] : impl_->file->metadata()) {
    // Strings of a file may be no UTF-8; JSON must be.
    std::string json = to_json(value).dump(-1, ' ', false, ordered_json::error_handler_t::replace);
    entries.push_back(
        {key, gguf::describe_type(value), gguf::to_string(value, kSummaryItems), std::move(json)});
  }
  return entries;
}

std::vector<TensorEntry> Model::tensors() const {
  std::vector<TensorEntry> entries;
  for (const gguf::TensorInfo& tensor : impl_->file->tensors()) {
    entries.push_back({tensor.name,
                       gguf::to_string(tensor.type),
                       {tensor.shape.begin(), tensor.shape.begin() + tensor.dimensions},
                       tensor.size_bytes});
  }
  return entries;
}

std::vector<Token> Model::tokenize(std::string_view text, const TokenizeOptions& options) const {
  return impl_->get_tokenizer().encode(text, {options.add_special, options.parse_special});
}

std::string Model::detokenize(std::span<const Token> tokens, bool render_special) const {
  return impl_->get_tokenizer().decode(tokens, render_special);
}

size_t Model::vocabulary_size() const { return impl_->get_tokenizer().size(); }

}  // namespace motley
