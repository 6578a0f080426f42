#include "engine/pipeline.hpp"

#include <algorithm>
#include <utility>

namespace motley::engine {

Pipeline::Pipeline(std::vector<size_t> worker_of_stage, uint32_t slots)
    : worker_of_stage_(std::move(worker_of_stage)),
      slots_(slots),
      done_(worker_of_stage_.size()),
      busy_(worker_of_stage_.size()) {
  const size_t workers = *std::ranges::max_element(worker_of_stage_) + 1;
  for (size_t worker = 1; worker < workers; ++worker)
    threads_.emplace_back([this, worker] { work_in_background(worker); });
}

Pipeline::~Pipeline() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Pipeline::run(uint32_t chunks, const Work& work) {
  std::unique_lock lock(mutex_);
  work_ = &work;
  chunks_ = chunks;
  std::ranges::fill(done_, 0U);
  failure_ = nullptr;
  ++run_number_;
  running_workers_ = threads_.size();
  changed_.notify_all();
  serve(0, lock);
  changed_.wait(lock, [&] { return running_workers_ == 0; });
  work_ = nullptr;
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void Pipeline::work_in_background(size_t worker) {
  std::unique_lock lock(mutex_);
  uint64_t seen = 0;
  while (true) {
    changed_.wait(lock, [&] { return stop_ || run_number_ != seen; });
    if (stop_) return;
    seen = run_number_;
    serve(worker, lock);
    --running_workers_;
    changed_.notify_all();
  }
}

void Pipeline::serve(size_t worker, std::unique_lock<std::mutex>& lock) {
  while (!finished(worker)) {
    const int next = next_stage(worker);
    if (next < 0) {
      changed_.wait(lock);
      continue;
    }
    const auto stage = static_cast<size_t>(next);
    const uint32_t chunk = done_[stage];
    lock.unlock();
    const auto start = std::chrono::steady_clock::now();
    std::exception_ptr failure;
    try {
      (*work_)(stage, chunk);
    } catch (...) {
      failure = std::current_exception();
    }
    const auto taken = std::chrono::steady_clock::now() - start;
    lock.lock();
    busy_[stage] += taken;
    if (failure) {
      if (!failure_) failure_ = failure;
    } else {
      ++done_[stage];
    }
    changed_.notify_all();
  }
}

bool Pipeline::finished(size_t worker) const {
  if (failure_) return true;
  for (size_t stage = 0; stage < done_.size(); ++stage) {
    if (worker_of_stage_[stage] == worker && done_[stage] < chunks_) return false;
  }
  return true;
}

bool Pipeline::ready(size_t stage) const {
  const uint32_t chunk = done_[stage];
  return chunk < chunks_ && (stage == 0 || done_[stage - 1] > chunk) &&
         (stage + 1 == done_.size() || chunk < done_[stage + 1] + slots_);
}

/// The last of the worker's stages that may run: what is nearest to the end frees the most.
int Pipeline::next_stage(size_t worker) const {
  for (size_t stage = done_.size(); stage-- > 0;) {
    if (worker_of_stage_[stage] == worker && ready(stage)) return static_cast<int>(stage);
  }
  return -1;
}

uint32_t Pipeline::finished_chunks() const {
  const std::lock_guard lock(mutex_);
  return done_.back();
}

std::vector<std::chrono::nanoseconds> Pipeline::busy_times() const {
  const std::lock_guard lock(mutex_);
  return busy_;
}

}  // namespace motley::engine
