#include <algorithm>

#include "api/impl.hpp"
#include "base/error.hpp"

namespace motley {
namespace {

engine::GenerationOptions to_engine(const GenerateOptions& options) {
  engine::GenerationOptions result;
  result.max_tokens = options.max_tokens;
  result.stop = options.stop;
  result.context_shift = options.context_shift;
  result.ignore_end = options.ignore_end;
  const Sampling& from = options.sampling;
  engine::SamplingParameters& to = result.sampling;
  to.logit_bias = from.logit_bias;
  to.penalty_last_n = from.penalty_last_n;
  to.repeat_penalty = from.repeat_penalty;
  to.frequency_penalty = from.frequency_penalty;
  to.presence_penalty = from.presence_penalty;
  to.top_k = from.top_k;
  to.typical_p = from.typical_p;
  to.top_p = from.top_p;
  to.min_p = from.min_p;
  to.temperature = from.temperature;
  to.seed = from.seed;
  return result;
}

StopReason to_api(engine::StopReason reason) {
  switch (reason) {
    case engine::StopReason::kEnd:
      return StopReason::kEnd;
    case engine::StopReason::kMaxTokens:
      return StopReason::kMaxTokens;
    case engine::StopReason::kStopText:
      return StopReason::kStopText;
    case engine::StopReason::kContextFull:
      return StopReason::kContextFull;
    case engine::StopReason::kCancelled:
      break;
  }
  return StopReason::kCancelled;
}

Generation to_api(const engine::GenerationResult& result) {
  return {to_api(result.reason), result.prompt_tokens, result.generated_tokens, result.prompt_time,
          result.decode_time};
}

std::chrono::nanoseconds whole_ns(std::chrono::duration<double> time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time);
}

}  // namespace

const char* to_string(StopReason reason) noexcept {
  switch (reason) {
    case StopReason::kEnd:
      return "end of text";
    case StopReason::kMaxTokens:
      return "token limit";
    case StopReason::kStopText:
      return "stop text";
    case StopReason::kContextFull:
      return "context full";
    case StopReason::kCallback:
      return "callback";
    case StopReason::kCancelled:
      break;
  }
  return "cancelled";
}

Session::Session(const Engine& engine, const SessionOptions& options)
    : impl_(new Impl{engine, {Access::of(engine).host, to_request(options)}, std::nullopt}) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

uint32_t Session::context_tokens() const { return impl_->session.context_tokens(); }
uint32_t Session::position() const {
  return impl_->session.position() + (impl_->pending.has_value() ? 1 : 0);
}
uint32_t Session::batch_tokens() const { return impl_->session.batch_tokens(); }
uint64_t Session::cache_bytes() const { return impl_->session.cache_bytes(); }

std::vector<StageStatistics> Session::stage_statistics() const {
  const Plan plan = impl_->engine.plan();
  const std::vector<Device> devices = impl_->engine.devices();
  const std::vector<engine::StageTimes>& times = impl_->session.stage_times();
  std::vector<StageStatistics> result;
  for (size_t i = 0; i < std::min(plan.stages.size(), times.size()); ++i) {
    StageStatistics of;
    of.plan = plan.stages[i];
    of.decoded_tokens = times[i].decode.tokens;
    of.prompt_tokens = times[i].prefill.tokens;
    of.decode_busy = times[i].decode.busy;
    of.decode_wall = times[i].decode.wall;
    of.prompt_busy = times[i].prefill.busy;
    of.prompt_wall = times[i].prefill.wall;
    const bool hands_over = i + 1 < plan.stages.size();
    const uint64_t vector_bytes = uint64_t{impl_->session.config().embedding} * sizeof(float);
    if (hands_over) of.handed_over_bytes = (of.decoded_tokens + of.prompt_tokens) * vector_bytes;
    const auto device = std::ranges::find_if(
        devices, [&](const Device& each) { return each.info().index == of.plan.device_index; });
    if (device != devices.end()) {
      of.memory_bytes = device->allocated_bytes();
      of.peak_memory_bytes = device->peak_allocated_bytes();
    }
    result.push_back(std::move(of));
  }
  return result;
}

