#include "kernels/workbench.hpp"

#include <algorithm>
#include <bit>
#include <random>

#include "kernels/matmul.hpp"
#include "kernels/reference.hpp"
#include "kernels/round_half.hpp"
#include "quant/half.hpp"

namespace motley::kernels {
namespace {

constexpr size_t kDistinctElements = 32768;

}  // namespace

vk::Buffer upload_vectors(vk::Device& device, std::span<const float> values, uint32_t width) {
  const size_t count = values.size() / width;
  const size_t stride = padded_stride(width);
  std::vector<float> padded(count * stride, 0.0F);
  for (size_t i = 0; i < count; ++i)
    std::memcpy(&padded[i * stride], &values[i * width], width * sizeof(float));
  return upload<float>(device, padded);
}

void round_for(Context& context, vk::CommandList& commands, const Weight& weight, const Vectors& x,
               uint32_t tokens) {
  round_vectors(context, commands, x, weight.shape.columns, tokens,
                forms_read(context.profile, {&weight}, x, tokens));
}

std::vector<float> read_rounded(std::span<const uint32_t> words, uint32_t stride, uint32_t width, bool wide) {
  constexpr size_t kFirstQuant = 4;
  const size_t block_words = kFirstQuant + (wide ? 32 : 8);
  std::vector<float> values;
  for (size_t number = 0; number < words.size() / block_words; ++number) {
    const std::span<const uint32_t> block = words.subspan(number * block_words, block_words);
    for (uint32_t i = 0; i < 32 && number * 32 % stride + i < width; ++i) {
      const uint32_t bits = wide ? block[kFirstQuant + i] : block[kFirstQuant + i / 4] >> (8 * (i % 4));
      const auto quant = static_cast<int8_t>(bits & 0xFFU);
      values.push_back(std::bit_cast<float>(block[0]) * static_cast<float>(quant));
    }
  }
  return values;
}

std::vector<float> read_halves(std::span<const uint32_t> words, uint32_t stride, uint32_t width,
                               uint32_t count) {
  std::vector<float> values;
  for (size_t vector = 0; vector < count; ++vector) {
    const auto scale = std::bit_cast<float>(words[size_t{stride} / 2 * count + vector]);
    for (uint32_t i = 0; i < width; ++i) {
      const uint32_t word = words[(vector * stride + i) / 2];
      values.push_back(quant::half_to_float(static_cast<uint16_t>(word >> (16 * (i % 2)))) * scale);
    }
  }
  return values;
}

MadeUpMatrix::MadeUpMatrix(quant::Format of, uint32_t r, uint32_t c, uint32_t seed)
    : format(of), rows(r), columns(c) {
  const quant::FormatInfo& facts = quant::info(of);
  const size_t block_elements = facts.block_elements;
  const size_t block_bytes = facts.block_bytes;
  const size_t count = size_t{r} * c / block_elements;
  // The K formats take long to encode, so a large matrix has some blocks in random order.
  const size_t distinct = std::min(count, kDistinctElements / block_elements);
  const std::vector<float> exact = reference::random_values(distinct * block_elements, seed, 0.05F);
  blocks.resize(count * block_bytes);
  values.resize(count * block_elements);
  quant::encode(of, exact, std::span(blocks).first(distinct * block_bytes));
  std::mt19937 generator(seed);
  for (size_t i = distinct; i < count; ++i)
    std::memcpy(&blocks[i * block_bytes], &blocks[generator() % distinct * block_bytes], block_bytes);
  quant::decode(of, blocks, values);
}

MadeUpMatrix::MadeUpMatrix(quant::Format of, uint32_t r, uint32_t c, std::span<const float> exact)
    : format(of), rows(r), columns(c), values(exact.size()) {
  const quant::FormatInfo& facts = quant::info(of);
  blocks.resize(exact.size() / facts.block_elements * facts.block_bytes);
  quant::encode(of, exact, blocks);
  quant::decode(of, blocks, values);
}

Weight MadeUpMatrix::pack(const Context& context, vk::Buffer& storage, uint32_t panels_a_part) const {
  Weight weight;
  weight.shape = {format, rows, columns, context.profile.lanes};
  const PackedShape& shape = weight.shape;
  // Parts begin where every device can bind them.
  constexpr uint64_t kAlignment = 256;
  const uint64_t part_step = round_up(panels_a_part * shape.panel_bytes(), kAlignment);
  storage = vk::Buffer(context.device, shape.packed_bytes() + shape.panels() * kAlignment,
                       vk::MemoryUse::kShared, "weights for tests");
  const size_t row_bytes = blocks.size() / rows;
  for (uint32_t panel = 0; panel < shape.panels(); ++panel) {
    const uint32_t first = panel * shape.panel_rows();
    const uint32_t count = std::min(shape.panel_rows(), rows - first);
    const uint64_t offset = panel / panels_a_part * part_step + panel % panels_a_part * shape.panel_bytes();
    pack_panel(shape, count, std::span(blocks).subspan(first * row_bytes, count * row_bytes),
               storage.mapped_as<uint32_t>().subspan(offset / 4, shape.panel_bytes() / 4));
    if (panel % panels_a_part == 0) weight.parts.push_back({{storage, offset, 0}, first, 0});
    weight.parts.back().range.size_bytes += shape.panel_bytes();
    weight.parts.back().rows += count;
  }
  return weight;
}

}  // namespace motley::kernels
