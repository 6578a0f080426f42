// Running a model: logits, generated text, statistics.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <motley/engine.hpp>

namespace motley {

/// How tokens are drawn from the logits, in this order: bias and penalties, top-k, typical, top-p, min-p,
/// temperature.
struct Sampling {
  float temperature = 0.8F;     ///< 0: always the most likely token
  std::int32_t top_k = 40;      ///< keep the k most likely; 0: all
  float top_p = 0.95F;          ///< keep the smallest set with this probability; 1: all
  float min_p = 0.05F;          ///< drop what is less likely than this share of the most likely; 0: nothing
  float typical_p = 1.0F;       ///< locally typical sampling (Meister et al. 2022); 1: off
  float repeat_penalty = 1.0F;  ///< divides (multiplies) positive (negative) logits of recent tokens; 1: off
  float frequency_penalty = 0.0F;                   ///< subtracted per occurrence among recent tokens
  float presence_penalty = 0.0F;                    ///< subtracted once for each recent token
  std::int32_t penalty_last_n = 64;                 ///< how many recent tokens count
  std::vector<std::pair<Token, float>> logit_bias;  ///< added to these tokens' logits
  std::uint64_t seed = 0;                           ///< same seed, same device, same prompt: same text
};

struct GenerateOptions {
  std::int32_t max_tokens = -1;  ///< stop after so many; negative: until the end or a full context
  Sampling sampling;
  std::vector<std::string> stop;  ///< stop before any of these texts would be written
  bool context_shift = false;     ///< when the context is full, forget the older half and go on
  bool ignore_end = false;        ///< go on after an end-of-text token
  TokenizeOptions tokenize;
};

enum class StopReason { kEnd, kMaxTokens, kStopText, kContextFull, kCallback, kCancelled };

/// "end of text", "token limit", "stop text", "context full", "callback", "cancelled".
MOTLEY_API const char* to_string(StopReason reason) noexcept;

struct Generation {
  StopReason reason = StopReason::kEnd;
  std::uint32_t prompt_tokens = 0;
  std::uint32_t generated_tokens = 0;
  std::chrono::nanoseconds prompt_time{};  ///< running the prompt
  std::chrono::nanoseconds decode_time{};  ///< from there to the last token
};

/// Whole UTF-8 characters of generated text, and the token they came with.
struct Piece {
  Token token = 0;
  std::string text;
};

/// What one stage of a session has done.
struct StageStatistics {
  PlanStage plan;  ///< its layers, its device, and the prediction (times are 0 where nothing was measured)
  std::uint64_t decoded_tokens = 0;  ///< one by one
  std::uint64_t prompt_tokens = 0;   ///< several at once
  std::chrono::nanoseconds
      decode_busy{};  ///< at work on decoding; the rest of decode_wall it waited for others
  std::chrono::nanoseconds decode_wall{};  ///< from the beginning to the end of decoding, all stages
  std::chrono::nanoseconds prompt_busy{};
  std::chrono::nanoseconds prompt_wall{};
  std::uint64_t handed_over_bytes = 0;  ///< to the next stage
  std::uint64_t memory_bytes = 0;       ///< allocated on the device now, all stages on it
  std::uint64_t peak_memory_bytes = 0;
};

/// What the runs of one kernel took together, by its device's clock.
struct KernelStatistics {
  std::uint32_t stage = 0;  ///< as in stage_statistics()
  bool decode = false;      ///< of tokens decoded one by one; else of prompts
  std::string kernel;
  std::uint64_t runs = 0;
  std::chrono::nanoseconds time{};
  double bytes = 0;  ///< moved at least; 0 where it was not counted
  double flops = 0;
};

/// One run of one kernel.
struct KernelRun {
  std::uint32_t stage = 0;
  bool decode = false;
  std::string kernel;
  std::chrono::steady_clock::time_point start;  ///< to within what the host takes to learn of its end
  std::chrono::nanoseconds time{};
};

class Session;

/// What one of several sessions is to generate.
struct GenerateRequest {
  Session* session = nullptr;
  std::string prompt;
  GenerateOptions options;
};

/// One stream of tokens with its KV cache. Move-only. For one thread at a time, except cancel(), which any
/// thread may call.
class MOTLEY_API Session {
 public:
  /// Allocates the KV cache and scratch. Throws kOutOfMemory naming the largest context that would fit.
  explicit Session(const Engine& engine, const SessionOptions& options = {});
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  std::uint32_t context_tokens() const;  ///< capacity
  std::uint32_t position() const;        ///< tokens in the context now
  std::uint32_t batch_tokens() const;    ///< as chosen for the memory there is
  std::uint64_t cache_bytes() const;     ///< keys and values of a full context
  /// What each stage has done so far, beside what was predicted; without the work before a device failed.
  std::vector<StageStatistics> stage_statistics() const;
  /// With SessionOptions::time_kernels: by stage, in the order in which the kernels first ran. As above.
  std::vector<KernelStatistics> kernel_statistics() const;
  /// Each run, in the order of each stage; of more than 262144 a stage only the first.
  std::vector<KernelRun> kernel_runs() const;

