#include "kernels/bench.hpp"

#include <algorithm>
#include <cmath>

#include <benchmark/benchmark.h>

#include "base/error.hpp"
#include "base/math.hpp"
#include "kernels/timing.hpp"

namespace motley::bench {
namespace {

constexpr double kReadingSeconds = 0.005;  // submission and waiting are under 2 % of it
constexpr double kMostPasses = 256;

}  // namespace

void Bench::add(const std::string& name, Prepare prepare) {
  benchmark::RegisterBenchmark(name.c_str(),
                               [this, name, prepare = std::move(prepare)](benchmark::State& state) {
                                 try {
                                   run(state, name, prepare);
                                 } catch (const Error& error) {
                                   ++failures_;
                                   state.SkipWithError(error.what());
                                 }
                               })
      ->UseManualTime()
      ->Unit(benchmark::kMicrosecond);
}

const Bench::Prepared& Bench::prepared(const std::string& name, const Prepare& prepare) {
  // Google Benchmark calls again with more iterations until they last long enough.
  if (prepared_ != nullptr && prepared_->name == name) return *prepared_;
  prepared_.reset();
  auto fresh = std::make_unique<Prepared>(Prepared{name, prepare(), nullptr, 0});
  const Subject& subject = fresh->subject;
  const double seconds =
      kernels::run_once(device(), [&](vk::CommandList& commands) { subject.record(commands, 0); });
  fresh->passes =
      round_up(static_cast<uint32_t>(std::clamp(std::ceil(kReadingSeconds / seconds), 1.0, kMostPasses)),
               subject.turns);
  fresh->commands = std::make_unique<vk::CommandList>(device());
  for (uint32_t turn = 0; turn < fresh->passes; ++turn) subject.record(*fresh->commands, turn);
  fresh->commands->finish();
  kernels::seconds_of(device(), *fresh->commands);
  prepared_ = std::move(fresh);
  return *prepared_;
}

void Bench::run(benchmark::State& state, const std::string& name, const Prepare& prepare) {
  const Prepared& ready = prepared(name, prepare);
  const Subject& subject = ready.subject;
  if (!(subject.error <= subject.limit)) {
    fail(ErrorCode::kInternal, "wrong results: an error of {:.2g}, and at most {:.2g} is right",
         subject.error, subject.limit);
  }
  double seconds = 0;
  for (auto unused : state) {
    static_cast<void>(unused);
    const double pass = kernels::seconds_of(device(), *ready.commands) / ready.passes;
    state.SetIterationTime(pass);
    seconds += pass;
  }
  const double gbs = subject.work.bytes * static_cast<double>(state.iterations()) / seconds / 1e9;
  const double gflops = subject.work.flops * static_cast<double>(state.iterations()) / seconds / 1e9;
  state.counters["GB/s"] = gbs;
  state.counters["of_bandwidth"] = gbs / limits_.bandwidth_gbs;
  if (gflops > 0) {
    state.counters["GFLOP/s"] = gflops;
    state.counters["of_peak"] = gflops / limits_.gflops;
  }
  state.counters["error"] = subject.error;
}

}  // namespace motley::bench
