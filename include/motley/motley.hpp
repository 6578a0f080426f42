// Motley: language models (GGUF) on whatever GPUs a machine has, through Vulkan.
//
//   motley::Engine engine(motley::Model::open("model.gguf"), motley::Device::open());
//   motley::Session session(engine);
//   session.generate("Once upon a time", {}, [](std::string_view text) { std::cout << text << std::flush;
//   return true; });
//
// Every function throws motley::Error (see error.hpp) when it cannot do what it says. Includes only the
// standard library.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <motley/error.hpp>

namespace motley {

/// A token's number in the model's vocabulary.
using Token = std::int32_t;

/// The library's version, e.g. "0.1.0".
MOTLEY_API const char* version() noexcept;

// ----------------------------------------------------------------------------------------------------------
// logging

enum class LogSeverity { kDebug, kInfo, kWarning, kError };

/// Sends diagnostics at or above `least` to `sink` instead of stderr (the default: warnings and errors).
/// Thread-safe; the sink is called from any thread, one call at a time.
MOTLEY_API void set_log(LogSeverity least, std::function<void(LogSeverity, std::string_view)> sink = {});

// ----------------------------------------------------------------------------------------------------------
// devices

/// What a device was measured to do, with the kernels that run models on it. Rates in 10^9 a second.
struct DeviceMeasurements {
  struct Rate {
    std::string format;        ///< of the weights, e.g. "q4_0"
    double matvec_gbs = 0;     ///< bytes of weights read while a token is decoded
    double matmat_gflops = 0;  ///< arithmetic while 512 tokens of a prompt are run at once
    double few_gflops = 0;     ///< while 32 are
    double product_us = 0;     ///< what a product costs beside its bytes while a token is decoded
  };

  double bandwidth_gbs = 0;  ///< reading its own memory
  double host_read_gbs = 0;  ///< its kernels reading host memory; the same where the host's is its own
  double upload_gbs = 0;     ///< copies from host memory
  double download_gbs = 0;   ///< copies to host memory
  double dispatch_us = 0;    ///< one more dispatch that waits for the one before it
  double handoff_us = 0;     ///< submitting next to no work and waiting for it
  double decode_attention_gflops = 0;   ///< attention of one token
  double prefill_attention_gflops = 0;  ///< of a prompt
  double activation_gbs = 0;            ///< norms and other work on single vectors
  std::vector<Rate> rates;              ///< of the formats that were measured
};

/// Memory that a device's buffers may lie in.
struct DeviceHeap {
  std::uint64_t size_bytes = 0;
  bool device_local = false;  ///< the device's own; else the host's, which it reads over its link
};

/// What a kernel is used for on a device, and the variant of it that is chosen for that.
struct KernelChoice {
  std::string kernel;   ///< e.g. "matmul"
  std::string format;   ///< of weights, "q4_0", or of keys and values, "f16/f32"; empty: none
  std::string purpose;  ///< e.g. "one token"; empty where it makes no difference
  std::string variant;  ///< e.g. "matmul.q4_0.b8"; empty where none is left: the device cannot be used
  std::string suits;    ///< devices that the variant is for, e.g. "subgroups of 8"
  std::optional<double>
      nmse;  ///< its error in the self-test, as a share of the results' power; none: not tried yet
};

/// A kernel variant that the self-test switched off for a device with its driver.
struct SwitchedOffVariant {
  std::string variant;
  std::string reason;
};

/// What a Vulkan device is, as its driver reports it.
struct DeviceInfo {
  std::uint32_t index = 0;           ///< position in the Vulkan loader's list: what `--device 0` means
  std::string name;                  ///< e.g. "NVIDIA GeForce RTX 4090"
  std::string type;                  ///< "discrete", "integrated", "virtual", "cpu" or "other"
  std::string uuid;                  ///< 8-4-4-4-12 hexadecimal
  std::string driver;                ///< name and version
  std::string vulkan_version;        ///< e.g. "1.3.230"
  std::uint64_t memory_bytes = 0;    ///< of all device-local heaps
  std::uint32_t subgroup_size = 0;   ///< lanes that run together
  bool float16 = false;              ///< 16-bit float arithmetic
  bool integer_dot_product = false;  ///< hardware or emulated 8-bit dot products
  std::string reason;                ///< why it stands at this place in the ranking, one sentence
  std::string pci_address;           ///< "0000:01:00.0"; empty where the driver does not tell
  std::vector<DeviceHeap> heaps;
  /// Where another driver offers the same GPU and is preferred: that one's index. It is the one to use.
  std::optional<std::uint32_t> same_as;
  /// Kept from an earlier measurement with this driver and version of Motley; none: not measured yet.
  std::optional<DeviceMeasurements> measurements;
  /// Every use of every kernel. Variants are tried before they are first used with a driver; what was found
  /// is kept for this version of Motley.
  std::vector<KernelChoice> kernels;
  std::vector<SwitchedOffVariant> switched_off;
};

struct DeviceOptions {
  /// Loads the Vulkan validation layer with synchronization checks: slow, for finding faults.
  bool validate = false;
};

/// All devices with Vulkan 1.2, best first; measures nothing. Throws kNoDevice when there is no Vulkan loader
/// or driver; empty when the drivers offer no device.
MOTLEY_API std::vector<DeviceInfo> list_devices(const DeviceOptions& options = {});

/// A device opened for work. A handle: copies refer to the same device. Thread-safe, but engines and sessions
/// that share a device run one after another.
class MOTLEY_API Device {
 public:
  /// `selector`: empty for the best ranked device, else an index, a UUID, a PCI address, or a part of the
  /// name or a pattern of it with * and ? (any case) that fits exactly one device. Throws kNoDevice, listing
  /// what there is, when none or several fit.
  static Device open(std::string_view selector = {}, const DeviceOptions& options = {});

