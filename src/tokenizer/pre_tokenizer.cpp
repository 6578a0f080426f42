#include "tokenizer/pre_tokenizer.hpp"

#include <cstdint>
#include <limits>
#include <string>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/error.hpp"
#include "gguf/fields.hpp"
#include "gguf/file.hpp"

// Whitespace as Unicode has it. \s is not it: PCRE2 counts U+180E in, which the tokenizers' own libraries do
// not.
#define SPACE "\\p{WSpace}"
#define NOT_SPACE "\\P{WSpace}"

namespace motley::tokenizer {
namespace {

// The patterns are those of the models' tokenizer.json, as llama.cpp's llama-vocab.cpp lists them. llama.cpp
// matches DeepSeek's against a text in which all white space outside ASCII has become one character that is
// in none of their ranges; here U+3000 is cut off as the model's own tokenizer does it.

// clang-format off
#define GPT2_WORDS \
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^" SPACE "\\p{L}\\p{N}]+|" SPACE "+(?!" NOT_SPACE ")|" SPACE "+"

#define LLAMA3_WORDS(numbers) \
  "'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" numbers \
  "| ?[^" SPACE "\\p{L}\\p{N}]+[\\r\\n]*|" SPACE "*[\\r\\n]+|" SPACE "+(?!" NOT_SPACE ")|" SPACE "+"

constexpr const char* kGpt2[] = {GPT2_WORDS};
constexpr const char* kLlama3[] = {LLAMA3_WORDS("\\p{N}{1,3}")};
constexpr const char* kQwen2[] = {LLAMA3_WORDS("\\p{N}")};
constexpr const char* kSmolLm[] = {"\\p{N}", GPT2_WORDS};
constexpr const char* kDefault[] = {"[\\p{P}$+<=>^~|]+", GPT2_WORDS, "\\p{N}+", "[0-9][0-9][0-9]"};

constexpr const char* kDeepSeekLlm[] = {
    "[\\r\\n]",
    SPACE "?[A-Za-z\\x{B5}\\x{C0}-\\x{D6}\\x{D8}-\\x{F6}\\x{F8}-\\x{1BA}\\x{1BC}-\\x{1BF}\\x{1C4}-\\x{293}"
    "\\x{295}-\\x{2AF}\\x{370}-\\x{373}\\x{376}\\x{377}\\x{37B}-\\x{37D}\\x{37F}\\x{386}\\x{388}-\\x{38A}\\x{38C}"
    "\\x{38E}-\\x{3A1}\\x{3A3}-\\x{3F5}\\x{3F7}-\\x{481}\\x{48A}-\\x{52F}\\x{531}-\\x{556}\\x{10A0}-\\x{10C5}"
    "\\x{13A0}-\\x{13F5}\\x{13F8}-\\x{13FD}\\x{1C90}-\\x{1CBA}\\x{1CBD}-\\x{1CBF}\\x{1D00}-\\x{1D2B}"
    "\\x{1D6B}-\\x{1D77}\\x{1D79}-\\x{1D9A}\\x{1E00}-\\x{1F15}\\x{1F18}-\\x{1F1D}\\x{1F20}-\\x{1F45}"
    "\\x{1F48}-\\x{1F4D}\\x{1F50}-\\x{1F57}\\x{1F59}\\x{1F5B}\\x{1F5D}\\x{1F5F}-\\x{1F7D}\\x{1F80}-\\x{1FB4}"
    "\\x{1FB6}-\\x{1FBC}\\x{1FBE}\\x{1FC2}-\\x{1FC4}\\x{1FC6}-\\x{1FCC}\\x{1FD0}-\\x{1FD3}\\x{1FD6}-\\x{1FDB}"
    "\\x{1FE0}-\\x{1FEC}\\x{1FF2}-\\x{1FF4}\\x{1FF6}-\\x{1FFC}\\x{2102}\\x{2107}\\x{210A}-\\x{2113}\\x{2115}"
    "\\x{2119}-\\x{211D}\\x{2124}\\x{2126}\\x{2128}\\x{212A}-\\x{212D}\\x{212F}-\\x{2134}\\x{2139}"
    "\\x{213C}-\\x{213F}\\x{2145}-\\x{2149}\\x{214E}\\x{2183}\\x{2184}\\x{2C00}-\\x{2C7B}\\x{2C7E}-\\x{2CE4}"
    "\\x{2CEB}-\\x{2CEE}\\x{2CF2}\\x{2CF3}\\x{A640}-\\x{A66D}\\x{A680}-\\x{A69B}\\x{A722}-\\x{A76F}"
    "\\x{A771}-\\x{A787}\\x{A78B}-\\x{A78E}\\x{AB70}-\\x{ABBF}\\x{FB00}-\\x{FB06}\\x{FB13}-\\x{FB17}"
    "\\x{FF21}-\\x{FF3A}\\x{FF41}-\\x{FF5A}\\x{10400}-\\x{1044F}\\x{104B0}-\\x{104D3}\\x{104D8}-\\x{104FB}"
    "\\x{10C80}-\\x{10CB2}\\x{10CC0}-\\x{10CF2}\\x{118A0}-\\x{118DF}\\x{1E900}-\\x{1E943}]+",
    SPACE "?[!-/:-~\\x{FF01}-\\x{FF0F}\\x{FF1A}-\\x{FF5E}\\x{2018}-\\x{201F}\\x{3000}-\\x{3002}]+",
    // Spaces at the end of a piece. The look behind changes no match, but without it a long run of spaces with something
    // after it would be walked once from each of its spaces.
    "(?<!" SPACE ")" SPACE "+\\z",
    "[\\x{800}-\\x{9FA5}\\x{AC00}-\\x{D7FF}]+",
    "\\p{N}+",
};

constexpr PreTokenizerSpec kPreTokenizers[] = {
    // name              patterns       add_bos  ignore_merges
    {"default",          kDefault,      false,   false},
    {"gpt-2",            kGpt2,         false,   false},
    {"llama-bpe",        kLlama3,       true,    true},
    {"llama3",           kLlama3,       true,    true},
    {"llama-v3",         kLlama3,       true,    true},
    {"qwen2",            kQwen2,        false,   false},
    {"deepseek-r1-qwen", kQwen2,        false,   false},
    {"deepseek-llm",     kDeepSeekLlm,  false,   false},
    {"smollm",           kSmolLm,       false,   false},
};
// clang-format on

constexpr size_t kJitStackStartBytes = size_t{32} << 10;
constexpr size_t kJitStackMaxBytes = size_t{8} << 20;

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};

