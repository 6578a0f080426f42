// The weight formats that Motley knows, and their reference codecs on the CPU: what every kernel is checked
// against.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "quant/half.hpp"

namespace motley::quant {

enum class Format : uint8_t {
#define FORMAT(suffix, name, ggml_type, block_elements, block_bytes) k##suffix,
#include "quant/formats.def"
#undef FORMAT
};

struct FormatInfo {
  Format format;
  const char* name;         ///< As in messages and in GGUF tools: "Q4_K".
  const char* stem;         ///< The shader folder: "q4_k".
  uint32_t ggml_type;       ///< The number that GGUF tensor descriptions carry.
  uint32_t block_elements;  ///< Weights in a block; a row of a tensor is whole blocks.
  uint32_t block_bytes;     ///< Bytes of a block, without padding.
};

const FormatInfo& info(Format format);

/// Every format, in the order of the enumeration.
std::span<const FormatInfo> all_formats();

/// The format with this GGUF number; nothing where Motley does not support it.
std::optional<Format> from_ggml_type(uint32_t ggml_type);

/// The names of all formats, for messages: "F32, F16, ...".
std::string supported_list();

/// Decodes whole blocks: `blocks` holds out.size() / block_elements blocks one after another, at any
/// alignment. Float and legacy formats are exact; the K formats round as scale * q - minimum in single
/// precision, each operation by itself. Throws Error{kInvalidArgument} where the sizes are not whole blocks
/// or disagree.
void decode(Format format, std::span<const std::byte> blocks, std::span<float> out);

/// Encodes whole blocks; sizes and errors as for decode().
///
/// F16 and BF16 round to the nearest value, ties to even. Q8_0 and Q4_0 give the bytes of ggml's reference
/// quantizer. The K formats search scale and minimum of each sub-block for the least squared error. In all
/// block formats NaN counts as 0 and a magnitude above 65504, the largest half, as 65504.
void encode(Format format, std::span<const float> in, std::span<std::byte> blocks);

}  // namespace motley::quant
