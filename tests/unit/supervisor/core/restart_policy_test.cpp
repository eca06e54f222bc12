#include "supervisor/core/restart_policy.hpp"

#include <gtest/gtest.h>

#include "tests/unit/supervisor/core/pool_driver.hpp"

namespace reeve::supervisor {
namespace {

constexpr TimePoint kNoon{12h};

/// One policy, with the ends of one slot's workers.
class RestartPolicyTest : public testing::Test {
 protected:
  AfterEnd crash_while_starting(TimePoint now = kNoon) {
    return policy_.on_end(spec_, {kCrash, false, 100ms}, now, random_);
  }
  AfterEnd crash_while_serving(TimePoint now = kNoon) {
    return policy_.on_end(spec_, {kCrash, true, 10s}, now, random_);
  }
  AfterEnd crash_soon() { return policy_.on_end(spec_, {kCrash, true, 999ms}, kNoon, random_); }
  AfterEnd finish(Duration lived) {
    return policy_.on_end(spec_, {kClean, true, lived}, kNoon, random_);
  }

  static Duration pause(const AfterEnd& next) { return std::get<Retry>(next).delay; }
  static void expect_about(Duration expected, Duration actual) {
    EXPECT_GE(actual, expected * 3 / 4);
    EXPECT_LE(actual, expected * 5 / 4);
  }

