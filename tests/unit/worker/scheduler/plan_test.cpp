// When scheduled jobs run, decided: a fake clock, one event at a time.

#include "worker/scheduler/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "reeve/scheduled_job.hpp"

namespace reeve::worker {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// At each full minute.
class Minutely final : public Schedule::Calendar {
 public:
  [[nodiscard]] std::optional<WallTime> next(WallTime after) const override {
    return std::chrono::floor<std::chrono::minutes>(after) + 1min;
  }
};

const WallTime kStart = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22);
constexpr std::uint64_t kFence = 7;

class PlanTest : public ::testing::Test {
 protected:
  Plan& with(const ScheduleOptions& options, Schedule schedule) {
    scheduled_jobs.schedule("cleanup", std::move(schedule), [] {}, options);
    plan_.emplace(scheduled_jobs.all(), 1);
    return *plan_;
  }
  Plan& minutely(ScheduleOptions options) {
    return with(options, Schedule("minutely", std::make_shared<Minutely>()));
  }
  Plan& each_second(ScheduleOptions options = {}) {
    options.scope = ScheduleScope::Each;
    return with(options, every(1s));
  }
  /// Time passes on both clocks.
  Moment after(milliseconds time) { return {now.wall += time, now.mono += time}; }
  /// The wall clock is set.
  Moment set(milliseconds by) { return {now.wall += by, now.mono}; }
  static BeginRun begin(milliseconds due, std::uint64_t fence = 0) {
    return {0, kStart + due, fence};
  }
  static ClaimRun claim(milliseconds due) { return {0, kStart + due}; }
  static SkipRuns skip(milliseconds due, SkipReason reason, bool inherited = false) {
    return {0, kStart + due, kStart + due, reason, inherited};
  }

  ScheduledJobs scheduled_jobs;
  std::optional<Plan> plan_;
  Moment now{kStart, ipc::TimePoint(1h)};
};

// GCC 12 gives a variant no conversion inside ElementsAre of braces.
template <class... Actions>
auto are(Actions... actions) {
  return ElementsAre(PlanAction(actions)...);
}

TEST_F(PlanTest, AnIntervalOfEachDoesNotDrift) {
  Plan& plan = each_second();
  EXPECT_THAT(plan.start(now), IsEmpty());
  EXPECT_EQ(plan.deadlines().mono, now.mono + 1s);
  EXPECT_EQ(plan.deadlines().wall, std::nullopt) << "no wake-up for the wall clock";
  EXPECT_THAT(plan.advance(after(1300ms)), are(begin(1s)));
  EXPECT_THAT(plan.ended(0, after(100ms)), IsEmpty());
  EXPECT_EQ(plan.deadlines().mono, now.mono + 600ms);
  EXPECT_THAT(plan.advance(after(600ms)), are(begin(2s)));
}

TEST_F(PlanTest, AnIntervalOfEachKnowsNoClockChanges) {
  Plan& plan = each_second();
  EXPECT_THAT(plan.start(now), IsEmpty());
  EXPECT_THAT(plan.advance(set(10h)), IsEmpty());
  EXPECT_EQ(plan.advance(after(1s)).size(), 1U);
  EXPECT_THAT(plan.ended(0, now), IsEmpty());
  EXPECT_THAT(plan.advance(set(-20h)), IsEmpty());
  EXPECT_EQ(plan.advance(after(1s)).size(), 1U);
}

TEST_F(PlanTest, MissedOnesAreCoalescedToTheLatest) {
  Plan& plan = each_second({.coalesce = true});
  EXPECT_THAT(plan.start(now), IsEmpty());
  EXPECT_THAT(plan.advance(after(3500ms)),
              are(SkipRuns{0, kStart + 1s, kStart + 2s, SkipReason::Coalesced}, begin(3s)));
}

TEST_F(PlanTest, MissedOnesRunOneAfterTheOtherWhenNotCoalesced) {
  Plan& plan = each_second({.coalesce = false});
  EXPECT_THAT(plan.start(now), IsEmpty());
  EXPECT_THAT(plan.advance(after(3s)), are(begin(1s)));
  EXPECT_THAT(plan.ended(0, now), are(begin(2s)));
  EXPECT_THAT(plan.ended(0, now), are(begin(3s)));
  EXPECT_THAT(plan.ended(0, now), IsEmpty());
}

TEST_F(PlanTest, WhatIsDueWhileAllInstancesRunIsSkipped) {
  Plan& plan = each_second({.coalesce = false, .max_instances = 2});
  EXPECT_THAT(plan.start(now), IsEmpty());
  EXPECT_THAT(plan.advance(after(1s)), are(begin(1s)));
  EXPECT_THAT(plan.advance(after(1s)), are(begin(2s)));
  EXPECT_THAT(plan.advance(after(1s)), are(skip(3s, SkipReason::Busy)));
  EXPECT_THAT(plan.ended(0, now), IsEmpty());
  EXPECT_THAT(plan.advance(after(1s)), are(begin(4s)));
}

