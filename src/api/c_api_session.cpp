// The C interface: engines, sessions, generation, perplexity.
#include "api/c_api_support.hpp"

namespace motley::c_api {
namespace {

static_assert(static_cast<int>(StopReason::kEnd) == MOTLEY_STOP_END &&
              static_cast<int>(StopReason::kMaxTokens) == MOTLEY_STOP_MAX_TOKENS &&
              static_cast<int>(StopReason::kStopText) == MOTLEY_STOP_TEXT &&
              static_cast<int>(StopReason::kContextFull) == MOTLEY_STOP_CONTEXT_FULL &&
              static_cast<int>(StopReason::kCallback) == MOTLEY_STOP_CALLBACK &&
              static_cast<int>(StopReason::kCancelled) == MOTLEY_STOP_CANCELLED);

CacheType cache_type(int32_t number) {
  if (number == MOTLEY_CACHE_F16) return CacheType::kF16;
  if (number == MOTLEY_CACHE_F32) return CacheType::kF32;
  fail(ErrorCode::kInvalidArgument, "there is no cache type {}; there are {} (F16) and {} (F32)", number,
       static_cast<int>(MOTLEY_CACHE_F16), static_cast<int>(MOTLEY_CACHE_F32));
}

Activations activations(int32_t number) {
  if (number == MOTLEY_ACTIVATIONS_AUTO) return Activations::kAuto;
  if (number == MOTLEY_ACTIVATIONS_F32) return Activations::kF32;
  fail(ErrorCode::kInvalidArgument, "there are no activations {}; there are {} (AUTO) and {} (F32)", number,
       static_cast<int>(MOTLEY_ACTIVATIONS_AUTO), static_cast<int>(MOTLEY_ACTIVATIONS_F32));
}

GenerateOptions generate_options(const motley_generate_options* given) {
  const motley_generate_options read = read_options(given, motley_generate_options_default());
  GenerateOptions options;
  options.max_tokens = read.max_tokens;
  options.sampling = {.temperature = read.temperature,
                      .top_k = read.top_k,
                      .top_p = read.top_p,
                      .min_p = read.min_p,
                      .typical_p = read.typical_p,
                      .repeat_penalty = read.repeat_penalty,
                      .frequency_penalty = read.frequency_penalty,
                      .presence_penalty = read.presence_penalty,
                      .penalty_last_n = read.penalty_last_n,
                      .logit_bias = {},
                      .seed = read.seed};
  for (const auto& [token, bias] : array_of(read.logit_bias, read.logit_bias_count, "logit_bias")) {
    options.sampling.logit_bias.emplace_back(token, bias);
  }
  for (const char* stop : array_of(read.stop, read.stop_count, "stop")) {
    require(stop, "stop");
    options.stop.emplace_back(stop);
  }
  options.context_shift = read.context_shift != 0;
  options.ignore_end = read.ignore_end != 0;
  options.tokenize = {.add_special = read.add_special != 0, .parse_special = read.parse_special != 0};
  return options;
}

motley_generation to_c(const Generation& generation) {
  return {.size = sizeof(motley_generation),
          .reason = static_cast<int32_t>(generation.reason),
          .prompt_tokens = generation.prompt_tokens,
          .generated_tokens = generation.generated_tokens,
          .prompt_nanoseconds = static_cast<uint64_t>(generation.prompt_time.count()),
          .decode_nanoseconds = static_cast<uint64_t>(generation.decode_time.count())};
}

/// `prompt` is a text or a span of tokens.
template <typename Prompt>
void generate(motley_session* session, Prompt prompt, const motley_generate_options* options,
              motley_text_function on_text, void* user, motley_generation* result) {
  // Found out before, since a text that was generated cannot be taken back.
  if (result != nullptr) check_size<motley_generation>(result->size);
  const auto hand_over = [on_text, user](std::string_view text) {
    return on_text == nullptr || on_text(std::string(text).c_str(), text.size(), user) != 0;
  };
  write_result(result, to_c(session->session.generate(prompt, generate_options(options), hand_over)));
}

}  // namespace

SessionOptions session_options(const motley_session_options* given) {
  const motley_session_options read = read_options(given, motley_session_options_default());
  return {.context_tokens = read.context_tokens,
          .batch_tokens = read.batch_tokens,
          .cache_k = cache_type(read.cache_k),
          .cache_v = cache_type(read.cache_v),
          .activations = activations(read.activations)};
}

}  // namespace motley::c_api

using namespace motley::c_api;  // NOLINT(google-build-using-namespace): what follows is outside of all
                                // namespaces

int motley_predict_memory(const motley_model* model, const motley_device* device,
                          const motley_session_options* options, motley_memory_need* need,
                          motley_error** error) {
  return guarded(error, [&] {
    require(model, "model");
    require(device, "device");
    require(need, "need");
    check_size<motley_memory_need>(need->size);
    const motley::MemoryNeed found =
        motley::predict_memory(model->model, device->device, session_options(options));
    write_result(need,
                 {sizeof(motley_memory_need), found.weights_bytes, found.cache_bytes, found.scratch_bytes});
  });
}

