// What is kept of the dead. What is found out about real ones is in pool_runner_test.cpp.

#include "supervisor/pool/deaths.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "supervisor/log/output.hpp"
#include "tests/unit/supervisor/loop_driver.hpp"

namespace reeve::supervisor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class TheDead : public ::testing::Test {
 protected:
  testing::LoopDriver driver_;
  ipc::UniqueFd null_fd_{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
  Output output_{driver_.loop, null_fd_.get()};
  Log log_{output_, LogFormat::Text, LineStyle::Plain, LogLevel::Debug};
};

TEST_F(TheDead, AreRememberedFromOneMasterToTheNext) {
  Deaths before(driver_.loop, log_,
                {.reports = {{.slot = 3,
                              .summary = {"pid 4711 died"},
                              .main = {"a request"},
                              .details = {"a stack"}}},
                 .last = {{3, Death{.signal = SIGSEGV}}}});
  before.report({.name = "web:1", .when = "now", .cause = "exited with code 3"}, 1, true);
  const Deaths after(driver_.loop, log_, before.state());
  EXPECT_THAT(after.reports().slots(), ElementsAre(3, 1)) << "the last death is last";
  EXPECT_EQ(*after.reports().last(3), *before.reports().last(3));
  EXPECT_EQ(after.last(3), Death{.signal = SIGSEGV});
  EXPECT_FALSE(after.last(1).has_value());
  EXPECT_THAT(after.last_lines(WorkerId{1}), IsEmpty());
}

TEST_F(TheDead, ADrainThatEndsAsItShouldIsNoNews) {
  const DeathFacts drained{.phase = WorkerPhase::Draining};
  EXPECT_FALSE(Deaths::is_worth_a_report(drained, Death{.exit_code = 0}, SIGTERM));
  EXPECT_FALSE(Deaths::is_worth_a_report(drained, Death{.signal = SIGTERM}, SIGTERM));
  EXPECT_FALSE(Deaths::is_worth_a_report(drained, Death{.exit_code = 128 + SIGTERM}, SIGTERM));
  EXPECT_TRUE(Deaths::is_worth_a_report(drained, Death{.signal = SIGTERM}, SIGQUIT));
  EXPECT_TRUE(Deaths::is_worth_a_report(drained, Death{.exit_code = 1}, SIGTERM));
  const DeathFacts served{.phase = WorkerPhase::Serving};
  EXPECT_TRUE(Deaths::is_worth_a_report(served, Death{.exit_code = 0}, SIGTERM));
}

TEST_F(TheDead, AreNamedByOneChangeOnly) {
  Deaths deaths(driver_.loop, log_);
  EXPECT_FALSE(deaths.untold().has_value());
  deaths.begin_telling(4711);
  EXPECT_EQ(deaths.untold(), 4711);
  deaths.told();
  EXPECT_FALSE(deaths.untold().has_value());
}

}  // namespace
}  // namespace reeve::supervisor
