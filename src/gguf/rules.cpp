#include "gguf/rules.hpp"

#include <algorithm>
#include <bit>
#include <limits>

#include <fmt/format.h>

#include "base/math.hpp"

namespace motley::gguf {

Fault key_fault(std::string_view key) {
  if (key.empty()) return "the key is empty; 1 to 65535 bytes are allowed";
  if (key.size() > kMaximumKeyBytes) {
    return fmt::format("the key has {} bytes; 1 to {} are allowed", key.size(), kMaximumKeyBytes);
  }
  const auto bad = std::ranges::find_if(key, [](char c) { return c < 0x20 || c >= 0x7F; });
  if (bad == key.end()) return std::nullopt;
  return fmt::format("character {} of the key is 0x{:02x}; printable ASCII is allowed", bad - key.begin(),
                     static_cast<unsigned char>(*bad));
}

Fault tensor_name_fault(std::string_view name) {
  if (name.empty() || name.size() > kMaximumTensorNameBytes) {
    return fmt::format("its name has {} bytes; 1 to {} are allowed", name.size(), kMaximumTensorNameBytes);
  }
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  const auto bad = std::ranges::find_if(name, is_control);
  if (bad == name.end()) return std::nullopt;
  return fmt::format("character {} of its name is 0x{:02x}; control characters are not allowed",
                     bad - name.begin(), static_cast<unsigned char>(*bad));
}

Fault alignment_fault(uint64_t alignment_bytes) {
  if (std::has_single_bit(alignment_bytes) && alignment_bytes >= 8 &&
      alignment_bytes <= kMaximumAlignmentBytes) {
    return std::nullopt;
  }
  return fmt::format("the alignment is {} bytes; a power of two from 8 to {} is allowed", alignment_bytes,
                     kMaximumAlignmentBytes);
}

Fault dimension_count_fault(uint64_t dimensions) {
  if (dimensions >= 1 && dimensions <= kMaximumDimensions) return std::nullopt;
  return fmt::format("it has {} dimensions; 1 to {} are allowed", dimensions, kMaximumDimensions);
}

Fault shape_fault(const TensorInfo& tensor) {
  constexpr auto kMaximum = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  uint64_t elements = 1;
  for (uint32_t i = 0; i < tensor.dimensions; ++i) {
    const uint64_t length = tensor.shape[i];
    if (length == 0 || length > kMaximum) {
      return fmt::format("dimension {} is {}; 1 to {} is allowed", i, static_cast<int64_t>(length), kMaximum);
    }
    const auto product = checked_multiply(elements, length);
    if (!product || *product > kMaximum) {
      return fmt::format("its dimensions {} multiply to more than {} elements",
                         fmt::join(tensor.shape.begin(), tensor.shape.begin() + tensor.dimensions, " x "),
                         kMaximum);
    }
    elements = *product;
  }
  return std::nullopt;
}

Fault set_layout(TensorInfo& tensor, uint32_t type_number) {
  const TensorTypeInfo* type = find_tensor_type(type_number);
  if (type == nullptr) {
    return fmt::format("its type is number {}; 0 to {} are known", static_cast<int32_t>(type_number),
                       static_cast<uint32_t>(tensor_types().back().type));
  }
  if (tensor.shape[0] % type->block_elements != 0) {
    return fmt::format("its rows of {} elements are no multiple of the {} in a block of {}", tensor.shape[0],
                       type->block_elements, type->name);
  }
  const uint64_t blocks = tensor.elements() / type->block_elements;
  const auto size_bytes = checked_multiply(blocks, type->block_bytes);
  if (!size_bytes) {
    return fmt::format("its {} elements of {} take more bytes than 64 bits can count", tensor.elements(),
                       type->name);
  }
  tensor.type = type->type;
  tensor.size_bytes = *size_bytes;
  return std::nullopt;
}

}  // namespace motley::gguf
