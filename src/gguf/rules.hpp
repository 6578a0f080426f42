// What GGUF allows, checked alike when reading and when writing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gguf/file.hpp"

namespace motley::gguf {

inline constexpr uint32_t kMagic = 0x46554747;  // "GGUF", little-endian.
inline constexpr uint32_t kOldestVersion = 2;
inline constexpr uint32_t kNewestVersion = 3;
inline constexpr const char* kAlignmentKey = "general.alignment";
inline constexpr uint32_t kDefaultAlignmentBytes = 32;

// The format's own limits.
inline constexpr uint64_t kMaximumKeyBytes = 65535;
inline constexpr uint64_t kMaximumTensorNameBytes = 64;
inline constexpr uint32_t kMaximumDimensions = 4;

// Motley's limits. Real models stay far below; they keep a small, hostile file from taking much more memory
// in tables than it has bytes (at most about 40 MiB).
inline constexpr uint64_t kMaximumKeyValues = 65536;
inline constexpr uint64_t kMaximumTensors = 131072;
inline constexpr uint64_t kMaximumNestedArrays = 65536;
inline constexpr uint32_t kMaximumArrayDepth = 4;
inline constexpr uint64_t kMaximumAlignmentBytes = uint64_t{1} << 20;
inline constexpr uint64_t kMaximumShards = 512;
// A vocabulary of 262,144 tokens takes some 15 MB. The limit keeps a damaged length in a large model from
// claiming all of its gigabytes as one value.
inline constexpr uint64_t kMaximumMetadataBytes = uint64_t{256} << 20;

/// Each says what is wrong, with the figure found and those allowed; nothing when all is well.
using Fault = std::optional<std::string>;

Fault key_fault(std::string_view key);
Fault tensor_name_fault(std::string_view name);
Fault alignment_fault(uint64_t alignment_bytes);
Fault dimension_count_fault(uint64_t dimensions);

/// `tensor.dimensions` has been checked.
Fault shape_fault(const TensorInfo& tensor);

/// Sets `tensor.type` and `tensor.size_bytes`, once the type's number and the row length suit; the shape has
/// been checked. A retired type is left to the caller: here it is an unknown one.
Fault set_layout(TensorInfo& tensor, uint32_t type_number);

}  // namespace motley::gguf
