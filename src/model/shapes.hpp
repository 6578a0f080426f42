// Models known by name: their sizes without their weights, for planning and measuring without a download.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "gguf/tensor_type.hpp"

namespace motley::model {

/// The sizes of a published model, one row of the table. Rope scalings for contexts beyond the trained one
/// are left out: they change neither size nor speed.
struct Shape {
  const char* name;          ///< "llama-3-8b"
  const char* source;        ///< The repository at huggingface.co whose config.json has the figures.
  const char* architecture;  ///< As in general.architecture.
  uint32_t layers;
  uint32_t embedding;
  uint32_t heads;
  uint32_t kv_heads;
  uint32_t head_size;
  uint32_t feed_forward;
  uint32_t vocabulary;      ///< Rows of the embedding; at least 260 (see add_vocabulary()).
  uint32_t context_length;  ///< Tokens.
  float rope_base;
  float norm_epsilon;
  bool tied;  ///< The output projection is the token embedding.
};

/// How the matrices of a shape are stored; vectors are always F32.
struct ShapeFormat {
  const char* name;         ///< "q4_k"
  gguf::TensorType type;    ///< Of the matrices; in a mixture, of most of them.
  uint32_t file_type;       ///< general.file_type: the number that enum llama_ftype of llama.h has for it.
  bool is_mixture = false;  ///< Some matrices are of another type; see matrix_type().
};

struct ShapeSpec {
  const Shape* shape;
  const ShapeFormat* format;

  std::string text() const;  ///< "shape:llama-3-8b@q4_k"
};

/// All that there are.
std::span<const Shape> shapes();
std::span<const ShapeFormat> shape_formats();

/// It starts with "shape:", so that it is no path of a model file.
bool is_shape_spec(std::string_view text);

/// Reads `shape:NAME[@FORMAT]`, in any case; without a format it is q4_k_m. Throws Error{kInvalidArgument}
/// with the names that there are, those nearest to the given one first.
ShapeSpec parse_shape_spec(std::string_view text);

/// The matrices that mixtures treat differently.
enum class MatrixRole { kTokenEmbedding, kOutput, kAttentionV, kFeedForwardDown, kOther };

/// The type of a matrix with rows of `columns` elements in layer `layer` (0 outside of the layers).
///
/// The mixture q4_k_m is that of llama-quantize (llama_tensor_get_type_impl() in llama.cpp's
/// src/llama-quant.cpp): Q6_K for the output projection, also where it is the token embedding, and for attn_v
/// and ffn_down in the first and the last eighth of the layers and every third between; attn_v of models with
/// 80 layers Q5_K elsewhere; Q4_K for all else.
///
/// Rows that are no whole number of 256-element blocks get a type with blocks of 32 that is as small or, from
/// five bits on, Q8_0.
gguf::TensorType matrix_type(const ShapeSpec& spec, MatrixRole role, uint32_t columns, uint32_t layer);

}  // namespace motley::model
