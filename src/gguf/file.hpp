// A GGUF file open for reading: metadata, tensor table, tensor data. Knows nothing of models.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gguf/name_index.hpp"
#include "gguf/source.hpp"
#include "gguf/tensor_type.hpp"
#include "gguf/value.hpp"

namespace motley::gguf {

struct Shard;

using Metadata = std::vector<std::pair<std::string, Value>>;

/// One row of the tensor table. Every figure has been checked: no product of them wraps, and the bytes
/// [offset_bytes, offset_bytes + size_bytes) lie within the file and overlap no other tensor's.
struct TensorInfo {
  std::string name;
  TensorType type = TensorType::kF32;
  std::array<uint64_t, 4> shape = {1, 1, 1,
                                   1};  ///< shape[0] is the row length, in elements; unused ones are 1.
  uint32_t dimensions = 0;              ///< 1 to 4.
  uint64_t size_bytes = 0;
  uint64_t offset_bytes = 0;  ///< From the start of its file.
  uint32_t shard = 0;         ///< Which of the files it lies in, from 0.

  uint64_t elements() const { return shape[0] * rows(); }
  uint64_t rows() const { return shape[1] * shape[2] * shape[3]; }
  uint64_t row_bytes() const { return size_bytes / rows(); }
};

/// GGUF versions 2 and 3, little-endian (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
/// Move-only; all const functions may be called from many threads.
class File {
 public:
  /// Opens a file, or with any one shard `NAME-00001-of-0000N.gguf` of a split model all N of them, from the
  /// same folder, as one. Throws Error: kIo when a file is missing, unreadable or no regular file;
  /// kMalformedModel when it breaks the format, with the file, the key or tensor, the byte offset, the figure
  /// found and those allowed; kUnsupported for big-endian files, other versions and tensor types that were
  /// retired.
  static File open(const std::filesystem::path& path);

  /// The same for bytes that lie elsewhere, e.g. in memory. One shard of several is refused:
  /// Error{kUnsupported}.
  static File from_source(std::unique_ptr<const ByteSource> source);

  /// nullptr when the file has no such key. Valid as long as the File.
  const Value* find(std::string_view key) const;
  /// In file order; of a split model, those of its first shard.
  const Metadata& metadata() const { return metadata_; }

  /// In file order, shard after shard.
  const std::vector<TensorInfo>& tensors() const { return tensors_; }
  /// nullptr when there is no such tensor. Valid as long as the File.
  const TensorInfo* find_tensor(std::string_view name) const;

  /// Fills `out` with the tensor's bytes from `offset_bytes_in_tensor` on (pread). Throws
  /// Error{kInvalidArgument} for a range outside the tensor and Error{kIo} when the file was truncated since
  /// it was opened.
  void read(const TensorInfo& tensor, uint64_t offset_bytes_in_tensor, std::span<std::byte> out) const;

  uint32_t version() const { return version_; }
  /// Of all shards together.
  uint64_t size_bytes() const;
  /// As given to open().
  const std::filesystem::path& path() const { return path_; }
  size_t shard_count() const { return sources_.size(); }

 private:
  File() = default;
  void add_shard(std::unique_ptr<const ByteSource> source, Shard&& shard);
  void index_names();

  std::filesystem::path path_;
  uint32_t version_ = 0;
  Metadata metadata_;
  std::vector<TensorInfo> tensors_;
  NameIndex metadata_index_;
  NameIndex tensor_index_;
  std::vector<std::unique_ptr<const ByteSource>> sources_;
};

}  // namespace motley::gguf
