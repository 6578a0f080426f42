// Which stage runs which chunk when: the host threads behind several devices. Knows nothing of Vulkan.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace motley::engine {

/// Runs chunks through stages that follow one another, each stage its chunks in order and all workers at
/// once. A worker is the one thread of a device; it may have several stages. Workers without work sleep.
///
/// A stage may run a chunk when the stage before has done it and a slot towards the stage behind is free.
/// These rules are the whole of the scheduler: the counters of done chunks say at any time what may run, so
/// there are no queues, and no order of events in which all wait for one another.
class Pipeline {
 public:
  /// Called with (stage, chunk), for each stage from its worker's thread; worker 0 is the thread that calls
  /// run().
  using Work = std::function<void(size_t, uint32_t)>;

  /// `worker_of_stage[s]` numbers the worker of stage s, from 0 on without a gap.
  Pipeline(std::vector<size_t> worker_of_stage, uint32_t slots);
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  /// Returns when all chunks have passed all stages. When a call of `work` throws, no further one is made,
  /// and the exception comes from here once all workers are still.
  void run(uint32_t chunks, const Work& work);

  /// Chunks that have passed the last stage, of the last run.
  uint32_t finished_chunks() const;
  /// Time each stage spent in `work`, of all runs so far.
  std::vector<std::chrono::nanoseconds> busy_times() const;

 private:
  void work_in_background(size_t worker);
  void serve(size_t worker, std::unique_lock<std::mutex>& lock);
  bool finished(size_t worker) const;
  bool ready(size_t stage) const;
  int next_stage(size_t worker) const;

  std::vector<size_t> worker_of_stage_;
  uint32_t slots_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  const Work* work_ = nullptr;
  uint32_t chunks_ = 0;
  std::vector<uint32_t> done_;  ///< by stage
  std::vector<std::chrono::nanoseconds> busy_;
  std::exception_ptr failure_;
  uint64_t run_number_ = 0;
  size_t running_workers_ = 0;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace motley::engine
