// A worker that reached a limit is replaced by way of a successor, in its turn.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/unit/supervisor/core/pool_driver.hpp"

namespace reeve::supervisor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::uint64_t kMiB = 1 << 20;

PoolSpec recycling(int workers, Recycling limits) {
  PoolSpec spec = spec_of(workers);
  spec.recycle = limits;
  return spec;
}
const Recycling kByRequests{.requests = 1000, .jitter = 0};
const Recycling kByAge{.age = 1h, .jitter = 0};

void answers(PoolDriver& web, int slot, std::uint64_t requests) {
  web.measurement_finds(
      {.worker = web.current(slot), .sign_of_life = web.now(), .requests = requests});
}

TEST(Recycle, ByRequestsWhenAMeasurementFindsThem) {
  PoolDriver web(recycling(2, kByRequests));
  web.serve();
  answers(web, 1, 999);
  web.pass(10s);
  EXPECT_THAT(web.forked(), IsEmpty());
  answers(web, 1, 1234);
  web.pass(10s);
  EXPECT_THAT(web.forked(), ElementsAre(web.successor(1)));
  EXPECT_EQ(web.state(1), SlotState::Running);
  EXPECT_THAT(web.drained(), IsEmpty());
}

TEST(Recycle, ReplacesItWhenTheSuccessorServesAndSaysWhy) {
  PoolDriver web(recycling(1, kByRequests));
  web.serve();
  const WorkerId old = web.current(0);
  answers(web, 0, 1234);
  web.pass(10s);
  const WorkerId young = web.successor(0);
  web.ready(young);
  ASSERT_THAT(web.all<Drain>(), SizeIs(1));
  EXPECT_EQ(web.all<Drain>()[0].worker, old);
  EXPECT_EQ(web.all<Drain>()[0].kind, DrainKind::Patient);
  EXPECT_EQ(web.current(0), young);
  EXPECT_EQ(web.generation_of(0), Generation{1});
  EXPECT_EQ(web.slot(0).why, "recycled: 1234 requests (limit 1000)");
  ASSERT_THAT(web.all<Changed>(), SizeIs(1));
  EXPECT_EQ(web.all<Changed>()[0].why, web.slot(0).why);
}

TEST(Recycle, DoesNotSoak) {
  PoolSpec spec = recycling(1, kByAge);
  spec.soak = 1min;
  PoolDriver web(spec);
  web.serve();
  web.pass(1h);
  const WorkerId young = web.successor(0);
  web.ready(young);
  EXPECT_EQ(web.current(0), young);
}

TEST(Recycle, ByMemory) {
  PoolDriver web(recycling(1, {.memory_bytes = 512 * kMiB, .jitter = 0}));
  web.serve();
  web.measurement_finds({.worker = web.current(0), .memory_bytes = 600 * kMiB});
  web.pass(10s);
  web.ready_all();
  EXPECT_EQ(web.slot(0).why, "recycled: 600 MiB (limit 512 MiB)");
}

TEST(Recycle, ByAgeSinceItWasReadyAndWithoutAMeasurement) {
  PoolDriver web(recycling(1, kByAge));
  web.start();
  web.pass(9s);
  web.ready_all();
  EXPECT_EQ(web.pool().next_measurement(), std::nullopt);
  EXPECT_EQ(web.pool().next_deadline(), web.now() + 1h);
  web.pass(1h);
  web.ready(web.successor(0));
  EXPECT_EQ(web.slot(0).why, "recycled: 60 min old (limit 60 min)");
}

TEST(Recycle, AMeasurementForItComesEveryTenSecondsAndOnlyWhileSomebodyIsNotDue) {
  PoolDriver web(recycling(1, kByRequests));
  web.serve();
  EXPECT_EQ(web.pool().next_measurement(), web.now() + 10s);
  answers(web, 0, 1000);
  web.pass(10s);
  EXPECT_EQ(web.pool().next_measurement(), std::nullopt);
}

TEST(Recycle, JitterSpreadsTheLimitsDownwards) {
  PoolDriver web(recycling(50, {.age = 1000s, .jitter = 0.2}));
  web.serve();
  std::set<TimePoint> when;
  for (const auto& [id, worker] : web.pool().workers()) {
    when.insert(worker.recycle_at.value());
    EXPECT_GT(*worker.recycle_at, web.now() + 799s);
    EXPECT_LE(*worker.recycle_at, web.now() + 1000s);
  }
  EXPECT_GT(when.size(), 45U);
}

TEST(Recycle, WithJitterTheReasonSaysSo) {
  PoolDriver web(recycling(1, {.requests = 1000, .jitter = 0.2}));
  web.serve();
  answers(web, 0, 1000);
  web.pass(10s);
  web.ready_all();
  EXPECT_EQ(web.slot(0).why, "recycled: 1000 requests (limit 1000 less jitter)");
}

