#include "quant/format.hpp"

#include <array>
#include <string_view>

#include "base/error.hpp"
#include "quant/codec.hpp"

namespace motley::quant {
namespace {

/// A name in lower case, made by the compiler.
template <size_t size>
struct Stem {
  char text[size]{};
  constexpr explicit Stem(const char (&name)[size]) {
    for (size_t i = 0; i < size; ++i) {
      text[i] = name[i] >= 'A' && name[i] <= 'Z' ? static_cast<char>(name[i] - 'A' + 'a') : name[i];
    }
  }
};

#define FORMAT(suffix, name, ggml_type, block_elements, block_bytes) constexpr Stem kStem##suffix(name);
#include "quant/formats.def"
#undef FORMAT

constexpr FormatInfo kFormats[] = {
#define FORMAT(suffix, name, ggml_type, block_elements, block_bytes) \
  {Format::k##suffix, name, kStem##suffix.text, ggml_type, block_elements, block_bytes},
#include "quant/formats.def"
#undef FORMAT
};

struct Codec {
  void (*decode)(const std::byte* blocks, size_t block_count, float* out);
  void (*encode)(const float* in, size_t block_count, std::byte* blocks);
};

constexpr Codec kCodecs[] = {
#define FORMAT(suffix, name, ggml_type, block_elements, block_bytes) \
  {decode_blocks<Format::k##suffix>, encode_blocks<Format::k##suffix>},
#include "quant/formats.def"
#undef FORMAT
};

/// How many blocks `elements` weights are, with `size_bytes` agreeing.
size_t checked_block_count(Format format, size_t elements, size_t size_bytes) {
  const FormatInfo& row = info(format);
  const size_t block_count = elements / row.block_elements;
  if (elements % row.block_elements != 0) {
    fail(ErrorCode::kInvalidArgument, "{} weights are no whole number of {} blocks, which hold {} each",
         elements, row.name, row.block_elements);
  }
  if (size_bytes / row.block_bytes != block_count || size_bytes % row.block_bytes != 0) {
    fail(ErrorCode::kInvalidArgument,
         "{} weights in {} are {} blocks of {} bytes, but the buffer has {} bytes", elements, row.name,
         block_count, row.block_bytes, size_bytes);
  }
  return block_count;
}

}  // namespace

const FormatInfo& info(Format format) { return kFormats[static_cast<size_t>(format)]; }

std::span<const FormatInfo> all_formats() { return kFormats; }

std::optional<Format> from_ggml_type(uint32_t ggml_type) {
  for (const FormatInfo& row : kFormats) {
    if (row.ggml_type == ggml_type) return row.format;
  }
  return std::nullopt;
}

std::string supported_list() {
  std::string list;
  for (const FormatInfo& row : kFormats) {
    if (!list.empty()) list += ", ";
    list += row.name;
  }
  return list;
}

void decode(Format format, std::span<const std::byte> blocks, std::span<float> out) {
  const size_t block_count = checked_block_count(format, out.size(), blocks.size());
  kCodecs[static_cast<size_t>(format)].decode(blocks.data(), block_count, out.data());
}

void encode(Format format, std::span<const float> in, std::span<std::byte> blocks) {
  const size_t block_count = checked_block_count(format, in.size(), blocks.size());
  kCodecs[static_cast<size_t>(format)].encode(in.data(), block_count, blocks.data());
}

}  // namespace motley::quant
