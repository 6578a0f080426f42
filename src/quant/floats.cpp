// F32, F16, BF16: a block is one number.
#include "quant/codec.hpp"

namespace motley::quant {
namespace {

template <float (*convert)(uint16_t)>
void widen(const std::byte* blocks, size_t count, float* out) {
  for (size_t i = 0; i < count; ++i) out[i] = convert(load<uint16_t>(blocks + i * sizeof(uint16_t)));
}

template <uint16_t (*convert)(float)>
void narrow(const float* in, size_t count, std::byte* blocks) {
  for (size_t i = 0; i < count; ++i) store(blocks + i * sizeof(uint16_t), convert(in[i]));
}

}  // namespace

template <>
void decode_blocks<Format::kF32>(const std::byte* blocks, size_t block_count, float* out) {
  if (block_count != 0) std::memcpy(out, blocks, block_count * sizeof(float));
}

template <>
void encode_blocks<Format::kF32>(const float* in, size_t block_count, std::byte* blocks) {
  if (block_count != 0) std::memcpy(blocks, in, block_count * sizeof(float));
}

template <>
void decode_blocks<Format::kF16>(const std::byte* blocks, size_t block_count, float* out) {
  widen<half_to_float>(blocks, block_count, out);
}

template <>
void encode_blocks<Format::kF16>(const float* in, size_t block_count, std::byte* blocks) {
  narrow<float_to_half>(in, block_count, blocks);
}

template <>
void decode_blocks<Format::kBF16>(const std::byte* blocks, size_t block_count, float* out) {
  widen<bfloat16_to_float>(blocks, block_count, out);
}

template <>
void encode_blocks<Format::kBF16>(const float* in, size_t block_count, std::byte* blocks) {
  narrow<float_to_bfloat16>(in, block_count, blocks);
}

}  // namespace motley::quant
