// Model files, their vocabularies, and models made up for measuring.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <motley/common.hpp>

namespace motley {

struct TokenizeOptions {
  bool add_special = true;    ///< begin- and end-of-sequence tokens as the model's metadata asks
  bool parse_special = true;  ///< "<|eot_id|>" in the text is that token; false: the text is taken literally
};

/// One metadata entry of a model file, ready to print.
struct MetadataEntry {
  std::string key;
  std::string type;     ///< e.g. "uint32", "string", "array of float32"
  std::string summary;  ///< long arrays and strings are shortened
  std::string json;     ///< the whole value as JSON
};

struct TensorEntry {
  std::string name;
  std::string format;                ///< e.g. "Q4_K"
  std::vector<std::uint64_t> shape;  ///< elements; shape[0] is the length of a row
  std::uint64_t size_bytes = 0;
};

/// A GGUF file: metadata, vocabulary and the table of tensors; no weights are read. A handle: copies refer to
/// the same file. Thread-safe.
class MOTLEY_API Model {
 public:
  /// Opens a file, or all files of a split model given its first, or a named shape such as
  /// "shape:llama-3-8b@q4_k_m": a model of that size with made-up weights, computed when they are read.
  /// Throws kIo, kMalformedModel, kUnsupported, or kInvalidArgument for a shape that is not known, with those
  /// that are; whether the architecture can be run is found out only by Engine.
  static Model open(const std::filesystem::path& path);

  const std::filesystem::path& path() const;
  std::uint64_t size_bytes() const;  ///< of all its files
  std::uint32_t gguf_version() const;
  std::vector<MetadataEntry> metadata() const;
  std::vector<TensorEntry> tensors() const;

  /// Token ids of UTF-8 text. Throws kInvalidArgument when it is not UTF-8 and kUnsupported when the
  /// tokenizer is unknown.
  std::vector<Token> tokenize(std::string_view text, const TokenizeOptions& options = {}) const;
  /// The text of tokens. Throws kInvalidArgument for an id outside the vocabulary.
  std::string detokenize(std::span<const Token> tokens, bool render_special = false) const;
  std::size_t vocabulary_size() const;

 private:
  friend struct Access;
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

struct SyntheticOptions {
  std::uint64_t seed = 1;            ///< the same seed gives the same bytes
  std::filesystem::path vocabulary;  ///< a GGUF whose vocabulary it gets; empty: made-up tokens
  /// Called while writing with the bytes done and in all; returning false stops it (kCancelled).
  std::function<bool(std::uint64_t done_bytes, std::uint64_t total_bytes)> progress;
};

/// Writes the model of a named shape as a GGUF file. Throws kInvalidArgument for an unknown shape, kIo when
/// it cannot be written, kCancelled; a file that was there then stays as it was.
MOTLEY_API void write_synthetic_model(std::string_view shape, const std::filesystem::path& path,
                                      const SyntheticOptions& options = {});

}  // namespace motley
