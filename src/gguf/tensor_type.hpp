// The element types a GGUF tensor may have: name, block length and block size of each.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace motley::gguf {

/// Numbers as in the file (enum ggml_type of ggml/include/ggml.h). Gaps are types that were retired.
enum class TensorType : uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ5_0 = 6,
  kQ5_1 = 7,
  kQ8_0 = 8,
  kQ8_1 = 9,
  kQ2_K = 10,
  kQ3_K = 11,
  kQ4_K = 12,
  kQ5_K = 13,
  kQ6_K = 14,
  kQ8_K = 15,
  kIQ2_XXS = 16,
  kIQ2_XS = 17,
  kIQ3_XXS = 18,
  kIQ1_S = 19,
  kIQ4_NL = 20,
  kIQ3_S = 21,
  kIQ2_S = 22,
  kIQ4_XS = 23,
  kI8 = 24,
  kI16 = 25,
  kI32 = 26,
  kI64 = 27,
  kF64 = 28,
  kIQ1_M = 29,
  kBF16 = 30,
  kTQ1_0 = 34,
  kTQ2_0 = 35,
  kMXFP4 = 39,
  kNVFP4 = 40,
  kQ1_0 = 41,
  kQ2_0 = 42,
};

struct TensorTypeInfo {
  TensorType type;
  const char* name;         ///< As ggml spells it: "Q4_0", "IQ2_XXS".
  uint32_t block_elements;  ///< A row's length is a multiple of this.
  uint32_t block_bytes;     ///< Size of one block of `block_elements` elements.
};

/// Every type a file may use, in the order of their numbers.
std::span<const TensorTypeInfo> tensor_types();

/// The type of that number; nullptr when it is unknown or retired.
const TensorTypeInfo* find_tensor_type(uint32_t number);

/// The name of a type that files once used and no longer may, e.g. 31: "Q4_0_4_4"; nullptr for any other
/// number.
const char* retired_tensor_type(uint32_t number);

/// The type of that name (any case: "q4_k"); nothing when there is none.
std::optional<TensorType> tensor_type_from_name(std::string_view name);

/// Throws Error{kInternal} for a number that is no TensorType.
const TensorTypeInfo& tensor_type_info(TensorType type);

inline const char* to_string(TensorType type) { return tensor_type_info(type).name; }

}  // namespace motley::gguf
