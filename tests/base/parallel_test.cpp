#include "base/parallel.hpp"

#include <atomic>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace motley {
namespace {

TEST(RunOnThreads, EachNumberOnAThreadOfItsOwn) {
  std::vector<std::thread::id> threads(5);
  run_on_threads(threads.size(), [&](size_t i) { threads[i] = std::this_thread::get_id(); });
  EXPECT_EQ(threads[0], std::this_thread::get_id());
  EXPECT_EQ(std::set(threads.begin(), threads.end()).size(), threads.size());
}

TEST(RunOnThreads, NothingToDo) {
  run_on_threads(0, [](size_t) { ADD_FAILURE(); });
}

TEST(RunOnThreads, AllReturnBeforeTheFirstFailureIsThrown) {
  std::atomic<int> returned = 0;
  try {
    run_on_threads(4, [&](size_t i) {
      if (i > 1) throw std::runtime_error(std::to_string(i));
      ++returned;
    });
    ADD_FAILURE() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "2");
  }
  EXPECT_EQ(returned, 2);
}

}  // namespace
}  // namespace motley