motley_engine* motley_engine_create(const motley_model* model, const motley_device* device,
                                    const motley_engine_options* options, motley_error** error) {
  return guarded_new(error, [&] {
    require(model, "model");
    require(device, "device");
    const motley_engine_options read = read_options(options, motley_engine_options_default());
    motley::EngineOptions engine_options;
    if (read.progress != nullptr) {
      engine_options.progress = [read](uint64_t done_bytes, uint64_t total_bytes) {
        return read.progress(done_bytes, total_bytes, read.user) != 0;
      };
    }
    return new motley_engine{motley::Engine(model->model, device->device, engine_options)};
  });
}

uint32_t motley_engine_trained_context_tokens(const motley_engine* engine) {
  return engine == nullptr ? 0 : engine->engine.trained_context_tokens();
}

uint64_t motley_engine_bytes_per_token(const motley_engine* engine) {
  return engine == nullptr ? 0 : engine->engine.bytes_per_token();
}

void motley_engine_free(motley_engine* engine) { delete engine; }

motley_session* motley_session_create(const motley_engine* engine, const motley_session_options* options,
                                      motley_error** error) {
  return guarded_new(error, [&] {
    require(engine, "engine");
    return new motley_session{motley::Session(engine->engine, session_options(options))};
  });
}

uint32_t motley_session_context_tokens(const motley_session* session) {
  return session == nullptr ? 0 : session->session.context_tokens();
}

uint32_t motley_session_position(const motley_session* session) {
  return session == nullptr ? 0 : session->session.position();
}

uint32_t motley_session_batch_tokens(const motley_session* session) {
  return session == nullptr ? 0 : session->session.batch_tokens();
}

int motley_session_evaluate(motley_session* session, const motley_token* tokens, size_t count,
                            motley_error** error) {
  return guarded(error, [&] {
    require(session, "session");
    session->session.evaluate(array_of(tokens, count, "tokens"));
  });
}

int motley_sessions_evaluate(motley_session* const* sessions, const motley_token* tokens, size_t count,
                             motley_error** error) {
  return guarded(error, [&] {
    std::vector<motley::Session*> all;
    for (motley_session* const each : array_of(sessions, count, "sessions")) {
      require(each, "session");
      all.push_back(&each->session);
    }
    motley::Session::evaluate_together(all, array_of(tokens, count, "tokens"));
  });
}

int motley_session_logits(const motley_session* session, const float** logits, size_t* count,
                          motley_error** error) {
  return guarded(error, [&] {
    require(session, "session");
    require(logits, "logits");
    const std::span<const float> values = session->session.logits();
    *logits = values.data();
    if (count != nullptr) *count = values.size();
  });
}

int motley_session_evaluate_all(motley_session* session, const motley_token* tokens, size_t count,
                                size_t first, float** logits, motley_error** error) {
  return guarded(error, [&] {
    require(session, "session");
    require(logits, "logits");
    const std::vector<float> values = session->session.evaluate_all(array_of(tokens, count, "tokens"), first);
    *logits = copy_out(std::span(values));
  });
}

int motley_session_reset(motley_session* session, motley_error** error) {
  return guarded(error, [&] {
    require(session, "session");
    session->session.reset();
  });
}

void motley_session_cancel(motley_session* session) {
  if (session != nullptr) session->session.cancel();
}

void motley_session_free(motley_session* session) { delete session; }

int motley_session_generate(motley_session* session, const char* prompt, size_t prompt_bytes,
                            const motley_generate_options* options, motley_text_function on_text, void* user,
                            motley_generation* result, motley_error** error) {
  return guarded(error, [&] {
    require(session, "session");
    generate(session, text_of(prompt, prompt_bytes, "prompt"), options, on_text, user, result);
  });
}

int motley_session_generate_tokens(motley_session* session, const motley_token* prompt, size_t count,
                                   const motley_generate_options* options, motley_text_function on_text,
                                   void* user, motley_generation* result, motley_error** error) {
  return guarded(error, [&] {
    require(session, "session");
    generate(session, array_of(prompt, count, "prompt"), options, on_text, user, result);
  });
}

int motley_engine_perplexity(const motley_engine* engine, const char* text, size_t text_bytes,
                             uint32_t context_tokens, const motley_session_options* options,
                             motley_chunk_function on_chunk, void* user, motley_perplexity* result,
                             motley_error** error) {
  return guarded(error, [&] {
    require(engine, "engine");
    require(result, "result");
    check_size<motley_perplexity>(result->size);
    const auto on_each = [on_chunk, user](uint32_t done, uint32_t total, double so_far) {
      return on_chunk == nullptr || on_chunk(done, total, so_far, user) != 0;
    };
    const motley::Perplexity found = motley::perplexity(engine->engine, text_of(text, text_bytes, "text"),
                                                        context_tokens, session_options(options), on_each);
    write_result(result, {sizeof(motley_perplexity), found.value, found.standard_error, found.scored_tokens,
                          found.chunks});
  });
}
