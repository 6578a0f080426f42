#include "engine/loaded_model.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "engine/uploader.hpp"
#include "model/rope.hpp"

namespace motley::engine {
namespace {

std::vector<float> read_vector(const gguf::File& file, const gguf::TensorInfo& tensor) {
  std::vector<std::byte> raw(tensor.size_bytes);
  file.read(tensor, 0, raw);
  std::vector<float> values(tensor.elements());
  quant::decode(*quant::from_ggml_type(static_cast<uint32_t>(tensor.type)), raw, values);
  return values;
}

/// Reads a matrix in pieces of whole panels, packs them and sends them up.
class MatrixLoader {
 public:
  MatrixLoader(const gguf::File& file, Uploader& uploader) : file_(file), uploader_(uploader) {}

  /// Returns the file's bytes that were read.
  uint64_t load_part(const PlannedTensor& planned, const PlannedTensor::Part& part, const vk::Buffer& arena) {
    const kernels::PackedShape& shape = planned.shape;
    const uint64_t row_bytes = planned.tensor->row_bytes();
    const uint64_t panels_a_piece = std::max<uint64_t>(1, Uploader::kPieceBytes / shape.panel_bytes());
    const uint64_t panels = part.size_bytes / shape.panel_bytes();
    for (uint64_t panel = 0; panel < panels; panel += panels_a_piece) {
      const uint64_t count = std::min(panels_a_piece, panels - panel);
      const uint64_t first_row = panel * shape.panel_rows();
      const uint64_t rows = std::min(count * shape.panel_rows(), part.rows - first_row);
      raw_.resize(rows * row_bytes);
      file_.read(*planned.tensor, (part.first_row + first_row) * row_bytes, raw_);
      const vk::BufferRange to(arena, part.offset_bytes + panel * shape.panel_bytes(),
                               count * shape.panel_bytes());
      pack(shape, rows, row_bytes, uploader_.acquire(to));
      uploader_.commit();
    }
    return part.rows * row_bytes;
  }

 private:
  void pack(const kernels::PackedShape& shape, uint64_t rows, uint64_t row_bytes, std::span<std::byte> to) {
    const std::span<uint32_t> words(reinterpret_cast<uint32_t*>(to.data()), to.size() / sizeof(uint32_t));
    const uint64_t panel_words = shape.panel_bytes() / sizeof(uint32_t);
    for (uint64_t row = 0; row < rows; row += shape.panel_rows()) {
      const auto count = static_cast<uint32_t>(std::min<uint64_t>(shape.panel_rows(), rows - row));
      kernels::pack_panel(shape, count, std::span(raw_).subspan(row * row_bytes, count * row_bytes),
                          words.subspan(row / shape.panel_rows() * panel_words, panel_words));
    }
  }

  const gguf::File& file_;
  Uploader& uploader_;
  std::vector<std::byte> raw_;
};

kernels::Weight make_weight(const WeightPlan& plan, const std::vector<vk::Buffer>& arenas,
                            const gguf::TensorInfo* tensor) {
  const PlannedTensor& planned = plan.find(tensor);
  kernels::Weight weight;
  weight.shape = planned.shape;
  for (const PlannedTensor::Part& part : planned.parts) {
    weight.parts.push_back(
        {{arenas[part.arena], part.offset_bytes, part.size_bytes}, part.first_row, part.rows});
  }
  return weight;
}

vk::BufferRange make_vector(const WeightPlan& plan, const std::vector<vk::Buffer>& arenas,
                            const gguf::TensorInfo* tensor) {
  if (tensor == nullptr) return {};
  const PlannedTensor::Part& part = plan.find(tensor).parts.front();
  return {arenas[part.arena], part.offset_bytes, part.size_bytes};
}

}  // namespace

LoadedModel::LoadedModel(std::shared_ptr<const gguf::File> file, std::shared_ptr<vk::Device> device,
                         const LoadProgress& progress)
    : file_(std::move(file)),
      device_(std::move(device)),
      context_(*device_),
      config_(model::read_config(*file_)) {
  const model::Tensors tensors = model::find_tensors(*file_, config_);
  std::vector<float> factors;
  if (tensors.rope_factors != nullptr) factors = read_vector(*file_, *tensors.rope_factors);
  rope_frequencies_ = model::rope_frequencies(config_, factors);
  const WeightPlan plan = plan_weights(tensors, device_->facts(), context_.profile);
  for (const uint64_t bytes : plan.arena_bytes) {
    arenas_.emplace_back(*device_, bytes, vk::MemoryUse::kDevice, "weights");
  }
  load(plan, progress);
  bind(plan, tensors);
}

void LoadedModel::load(const WeightPlan& plan, const LoadProgress& progress) {
  uint64_t total = 0;
  for (const PlannedTensor& planned : plan.tensors) total += planned.tensor->size_bytes;
  uint64_t done = 0;
  const auto report = [&] {
    if (progress && !progress(done, total))
      fail(ErrorCode::kCancelled, "loading '{}' was cancelled", file_->path().string());
  };
  Uploader uploader(*device_);
  MatrixLoader matrices(*file_, uploader);
  report();
  for (const PlannedTensor& planned : plan.tensors) {
    for (const PlannedTensor::Part& part : planned.parts) {
      const vk::Buffer& arena = arenas_[part.arena];
      if (planned.matrix) {
        done += matrices.load_part(planned, part, arena);
      } else {
        const std::vector<float> values = read_vector(*file_, *planned.tensor);
        uploader.write({arena, part.offset_bytes, part.size_bytes}, std::as_bytes(std::span(values)));
        done += planned.tensor->size_bytes;
      }
      report();
    }
  }
  uploader.finish();
}

void LoadedModel::bind(const WeightPlan& plan, const model::Tensors& tensors) {
  const auto weight = [&](const gguf::TensorInfo* tensor) { return make_weight(plan, arenas_, tensor); };
  const auto vector = [&](const gguf::TensorInfo* tensor) { return make_vector(plan, arenas_, tensor); };
  token_embedding_ = weight(tensors.token_embedding);
  output_ = weight(tensors.output);
  output_norm_ = vector(tensors.output_norm);
  for (const model::LayerTensors& from : tensors.layers) {
    LayerWeights layer;
    layer.attention_norm = vector(from.attention_norm);
    layer.feed_forward_norm = vector(from.feed_forward_norm);
    layer.q_norm = vector(from.q_norm);
    layer.k_norm = vector(from.k_norm);
    layer.q_bias = vector(from.q_bias);
    layer.k_bias = vector(from.k_bias);
    layer.v_bias = vector(from.v_bias);
    layer.q = weight(from.q);
    layer.k = weight(from.k);
    layer.v = weight(from.v);
    layer.attention_output = weight(from.attention_output);
    layer.gate = weight(from.gate);
    layer.up = weight(from.up);
    layer.down = weight(from.down);
    layers_.push_back(std::move(layer));
  }
  bytes_per_token_ = plan.total_bytes();
  if (tensors.output != tensors.token_embedding) {
    for (const PlannedTensor::Part& part : plan.find(tensors.token_embedding).parts)
      bytes_per_token_ -= part.size_bytes;
  }
}

}  // namespace motley::engine