  const DeviceInfo& info() const;
  /// Rate at which the device reads its own memory, in 10^9 bytes a second; measured at the first call (under
  /// a second).
  double bandwidth_gbs() const;
  /// What the device can do with weights of every format; measured where it is not known from before, or
  /// `again`, and kept; the kernels are tried before, likewise. Takes some seconds on a GPU, on software
  /// drivers more, mostly to compile. Throws kDeviceLost where a kernel has no variant that computes rightly.
  /// Must not run while an engine uses the device.
  DeviceMeasurements measure(bool again = false) const;
  /// Bytes that Motley has allocated on the device: now, and at most so far.
  std::uint64_t allocated_bytes() const;
  std::uint64_t peak_allocated_bytes() const;
  /// Messages of the validation layer so far; 0 without DeviceOptions::validate.
  std::uint32_t validation_messages() const;

 private:
  friend struct Access;
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

// ------------------------------------------------------------------------------------------------------------
// model

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

// -----------------------------------------------------------------------------------------------------------
// engine

enum class CacheType { kF16, kF32 };

/// What quantized weights are multiplied with.
enum class Activations {
  kAuto,  ///< rounded to 8 bits where the device is faster with them, which changes logits by about a
          ///< thousandth
  kF32,   ///< as they are
};

struct SessionOptions {
  std::uint32_t context_tokens = 0;  ///< positions in the KV cache; 0: as trained, at most 4096
  /// Prompt tokens run in one pass, at most 4096; made smaller where memory asks. 0: what is predicted to be
  /// fastest on the plan's devices, at most 512.
  std::uint32_t batch_tokens = 0;
  CacheType cache_k = CacheType::kF16;
  CacheType cache_v = CacheType::kF16;
  Activations activations = Activations::kAuto;
  /// The devices time each kernel, which slows the session down: kernels run one after another then. Throws
  /// kUnsupported where a device has no clock for them.
  bool time_kernels = false;
};

// ------------------------------------------------------------------------------------------------------------
// placement

/// What a plan is made for.
enum class Objective {
  kLatency,     ///< one stream of tokens: the fastest device first, and none that makes the whole slower
  kThroughput,  ///< overlapping streams or prompts: all devices finish at the same time
  kCapacity,    ///< the largest contexts: in proportion to memory
  kEfficiency,  ///< the fewest joules a token, where the devices' power is known
};

/// "latency", "throughput", "capacity", "efficiency".
MOTLEY_API const char* to_string(Objective objective) noexcept;

/// What the user says about where a model runs. Devices are named by index, name (with * and ?, or a part of
/// it), UUID or PCI address.
struct PlanOptions {
  Objective objective = Objective::kLatency;
  bool spread = false;                ///< use every suitable device, even when one would do
  std::vector<std::string> devices;   ///< the only ones to use; empty: all
  std::vector<std::string> excluded;  ///< devices not to use
  std::vector<std::string> priority;  ///< devices to fill first, in this order
  /// Shares of the layers, one for each of `devices`; where none are named, for each of the machine's, best
  /// first (in a file of devices, in its order).
  std::vector<double> split;
  std::string layers;               ///< the whole plan by hand: "A:0-19,B:20-31"; a device may come twice
  std::uint64_t reserve_bytes = 0;  ///< to leave free on every device
  std::vector<std::pair<std::string, std::uint64_t>> max_memory;  ///< device and bytes
  std::optional<std::uint32_t> device_layers;  ///< so many layers on devices, the others in host memory
};

/// Consecutive layers on one device, and what that is predicted to cost.
struct PlanStage {
  std::string device;
  std::uint32_t device_index = 0;  ///< as DeviceInfo::index, or the place in the file of devices
  std::uint32_t first_layer = 0;
  std::uint32_t last_layer = 0;   ///< included
  std::uint32_t host_layers = 0;  ///< of these, in host memory and read over the link
  bool embedding = false;
  bool output = false;
  std::uint64_t weights_bytes = 0;  ///< in the device's memory, as the next three
  std::uint64_t kv_bytes = 0;
  std::uint64_t scratch_bytes = 0;
  std::uint64_t host_bytes = 0;    ///< in host memory: host_layers, or all of a software driver's device
  std::uint64_t usable_bytes = 0;  ///< of the device's memory, what the plan might use
  double decode_ms = 0;            ///< one token, hand-offs not included
  double prefill_ms_per_512 = 0;   ///< 512 tokens of a prompt, hand-offs not included
  double handoff_ms = 0;           ///< one token's activations from here to the next stage; 0 for the last
  std::string reason;              ///< why, one sentence
};

/// Where a model's layers lie and what that is predicted to give.
struct Plan {
  struct Unused {
    std::string device;
    std::string reason;
    std::uint32_t device_index = 0;  ///< as PlanStage::device_index
    std::uint64_t usable_bytes = 0;  ///< of its memory, what the plan might have used
  };
  struct Alternative {
    std::string plan;  ///< "best single device", "even split", "memory-proportional", "all devices"
    double decode_tokens_per_second = 0;
    double prefill_tokens_per_second = 0;
    bool feasible = false;
  };

