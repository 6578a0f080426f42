#include "engine/stop_filter.hpp"

#include <gtest/gtest.h>

namespace motley::engine {
namespace {

TEST(StopFilter, HoldsBackWhatMayBecomeAStop) {
  StopFilter filter({"END", "ENOUGH"});
  EXPECT_EQ(filter.push("abc E"), "abc ");
  EXPECT_EQ(filter.push("N"), "");
  EXPECT_EQ(filter.push("X"), "ENX");
  EXPECT_EQ(filter.push("EN"), "");
  EXPECT_EQ(filter.push("D and more"), "");
  EXPECT_TRUE(filter.found());
}

TEST(StopFilter, FindsTheFirstOfSeveral) {
  StopFilter filter({"two", "one", ""});
  EXPECT_EQ(filter.push("a one b two"), "a ");
  EXPECT_TRUE(filter.found());
}

TEST(StopFilter, FlushGivesWhatWasHeld) {
  StopFilter filter({"END"});
  EXPECT_EQ(filter.push("the EN"), "the ");
  EXPECT_EQ(filter.flush(), "EN");
  EXPECT_FALSE(filter.found());
}

}  // namespace
}  // namespace motley::engine
