// Buffers of made-up data for running kernels and looking at what they give, in tests and in the self-test.
#pragma once

#include <cstring>
#include <span>
#include <vector>

#include "base/math.hpp"
#include "kernels/profile.hpp"
#include "kernels/weight.hpp"
#include "vk/buffer.hpp"
#include "vk/recorder.hpp"

namespace motley::kernels {

/// Elements from one vector of this width to the next.
inline uint32_t padded_stride(uint32_t width) { return round_up(width, kActivationPadding); }

/// A mapped buffer that holds the values.
template <typename T>
vk::Buffer upload(vk::Device& device, std::span<const T> values) {
  vk::Buffer buffer(device, values.size_bytes(), vk::MemoryUse::kShared, "data for tests");
  std::memcpy(buffer.mapped().data(), values.data(), values.size_bytes());
  return buffer;
}

/// Vectors of `width` values, padded with zeros to the stride that kernels read by.
vk::Buffer upload_vectors(vk::Device& device, std::span<const float> values, uint32_t width);

/// Rounds vectors that the host wrote where the weight's products read that.
void round_for(Context& context, vk::CommandList& commands, const Weight& weight, const Vectors& x,
               uint32_t tokens);

/// What vectors of `width` elements, one every `stride`, are after rounding (shaders/common/round.glsl):
/// [vectors][width]. `wide`: with a word for each element instead of a byte.
std::vector<float> read_rounded(std::span<const uint32_t> words, uint32_t stride, uint32_t width,
                                bool wide = false);

/// What `count` vectors of `width` elements, one every `stride`, are after rounding to half precision
/// (shaders/kernels/round_half.comp): [count][width].
std::vector<float> read_halves(std::span<const uint32_t> words, uint32_t stride, uint32_t width,
                               uint32_t count);

/// A random matrix in GGUF blocks, and what those blocks say.
struct MadeUpMatrix {
  quant::Format format;
  uint32_t rows;
  uint32_t columns;  ///< whole blocks
  std::vector<std::byte> blocks;
  std::vector<float> values;  ///< [rows][columns]

  MadeUpMatrix(quant::Format format, uint32_t rows, uint32_t columns, uint32_t seed);
  /// Of these values, encoded: [rows][columns].
  MadeUpMatrix(quant::Format format, uint32_t rows, uint32_t columns, std::span<const float> exact);

  /// Packs it for the device into `storage`, in parts of `panels_a_part` panels.
  Weight pack(const Context& context, vk::Buffer& storage, uint32_t panels_a_part = 1U << 20) const;
};

}  // namespace motley::kernels
