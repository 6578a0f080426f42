// The sizes and constants of one model, read from its metadata and checked.
#pragma once

#include <cstdint>
#include <string>

#include "gguf/file.hpp"
#include "model/architecture.hpp"

namespace motley::model {

/// YaRN (Peng et al. 2023, arXiv:2309.00071): quickly turning pairs keep their frequency, slowly turning ones
/// are scaled by Config::rope_scale, those between are blended.
struct Yarn {
  bool enabled = false;
  uint32_t original_context = 0;  ///< Context length before the extension, tokens.
  double beta_fast = 32.0;        ///< Pairs that turn at least this often within it keep their frequency.
  double beta_slow = 1.0;         ///< Pairs that turn at most this often are scaled.
};

struct Config {
  const Architecture* architecture = nullptr;
  std::string name;  ///< general.name as it stands in the file; else the file's stem.

  uint32_t layers = 0;           ///< Transformer blocks.
  uint32_t embedding = 0;        ///< Length of the residual stream.
  uint32_t heads = 0;            ///< Query heads.
  uint32_t kv_heads = 0;         ///< Key and value heads; divides `heads`.
  uint32_t head_size = 0;        ///< Elements of a head of q, k and v; a multiple of 4 up to 256.
  uint32_t rope_dimensions = 0;  ///< The first so many elements of a head are rotated; even.
  uint32_t feed_forward = 0;     ///< Length of the hidden layer of the feed-forward part.
  uint32_t vocabulary = 0;       ///< Tokens: rows of the embedding and of the output.
  uint32_t context_length = 0;   ///< The longest context it was trained for, tokens.

  float norm_epsilon = 0.0F;  ///< Added to the mean square in every RMS norm.
  double rope_base = 10000.0;
  double rope_scale = 1.0;  ///< Positions are multiplied by it; 1 = none (see rope_frequencies()).
  Yarn yarn;
  float attention_scale = 0.0F;  ///< q.k is multiplied by it: 1 / sqrt(head_size), times what YaRN adds.
  bool tied_embeddings = false;  ///< The output projection is the token embedding.

  uint32_t q_size() const { return heads * head_size; }      ///< Elements of all heads of q.
  uint32_t kv_size() const { return kv_heads * head_size; }  ///< Elements of all heads of k, and of v.
};

/// Reads and checks everything but the tensors' shapes and formats (see find_tensors()). Throws
/// Error{kMalformedModel} for keys that are missing, of the wrong type, out of range or in contradiction, and
/// Error{kUnsupported} for another architecture, expert layers, layers that differ in size, head sizes or
/// rope scalings that Motley lacks. Keys: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.
Config read_config(const gguf::File& file);

}  // namespace motley::model
