// The scheduler behind several devices, with work that only takes notes.
#include "engine/pipeline.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <mutex>
#include <set>
#include <stdexcept>

#include <gtest/gtest.h>

namespace motley::engine {
namespace {

using namespace std::chrono_literals;

/// Notes every call and checks on the way that the rules are kept.
class Notes {
 public:
  Notes(size_t stages, uint32_t slots) : done_(stages), slots_(slots) {}

  void enter(size_t stage, uint32_t chunk) {
    const std::lock_guard lock(mutex_);
    EXPECT_EQ(chunk, done_[stage]) << "stage " << stage << " takes its chunks out of order";
    if (stage > 0) {
      EXPECT_GT(done_[stage - 1], chunk) << "stage " << stage << " runs ahead of the one before";
    }
    if (stage + 1 < done_.size()) {
      EXPECT_LT(chunk, done_[stage + 1] + slots_) << "stage " << stage << " has no slot";
    }
    threads_.insert(std::this_thread::get_id());
    most_at_once_ = std::max(most_at_once_, ++at_once_);
  }
  void leave(size_t stage) {
    const std::lock_guard lock(mutex_);
    ++done_[stage];
    --at_once_;
  }

  const std::vector<uint32_t>& done() const { return done_; }
  size_t threads() const { return threads_.size(); }
  int most_at_once() const { return most_at_once_; }

 private:
  std::mutex mutex_;
  std::vector<uint32_t> done_;
  uint32_t slots_;
  std::set<std::thread::id> threads_;
  int at_once_ = 0;
  int most_at_once_ = 0;
};

TEST(Pipeline, OneStageRunsOnTheCallersThread) {
  Pipeline pipeline({0}, 3);
  const auto here = std::this_thread::get_id();
  uint32_t calls = 0;
  pipeline.run(5, [&](size_t, uint32_t chunk) {
    EXPECT_EQ(std::this_thread::get_id(), here);
    EXPECT_EQ(chunk, calls++);
  });
  EXPECT_EQ(calls, 5U);
  EXPECT_EQ(pipeline.finished_chunks(), 5U);
}

TEST(Pipeline, KeepsTheOrderOfChunksWhateverTheWorkersAndSlots) {
  const std::vector<std::vector<size_t>> machines = {
      {0, 1}, {0, 1, 2, 3}, {0, 1, 0}, {0, 0, 1, 1, 0}, {0, 1, 2, 1, 0}};
  for (const std::vector<size_t>& workers : machines) {
    for (const uint32_t slots : {1U, 2U, 3U}) {
      Pipeline pipeline(workers, slots);
      for (const uint32_t chunks : {1U, 2U, 17U}) {
        Notes notes(workers.size(), slots);
        pipeline.run(chunks, [&](size_t stage, uint32_t chunk) {
          notes.enter(stage, chunk);
          if ((stage + chunk) % 3 == 0) std::this_thread::sleep_for(100us);
          notes.leave(stage);
        });
        EXPECT_EQ(notes.done(), std::vector<uint32_t>(workers.size(), chunks));
      }
    }
  }
}

TEST(Pipeline, StagesOfSeveralWorkersRunAtOnce) {
  Pipeline pipeline({0, 1}, 2);
  Notes notes(2, 2);
  pipeline.run(6, [&](size_t stage, uint32_t chunk) {
    notes.enter(stage, chunk);
    std::this_thread::sleep_for(5ms);
    notes.leave(stage);
  });
  EXPECT_EQ(notes.threads(), 2U);
  EXPECT_EQ(notes.most_at_once(), 2);
  EXPECT_GE(pipeline.busy_times()[1], 6 * 5ms);
}

/// Holds two calls of different stages until both are under way: without overlap neither would end.
TEST(Pipeline, AStageRunsAChunkWhileTheOneBehindRunsTheOneBefore) {
  constexpr uint32_t kChunks = 8;
  Pipeline pipeline({0, 1}, 3);
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<uint32_t> begun(2, 0);
  bool met_always = true;
  pipeline.run(kChunks, [&](size_t stage, uint32_t chunk) {
    std::unique_lock lock(mutex);
    begun[stage] = chunk + 1;
    changed.notify_all();
    // Stage 0 at chunk c + 1 waits for stage 1 at c, and the other way round.
    const bool has_partner = stage == 0 ? chunk > 0 : chunk + 1 < kChunks;
    const uint32_t wanted = stage == 0 ? chunk : chunk + 2;
    if (has_partner && !changed.wait_for(lock, 20s, [&] { return begun[1 - stage] >= wanted; }))
      met_always = false;
  });
  EXPECT_TRUE(met_always);
}

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

TEST(Pipeline, WhoWaitsSleeps) {
  Pipeline pipeline({0, 1, 2}, 1);
  const double before = cpu_seconds();
  std::chrono::nanoseconds waited{};
  // Whatever one stage does, the other two wait.
  pipeline.run(4, [&](size_t, uint32_t) { std::this_thread::sleep_for(20ms); });
  for (const std::chrono::nanoseconds busy : pipeline.busy_times()) waited += busy;
  // Two threads that asked again and again would take as long as they waited.
  EXPECT_LT(cpu_seconds() - before, 0.2 * std::chrono::duration<double>(waited).count());
}

TEST(Pipeline, AnExceptionOfAnyStageEndsTheRunAndTheNextOneWorks) {
  for (size_t failing = 0; failing < 3; ++failing) {
    Pipeline pipeline({0, 1, 2}, 2);
    const auto work = [&](size_t stage, uint32_t chunk) {
      if (stage == failing && chunk == 2) throw std::runtime_error("stage");
    };
    EXPECT_THROW(pipeline.run(8, work), std::runtime_error);
    EXPECT_LE(pipeline.finished_chunks(), 2U);
    std::atomic<int> calls = 0;
    pipeline.run(3, [&](size_t, uint32_t) { ++calls; });
    EXPECT_EQ(calls, 9);
  }
}

TEST(Pipeline, ManyShortRunsEnd) {
  Pipeline pipeline({0, 1, 2}, 1);
  std::atomic<int> calls = 0;
  for (int i = 0; i < 2000; ++i) pipeline.run(1, [&](size_t, uint32_t) { ++calls; });
  EXPECT_EQ(calls, 6000);
}

}  // namespace
}  // namespace motley::engine
