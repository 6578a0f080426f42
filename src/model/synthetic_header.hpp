// What stands before the weights in the file of a named shape: metadata, vocabulary, tensor table.
#pragma once

#include <cstdint>

#include "gguf/file.hpp"
#include "gguf/writer.hpp"
#include "model/shapes.hpp"

namespace motley::model {

/// A writer with everything but the tensors' data: for Writer::header() and Writer::tensors(). With
/// `vocabulary`, see copy_vocabulary(); otherwise add_vocabulary().
gguf::Writer synthetic_header(const ShapeSpec& spec, const gguf::File* vocabulary = nullptr);

/// Adds a vocabulary in the manner of SentencePiece with `size` tokens: <unk>, <s>, </s>, the 256 bytes, the
/// space "▁", then "▁t260" and so on. Texts are tokenized byte by byte. Throws Error{kInvalidArgument} for
/// less than 260.
void add_vocabulary(gguf::Writer& writer, uint32_t size);

/// Copies every `tokenizer.` key of `file`; up to `size` tokens, unused ones are added. Throws
/// Error{kInvalidArgument} when the file has more, Error{kMalformedModel} when it has no vocabulary or its
/// arrays differ in length.
void copy_vocabulary(gguf::Writer& writer, const gguf::File& file, uint32_t size);

}  // namespace motley::model
