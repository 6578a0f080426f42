// Cutting text into the words that byte-level BPE merges within.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

struct pcre2_real_code_8;

namespace motley::gguf {
class File;
}

namespace motley::tokenizer {

/// One row of the table of pre-tokenizers.
struct PreTokenizerSpec {
  std::string_view name;  ///< `tokenizer.ggml.pre`
  /// PCRE2 patterns, applied one after the other: each cuts every piece that the ones before it left into its
  /// matches and what lies between them.
  std::span<const char* const> patterns;
  bool add_bos;        ///< Texts start with BOS where the metadata do not say.
  bool ignore_merges;  ///< A word that is a token as it stands becomes that token without looking at merges.
};

/// The row that a file's `tokenizer.ggml.pre` names, `default` when it has none. Throws Error{kUnsupported}
/// with the list of all rows for an unknown name.
const PreTokenizerSpec& find_pre_tokenizer(const gguf::File& file);

/// The row of that name; nullptr when there is none.
const PreTokenizerSpec* find_pre_tokenizer(std::string_view name);

/// The compiled patterns of a row. Immutable.
class PreTokenizer {
 public:
  explicit PreTokenizer(const PreTokenizerSpec& spec);

  /// The words of `text` (UTF-8) in order; together they are the text. Views into `text`.
  std::vector<std::string_view> split(std::string_view text) const;

 private:
  struct FreeCode {
    void operator()(pcre2_real_code_8* code) const;
  };
  std::vector<std::unique_ptr<pcre2_real_code_8, FreeCode>> codes_;
};

}  // namespace motley::tokenizer
