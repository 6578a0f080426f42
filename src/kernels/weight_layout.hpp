// How weights lie in device memory: repacked so that neighbouring lanes read neighbouring words.
//
// A packed unit is one or more GGUF blocks of a row as 32-bit words (shaders/formats/*/block.glsl says what
// each word holds). A panel is 4 * lanes consecutive rows: [unit][word][lane][row of the lane], so one
// 16-byte load gives a lane the same word of its four rows. Rows are padded with zeros to whole panels and
// whole units.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "quant/format.hpp"

namespace motley::kernels {

/// Sizes of one format's packed unit.
struct UnitLayout {
  uint32_t elements;  ///< weights of a row in a unit, a multiple of 32
  uint32_t words;     ///< 32-bit words
};

UnitLayout unit_layout(quant::Format format);

/// A weight matrix as it is packed for devices with this many lanes a panel.
struct PackedShape {
  quant::Format format;
  uint32_t rows;
  uint32_t columns;
  uint32_t lanes;

  uint32_t panel_rows() const { return 4 * lanes; }
  uint32_t panels() const { return (rows + panel_rows() - 1) / panel_rows(); }
  uint32_t units() const;
  uint64_t panel_bytes() const;
  uint64_t packed_bytes() const { return panels() * panel_bytes(); }
};

/// Activation vectors are read up to the end of the last unit of any format; their strides are multiples of
/// this.
constexpr uint32_t kActivationPadding = 512;

/// Packs `rows` rows (at most one panel), each `columns` weights in GGUF blocks one row after another in
/// `blocks`. `out` has panel_bytes() / 4 words; rows that are not given become zero.
void pack_panel(const PackedShape& shape, uint32_t rows, std::span<const std::byte> blocks,
                std::span<uint32_t> out);

}  // namespace motley::kernels