TEST_F(PlanTest, MissedOnesThatGrowTooLateWhileTheyWaitAreSkipped) {
  Plan& plan = each_second({.coalesce = false, .misfire_grace = 3s});
  EXPECT_THAT(plan.start(now), IsEmpty());
  EXPECT_THAT(plan.advance(after(2s)), are(begin(1s)));
  EXPECT_EQ(plan.deadlines().mono, now.mono + 1s) << "no spinning while it waits";
  for (int i = 0; i < 4; ++i) (void)plan.advance(after(1s));
  EXPECT_THAT(plan.ended(0, now), IsEmpty());  // 2 s was skipped when 6 s came.
}

TEST_F(PlanTest, ASuspendMakesTimesOfTheCalendarLate) {
  Plan& plan = minutely({.scope = ScheduleScope::Each, .misfire_grace = 90s});
  EXPECT_THAT(plan.start(now), IsEmpty());
  EXPECT_EQ(plan.deadlines().wall, kStart + 1min);
  EXPECT_EQ(plan.deadlines().mono, std::nullopt);
  EXPECT_THAT(
      plan.advance(set(8h)),
      are(SkipRuns{0, kStart + 1min, kStart + 8h - 90s - 1ms, SkipReason::Late},
          SkipRuns{0, kStart + 8h - 1min, kStart + 8h - 1min, SkipReason::Coalesced}, begin(8h)));
}

TEST_F(PlanTest, AClockThatIsPutBackRepeatsNothing) {
  Plan& plan = minutely({.scope = ScheduleScope::Each});
  EXPECT_THAT(plan.start(now), IsEmpty());
  EXPECT_THAT(plan.advance(after(1min)), are(begin(1min)));
  EXPECT_THAT(plan.ended(0, now), IsEmpty());
  EXPECT_THAT(plan.advance(set(-30s)), IsEmpty());
  EXPECT_THAT(plan.advance(after(30s)), IsEmpty());
  EXPECT_THAT(plan.advance(after(1min)), are(begin(2min)));
}

TEST_F(PlanTest, AClockThatWasFarAheadIsNotBelieved) {
  Plan& plan = minutely({.scope = ScheduleScope::Each});
  now.wall += 24h * 1000;
  EXPECT_THAT(plan.start(now), IsEmpty());
  EXPECT_THAT(plan.advance(set(-24h * 1000)), IsEmpty());
  EXPECT_EQ(plan.deadlines().wall, kStart + 1min);
  EXPECT_THAT(plan.advance(after(1min)), are(begin(1min)));
}

TEST_F(PlanTest, ScopeOneDoesNothingWithoutTheLease) {
  Plan& plan = minutely({});
  EXPECT_THAT(plan.start(now), IsEmpty());
  EXPECT_FALSE(plan.responsible(0));
  EXPECT_THAT(plan.advance(after(10min)), IsEmpty());
  EXPECT_EQ(plan.deadlines().wall, std::nullopt);
}

TEST_F(PlanTest, TheHolderClaimsThenRunsWithItsFence) {
  Plan& plan = minutely({});
  EXPECT_THAT(plan.start(now), IsEmpty());
  EXPECT_THAT(plan.hold_lease(kFence, kStart + 1ms, now), IsEmpty());
  EXPECT_THAT(plan.advance(after(1min)), are(claim(1min)));
  EXPECT_FALSE(plan.idle());
  EXPECT_THAT(plan.answered(0, kStart + 2min, true, now), IsEmpty()) << "not asked for";
  EXPECT_THAT(plan.answered(0, kStart + 1min, true, now), are(begin(1min, kFence)));
  EXPECT_THAT(plan.answered(0, kStart + 1min, true, now), IsEmpty()) << "answered already";
  EXPECT_THAT(plan.ended(0, now), IsEmpty());
  EXPECT_TRUE(plan.idle());
}

TEST_F(PlanTest, ANewHolderMakesUpWhatTheGraceStillAllows) {
  Plan& plan = minutely({.coalesce = false, .misfire_grace = 2min});
  EXPECT_THAT(plan.start(now), IsEmpty());
  (void)plan.advance(after(10min));
  EXPECT_THAT(plan.hold_lease(kFence, kStart, now), are(claim(8min)));
  EXPECT_THAT(plan.answered(0, kStart + 8min, false, now),
              are(skip(8min, SkipReason::Denied, true), claim(9min)));
  EXPECT_THAT(plan.answered(0, kStart + 9min, true, now), are(begin(9min, kFence)));
  EXPECT_THAT(plan.ended(0, now), are(claim(10min)));
}

TEST_F(PlanTest, NothingIsMadeUpFromBeforeItWasScheduled) {
  Plan& plan = minutely({.coalesce = false, .misfire_grace = 1h});
  now = after(10min);
  EXPECT_THAT(plan.start(now), IsEmpty());
  EXPECT_THAT(plan.hold_lease(kFence, kStart + 10min, now), are(claim(10min)));
}