  /// Appends tokens to the context. Throws kContextFull, before running anything, when they do not fit,
  /// kInvalidArgument for an id outside the vocabulary.
  void evaluate(std::span<const Token> tokens);
  /// Logits after the last evaluated token: [vocabulary_size], valid until the next evaluate. Throws
  /// kInvalidArgument when nothing was evaluated.
  std::span<const float> logits() const;
  /// Appends tokens and returns the logits after each from number `first` on: [tokens.size() -
  /// first][vocabulary_size].
  std::vector<float> evaluate_all(std::span<const Token> tokens, std::size_t first = 0);
  /// Forgets all tokens.
  void reset();

  /// Appends the prompt's tokens (which may be empty when the context is not), then draws tokens one by one
  /// and hands over their text as soon as it forms whole characters. `on_text` returns false to stop. The
  /// text ends with a whole character.
  Generation generate(std::string_view prompt, const GenerateOptions& options,
                      const std::function<bool(std::string_view text)>& on_text);
  Generation generate(std::span<const Token> prompt, const GenerateOptions& options,
                      const std::function<bool(std::string_view text)>& on_text);

  /// The same as an input range: `for (const motley::Piece& piece : session.stream("Once")) …`.
  class Stream;
  Stream stream(std::string_view prompt, const GenerateOptions& options = {});

  /// Appends one token to each of several sessions, tokens[i] to sessions[i], which must be distinct. Those
  /// of one engine run in passes that read the weights once for all of them, so that where memory is the
  /// limit they take little longer together than one by itself. Throws as evaluate does, before anything
  /// runs, for any of them, and kCancelled when one of them was cancelled: position() tells who has got its
  /// token.
  static void evaluate_together(std::span<Session* const> sessions, std::span<const Token> tokens);
  /// generate() for several sessions, which must be distinct: first their prompts one after another, then
  /// their tokens together. `on_text` is told whose text it is, by number, and stops that one only.
  static std::vector<Generation> generate_together(
      std::span<const GenerateRequest> requests,
      const std::function<bool(std::size_t request, std::string_view text)>& on_text);

  /// Makes a running evaluate or generate of this session stop at the next token or batch: generate returns
  /// kCancelled, evaluate throws it. Without a running call the next one is stopped.
  void cancel() noexcept;

 private:
  friend struct Access;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A lazy input range of pieces; each step draws tokens until whole characters are there. Must not outlive
/// its session.
class MOTLEY_API Session::Stream {
 public:
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;
  ~Stream();

  class iterator {  // NOLINT(readability-identifier-naming): as the standard library's ranges name theirs
   public:
    using iterator_concept = std::input_iterator_tag;
    using difference_type = std::ptrdiff_t;
    using value_type = Piece;
    iterator() = default;
    const Piece& operator*() const { return *stream_->current(); }
    const Piece* operator->() const { return stream_->current(); }
    iterator& operator++() {
      stream_->advance();
      return *this;
    }
    void operator++(int) { stream_->advance(); }
    friend bool operator==(const iterator& it, std::default_sentinel_t) { return it.done(); }

   private:
    friend class Stream;
    explicit iterator(Stream* stream) : stream_(stream) {}
    bool done() const { return stream_->current() == nullptr; }
    Stream* stream_ = nullptr;
  };

  iterator begin();
  std::default_sentinel_t end() const { return {}; }
  /// Why it ended, with counts and times; complete once the range is exhausted.
  const Generation& result() const;

 private:
  friend class Session;
  friend class iterator;
  struct Impl;
  explicit Stream(std::unique_ptr<Impl> impl);
  const Piece* current() const;
  void advance();
  std::unique_ptr<Impl> impl_;
};

}  // namespace motley
