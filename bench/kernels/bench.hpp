// A kernel at a time: its results are compared with a double-precision computation, then it is timed.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "kernels/profile.hpp"
#include "vk/recorder.hpp"

namespace benchmark {
class State;
}

namespace motley::bench {

/// Sizes of the model whose kernels are timed.
struct Shapes {
  uint32_t width = 1024;
  uint32_t feed_forward = 2048;
  uint32_t heads = 16;
  uint32_t kv_heads = 4;
  uint32_t head_size = 64;
  uint32_t vocabulary = 16384;
  uint32_t context = 512;  ///< positions that attention sees
  uint32_t batch = 16;     ///< tokens at once where there are several
};

/// What a device can do at most.
struct Limits {
  double bandwidth_gbs = 0;
  double gflops = 0;
};

/// What a pass moves and computes at least, and how much of its results may be wrong.
struct Work {
  double bytes = 0;
  double flops = 0;
};

/// A kernel that is ready to be timed. What `record` refers to must belong to it.
struct Subject {
  /// Records a pass. `turn` counts them, so that each may read other memory than the one before.
  std::function<void(vk::CommandList& commands, uint32_t turn)> record;
  uint32_t turns = 1;  ///< passes after which the memory comes again
  Work work;
  double error = 0;  ///< of the first pass, as a share of the results' power
  double limit = 0;  ///< of the error
};

/// Registers what Google Benchmark then runs, with counters: GB/s and GFLOP/s, and which share of the limits
/// they are.
class Bench {
 public:
  using Prepare = std::function<Subject()>;

  Bench(kernels::Context& context, const Shapes& shapes, const Limits& limits)
      : context_(context), shapes_(shapes), limits_(limits) {}

  kernels::Context& context() { return context_; }
  vk::Device& device() { return context_.device; }
  const Shapes& shapes() const { return shapes_; }

  /// `prepare` is called when the benchmark's turn comes; of the subjects one is kept at a time.
  void add(const std::string& name, Prepare prepare);

  /// Benchmarks left out so far, because results were wrong or the device failed.
  uint32_t failures() const { return failures_; }

 private:
  /// One subject with its recorded commands.
  struct Prepared {
    std::string name;
    Subject subject;
    std::unique_ptr<vk::CommandList> commands;
    uint32_t passes = 0;
  };

  const Prepared& prepared(const std::string& name, const Prepare& prepare);
  void run(benchmark::State& state, const std::string& name, const Prepare& prepare);

  kernels::Context& context_;
  Shapes shapes_;
  Limits limits_;
  std::unique_ptr<Prepared> prepared_;
  uint32_t failures_ = 0;
};

void add_matmul(Bench& bench);
void add_embed(Bench& bench);
void add_rope(Bench& bench);
void add_attention(Bench& bench);
void add_attention_decode(Bench& bench);
void add_elementwise(Bench& bench);
void add_top_k(Bench& bench);

}  // namespace motley::bench
