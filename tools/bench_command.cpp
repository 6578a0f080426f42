// motley bench: how fast a model runs.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "bench_limits.hpp"
#include "bench_report.hpp"
#include "command.hpp"
#include "devices.hpp"
#include "exit_code.hpp"
#include "interruption.hpp"
#include "kernel_report.hpp"
#include "loading.hpp"
#include "options.hpp"
#include "output.hpp"
#include "output_file.hpp"
#include "power_log.hpp"
#include "printing.hpp"

namespace motley::tools {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kMostTokens = 1U << 20;
constexpr std::uint32_t kMostSequences = 256;

struct BenchOptions {
  ComputeOptions compute;
  std::vector<std::uint32_t> prompt_tokens{512};
  std::vector<std::uint32_t> decode_tokens{128};
  std::vector<std::uint32_t> both;  ///< lengths of prompts and of what is decoded after them, in turn
  std::vector<std::uint32_t> depths{0};
  std::vector<std::uint32_t> sequences{1};
  std::uint32_t repetitions = 5;
  bool no_warmup = false;
  std::string format = "md";
  bool profile = false;
  std::string trace;
};

/// At each depth all prompts, then all decodings, each for all numbers of sequences, then those of both.
std::vector<BenchTest> tests_of(const BenchOptions& options) {
  std::vector<BenchTest> tests;
  for (const std::uint32_t depth : options.depths) {
    for (const std::uint32_t tokens : options.prompt_tokens) {
      if (tokens > 0) tests.push_back({tokens, 0, depth});
    }
    for (const std::uint32_t tokens : options.decode_tokens) {
      if (tokens == 0) continue;
      for (const std::uint32_t sequences : options.sequences) tests.push_back({0, tokens, depth, sequences});
    }
    for (std::size_t i = 0; i + 1 < options.both.size(); i += 2) {
      if (options.both[i] + options.both[i + 1] > 0)
        tests.push_back({options.both[i], options.both[i + 1], depth});
    }
  }
  if (tests.empty())
    throw Error(ErrorCode::kInvalidArgument, "nothing to measure: give -p, -n or -pg tokens");
  return tests;
}

/// Adds to `sum` what each stage did between two moments.
void add(std::vector<StageStatistics>& sum, const std::vector<StageStatistics>& before,
         const std::vector<StageStatistics>& now) {
  if (before.size() != now.size() || (!sum.empty() && sum.size() != now.size())) {
    sum = now;  // a device was lost meanwhile, and the counting began anew
    return;
  }
  if (sum.empty()) sum.resize(now.size());
  for (std::size_t i = 0; i < now.size(); ++i) {
    StageStatistics to = now[i];
    const auto count = [&](auto member) { to.*member = sum[i].*member + now[i].*member - before[i].*member; };
    count(&StageStatistics::decoded_tokens);
    count(&StageStatistics::prompt_tokens);
    count(&StageStatistics::decode_busy);
    count(&StageStatistics::decode_wall);
    count(&StageStatistics::prompt_busy);
    count(&StageStatistics::prompt_wall);
    count(&StageStatistics::handed_over_bytes);
    sum[i] = std::move(to);
  }
}

class Bench {
 public:
  /// `sessions` as many as the tests have sequences at most.
  Bench(std::vector<Session>& sessions, const Engine& engine)
      : sessions_(sessions),
        devices_(engine.devices()),
        tokens_(0, static_cast<Token>(engine.vocabulary_size() - 1)) {}

  BenchRow measure(const BenchTest& test, std::uint32_t repetitions, bool warm_up) {
    BenchRow row;
    row.test = test;
    if (warm_up) {
      // The first run of each length records its commands, and software drivers compile then.
      prepare(test);
      if (test.prompt_tokens > 0) sessions_.front().evaluate(draw(test.prompt_tokens));
      if (test.decode_tokens > 0) decode(test.sequences);
    }
    double joules = 0;
    for (std::uint32_t i = 0; i < repetitions; ++i) {
      prepare(test);
      std::vector<std::vector<StageStatistics>> before;
      for (const Session& session : sessions_) before.push_back(session.stage_statistics());
      const PowerLog power(devices_);
      const auto start = Clock::now();
      run(test);
      row.seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
      row.watts = power.mean_watts();
      joules += row.watts.value_or(0) * row.seconds.back();
      for (std::size_t s = 0; s < test.sequences; ++s)
        add(row.stages, before[s], sessions_[s].stage_statistics());
    }
    const double seconds = std::accumulate(row.seconds.begin(), row.seconds.end(), 0.0);
    if (row.watts.has_value()) row.watts = joules / seconds;
    return row;
  }

