// Writing GGUF files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gguf/file.hpp"

namespace motley::gguf {

/// Takes the next bytes of an output.
using Sink = std::function<void(std::span<const std::byte>)>;

/// Gives a tensor's bytes to `put`, in order, in pieces of any size. Called once for each writing.
using TensorData = std::function<void(const Sink& put)>;

/// Collects metadata and tensors and writes them as GGUF version 3. Tensor data are asked for one tensor
/// after the other while writing, so a model of any size takes little memory. What it writes, File::open
/// reads; whatever would break the format is refused with Error{kInvalidArgument} when it is added.
class Writer {
 public:
  /// `alignment_bytes` of tensor data: a power of two from 8 to 1 MiB; written as general.alignment when
  /// not 32.
  explicit Writer(uint32_t alignment_bytes = 32);

  /// Adds one metadata value. Its GGUF type is that of the C++ type: uint32_t{1}, -1.5F, true, "text".
  void add(std::string_view key, Value value);
  template <typename T>
  requires std::is_arithmetic_v<T>
  void add(std::string_view key, T value) { add(key, Value(value)); }
  void add(std::string_view key, std::string_view value) { add(key, Value(std::string(value))); }
  void add(std::string_view key, const char* value) { add(key, std::string_view(value)); }
  void add(std::string_view key, const std::string& value) { add(key, std::string_view(value)); }

  /// Adds an array of scalars (no vector<bool>: give bytes 0 and 1 through Array) or of strings.
  template <typename T>
  requires std::is_arithmetic_v<T>
  void add_array(std::string_view key, std::span<const T> values) {
    std::vector<std::byte> bytes(values.size_bytes());
    if (!bytes.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
    add(key, Value(Array(value_type_of<T>(), std::move(bytes))));
  }
  template <typename T>
  requires std::is_arithmetic_v<T>
  void add_array(std::string_view key, const std::vector<T>& values) {
    add_array(key, std::span<const T>(values));
  }
  void add_array(std::string_view key, const std::vector<std::string>& values) {
    add(key, Value(Array::of_strings(values)));
  }

  /// Adds a tensor of 1 to 4 dimensions; shape[0] is the row length. `data` must give as many bytes as the
  /// shape takes, else writing throws Error{kInvalidArgument}.
  void add_tensor(std::string_view name, TensorType type, const std::vector<uint64_t>& shape,
                  TensorData data);
  /// The same from bytes in memory, which are copied.
  void add_tensor(std::string_view name, TensorType type, const std::vector<uint64_t>& shape,
                  std::span<const std::byte> data);

  /// The tensors added so far; their offset_bytes count from the start of the tensor data.
  const std::vector<TensorInfo>& tensors() const { return tensors_; }

  /// All that stands before the tensor data: metadata and tensor table, with the padding up to the data.
  std::vector<std::byte> header() const;

  /// Writes the file so that a reader sees the old content or the whole new one: a temporary beside it, then
  /// a rename. Throws Error{kIo} (disk full, no permission) and leaves no temporary behind.
  void write(const std::filesystem::path& path) const;
  /// Gives the file's bytes to `out` instead.
  void write(const Sink& out) const;
  /// The file as bytes in memory.
  std::vector<std::byte> bytes() const;

 private:
  uint32_t alignment_bytes_;
  Metadata metadata_;
  std::vector<TensorInfo> tensors_;
  std::vector<TensorData> data_;
  std::set<std::string, std::less<>> names_;  // Of the tensors.
  uint64_t data_bytes_ = 0;
  uint64_t nested_arrays_ = 0;
};

}  // namespace motley::gguf