  std::string model;                 ///< its path or shape
  std::uint32_t layers = 0;          ///< of the model
  std::uint32_t context_tokens = 0;  ///< that there is memory for
  Objective objective = Objective::kLatency;
  bool feasible = false;
  std::vector<PlanStage> stages;  ///< in the order of the layers
  std::vector<Unused> unused;
  double decode_tokens_per_second = 0;  ///< at half the context; 0 where nothing was measured
  double prefill_tokens_per_second = 0;
  std::uint32_t chunk_tokens = 0;  ///< tokens of a prompt that go through the stages together
  double load_s = 0;
  std::uint64_t host_bytes = 0;  ///< of host memory, software drivers' devices included
  double joules_per_token = 0;   ///< 0: unknown
  std::vector<Alternative> alternatives;
  std::vector<std::string> warnings;
  std::vector<std::string> estimates;  ///< figures that were not given, and what they were taken to be
};

/// Plans without loading anything. `devices_from` is a file of devices (see the manual page); empty: this
/// machine's, which are measured at their first use. Throws kInvalidArgument for options that contradict each
/// other or cannot be met, saying by how much, and for a malformed file of devices; a model that does not fit
/// gives a plan that is not feasible.
MOTLEY_API Plan make_plan(const Model& model, const PlanOptions& options = {},
                          const SessionOptions& session = {}, const std::filesystem::path& devices_from = {},
                          const DeviceOptions& device_options = {});

/// The plan as one JSON object in lines of two spaces' indentation; its fields are those of Plan.
MOTLEY_API std::string to_json(const Plan& plan);

// ------------------------------------------------------------------------------------------------------------
// loading

struct EngineOptions {
  /// Called while the weights are loaded with the bytes done and in all; returning false cancels
  /// (kCancelled).
  std::function<bool(std::uint64_t done_bytes, std::uint64_t total_bytes)> progress;
  /// When a device is lost, hangs or gives values that are no numbers: go on without it, with the same text,
  /// where another is left. Without this it is an error (kDeviceLost).
  bool recover = true;
  /// Called with each plan before it is carried out: when loading, and again when a device has failed. From
  /// the thread that loads; must not call the engine.
  std::function<void(const Plan&)> planned;
};

/// Device memory that a model and one session need, in bytes.
struct MemoryNeed {
  std::uint64_t weights_bytes = 0;
  std::uint64_t cache_bytes = 0;    ///< keys and values
  std::uint64_t scratch_bytes = 0;  ///< activations, tables, staging
  std::uint64_t total_bytes() const { return weights_bytes + cache_bytes + scratch_bytes; }
};

/// What would be allocated, before anything is. Throws as Engine does for models that cannot be run.
MOTLEY_API MemoryNeed predict_memory(const Model& model, const Device& device,
                                     const SessionOptions& options = {});

/// A model's weights in the memory of the devices that run it, ready to run. Sessions share it. A handle:
/// copies refer to the same weights. Thread-safe.
class MOTLEY_API Engine {
 public:
  /// Loads the weights on one device. Throws kUnsupported for an architecture or weight format Motley lacks
  /// (with the list it has), kMalformedModel, kIo when the file changes meanwhile, kOutOfMemory with the
  /// figures, kCancelled.
  Engine(Model model, Device device, const EngineOptions& options = {});
  /// Plans for the machine's devices, so that there is memory for a session of these options, and loads the
  /// weights where the plan puts them. Devices between which there is a choice are measured at their first
  /// use, which takes seconds. Throws as the above and as make_plan(); kOutOfMemory, saying what would fit,
  /// when there is no feasible plan.
  Engine(Model model, const PlanOptions& plan, const SessionOptions& session = {},
         const EngineOptions& options = {}, const DeviceOptions& device_options = {});