  /// Of all sequences.
  std::vector<StageStatistics> statistics() const {
    std::vector<StageStatistics> sum;
    for (const Session& session : sessions_) {
      std::vector<StageStatistics> none = session.stage_statistics();
      for (StageStatistics& stage : none) stage = {};
      add(sum, none, session.stage_statistics());
    }
    return sum;
  }

  /// Runs it once, from an empty context on.
  void run_once(const BenchTest& test) {
    prepare(test);
    run(test);
  }

 private:
  void prepare(const BenchTest& test) {
    for (Session& session : std::span(sessions_).first(test.sequences)) {
      session.reset();
      if (test.depth_tokens > 0) session.evaluate(draw(test.depth_tokens));
    }
  }

  void run(const BenchTest& test) {
    if (test.prompt_tokens > 0) sessions_.front().evaluate(draw(test.prompt_tokens));
    for (std::uint32_t token = 0; token < test.decode_tokens; ++token) decode(test.sequences);
  }

  /// A token of each of so many sequences.
  void decode(std::uint32_t sequences) {
    if (sequences == 1) return sessions_.front().evaluate(draw(1));
    std::vector<Session*> together;
    for (Session& session : std::span(sessions_).first(sequences)) together.push_back(&session);
    Session::evaluate_together(together, draw(sequences));
  }

  std::vector<Token> draw(std::uint32_t count) {
    std::vector<Token> result(count);
    std::ranges::generate(result, [&] { return tokens_(random_); });
    return result;
  }

