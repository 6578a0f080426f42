// kernels_bench: every kernel by itself, with every format, verified before it is timed.
#include <algorithm>
#include <cstdio>
#include <map>

#include <CLI/CLI.hpp>
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "engine/device_measurements.hpp"
#include "kernels/arithmetic.hpp"
#include "kernels/bandwidth.hpp"
#include "kernels/bench.hpp"
#include "placement/rank.hpp"

namespace motley::bench {
namespace {

struct Options {
  std::string device;
  std::string shapes = "small";
  bool gpu_kernels = false;
};

const std::map<std::string, Shapes>& all_shapes() {
  static const std::map<std::string, Shapes> shapes{
      {"small", {}},
      {"1b", {2048, 8192, 32, 8, 64, 128256, 2048, 128}},
      {"8b", {4096, 14336, 32, 8, 128, 128256, 4096, 512}},
  };
  return shapes;
}

std::shared_ptr<vk::Device> open_device(const std::string& selector) {
  const std::shared_ptr<vk::Instance> instance = vk::Instance::create();
  std::vector<placement::Candidate> candidates;
  const engine::MeasurementCache cache;
  for (const vk::PhysicalDevice& device : instance->devices())
    candidates.push_back(engine::to_candidate(device.facts, cache));
  const size_t index =
      selector.empty() ? placement::rank(candidates).at(0).index : placement::select(candidates, selector);
  return vk::Device::create(instance, instance->devices()[index]);
}

/// The exit status.
int run(const Options& options, std::vector<char*> arguments) {
  const std::shared_ptr<vk::Device> device = open_device(options.device);
  kernels::Context context(*device);
  if (options.gpu_kernels) context.profile = kernels::make_gpu_profile(device->facts());
  const double arithmetic_gflops = kernels::measure_arithmetic_gflops(context);
  const double matrix_gflops = kernels::measure_matrix_gflops(context);
  const Limits limits{kernels::measure_bandwidth_gbs(context), std::max(arithmetic_gflops, matrix_gflops)};
  benchmark::AddCustomContext("device", device->facts().name);
  benchmark::AddCustomContext("driver", device->facts().driver_name + " " + device->facts().driver_info);
  benchmark::AddCustomContext("bandwidth", fmt::format("{:.2f} GB/s", limits.bandwidth_gbs));
  benchmark::AddCustomContext("arithmetic", fmt::format("{:.1f} GFLOP/s", arithmetic_gflops));
  if (matrix_gflops > 0)
    benchmark::AddCustomContext("arithmetic of matrices", fmt::format("{:.1f} GFLOP/s", matrix_gflops));

  auto count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  Bench bench(context, all_shapes().at(options.shapes), limits);
  add_matmul(bench);
  add_embed(bench);
  add_rope(bench);
  add_attention(bench);
  add_attention_decode(bench);
  add_elementwise(bench);
  add_top_k(bench);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return bench.failures() == 0 ? 0 : 1;
}

int execute(int argc, char** argv) {
  CLI::App app(
      "Times every kernel by itself after comparing its results with a double-precision computation. Each "
      "figure is\n"
      "told as a share of what the device was measured to do at most in the same run: reading its memory, "
      "and\n"
      "arithmetic, in single precision or by matrix units, whichever is faster. Options of Google Benchmark "
      "work as well:\n"
      "--benchmark_filter=matmul/q4_0, --benchmark_format=json.");
  Options options;
  app.add_option("--device", options.device,
                 "An index, a UUID, a PCI address, or part of a name; the best by default");
  app.add_option("--shapes", options.shapes, "Sizes as of a model: small, 1b or 8b")
      ->check(CLI::IsMember(all_shapes()))
      ->capture_default_str();
  app.add_flag("--gpu-kernels", options.gpu_kernels,
               "Take the variants of a GPU on a CPU driver too: for checking them, not for timing");
  app.allow_extras();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  // A minute in all on a software driver; what the user says comes later and prevails.
  std::vector<std::string> words{argv[0], "--benchmark_min_time=0.1", "--benchmark_counters_tabular=true"};
  const std::vector<std::string> more = app.remaining();
  words.insert(words.end(), more.begin(), more.end());
  std::vector<char*> arguments;
  arguments.reserve(words.size());
  for (std::string& word : words) arguments.push_back(word.data());
  return run(options, arguments);
}

}  // namespace
}  // namespace motley::bench

int main(int argc, char** argv) {
  try {
    return motley::bench::execute(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "kernels_bench: %s\n", error.what());
    return 1;
  }
}