  const Model& model() const;
  /// Those that hold layers now, in the order of the layers.
  std::vector<Device> devices() const;
  /// The first of them.
  const Device& device() const;
  /// What is carried out now.
  Plan plan() const;
  std::uint32_t trained_context_tokens() const;
  /// How many logits the model gives; token ids lie below.
  std::uint32_t vocabulary_size() const;
  /// Bytes of weights one decoded token reads.
  std::uint64_t bytes_per_token() const;

 private:
  friend struct Access;
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

// ----------------------------------------------------------------------------------------------------------
// session

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

// -------------------------------------------------------------------------------------------------------
// perplexity

struct Perplexity {
  double value = 0;  ///< exp of the mean negative log likelihood of the scored tokens
  double standard_error = 0;
  std::uint64_t scored_tokens = 0;
  std::uint32_t chunks = 0;
};

/// Perplexity of a text in chunks of `context_tokens`, the begin-of-sequence token first in each where the
/// model has one, the second half of each chunk scored: as llama.cpp's llama-perplexity computes it. Throws
/// kInvalidArgument when the text is shorter than two chunks. `on_chunk` (chunks done, in all, perplexity so
/// far) may return false to cancel.
MOTLEY_API Perplexity
perplexity(const Engine& engine, std::string_view text, std::uint32_t context_tokens,
           const SessionOptions& options = {},
           const std::function<bool(std::uint32_t, std::uint32_t, double)>& on_chunk = {});

}  // namespace motley
