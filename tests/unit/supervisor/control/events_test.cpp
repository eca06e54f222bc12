// What clients that follow are told, and how a time of the wall clock is written.

#include "supervisor/control/events.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace reeve::supervisor {
namespace {

TEST(Events, TimesAreInUtcWithMilliseconds) {
  using std::chrono::milliseconds;
  using std::chrono::system_clock;
  EXPECT_EQ(utc_text(system_clock::time_point(milliseconds(1'795'383'953'064))),
            "2026-11-22T21:45:53.064Z");
  EXPECT_EQ(utc_text(system_clock::time_point(milliseconds(-1))), "1969-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace reeve::supervisor