TEST(Recycle, OneAfterTheOther) {
  PoolDriver web(recycling(3, kByAge));
  web.serve();
  web.pass(1h);
  EXPECT_THAT(web.forked(), SizeIs(1));
  web.ready_all();
  EXPECT_THAT(web.forked(), SizeIs(1)) << "the token is free again";
  web.ready_all();
  web.ready_all();
  EXPECT_THAT(web.forked(), IsEmpty());
}

TEST(Recycle, AsManyAtATimeAsTheSurge) {
  for (const int surge : {1, 2}) {
    PoolSpec spec = recycling(3, kByAge);
    spec.surge = surge;
    spec.max_unavailable = 1;
    PoolDriver web(spec);
    web.serve();
    web.pass(1h);
    EXPECT_THAT(web.forked(), SizeIs(surge));
  }
}

TEST(Recycle, WaitsWhileMaxDrainingDrain) {
  PoolSpec spec = recycling(3, kByAge);
  spec.max_draining = 1;
  PoolDriver web(spec);
  web.serve();
  const WorkerId first = web.current(0);
  web.pass(1h);
  web.ready_all();
  EXPECT_THAT(web.forked(), IsEmpty());
  web.exited(first);
  EXPECT_THAT(web.forked(), SizeIs(1));
}

TEST(Recycle, WaitsForARollWhichReplacesItAnyway) {
  PoolSpec spec = recycling(2, kByAge);
  spec.soak = 1min;
  PoolDriver web(spec);
  web.serve();
  web.pass(1h - 30s);
  const CommandId roll = web.roll();
  web.ready_all();
  web.pass(30s);
  EXPECT_THAT(web.forked(), IsEmpty()) << "both are due";
  web.pass(30s);
  web.ready_all();
  web.pass(1min);
  EXPECT_EQ(web.outcome(roll), Outcome::Rolled);
  EXPECT_THAT(web.forked(), IsEmpty());
  EXPECT_EQ(web.slot(0).why, "replaced its predecessor");
}

TEST(Recycle, GivesWayToARollThatBegins) {
  PoolDriver web(recycling(2, kByAge));
  web.serve();
  web.pass(1h);
  const WorkerId recycler = web.successor(0);
  const CommandId roll = web.roll();
  EXPECT_EQ(web.phase(recycler), WorkerPhase::Draining);
  web.settle();
  EXPECT_EQ(web.outcome(roll), Outcome::Rolled);
  EXPECT_EQ(web.generation_of(0), Generation{2});
}

TEST(Recycle, SharesTheTokenWithARollOfOtherSlots) {
  PoolDriver web(recycling(2, kByAge));
  web.serve();
  web.pass(1h);
  ASSERT_TRUE(web.slot(0).successor);
  const CommandId roll = web.roll({1});
  EXPECT_THAT(web.forked(), IsEmpty());
  web.ready(web.successor(0));
  EXPECT_TRUE(web.slot(1).successor);
  web.settle();
  EXPECT_EQ(web.outcome(roll), Outcome::Rolled);
}

TEST(Recycle, ASuccessorThatFailsLeavesTheOldWorkerAndIsTriedAgainLater) {
  PoolDriver web(recycling(1, kByAge));
  web.serve();
  const WorkerId old = web.current(0);
  web.pass(1h);
  web.exited(web.successor(0), Death{.exit_code = 3});
  EXPECT_EQ(web.current(0), old);
  EXPECT_THAT(web.drained(), IsEmpty());
  EXPECT_THAT(web.forked(), IsEmpty());
  ASSERT_THAT(web.all<Changed>(), SizeIs(1));
  EXPECT_THAT(web.all<Changed>()[0].why, HasSubstr("exited with code 3; tries again in "));
  web.pass(999ms);
  EXPECT_THAT(web.forked(), IsEmpty());
  web.pass(300ms);
  EXPECT_THAT(web.forked(), SizeIs(1));
  web.ready_all();
  EXPECT_NE(web.current(0), old);
}

TEST(Recycle, FailsForEverWithoutFatalAndWithoutSpinning) {
  PoolSpec spec = recycling(1, kByAge);
  spec.backoff_first = 1ms;
  spec.restart = RestartRule::OnFailure;
  PoolDriver web(spec);
  web.serve();
  const WorkerId old = web.current(0);
  web.pass(1h);
  int tries = 0;
  for (const TimePoint end = web.now() + 1min; web.now() < end; ++tries) {
    web.fork_failed(web.successor(0));
    while (!web.slot(0).successor) web.pass(100ms);
  }
  EXPECT_LT(tries, 30);
  EXPECT_GT(tries, 7);
  EXPECT_EQ(web.state(0), SlotState::Running);
  EXPECT_EQ(web.phase(old), WorkerPhase::Serving);
  web.exited(web.successor(0));
  web.exited(old, kCrash);
  EXPECT_EQ(web.state(0), SlotState::Starting) << "none of it counts against the slot";
}

TEST(Recycle, AFailureDoesNotHoldUpTheOthers) {
  PoolDriver web(recycling(2, kByAge));
  web.serve();
  web.pass(1h);
  web.exited(web.successor(0), kCrash);
  EXPECT_TRUE(web.slot(1).successor);
}

