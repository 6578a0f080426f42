#include "engine/weight_loader.hpp"

#include <algorithm>

#include "engine/uploader.hpp"

namespace motley::engine {
namespace {

/// Reads a matrix in pieces of whole panels, packs them and sends them up.
class MatrixLoader {
 public:
  MatrixLoader(const gguf::File& file, Uploader& uploader) : file_(file), uploader_(uploader) {}

  void load_part(const PlannedTensor& planned, const PlannedTensor::Part& part, const vk::Buffer& arena,
                 const LoadReport& report) {
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
      report(raw_.size());
    }
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

}  // namespace

void load_weights(const gguf::File& file, const StageWeights& stage, const LoadReport& report) {
  Uploader uploader(stage.device());
  MatrixLoader matrices(file, uploader);
  for (const PlannedTensor& planned : stage.plan().tensors) {
    for (const PlannedTensor::Part& part : planned.parts) {
      const vk::Buffer& arena = stage.arenas()[part.arena];
      if (planned.matrix) {
        matrices.load_part(planned, part, arena, report);
      } else {
        const std::vector<float> values = read_vector(file, *planned.tensor);
        uploader.write({arena, part.offset_bytes, part.size_bytes}, std::as_bytes(std::span(values)));
        report(planned.tensor->size_bytes);
      }
    }
  }
  uploader.finish();
}

std::vector<float> read_vector(const gguf::File& file, const gguf::TensorInfo& tensor) {
  std::vector<std::byte> raw(tensor.size_bytes);
  file.read(tensor, 0, raw);
  std::vector<float> values(tensor.elements());
  quant::decode(*quant::from_ggml_type(static_cast<uint32_t>(tensor.type)), raw, values);
  return values;
}

uint64_t file_bytes(const WeightPlan& plan) {
  uint64_t total = 0;
  for (const PlannedTensor& planned : plan.tensors) total += planned.tensor->size_bytes;
  return total;
}

}  // namespace motley::engine
