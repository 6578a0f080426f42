/* Motley's C interface: language models (GGUF) on whatever GPUs a machine has, through Vulkan.
 *
 *   motley_error* error = NULL;
 *   motley_model* model = motley_model_open("model.gguf", &error);
 *   motley_device* device = motley_device_open(NULL, NULL, &error);
 *   motley_engine* engine = motley_engine_create(model, device, NULL, &error);
 *   motley_session* session = motley_session_create(engine, NULL, &error);
 *   motley_session_generate(session, "Once upon a time", 16, NULL, print_text, NULL, NULL, &error);
 *
 * It is the C++ interface (motley.hpp), function by function.
 *
 * Errors. A function that can fail takes a `motley_error**` last, which may be NULL. It sets it to NULL at
 * first; on failure it stores a new error there, which the caller frees. Such a function returns a handle,
 * NULL on failure, or an int: MOTLEY_OK or the error's code. A required pointer that is NULL is
 * MOTLEY_INVALID_ARGUMENT. No exception ever leaves a function.
 *
 * Ownership. What a _create, _open or _list function returned is freed by its _free function, which takes
 * NULL as well. Arrays and texts given out through a `**` are freed with motley_free(). An engine keeps its
 * model and device alive, a session its engine, so the handles may be freed in any order. Pointers given in
 * are not kept beyond the call unless said so.
 *
 * Threads. Models, devices and engines may be used from several threads; a session from one at a time, except
 * for motley_session_cancel(). An error belongs to its caller.
 *
 * Structures begin with their size in bytes, so that a library may learn more fields than its caller knows.
 * Begin each with its motley_..._default() function. Where a pointer to options may be NULL, that means the
 * defaults.
 *
 * Text is UTF-8; its lengths are in bytes without a final NUL. Flags: 0 no, anything else yes.
 */