/// The pause spared the old worker. One that started since shows that a start can succeed.
TEST(Recycle, AWorkerThatStartedSinceTheFailureOwesNoPause) {
  PoolDriver web(recycling(1, {.age = 500ms, .jitter = 0}));
  web.serve();
  web.pass(500ms);
  web.fork_failed(web.successor(0));
  ASSERT_TRUE(web.slot(0).recycle_again_at);
  web.exited(web.current(0), kCrash);
  EXPECT_FALSE(web.slot(0).recycle_again_at);
  web.ready_all();
  web.pass(500ms);
  EXPECT_THAT(web.forked(), ElementsAre(web.successor(0)));
}

TEST(Recycle, APauseThatEndsDuringARollIsForgotten) {
  PoolSpec spec = recycling(2, kByAge);
  spec.max_draining = 4;
  PoolDriver web(spec);
  web.serve();
  web.pass(1h);
  web.exited(web.successor(0), kCrash);
  web.roll({1});
  web.pass(5s);
  EXPECT_FALSE(web.slot(0).recycle_again_at);
  web.ready_all();
  EXPECT_TRUE(web.slot(0).successor);
}

TEST(Recycle, ACrashOfTheOldWorkerMakesTheSuccessorCurrent) {
  PoolDriver web(recycling(1, kByAge));
  web.serve();
  web.pass(1h);
  const WorkerId young = web.successor(0);
  web.exited(web.current(0), kCrash);
  EXPECT_EQ(web.current(0), young);
  EXPECT_EQ(web.state(0), SlotState::Starting);
  EXPECT_THAT(web.forked(), IsEmpty());
  web.ready(young);
  EXPECT_EQ(web.state(0), SlotState::Running);
}

TEST(Recycle, WorkThatEndsForGoodMeanwhileNeedsNoSuccessor) {
  PoolSpec spec = recycling(1, kByAge);
  spec.restart = RestartRule::OnFailure;
  PoolDriver jobs(spec);
  jobs.serve();
  jobs.pass(1h);
  const WorkerId young = jobs.successor(0);
  jobs.exited(jobs.current(0));
  EXPECT_EQ(jobs.state(0), SlotState::Exited);
  EXPECT_EQ(jobs.phase(young), WorkerPhase::Draining);
}

TEST(Recycle, WorkThatEndsForGoodWhileOtherSlotsRollNeedsNoneEither) {
  PoolSpec spec = recycling(2, kByAge);
  spec.restart = RestartRule::OnFailure;
  PoolDriver jobs(spec);
  jobs.serve();
  jobs.pass(1h);
  jobs.roll({1});
  jobs.exited(jobs.current(0));
  EXPECT_EQ(jobs.state(0), SlotState::Exited);
}

TEST(Recycle, AStopTakesTheSuccessorAlong) {
  for (const SlotSet& slots : {SlotSet{}, SlotSet{0}}) {
    PoolDriver web(recycling(2, kByAge));
    web.serve();
    web.pass(1h);
    const WorkerId young = web.successor(0);
    web.stop(slots);
    EXPECT_EQ(web.phase(young), WorkerPhase::Draining);
    EXPECT_FALSE(web.slot(0).successor);
    web.settle();
    EXPECT_EQ(web.state(0), SlotState::Stopped);
  }
}

TEST(Recycle, ScalingAwayTakesTheSuccessorAlong) {
  PoolDriver web(recycling(1, kByAge));
  web.serve();
  web.pass(1h);
  web.scale(0);
  web.settle();
  EXPECT_TRUE(web.pool().quiet());
}

TEST(Recycle, WhoDrainsIsNotRecycled) {
  PoolDriver web(recycling(1, kByRequests));
  web.serve();
  const WorkerId worker = web.current(0);
  web.stop();
  web.measured({.worker = worker, .requests = 5000});
  EXPECT_TRUE(web.ordered_nothing());
  EXPECT_EQ(web.pool().next_measurement(), std::nullopt);
}

TEST(Recycle, WithoutRoomForASuccessorOneSlotAtATimeStopsAndStartsAgain) {
  PoolSpec spec = spec_of(2);
  spec.surge = 0;
  spec.max_unavailable = 1;
  spec.recycle.age = 10s;
  spec.recycle.jitter = 0;
  PoolDriver web(spec);
  web.serve();
  const WorkerId first = web.current(0);
  web.pass(10s);
  EXPECT_THAT(web.drained(), testing::ElementsAre(first));
  EXPECT_EQ(web.state(0), SlotState::Stopping);
  EXPECT_EQ(web.state(1), SlotState::Running);
  web.exited(first);
  EXPECT_EQ(web.state(0), SlotState::Starting);
  web.ready(web.current(0));
  EXPECT_EQ(web.state(1), SlotState::Stopping) << "its turn";
}

}  // namespace
}  // namespace reeve::supervisor