TEST_F(PlanTest, AClaimWithoutAnAnswerIsRepeatedThenGivenUp) {
  Plan& plan = minutely({.misfire_grace = 1500ms});
  EXPECT_THAT(plan.start(now), IsEmpty());
  EXPECT_THAT(plan.hold_lease(kFence, kStart + 1ms, now), IsEmpty());
  EXPECT_THAT(plan.advance(after(1min)), are(claim(1min)));
  EXPECT_EQ(plan.deadlines().mono, now.mono + Plan::kClaimAgain);
  EXPECT_THAT(plan.advance(after(1s)), are(claim(1min)));
  EXPECT_THAT(plan.advance(after(1s)), are(skip(1min, SkipReason::Unanswered)));
  EXPECT_THAT(plan.answered(0, kStart + 1min, true, now), IsEmpty());
}

TEST_F(PlanTest, ADrainBeginsNothingButWhatWasClaimed) {
  Plan& plan = minutely({});
  EXPECT_THAT(plan.start(now), IsEmpty());
  EXPECT_THAT(plan.hold_lease(kFence, kStart + 1ms, now), IsEmpty());
  EXPECT_THAT(plan.advance(after(1min)), are(claim(1min)));
  EXPECT_THAT(plan.drain(now), IsEmpty());
  EXPECT_FALSE(plan.idle()) << "it may have been granted";
  EXPECT_THAT(plan.advance(after(5s)), are(claim(1min)));
  EXPECT_THAT(plan.answered(0, kStart + 1min, true, now), are(begin(1min, kFence)));
  EXPECT_FALSE(plan.idle());
  EXPECT_THAT(plan.ended(0, after(5min)), IsEmpty());
  EXPECT_TRUE(plan.idle());
  EXPECT_EQ(plan.deadlines().wall, std::nullopt);
  EXPECT_EQ(plan.next_due(0, now), std::nullopt);
}

TEST_F(PlanTest, ADrainLeavesWhatWaitsForItsJitterToTheNextHolder) {
  Plan& plan = minutely({.jitter = 30s});
  EXPECT_THAT(plan.start(now), IsEmpty());
  EXPECT_THAT(plan.hold_lease(kFence, kStart + 1ms, now), IsEmpty());
  EXPECT_THAT(plan.advance(after(1min)), IsEmpty());
  EXPECT_THAT(plan.drain(now), are(skip(1min, SkipReason::Draining)));
  EXPECT_TRUE(plan.idle());

  Plan next(scheduled_jobs.all(), 2);
  EXPECT_THAT(next.start(after(40s)), IsEmpty());
  EXPECT_THAT(next.hold_lease(kFence + 1, kStart + 1ms, now), are(claim(1min)));
}

TEST_F(PlanTest, ADrainBeginsNotWhatIsDueAtItsMoment) {
  Plan& plan = minutely({.scope = ScheduleScope::Each});
  EXPECT_THAT(plan.start(now), IsEmpty());
  EXPECT_THAT(plan.drain(after(1min)), are(skip(1min, SkipReason::Draining)));
  EXPECT_TRUE(plan.idle());
  EXPECT_THAT(plan.drain(now), IsEmpty()) << "it is said once";
}

TEST_F(PlanTest, ADrainClaimsNotWhatIsDueAtItsMoment) {
  Plan& plan = minutely({});
  EXPECT_THAT(plan.start(now), IsEmpty());
  EXPECT_THAT(plan.hold_lease(kFence, kStart + 1ms, now), IsEmpty());
  EXPECT_THAT(plan.drain(after(1min)), are(skip(1min, SkipReason::Draining)));
  EXPECT_TRUE(plan.idle());
}

TEST_F(PlanTest, JitterDelaysWithinItsBounds) {
  Plan& plan = each_second({.jitter = 500ms});
  EXPECT_THAT(plan.start(now), IsEmpty());
  milliseconds shortest = 1h;
  milliseconds longest = 0ms;
  for (int i = 1; i <= 200; ++i) {
    now = after(std::chrono::seconds(i) - (now.wall - kStart));
    PlanActions actions = plan.advance(now);
    while (actions.empty()) {
      ASSERT_TRUE(plan.deadlines().mono);
      actions = plan.advance(
          after(std::chrono::duration_cast<milliseconds>(*plan.deadlines().mono - now.mono)));
    }
    ASSERT_THAT(actions, are(begin(std::chrono::seconds(i))));
    const milliseconds delay = now.wall - kStart - std::chrono::seconds(i);
    shortest = std::min(shortest, delay);
    longest = std::max(longest, delay);
    EXPECT_THAT(plan.ended(0, now), IsEmpty());
  }
  EXPECT_LT(shortest, 50ms);
  EXPECT_GT(longest, 450ms);
  EXPECT_LE(longest, 500ms);
}

TEST_F(PlanTest, MillionsOfMissedTimesAreSkippedAtOnce) {
  Plan& plan = with({.coalesce = false, .misfire_grace = 24h}, every(1ms));
  EXPECT_THAT(plan.start(now), IsEmpty());
  EXPECT_THAT(plan.hold_lease(kFence, kStart + 1ms, now), IsEmpty());
  EXPECT_THAT(
      plan.advance(after(20h)),
      are(SkipRuns{0, kStart + 1ms, kStart + 20h - 64ms, SkipReason::TooMany}, claim(20h - 63ms)));
}

}  // namespace
}  // namespace reeve::worker