#ifndef MOTLEY_MOTLEY_H
#define MOTLEY_MOTLEY_H
/* NOLINTBEGIN(modernize-*,readability-identifier-naming): C */
#include <stddef.h>
#include <stdint.h>
#if defined(__GNUC__)
#define MOTLEY_API __attribute__((visibility("default")))
#else
#define MOTLEY_API
#endif
#ifdef __cplusplus
extern "C" {
#endif

typedef int32_t motley_token; /* a token's number in the model's vocabulary */

MOTLEY_API const char* motley_version(void); /* the library's, e.g. "0.1.0" */
MOTLEY_API void motley_free(void* memory);   /* frees an array or a text that the library gave out */

/* ------------------------------------------------------------------------------------ errors */

enum motley_code {
  MOTLEY_OK = 0,
  MOTLEY_INTERNAL = 1,         /* a broken promise inside Motley: please report it */
  MOTLEY_INVALID_ARGUMENT = 2, /* a value the caller gave is out of range or makes no sense */
  MOTLEY_IO = 3,               /* a file cannot be opened, read or written */
  MOTLEY_MALFORMED_MODEL = 4,  /* the model file breaks the GGUF format or contradicts itself */
  MOTLEY_UNSUPPORTED = 5,      /* an architecture, weight format or feature that Motley lacks */
  MOTLEY_NO_DEVICE = 6,        /* no Vulkan loader, driver or device that suits, or it fails to initialise */
  MOTLEY_OUT_OF_MEMORY = 7,    /* device or host memory does not suffice */
  MOTLEY_DEVICE_LOST = 8,      /* the device failed, hung or was reset while working */
  MOTLEY_CONTEXT_FULL = 9,     /* the session's context holds no further token */
  MOTLEY_CANCELLED = 10        /* the caller cancelled */
};

typedef struct motley_error motley_error;

/* One of motley_code; MOTLEY_OK for NULL. */
MOTLEY_API int motley_error_code(const motley_error* error);
/* What failed, the figure wanted and the figure found, and what to do about it; "" for NULL. Lives as long as
 * the error. */
MOTLEY_API const char* motley_error_message(const motley_error* error);
MOTLEY_API void motley_error_free(motley_error* error);

/* ----------------------------------------------------------------------------------- logging */

enum motley_severity { MOTLEY_DEBUG = 0, MOTLEY_INFO = 1, MOTLEY_WARNING = 2, MOTLEY_ERROR = 3 };

/* `message` ends with NUL and lives during the call. */
typedef void (*motley_log_function)(int severity, const char* message, void* user);

/* Sends diagnostics at or above `least` to `sink` instead of stderr (NULL: stderr again), from any thread,
 * one call at a time; `sink` and `user` are kept. At the start warnings and errors go to stderr. Thread-safe.
 */
MOTLEY_API int motley_set_log(int least, motley_log_function sink, void* user, motley_error** error);

/* ----------------------------------------------------------------------------------- devices */

typedef struct motley_device_options {
  size_t size;
  int32_t
      validate; /* load the Vulkan validation layer with synchronization checks: slow, for finding faults */
} motley_device_options;

static inline motley_device_options motley_device_options_default(void) {
  motley_device_options options = {sizeof(motley_device_options), 0};
  return options;
}

/* What a Vulkan device is, as its driver reports it. */
typedef struct motley_device_info {
  size_t size;
  uint32_t index;              /* position in the Vulkan loader's list */
  const char* name;            /* e.g. "NVIDIA GeForce RTX 4090" */
  const char* type;            /* "discrete", "integrated", "virtual", "cpu" or "other" */
  const char* uuid;            /* 8-4-4-4-12 hexadecimal */
  const char* driver;          /* name and version */
  const char* vulkan_version;  /* e.g. "1.3.230" */
  uint64_t memory_bytes;       /* of all device-local heaps */
  uint32_t subgroup_size;      /* lanes that run together */
  int32_t float16;             /* 16-bit float arithmetic */
  int32_t integer_dot_product; /* hardware or emulated 8-bit dot products */
  const char* reason;          /* why it stands at this place in the ranking, one sentence */
  const char* pci_address;     /* "0000:01:00.0"; "" where the driver does not tell */
  uint32_t switched_off;       /* kernel variants that the self-test found to compute wrongly there */
} motley_device_info;

typedef struct motley_device_list motley_device_list;

/* All devices with Vulkan 1.2, best first. MOTLEY_NO_DEVICE when there is no Vulkan loader or driver; an
 * empty list when the drivers offer no device. */
MOTLEY_API motley_device_list* motley_device_list_create(const motley_device_options* options,
                                                         motley_error** error);
MOTLEY_API size_t motley_device_list_size(const motley_device_list* list);
/* NULL where `position` is not below the size. Lives as long as the list. */
MOTLEY_API const motley_device_info* motley_device_list_at(const motley_device_list* list, size_t position);
MOTLEY_API void motley_device_list_free(motley_device_list* list);

typedef struct motley_device motley_device;

/* `selector`: NULL or "" for the best device, else an index, a UUID, a PCI address, or a part of the name or
 * a pattern of it with * and ? (any case) that fits exactly one. MOTLEY_NO_DEVICE, with the list of what
 * there is, when none or several fit. */
MOTLEY_API motley_device* motley_device_open(const char* selector, const motley_device_options* options,
                                             motley_error** error);
/* Lives as long as the handle. */
MOTLEY_API const motley_device_info* motley_device_get_info(const motley_device* device);
/* Rate at which the device reads its own memory, in 10^9 bytes a second; measured at the first call (under a
 * second). */
MOTLEY_API int motley_device_bandwidth_gbs(const motley_device* device, double* bandwidth_gbs,
                                           motley_error** error);
/* What its shaders compute, in 10^9 operations a second, a multiplication and an addition counting as two: in
   single precision without matrix units, and products of half-precision matrices by the matrix units that
   prompts are run with, 0 where there are none that serve. Measured at the first call (under a second); each
   pointer may be null. */
MOTLEY_API int motley_device_gflops(const motley_device* device, double* arithmetic_gflops,
                                    double* matrix_gflops, motley_error** error);
/* What the device draws now; 0 where neither the driver nor the system tells. */
MOTLEY_API double motley_device_watts(const motley_device* device);
/* What a device was measured to do. Rates in 10^9 bytes a second, times in microseconds. */
typedef struct motley_device_measurements {
  size_t size;
  double bandwidth_gbs; /* reading its own memory */
  double host_read_gbs; /* its kernels reading host memory; the same where the host's is its own */
  double upload_gbs;    /* copies from host memory */
  double download_gbs;  /* copies to host memory */
  double dispatch_us;   /* one more dispatch that waits for the one before it */
  double handoff_us;    /* submitting next to no work and waiting for it */
} motley_device_measurements;

static inline motley_device_measurements motley_device_measurements_default(void) {
  motley_device_measurements measured = {sizeof(motley_device_measurements), 0, 0, 0, 0, 0, 0};
  return measured;
}

/* Measured where it is not known from before, or `again`, and kept in the cache folder. Takes up to two
 * seconds on a GPU, on software drivers some more. Must not run while an engine uses the device. */
MOTLEY_API int motley_device_measure(const motley_device* device, int32_t again,
                                     motley_device_measurements* measured, motley_error** error);
/* Bytes that Motley has allocated on the device: now, and at most so far. 0 for NULL. */
MOTLEY_API uint64_t motley_device_allocated_bytes(const motley_device* device);
MOTLEY_API uint64_t motley_device_peak_allocated_bytes(const motley_device* device);
/* Messages of the validation layer so far; 0 without it. */
MOTLEY_API uint32_t motley_device_validation_messages(const motley_device* device);
MOTLEY_API void motley_device_free(motley_device* device);

/* ------------------------------------------------------------------------------------- model */

typedef struct motley_model motley_model;

/* Opens a GGUF file, or all files of a split model given its first; no weights are read. Or a named shape
 * such as "shape:llama-3-8b@q4_k_m": a model of that size with made-up weights. MOTLEY_IO,
 * MOTLEY_MALFORMED_MODEL, MOTLEY_UNSUPPORTED, or MOTLEY_INVALID_ARGUMENT for an unknown shape. */
MOTLEY_API motley_model* motley_model_open(const char* path, motley_error** error);
/* Of all its files; 0 for NULL. */
MOTLEY_API uint64_t motley_model_size_bytes(const motley_model* model);
/* *json: the metadata entry's whole value as JSON text that ends with NUL, or NULL where there is no such
 * entry. */
MOTLEY_API int motley_model_metadata(const motley_model* model, const char* key, char** json,
                                     motley_error** error);

typedef struct motley_tensor_info {
  size_t size;
  const char* name;
  const char* format; /* e.g. "Q4_K" */
  uint32_t dimensions;
  uint64_t shape[4]; /* elements; shape[0] is the length of a row; 1 beyond the dimensions */
  uint64_t size_bytes;
} motley_tensor_info;

MOTLEY_API size_t motley_model_tensor_count(const motley_model* model);
/* NULL where `position` is not below the count. Lives as long as the handle. */
MOTLEY_API const motley_tensor_info* motley_model_tensor(const motley_model* model, size_t position);

typedef struct motley_tokenize_options {
  size_t size;
  int32_t add_special;   /* begin- and end-of-sequence tokens as the model's metadata asks */
  int32_t parse_special; /* "<|eot_id|>" in the text is that token; 0: the text is taken literally */
} motley_tokenize_options;

static inline motley_tokenize_options motley_tokenize_options_default(void) {
  motley_tokenize_options options = {sizeof(motley_tokenize_options), 1, 1};
  return options;
}

/* *tokens: the text's token ids, [*count], to be freed with motley_free(). MOTLEY_INVALID_ARGUMENT when the
 * text is not UTF-8, MOTLEY_UNSUPPORTED when the tokenizer is unknown. */
MOTLEY_API int motley_model_tokenize(const motley_model* model, const char* text, size_t text_bytes,
                                     const motley_tokenize_options* options, motley_token** tokens,
                                     size_t* count, motley_error** error);
/* *text: the tokens' text, [*text_bytes] and a NUL, to be freed with motley_free(); with `render_special`
 * special tokens too. `text_bytes` may be NULL. MOTLEY_INVALID_ARGUMENT for an id outside the vocabulary. */
MOTLEY_API int motley_model_detokenize(const motley_model* model, const motley_token* tokens, size_t count,
                                       int render_special, char** text, size_t* text_bytes,
                                       motley_error** error);
MOTLEY_API int motley_model_vocabulary_size(const motley_model* model, size_t* size, motley_error** error);
MOTLEY_API void motley_model_free(motley_model* model);

/* ------------------------------------------------------------------------------------ engine */

enum motley_cache_type { MOTLEY_CACHE_F16 = 0, MOTLEY_CACHE_F32 = 1 };

/* What quantized weights are multiplied with. AUTO: activations rounded where the device is faster with them:
 * to 8 bits, which changes logits by about a thousandth, or to half precision for prompts on GPUs with
 * cooperative matrices, which changes them by about a ten-thousandth. */
enum motley_activations { MOTLEY_ACTIVATIONS_AUTO = 0, MOTLEY_ACTIVATIONS_F32 = 1 };

typedef struct motley_session_options {
  size_t size;
  uint32_t context_tokens; /* positions in the KV cache; 0: as trained, at most 4096 */
  uint32_t batch_tokens;   /* prompt tokens run in one pass, at most 4096; made smaller where memory asks; 0:
                              what is predicted to be fastest */
  int32_t cache_k;         /* of motley_cache_type */
  int32_t cache_v;
  int32_t activations; /* of motley_activations */
} motley_session_options;

static inline motley_session_options motley_session_options_default(void) {
  motley_session_options options = {sizeof(motley_session_options), 0, 0, MOTLEY_CACHE_F16, MOTLEY_CACHE_F16,
                                    MOTLEY_ACTIVATIONS_AUTO};
  return options;
}

/* --------------------------------------------------------------------------------- placement */

/* What a plan is made for. */
enum motley_objective {
  MOTLEY_LATENCY = 0,    /* one stream of tokens: the fastest device first */
  MOTLEY_THROUGHPUT = 1, /* overlapping streams or prompts: all devices finish at the same time */
  MOTLEY_CAPACITY = 2,   /* the largest contexts: in proportion to memory */
  MOTLEY_EFFICIENCY = 3  /* the fewest joules a token, where the devices' power is known */
};

typedef struct motley_memory_limit {
  const char* device;
  uint64_t bytes;
} motley_memory_limit;

/* What the user says about where a model runs. Devices are named by index, name (with * and ?, or a part of
 * it), UUID or PCI address, several with commas between; NULL or "": nothing is said. */
typedef struct motley_plan_options {
  size_t size;
  int32_t objective;    /* of motley_objective */
  int32_t spread;       /* use every suitable device, even when one would do */
  const char* devices;  /* the only ones to use */
  const char* excluded; /* devices not to use */
  const char* priority; /* devices to fill first, in this order */
  const double*
      split; /* [split_count]: shares of the layers, one for each of `devices`, or of all, best first */
  size_t split_count;
  const char* layers;     /* the whole plan by hand: "A:0-19,B:20-31"; a device may come twice */
  uint64_t reserve_bytes; /* to leave free on every device */
  const motley_memory_limit* max_memory; /* [max_memory_count]: the most to take on a device */
  size_t max_memory_count;
  int64_t device_layers;    /* so many layers on devices, the others in host memory; negative: not said */
  const char* devices_from; /* a file of devices (see the manual page); NULL or "": this machine's */
} motley_plan_options;

static inline motley_plan_options motley_plan_options_default(void) {
  motley_plan_options options = {
      sizeof(motley_plan_options), MOTLEY_LATENCY, 0, NULL, NULL, NULL, NULL, 0, NULL, 0, NULL, 0, -1, NULL};
  return options;
}

/* Plans without loading anything. *json: which device holds which layers, what that is predicted to give and
 * why, as JSON text that ends with NUL, to be freed with motley_free(); its fields are in the manual page. A
 * model that does not fit gives a plan that says so in "feasible". MOTLEY_INVALID_ARGUMENT for options that
 * contradict each other or cannot be met and for a malformed file of devices, MOTLEY_NO_DEVICE. */
MOTLEY_API int motley_plan_json(const motley_model* model, const motley_plan_options* options,
                                const motley_session_options* session_options,
                                const motley_device_options* device_options, char** json,
                                motley_error** error);

/* ----------------------------------------------------------------------------------- loading */

/* Device memory that a model and one session need, in bytes. */
typedef struct motley_memory_need {
  size_t size;
  uint64_t weights_bytes;
  uint64_t cache_bytes;   /* keys and values */
  uint64_t scratch_bytes; /* activations, tables, staging */
} motley_memory_need;

static inline motley_memory_need motley_memory_need_default(void) {
  motley_memory_need need = {sizeof(motley_memory_need), 0, 0, 0};
  return need;
}

/* What would be allocated, before anything is. Fails as motley_engine_create() does for models that cannot be
 * run. */
MOTLEY_API int motley_predict_memory(const motley_model* model, const motley_device* device,
                                     const motley_session_options* options, motley_memory_need* need,
                                     motley_error** error);

/* Bytes of weights loaded, and in all; returns 0 to cancel. */
typedef int (*motley_progress_function)(uint64_t done_bytes, uint64_t total_bytes, void* user);

typedef struct motley_engine_options {
  size_t size;
  motley_progress_function progress; /* may be NULL; called from several threads, one at a time */
  void* user;                        /* handed to `progress` */
} motley_engine_options;

static inline motley_engine_options motley_engine_options_default(void) {
  motley_engine_options options = {sizeof(motley_engine_options), NULL, NULL};
  return options;
}

typedef struct motley_engine motley_engine;

/* Loads the model's weights into the device's memory. MOTLEY_UNSUPPORTED for an architecture or weight format
 * Motley lacks, MOTLEY_MALFORMED_MODEL, MOTLEY_IO when the file changes meanwhile, MOTLEY_OUT_OF_MEMORY,
 * MOTLEY_CANCELLED. */
MOTLEY_API motley_engine* motley_engine_create(const motley_model* model, const motley_device* device,
                                               const motley_engine_options* options, motley_error** error);
MOTLEY_API uint32_t motley_engine_trained_context_tokens(const motley_engine* engine);
/* Bytes of weights one decoded token reads; 0 for NULL. */
MOTLEY_API uint64_t motley_engine_bytes_per_token(const motley_engine* engine);
MOTLEY_API void motley_engine_free(motley_engine* engine);

/* ----------------------------------------------------------------------------------- session */

typedef struct motley_session motley_session;

/* Allocates the KV cache and scratch. MOTLEY_OUT_OF_MEMORY, naming the largest context that would fit. */
MOTLEY_API motley_session* motley_session_create(const motley_engine* engine,
                                                 const motley_session_options* options, motley_error** error);
MOTLEY_API uint32_t motley_session_context_tokens(const motley_session* session); /* capacity */
MOTLEY_API uint32_t motley_session_position(const motley_session* session); /* tokens in the context now */
MOTLEY_API uint32_t
motley_session_batch_tokens(const motley_session* session); /* as chosen for the memory there is */

/* Appends tokens to the context. MOTLEY_CONTEXT_FULL, before running anything, when they do not fit,
 * MOTLEY_INVALID_ARGUMENT for an id outside the vocabulary. */
MOTLEY_API int motley_session_evaluate(motley_session* session, const motley_token* tokens, size_t count,
                                       motley_error** error);
/* Appends one token to each of several distinct sessions, tokens[i] to sessions[i]. Those of one engine run
 * in passes that read the weights once for all of them. As motley_session_evaluate, before anything runs, for
 * any of them; MOTLEY_CANCELLED when one was cancelled: motley_session_position tells which have their
 * tokens. */
MOTLEY_API int motley_sessions_evaluate(motley_session* const* sessions, const motley_token* tokens,
                                        size_t count, motley_error** error);
/* *logits: those after the last evaluated token, [*count], count being the vocabulary's size; they belong to
 * the session and are valid until its next evaluation. `count` may be NULL. MOTLEY_INVALID_ARGUMENT when
 * nothing was evaluated. */
MOTLEY_API int motley_session_logits(const motley_session* session, const float** logits, size_t* count,
                                     motley_error** error);
/* Appends tokens; *logits: those after each from number `first` on, [count - first][vocabulary], to be freed
 * with motley_free(). */
MOTLEY_API int motley_session_evaluate_all(motley_session* session, const motley_token* tokens, size_t count,
                                           size_t first, float** logits, motley_error** error);
MOTLEY_API int motley_session_reset(motley_session* session, motley_error** error); /* forgets all tokens */
/* Makes a running evaluate or generate stop at the next token or batch: generate ends with
 * MOTLEY_STOP_CANCELLED, evaluate fails with MOTLEY_CANCELLED. Without a running call the next one is
 * stopped. Any thread may call it. */
MOTLEY_API void motley_session_cancel(motley_session* session);
MOTLEY_API void motley_session_free(motley_session* session);

/* -------------------------------------------------------------------------------- generation */

typedef struct motley_logit_bias {
  motley_token token;
  float bias;
} motley_logit_bias;

/* How tokens are drawn and where the text ends; the draw in the order bias and penalties, top-k, typical,
 * top-p, min-p, temperature. */
typedef struct motley_generate_options {
  size_t size;
  int32_t max_tokens;      /* stop after so many; negative: until the end or a full context */
  float temperature;       /* 0: always the most likely token */
  int32_t top_k;           /* keep the k most likely; 0: all */
  float top_p;             /* keep the smallest set with this probability; 1: all */
  float min_p;             /* drop what is less likely than this share of the most likely; 0: nothing */
  float typical_p;         /* locally typical sampling; 1: off */
  float repeat_penalty;    /* divides (multiplies) positive (negative) logits of recent tokens; 1: off */
  float frequency_penalty; /* subtracted per occurrence among recent tokens */
  float presence_penalty;  /* subtracted once for each recent token */
  int32_t penalty_last_n;  /* how many recent tokens count */
  uint64_t seed;           /* same seed, same device, same prompt: same text */
  const motley_logit_bias* logit_bias; /* [logit_bias_count]: added to these tokens' logits */
  size_t logit_bias_count;
  const char* const* stop; /* [stop_count], each ending with NUL: stop before any of these would be written */
  size_t stop_count;
  int32_t context_shift; /* when the context is full, forget the older half and go on */
  int32_t ignore_end;    /* go on after an end-of-text token */
  int32_t add_special;   /* as in motley_tokenize_options */
  int32_t parse_special;
} motley_generate_options;

static inline motley_generate_options motley_generate_options_default(void) {
  /* clang-format off */
  motley_generate_options options = {sizeof(motley_generate_options), -1, 0.8f, 40, 0.95f, 0.05f, 1.0f, 1.0f, 0.0f, 0.0f,
                                     64, 0, NULL, 0, NULL, 0, 0, 0, 1, 1};
  /* clang-format on */
  return options;
}

enum motley_stop_reason {
  MOTLEY_STOP_END = 0,          /* the model ended the text */
  MOTLEY_STOP_MAX_TOKENS = 1,   /* as many tokens as asked */
  MOTLEY_STOP_TEXT = 2,         /* a stop text */
  MOTLEY_STOP_CONTEXT_FULL = 3, /* the context holds no further token */
  MOTLEY_STOP_CALLBACK = 4,     /* the callback returned 0 */
  MOTLEY_STOP_CANCELLED = 5
};

typedef struct motley_generation {
  size_t size;
  int32_t reason; /* of motley_stop_reason */
  uint32_t prompt_tokens;
  uint32_t generated_tokens;
  uint64_t prompt_nanoseconds; /* running the prompt */
  uint64_t decode_nanoseconds; /* from there to the last token */
} motley_generation;

static inline motley_generation motley_generation_default(void) {
  motley_generation generation = {sizeof(motley_generation), MOTLEY_STOP_END, 0, 0, 0, 0};
  return generation;
}

/* Whole UTF-8 characters as soon as there are some, [text_bytes], followed by a NUL; valid during the call.
 * Returns 0 to stop. */
typedef int (*motley_text_function)(const char* text, size_t text_bytes, void* user);

/* Appends the prompt's tokens (which may be empty when the context is not), then draws tokens one by one and
 * hands over their text. `on_text` and `result` may be NULL. */
MOTLEY_API int motley_session_generate(motley_session* session, const char* prompt, size_t prompt_bytes,
                                       const motley_generate_options* options, motley_text_function on_text,
                                       void* user, motley_generation* result, motley_error** error);
/* The same from a prompt of tokens. */
MOTLEY_API int motley_session_generate_tokens(motley_session* session, const motley_token* prompt,
                                              size_t count, const motley_generate_options* options,
                                              motley_text_function on_text, void* user,
                                              motley_generation* result, motley_error** error);

/* -------------------------------------------------------------------------------- perplexity */

typedef struct motley_perplexity {
  size_t size;
  double value; /* exp of the mean negative log likelihood of the scored tokens */
  double standard_error;
  uint64_t scored_tokens;
  uint32_t chunks;
} motley_perplexity;

static inline motley_perplexity motley_perplexity_default(void) {
  motley_perplexity perplexity = {sizeof(motley_perplexity), 0, 0, 0, 0};
  return perplexity;
}

/* Chunks done, in all, and the perplexity so far; returns 0 to cancel. */
typedef int (*motley_chunk_function)(uint32_t done, uint32_t total, double perplexity, void* user);

/* Perplexity of a text in chunks of `context_tokens`, the second half of each scored, as llama.cpp computes
 * it. MOTLEY_INVALID_ARGUMENT when the text is shorter than two chunks. `on_chunk` may be NULL. */
MOTLEY_API int motley_engine_perplexity(const motley_engine* engine, const char* text, size_t text_bytes,
                                        uint32_t context_tokens, const motley_session_options* options,
                                        motley_chunk_function on_chunk, void* user, motley_perplexity* result,
                                        motley_error** error);

#ifdef __cplusplus
}
#endif
/* NOLINTEND(modernize-*,readability-identifier-naming) */
#endif /* MOTLEY_MOTLEY_H */
