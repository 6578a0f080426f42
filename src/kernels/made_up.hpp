// Made-up data of the sizes of real models, to time kernels with.
#pragma once

#include <functional>
#include <vector>

#include "kernels/profile.hpp"
#include "kernels/weight.hpp"
#include "vk/buffer.hpp"
#include "vk/recorder.hpp"

namespace motley::kernels {

/// What memory taken for timing is said to be for.
inline constexpr const char* kMeasuring = "measurement";

/// 1.0 as each half of a word and 0.0078 as a float: in every format a number that is neither NaN nor
/// denormal, both of which some processors compute slowly.
inline constexpr uint32_t kPattern = 0x3C003C00;

/// Floats to which ranges are aligned: 256 bytes, the most that Vulkan lets a device ask for.
inline constexpr uint32_t kFloatsPerAlignment = 64;

/// A buffer of that word again and again.
vk::Buffer filled(vk::Device& device, uint64_t size_bytes, uint32_t pattern,
                  vk::MemoryUse use = vk::MemoryUse::kDevice);

/// Made-up weights of one format in buffers of their own: so many matrices of profile.measured_columns
/// columns and profile.matvec_buffer_bytes, smaller where the device has less memory.
class WeightSet {
 public:
  WeightSet(Context& context, quant::Format format, uint32_t count);

  uint32_t rows() const { return shape_.rows; }
  uint32_t panel_rows() const { return shape_.panel_rows(); }
  size_t count() const { return buffers_.size(); }
  /// `rows` rows from `first` on, whole panels, of one buffer as a matrix.
  Weight weight(size_t index, uint32_t first, uint32_t rows) const;
  /// The first so many.
  Weight weight(size_t index, uint32_t rows) const { return weight(index, 0, rows); }

 private:
  PackedShape shape_;
  std::vector<vk::Buffer> buffers_;
};

/// Records products with the first rows of the matrices.
using RowsPass = std::function<void(vk::CommandList& commands, uint32_t rows)>;

/// Of `rows` rows, whole panels, those that take no longer than a pass should, 20 ms, by what a few of them
/// take: slow drivers multiply fewer rows.
uint32_t affordable_rows(vk::Device& device, uint32_t rows, uint32_t panel_rows, const RowsPass& pass);

}  // namespace motley::kernels