std::vector<KernelStatistics> Session::kernel_statistics() const {
  std::vector<KernelStatistics> result;
  const engine::Session& session = impl_->session;
  for (uint32_t stage = 0; stage < session.stage_times().size(); ++stage) {
    for (const engine::KernelSum& sum : session.kernel_times(stage).sums()) {
      result.push_back(
          {stage, sum.decode, std::string(sum.kernel), sum.runs, whole_ns(sum.time), sum.bytes, sum.flops});
    }
  }
  return result;
}

std::vector<KernelRun> Session::kernel_runs() const {
  std::vector<KernelRun> result;
  const engine::Session& session = impl_->session;
  for (uint32_t stage = 0; stage < session.stage_times().size(); ++stage) {
    for (const engine::KernelRun& run : session.kernel_times(stage).runs())
      result.push_back({stage, run.decode, std::string(run.kernel), run.start, whole_ns(run.time)});
  }
  return result;
}

void Session::evaluate(std::span<const Token> tokens) {
  std::vector<Token> all(tokens.begin(), tokens.end());
  if (impl_->pending.has_value()) all.insert(all.begin(), *impl_->pending);
  impl_->session.evaluate(all);
  impl_->pending.reset();
}

std::span<const float> Session::logits() const {
  const std::span<const float> logits = impl_->session.logits();
  if (logits.empty()) fail(ErrorCode::kInvalidArgument, "there are no logits: evaluate tokens first");
  return logits;
}

std::vector<float> Session::evaluate_all(std::span<const Token> tokens, size_t first) {
  std::vector<Token> all(tokens.begin(), tokens.end());
  const size_t before = impl_->pending.has_value() ? 1 : 0;
  if (before > 0) all.insert(all.begin(), *impl_->pending);
  std::vector<float> logits = impl_->session.evaluate_all(all, first + before);
  impl_->pending.reset();
  return logits;
}

void Session::reset() {
  impl_->session.truncate(0);
  impl_->pending.reset();
}

void Session::cancel() noexcept { impl_->session.cancel(); }

void Session::evaluate_together(std::span<Session* const> sessions, std::span<const Token> tokens) {
  std::vector<engine::Session*> all;
  for (Session* const each : sessions) {
    if (each == nullptr)
      fail(ErrorCode::kInvalidArgument, "session {} of those to run together is none", all.size());
    Impl& session = *each->impl_;
    if (session.session.take_cancel()) fail(ErrorCode::kCancelled, "session {} was cancelled", all.size());
    if (session.pending.has_value()) each->evaluate({});
    all.push_back(&session.session);
  }
  std::vector<uint32_t> before;
  for (const engine::Session* const each : all) before.push_back(each->position());
  engine::Session::evaluate_together(all, tokens);
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i]->position() == before[i] && all[i]->take_cancel())
      fail(ErrorCode::kCancelled, "session {} was cancelled", i);
  }
}

struct Session::Stream::Impl {
  Session::Impl& session;
  engine::Generation generation;
  std::optional<Piece> current;
  Generation result;
  bool begun = false;

  Impl(Session::Impl& of, std::vector<Token> prompt, const GenerateOptions& options)
      : session(of),
        generation(of.session, Access::of(of.engine.model()).get_tokenizer(), with_pending(of, prompt),
                   to_engine(options)) {
    of.pending.reset();
  }

  void advance() { take(generation.next()); }
  /// One token, whose text may have to wait for the next.
  void step() { take(generation.draw_one()); }
  static void run_drawn(std::span<const std::unique_ptr<Impl>> streams);
  bool ended() const { return generation.ended() || result.reason == StopReason::kCallback; }

 private:
  void take(std::optional<engine::GeneratedPiece> piece) {
    current.reset();
    if (piece.has_value()) current = Piece{piece->token, std::move(piece->text)};
    session.pending = generation.pending();
    result = to_api(generation.result());
  }

  static std::vector<Token> with_pending(const Session::Impl& session, std::vector<Token>& prompt) {
    if (session.pending.has_value()) prompt.insert(prompt.begin(), *session.pending);
    return std::move(prompt);
  }
};

