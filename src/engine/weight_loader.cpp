#include "engine/weight_loader.hpp"

#include <algorithm>
#include <atomic>

#include "base/parallel.hpp"
#include "engine/uploader.hpp"

namespace motley::engine {
namespace {

/// What a thread loads at once: panels of a part of a matrix, or a whole vector.
struct Piece {
  const PlannedTensor* tensor;
  const PlannedTensor::Part* part;
  uint64_t first_panel = 0;
  uint64_t panels = 0;
};

std::vector<Piece> cut(const WeightPlan& plan) {
  std::vector<Piece> pieces;
  for (const PlannedTensor& tensor : plan.tensors) {
    for (const PlannedTensor::Part& part : tensor.parts) {
      if (!tensor.matrix) {
        pieces.push_back({&tensor, &part});
        continue;
      }
      const uint64_t panel_bytes = tensor.shape.panel_bytes();
      const uint64_t most = std::max<uint64_t>(1, Uploader::kPieceBytes / panel_bytes);
      const uint64_t panels = part.size_bytes / panel_bytes;
      for (uint64_t panel = 0; panel < panels; panel += most)
        pieces.push_back({&tensor, &part, panel, std::min(most, panels - panel)});
    }
  }
  return pieces;
}

/// Of one thread.
class Loader {
 public:
  Loader(const gguf::File& file, const StageWeights& stage)
      : file_(file), stage_(stage), uploader_(stage.device()) {}

  /// Returns the bytes of the file that it read.
  uint64_t load(const Piece& piece) {
    const PlannedTensor::Part& part = *piece.part;
    const vk::Buffer& arena = stage_.arenas()[part.arena];
    if (piece.tensor->matrix) return load_panels(piece, arena);
    const std::vector<float> values = read_vector(file_, *piece.tensor->tensor);
    uploader_.write({arena, part.offset_bytes, part.size_bytes}, std::as_bytes(std::span(values)));
    return piece.tensor->tensor->size_bytes;
  }
  void finish() { uploader_.finish(); }

 private:
  uint64_t load_panels(const Piece& piece, const vk::Buffer& arena) {
    const kernels::PackedShape& shape = piece.tensor->shape;
    const PlannedTensor::Part& part = *piece.part;
    const uint64_t row_bytes = piece.tensor->tensor->row_bytes();
    const uint64_t first_row = piece.first_panel * shape.panel_rows();
    const uint64_t rows = std::min(piece.panels * shape.panel_rows(), part.rows - first_row);
    raw_.resize(rows * row_bytes);
    file_.read(*piece.tensor->tensor, (part.first_row + first_row) * row_bytes, raw_);
    const vk::BufferRange to(arena, part.offset_bytes + piece.first_panel * shape.panel_bytes(),
                             piece.panels * shape.panel_bytes());
    pack(shape, rows, row_bytes, uploader_.acquire(to));
    uploader_.commit();
    return raw_.size();
  }

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
  const StageWeights& stage_;
  Uploader uploader_;
  std::vector<std::byte> raw_;
};

}  // namespace

void load_weights(const gguf::File& file, const StageWeights& stage, size_t threads,
                  const LoadReport& report) {
  const std::vector<Piece> pieces = cut(stage.plan());
  std::atomic<size_t> next = 0;
  run_on_threads(std::min(threads, pieces.size()), [&](size_t) {
    try {
      Loader loader(file, stage);
      for (size_t i = next++; i < pieces.size(); i = next++) report(loader.load(pieces[i]));
      loader.finish();
    } catch (...) {
      next = pieces.size();  // the others need not go on
      throw;
    }
  });
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