  PoolSpec spec_ = spec_of(1);
  RestartPolicy policy_;
  Random random_{1};
};

TEST_F(RestartPolicyTest, ACrashAfterServingIsFollowedAtOnce) {
  EXPECT_EQ(pause(crash_while_serving()), Duration::zero());
}

TEST_F(RestartPolicyTest, AnIncidentNowAndThenNeverGivesUpThePlace) {
  for (int i = 0; i < *spec_.give_up_failures; ++i) {
    EXPECT_EQ(pause(crash_while_serving()), Duration::zero());
  }
  for (const Duration expected : {1s, 2s, 4s, 8s, 8s, 8s}) {
    expect_about(expected, pause(crash_while_serving()));
  }
}

TEST_F(RestartPolicyTest, ASecondCrashSoonAfterTheStartWaits) {
  spec_.give_up_failures = 10;
  EXPECT_EQ(pause(crash_soon()), Duration::zero());
  expect_about(1s, pause(crash_soon()));
}

TEST_F(RestartPolicyTest, CrashesSoonAfterTheStartGiveUp) {
  (void)crash_soon();
  (void)crash_soon();
  EXPECT_TRUE(std::holds_alternative<GiveUp>(crash_soon()));
}

TEST_F(RestartPolicyTest, AShortageOfTheMachineWaitsAndNeverGivesUp) {
  spec_.restart = RestartRule::Never;
  const Ended nothing_ran{.death = Death{.exec_error = "fork: no memory", .shortage = true}};
  for (const Duration expected : {1s, 2s, 4s, 8s, 8s, 8s, 8s, 8s}) {
    expect_about(expected, pause(policy_.on_end(spec_, nothing_ran, TimePoint{}, random_)));
  }
}

TEST_F(RestartPolicyTest, AFailedStartWaits) { expect_about(1s, pause(crash_while_starting())); }

TEST_F(RestartPolicyTest, ThePauseDoublesUpToItsMaximum) {
  spec_.give_up_failures = 100;
  for (const Duration expected : {1s, 2s, 4s, 8s, 8s, 8s}) {
    expect_about(expected, pause(crash_while_starting()));
  }
}

TEST_F(RestartPolicyTest, ManyFailuresDoNotOverflowThePause) {
  spec_.give_up_failures = 1000;
  for (int i = 0; i < 500; ++i) (void)crash_while_starting();
  expect_about(8s, pause(crash_while_starting()));
}

TEST_F(RestartPolicyTest, SlotsThatDiedTogetherDoNotReturnTogether) {
  RestartPolicy other;
  const Ended end{kCrash, false, 100ms};
  EXPECT_NE(pause(crash_while_starting()), pause(other.on_end(spec_, end, kNoon, random_)));
}

TEST_F(RestartPolicyTest, TheFailureThatFillsGiveUpEndsIt) {
  (void)crash_while_starting();
  (void)crash_while_starting();
  const AfterEnd third = crash_while_starting();
  ASSERT_TRUE(std::holds_alternative<GiveUp>(third));
  EXPECT_EQ(std::get<GiveUp>(third).failures, 3);
}

TEST_F(RestartPolicyTest, OldFailuresAreForgottenByGiveUpAndNotByThePause) {
  (void)crash_while_starting(kNoon);
  (void)crash_while_starting(kNoon);
  const AfterEnd later = crash_while_starting(kNoon + spec_.give_up_within);
  expect_about(4s, pause(later));
}

TEST_F(RestartPolicyTest, WithoutGiveUpItWaitsForANeighbourAsLongAsItTakes) {
  spec_.give_up_failures.reset();
  TimePoint now = kNoon;
  for (int i = 0; i < 1000; ++i, now += 10s) {
    const AfterEnd next = crash_while_starting(now);
    if (i >= 3) expect_about(8s, pause(next));
  }
  (void)crash_while_serving(now);
  expect_about(1s, pause(crash_while_starting(now)));  // A useful life ends the row.
}

TEST_F(RestartPolicyTest, WhatTryingAgainCannotMendEndsAtOnce) {
  spec_.give_up_failures.reset();
  const Ended missing{.death = Death{.exec_error = "exec: no such file", .permanent = true}};
  EXPECT_TRUE(std::holds_alternative<GiveUp>(policy_.on_end(spec_, missing, kNoon, random_)));
}

TEST_F(RestartPolicyTest, AProgramThatIsBeingReplacedWillBeBack) {
  spec_.give_up_failures.reset();
  const Ended missing{.death = Death{.exec_error = "exec: no such file", .permanent = true},
                      .version_was_ready = true};
  for (const Duration expected : {1s, 2s, 4s, 8s, 8s}) {
    expect_about(expected, pause(policy_.on_end(spec_, missing, kNoon, random_)));
  }
}

TEST_F(RestartPolicyTest, WhatSaysThatItIsTemporaryNeverGivesUp) {
  for (const int code : {69, 75}) {
    policy_.forget();
    const Ended unavailable{.death = Death{.exit_code = code}};
    for (const Duration expected : {1s, 2s, 4s, 8s, 8s, 8s}) {
      expect_about(expected, pause(policy_.on_end(spec_, unavailable, kNoon, random_)));
    }
  }
}

TEST_F(RestartPolicyTest, FailuresJustInsideTheWindowCount) {
  (void)crash_while_starting(kNoon);
  (void)crash_while_starting(kNoon);
  const AfterEnd later = crash_while_starting(kNoon + spec_.give_up_within - 1ms);
  EXPECT_TRUE(std::holds_alternative<GiveUp>(later));
}

TEST_F(RestartPolicyTest, AStallNeitherAgesNorRenewsFailures) {
  (void)crash_while_starting(kNoon);
  (void)crash_while_starting(kNoon);
  policy_.shift(1h);
  const AfterEnd later = crash_while_starting(kNoon + 1h + spec_.give_up_within - 1ms);
  EXPECT_TRUE(std::holds_alternative<GiveUp>(later));
}

TEST_F(RestartPolicyTest, ForgetBeginsAnew) {
  (void)crash_while_starting();
  (void)crash_while_starting();
  policy_.forget();
  EXPECT_EQ(policy_.failures(), 0);
  expect_about(1s, pause(crash_while_starting()));
}

TEST_F(RestartPolicyTest, GivingUpBeginsAnew) {
  spec_.give_up_failures = 1;
  ASSERT_TRUE(std::holds_alternative<GiveUp>(crash_while_starting()));
  EXPECT_EQ(policy_.failures(), 0);
}

TEST_F(RestartPolicyTest, AUsefulLifeIsNoFailure) {
  for (int i = 0; i < 50; ++i) EXPECT_EQ(pause(finish(1s)), Duration::zero());
  EXPECT_EQ(policy_.failures(), 0);
}

TEST_F(RestartPolicyTest, AnEndAtOnceIsAFailureWhateverItsCode) {
  (void)finish(999ms);
  (void)finish(999ms);
  EXPECT_TRUE(std::holds_alternative<GiveUp>(finish(999ms)));
}

TEST_F(RestartPolicyTest, AnExitBeforeReadyIsAFailureWhateverItsCode) {
  EXPECT_GT(pause(policy_.on_end(spec_, {kClean, false, 10s}, kNoon, random_)), Duration::zero());
}

TEST_F(RestartPolicyTest, OnFailureLeavesACleanExitAlone) {
  spec_.restart = RestartRule::OnFailure;
  EXPECT_TRUE(std::holds_alternative<Leave>(finish(10s)));
}

TEST_F(RestartPolicyTest, AnExpectedExitIsNoFailure) {
  spec_.restart = RestartRule::OnFailure;
  spec_.expected_exit = {0, 3};
  const auto exits_with = [this](int code) {
    return policy_.on_end(spec_, {Death{.exit_code = code}, true, 10s}, kNoon, random_);
  };
  EXPECT_TRUE(std::holds_alternative<Leave>(exits_with(3)));
  EXPECT_TRUE(std::holds_alternative<Retry>(exits_with(4)));
}

TEST_F(RestartPolicyTest, OnFailureRetriesACrash) {
  spec_.restart = RestartRule::OnFailure;
  EXPECT_TRUE(std::holds_alternative<Retry>(crash_while_serving()));
}

TEST_F(RestartPolicyTest, OnFailureRetriesAProgramThatCannotBeExecuted) {
  spec_.restart = RestartRule::OnFailure;
  const Death death{.exit_code = 0, .exec_error = "exec /bin/x: No such file or directory"};
  EXPECT_TRUE(
      std::holds_alternative<Retry>(policy_.on_end(spec_, {death, false, 1ms}, kNoon, random_)));
}

TEST_F(RestartPolicyTest, NeverLeavesEverythingAlone) {
  spec_.restart = RestartRule::Never;
  EXPECT_TRUE(std::holds_alternative<Leave>(crash_while_serving()));
  EXPECT_TRUE(std::holds_alternative<Leave>(crash_while_starting()));
}

}  // namespace
}  // namespace reeve::supervisor