  std::vector<Session>& sessions_;
  std::vector<Device> devices_;
  std::uniform_int_distribution<Token> tokens_;
  std::mt19937 random_{1};  // NOLINT(cert-msc51-cpp): every run of the benchmark sees the same tokens
};

BenchSubject describe(const Model& model, const Engine& engine, const Session& session,
                      const BenchLimits& limits, const BenchOptions& options) {
  BenchSubject subject;
  subject.model = model.path().filename().string();
  for (const TensorEntry& tensor : model.tensors()) {
    subject.parameters += elements_of(tensor);
    subject.model_bytes += tensor.size_bytes;
  }
  for (const Device& device : engine.devices()) subject.devices.push_back(device.info());
  subject.gflops = limits.gflops();
  subject.bandwidth_gbs = engine.device().bandwidth_gbs();
  subject.tells_power = PowerLog(engine.devices()).tells();
  subject.batch_tokens = session.batch_tokens();
  subject.cache_k = options.compute.cache_k;
  subject.cache_v = options.compute.cache_v;
  return subject;
}

/// A context that all tests fit in.
std::uint32_t context_for(const std::vector<BenchTest>& tests) {
  std::uint32_t most = 0;
  for (const BenchTest& test : tests)
    most = std::max(most, test.depth_tokens + test.prompt_tokens + test.decode_tokens + 1);
  return most;
}

std::vector<Session> make_sessions(const Engine& engine, const ComputeOptions& options,
                                   const SessionOptions& session_options,
                                   const std::vector<BenchTest>& tests) {
  std::vector<Session> sessions;
  const std::uint32_t most = std::ranges::max(tests, {}, &BenchTest::sequences).sequences;
  while (sessions.size() < most) sessions.push_back(make_session(engine, options, session_options));
  return sessions;
}

void cancel(std::vector<Session>& sessions) {
  for (Session& session : sessions) session.cancel();
}

void measure(const BenchOptions& options, const Model& model, const Engine& engine,
             const std::vector<BenchTest>& tests, const SessionOptions& session_options,
             Interruption& interruption) {
  std::vector<Session> sessions = make_sessions(engine, options.compute, session_options, tests);
  Bench bench(sessions, engine);
  const BenchLimits limits(engine, sessions.front());
  BenchReport report(options.format, describe(model, engine, sessions.front(), limits, options));
  const Interruption::Scope scope(interruption, [&] { cancel(sessions); });
  for (const BenchTest& test : tests) {
    BenchRow row = bench.measure(test, options.repetitions, !options.no_warmup);
    row.limit_seconds = limits.seconds(test);
    report.add(row);
  }
  report.finish();
}

/// Where the time goes, in a session of its own, since timing each kernel slows it down. What is compiled at
/// first use was compiled when the tests were measured.
void profile(const BenchOptions& options, const Engine& engine, const std::vector<BenchTest>& tests,
             SessionOptions session_options, Interruption& interruption) {
  session_options.time_kernels = true;
  std::vector<Session> sessions = make_sessions(engine, options.compute, session_options, tests);
  const Session& session = sessions.front();  // in whose memory the others run as well
  const Interruption::Scope scope(interruption, [&] { cancel(sessions); });
  Bench bench(sessions, engine);
  for (const BenchTest& test : tests) bench.run_once(test);
  const std::vector<StageStatistics> stages = bench.statistics();
  if (options.profile) write_output(fmt::format("\n{}", kernel_table(session.kernel_statistics(), stages)));
  if (options.trace.empty()) return;
  const std::string trace = trace_json(session.kernel_runs(), stages);
  write_output_file(options.trace, std::as_bytes(std::span(trace)));
}

int bench(const BenchOptions& options) {
  set_up_log(options.compute.verbose);
  if (options.compute.list_devices) return list_devices_as_table(options.compute.device_options());
  require_model(options.compute.model);
  if (options.both.size() % 2 != 0)
    throw Error(ErrorCode::kInvalidArgument,
                "-pg wants two numbers: tokens of a prompt, and tokens to decode");
  if (options.profile && options.format != "md")
    throw Error(ErrorCode::kInvalidArgument, "--profile prints a table: give -o md, or --trace for a file");
  const std::vector<BenchTest> tests = tests_of(options);
  SessionOptions session_options = options.compute.session();
  if (session_options.context_tokens == 0) session_options.context_tokens = context_for(tests);

  Interruption interruption;
  const Model model = Model::open(options.compute.model);
  const Engine engine = load_engine(model, options.compute, session_options, interruption);
  measure(options, model, engine, tests, session_options, interruption);
  if (options.profile || !options.trace.empty())
    profile(options, engine, tests, session_options, interruption);
  check_validation(engine, options.compute);
  return kSuccess;
}

}  // namespace

Command add_bench_command(CLI::App& parent) {
  auto options = std::make_shared<BenchOptions>();
  CLI::App* app = parent.add_subcommand("bench", "Measure how fast a model runs");
  const auto lengths = [&](const char* names, std::vector<std::uint32_t>& values, const char* description) {
    app->add_option(names, values, description)
        ->type_name("TOKENS,…")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->check(number_between(0, kMostTokens));
  };
  lengths("-p,--n-prompt", options->prompt_tokens, "Run prompts of these lengths; default 512, 0 for none");
  lengths("-n,--n-gen", options->decode_tokens, "Decode so many tokens one by one; default 128, 0 for none");
  app->add_option("--prompt-gen", options->both, "(-pg) Run a prompt and then decode, timed together")
      ->type_name("P,N")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->check(number_between(0, kMostTokens));
  lengths("-d,--n-depth", options->depths, "Tokens that are in the context before; default 0");
  app->add_option("--parallel", options->sequences, "(-npl) Decode for so many sequences at once; default 1")
      ->type_name("COUNT,…")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(number_between(1, kMostSequences));
  app->add_option("-r,--repetitions", options->repetitions, "How often each is timed; default 5")
      ->type_name("TIMES")
      ->check(number_between(1, 1000));
  app->add_flag("--no-warmup", options->no_warmup, "Do not run each once before it is timed");
  app->add_option("-o,--output-format", options->format, "md, csv, json or jsonl; default md")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"md", "csv", "json", "jsonl"}).description(""));
  app->add_flag("--profile", options->profile, "Print what each kernel takes, timed in a run of its own");
  app->add_option("--trace", options->trace, "Write when each kernel ran, for Perfetto or chrome://tracing")
      ->type_name("FILE");
  add_compute_options(*app, options->compute);
  return {app, [options] { return bench(*options); }};
}

}  // namespace motley::tools