/// What matching needs beside the patterns; one for each call of split(), so that the patterns can be shared
/// by threads.
class Matcher {
 public:
  Matcher()
      : data_(pcre2_match_data_create(1, nullptr)),
        context_(pcre2_match_context_create(nullptr)),
        stack_(pcre2_jit_stack_create(kJitStackStartBytes, kJitStackMaxBytes, nullptr)) {
    if (!data_ || !context_) fail(ErrorCode::kOutOfMemory, "no memory to split a text into words");
    // The patterns are ours and need time in proportion to the text: a limit could only refuse long texts.
    pcre2_set_match_limit(context_.get(), std::numeric_limits<uint32_t>::max());
    pcre2_set_depth_limit(context_.get(), std::numeric_limits<uint32_t>::max());
    if (stack_) pcre2_jit_stack_assign(context_.get(), nullptr, stack_.get());
  }

  /// Looks for the next match in `piece` from `offset` on; its bounds are in start() and end().
  bool find(const pcre2_code* code, std::string_view piece, size_t offset) {
    int result = match(code, piece, offset, PCRE2_NO_UTF_CHECK);
    if (result == PCRE2_ERROR_JIT_STACKLIMIT || result == PCRE2_ERROR_MATCHLIMIT) {
      // The interpreter keeps its stack on the heap, where it can grow further.
      result = match(code, piece, offset, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT);
    }
    if (result == PCRE2_ERROR_NOMATCH) return false;
    if (result < 0) {
      fail(ErrorCode::kInternal, "PCRE2 error {} while splitting a text of {} bytes into words", result,
           piece.size());
    }
    return true;
  }
  size_t start() const { return pcre2_get_ovector_pointer(data_.get())[0]; }
  size_t end() const { return pcre2_get_ovector_pointer(data_.get())[1]; }

 private:
  int match(const pcre2_code* code, std::string_view piece, size_t offset, uint32_t options) {
    return pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(piece.data()), piece.size(), offset, options,
                       data_.get(), context_.get());
  }

  std::unique_ptr<pcre2_match_data, Deleter<pcre2_match_data_free>> data_;
  std::unique_ptr<pcre2_match_context, Deleter<pcre2_match_context_free>> context_;
  std::unique_ptr<pcre2_jit_stack, Deleter<pcre2_jit_stack_free>> stack_;
};

std::string supported_names() {
  std::string names;
  for (const PreTokenizerSpec& spec : kPreTokenizers) {
    if (!names.empty()) names += ", ";
    names += spec.name;
  }
  return names;
}

}  // namespace

const PreTokenizerSpec* find_pre_tokenizer(std::string_view name) {
  for (const PreTokenizerSpec& spec : kPreTokenizers) {
    if (spec.name == name) return &spec;
  }
  return nullptr;
}

const PreTokenizerSpec& find_pre_tokenizer(const gguf::File& file) {
  const std::string* name = gguf::find_string(file, "tokenizer.ggml.pre");
  const PreTokenizerSpec* spec = find_pre_tokenizer(name == nullptr ? "default" : std::string_view(*name));
  if (spec == nullptr) {
    fail(ErrorCode::kUnsupported, "'{}': tokenizer.ggml.pre is \"{}\"; supported are {}",
         file.path().string(), gguf::escaped(*name), supported_names());
  }
  return *spec;
}

void PreTokenizer::FreeCode::operator()(pcre2_real_code_8* code) const { pcre2_code_free(code); }

PreTokenizer::PreTokenizer(const PreTokenizerSpec& spec) {
  for (const char* pattern : spec.patterns) {
    int error = 0;
    size_t offset = 0;
    codes_.emplace_back(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern), PCRE2_ZERO_TERMINATED,
                                      PCRE2_UTF | PCRE2_UCP, &error, &offset, nullptr));
    if (!codes_.back()) {
      fail(ErrorCode::kInternal, "PCRE2 error {} at {} in a pattern of the pre-tokenizer {}", error, offset,
           spec.name);
    }
    // Where there is no just-in-time compiler the interpreter serves.
    static_cast<void>(pcre2_jit_compile(codes_.back().get(), PCRE2_JIT_COMPLETE));
  }
}

std::vector<std::string_view> PreTokenizer::split(std::string_view text) const {
  Matcher matcher;
  std::vector<std::string_view> pieces = {text};
  std::vector<std::string_view> cut;
  for (const auto& code : codes_) {
    cut.clear();
    for (const std::string_view piece : pieces) {
      size_t done = 0;
      while (done < piece.size() && matcher.find(code.get(), piece, done)) {
        if (matcher.start() > done) cut.push_back(piece.substr(done, matcher.start() - done));
        cut.push_back(piece.substr(matcher.start(), matcher.end() - matcher.start()));
        done = matcher.end();
      }
      if (done < piece.size()) cut.push_back(piece.substr(done));
    }
    pieces.swap(cut);
  }
  return pieces;
}

}  // namespace motley::tokenizer