/// Runs the tokens that several generations have drawn; a single one does so better by itself.
void Session::Stream::Impl::run_drawn(std::span<const std::unique_ptr<Impl>> streams) {
  std::vector<Impl*> running;
  std::vector<engine::Session*> sessions;
  std::vector<Token> tokens;
  for (const std::unique_ptr<Impl>& each : streams) {
    const std::optional<Token> token = each->ended() ? std::nullopt : each->generation.to_run();
    if (!token.has_value()) continue;
    running.push_back(each.get());
    sessions.push_back(&each->session.session);
    tokens.push_back(*token);
  }
  if (running.size() < 2) return;
  std::vector<uint32_t> before;
  for (const engine::Session* const each : sessions) before.push_back(each->position());
  const auto start = std::chrono::steady_clock::now();
  engine::Session::evaluate_together(sessions, tokens);
  const auto taken = std::chrono::steady_clock::now() - start;
  for (size_t i = 0; i < running.size(); ++i) {
    if (sessions[i]->position() == before[i]) continue;
    running[i]->generation.has_run(taken);
    running[i]->session.pending.reset();
  }
}

std::vector<Generation> Session::generate_together(
    std::span<const GenerateRequest> requests,
    const std::function<bool(std::size_t, std::string_view)>& on_text) {
  std::vector<std::unique_ptr<Stream::Impl>> streams;
  for (const GenerateRequest& request : requests) {
    if (request.session == nullptr)
      fail(ErrorCode::kInvalidArgument, "request {} has no session", streams.size());
    Impl& session = *request.session->impl_;
    for (const auto& other : streams) {
      if (&other->session == &session)
        fail(ErrorCode::kInvalidArgument, "the session of request {} has another one", streams.size());
    }
    streams.push_back(std::make_unique<Stream::Impl>(
        session, session.tokenize_prompt(request.prompt, request.options.tokenize), request.options));
  }
  for (bool any = true; any;) {
    Stream::Impl::run_drawn(streams);
    any = false;
    for (std::size_t i = 0; i < streams.size(); ++i) {
      Stream::Impl& stream = *streams[i];
      if (stream.ended()) continue;
      stream.step();
      if (stream.current.has_value() && on_text && !on_text(i, stream.current->text))
        stream.result.reason = StopReason::kCallback;
      any = any || !stream.ended();
    }
  }
  std::vector<Generation> results;
  for (const auto& stream : streams) results.push_back(stream->result);
  return results;
}

Session::Stream::Stream(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::Stream::Stream(Stream&&) noexcept = default;
Session::Stream& Session::Stream::operator=(Stream&&) noexcept = default;
Session::Stream::~Stream() = default;

Session::Stream::iterator Session::Stream::begin() {
  if (!std::exchange(impl_->begun, true)) impl_->advance();
  return iterator(this);
}

const Generation& Session::Stream::result() const { return impl_->result; }
const Piece* Session::Stream::current() const {
  return impl_->current.has_value() ? &*impl_->current : nullptr;
}
void Session::Stream::advance() { impl_->advance(); }

std::vector<Token> Session::Impl::tokenize_prompt(std::string_view prompt, TokenizeOptions options) const {
  options.add_special = options.add_special && session.position() == 0 && !pending.has_value();
  return engine.model().tokenize(prompt, options);
}

Session::Stream Session::stream(std::string_view prompt, const GenerateOptions& options) {
  return Stream(
      std::make_unique<Stream::Impl>(*impl_, impl_->tokenize_prompt(prompt, options.tokenize), options));
}

Generation Session::generate(std::span<const Token> prompt, const GenerateOptions& options,
                             const std::function<bool(std::string_view)>& on_text) {
  Stream::Impl stream(*impl_, {prompt.begin(), prompt.end()}, options);
  for (stream.advance(); stream.current.has_value(); stream.advance()) {
    if (on_text && !on_text(stream.current->text)) {
      stream.result.reason = StopReason::kCallback;
      return stream.result;
    }
  }
  return stream.result;
}

Generation Session::generate(std::string_view prompt, const GenerateOptions& options,
                             const std::function<bool(std::string_view)>& on_text) {
  return generate(impl_->tokenize_prompt(prompt, options.tokenize), options, on_text);
}

}  // namespace motley
