// The rolling restart: make before break, and a way back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/supervisor/core/pool_driver.hpp"

namespace reeve::supervisor {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;
using testing::SizeIs;

PoolSpec version_two(int workers) {
  PoolSpec spec = spec_of(workers);
  spec.grace = 7s;
  return spec;
}

TEST(Roll, ForksBeforeItDrains) {
  PoolDriver web(spec_of(2));
  web.serve();
  const WorkerId old = web.current(0);
  web.roll();
  EXPECT_THAT(web.forked(), SizeIs(1)) << "surge is 1";
  EXPECT_THAT(web.drained(), IsEmpty());
  EXPECT_EQ(web.state(0), SlotState::Running);
  EXPECT_EQ(web.current(0), old);
}

TEST(Roll, DrainsPatientlyOnceTheSuccessorIsReady) {
  PoolDriver web(spec_of(2));
  web.serve();
  const WorkerId old = web.current(0);
  web.roll();
  const WorkerId young = web.successor(0);
  web.ready(young);
  ASSERT_THAT(web.all<Drain>(), SizeIs(1));
  EXPECT_EQ(web.all<Drain>()[0].worker, old);
  EXPECT_EQ(web.all<Drain>()[0].kind, DrainKind::Patient);
  EXPECT_EQ(web.current(0), young);
  EXPECT_EQ(web.state(0), SlotState::Running);
}

TEST(Roll, ReturnsWhenTheNewGenerationServesNotWhenTheOldOneIsGone) {
  PoolDriver web(spec_of(2));
  web.serve();
  const CommandId roll = web.roll();
  web.ready_all();
  EXPECT_FALSE(web.answered(roll));
  web.ready_all();
  EXPECT_EQ(web.outcome(roll), Outcome::Rolled);
  EXPECT_EQ(web.pool().draining(), 2);
  EXPECT_EQ(web.pool().generation(), Generation{2});
  EXPECT_FALSE(web.pool().rolling());
}

TEST(Roll, TellsEachSlotOnceItsSuccessorServes) {
  PoolDriver web(spec_of(2));
  web.serve();
  const CommandId roll = web.roll();
  EXPECT_THAT(web.all<Replaced>(), IsEmpty());
  for (const int slot : {0, 1}) {
    web.ready(web.successor(slot));
    ASSERT_THAT(web.all<Replaced>(), SizeIs(1));
    EXPECT_EQ(web.all<Replaced>()[0].slot, slot);
    EXPECT_EQ(web.all<Replaced>()[0].command, roll);
  }
  EXPECT_TRUE(web.answered(roll));
}

TEST(Roll, WithSurgeStartsSeveralAtATime) {
  PoolSpec spec = spec_of(4);
  spec.surge = 3;
  PoolDriver web(spec);
  web.serve();
  web.roll();
  EXPECT_THAT(web.forked(), SizeIs(3));
  web.ready(web.successor(1));
  EXPECT_THAT(web.forked(), SizeIs(1)) << "one place became free";
}

TEST(Roll, WaitsWhileMaxDrainingDrain) {
  PoolSpec spec = spec_of(3);
  spec.max_draining = 1;
  PoolDriver web(spec);
  web.serve();
  const WorkerId first = web.current(0);
  web.roll();
  web.ready_all();
  EXPECT_THAT(web.forked(), IsEmpty());
  EXPECT_TRUE(web.pool().rolling());
  web.exited(first);
  EXPECT_THAT(web.forked(), SizeIs(1));
}

TEST(Roll, GoesByTheRulesOfWhatItBrings) {
  PoolSpec impossible = spec_of(3);
  impossible.max_draining = 1;
  PoolDriver web(impossible);
  web.serve();
  PoolSpec next = impossible;
  next.max_draining = 3;
  next.surge = 2;
  web.deploy(next);
  EXPECT_THAT(web.forked(), SizeIs(2)) << "by the new surge";
  web.ready_all();
  web.ready_all();
  EXPECT_THAT(web.in(WorkerPhase::Draining), SizeIs(3)) << "though none of them ends";
  EXPECT_FALSE(web.pool().rolling());
}

TEST(Roll, OtherRulesReplaceNobodyAndHoldFromNowOn) {
  PoolSpec spec = spec_of(2);
  spec.watchdog = 10s;
  PoolDriver web(spec);
  web.serve();
  const WorkerId native = web.current(0);
  const WorkerId foreign = web.current(1);
  PoolSpec next = spec;
  next.workers = 7;
  next.grace = 1s;
  next.watchdog = 5s;
  next.surge = 0;
  next.max_unavailable = 1;
  next.recycle.age = 1h;
  web.reconfigure(next, {native});
  EXPECT_TRUE(web.ordered_nothing());
  EXPECT_EQ(web.pool().spec().surge, 0);
  EXPECT_EQ(web.pool().spec().workers, 2) << "that is for a scale to say";
  EXPECT_EQ(web.pool().find(native)->watchdog, 5s);
  EXPECT_EQ(web.pool().find(foreign)->watchdog, 10s) << "it was told of 10 s";
  EXPECT_EQ(web.pool().find(native)->grace, spec.grace) << "it was told of that";
  EXPECT_EQ(web.pool().find(foreign)->grace, 1s);
  EXPECT_TRUE(web.pool().find(foreign)->recycle_at);
}

TEST(Roll, MaxDrainingCountsTheKilled) {
  PoolSpec spec = spec_of(3);
  spec.max_draining = 1;
  PoolDriver web(spec);
  web.serve();
  const WorkerId first = web.current(0);
  web.roll();
  web.ready_all();
  web.pass(5s);
  EXPECT_EQ(web.phase(first), WorkerPhase::Killed);
  EXPECT_THAT(web.forked(), IsEmpty());
  web.exited(first, Death{.signal = 9});
  EXPECT_THAT(web.forked(), SizeIs(1));
}

TEST(Roll, AnotherOneMeanwhileIsBusy) {
  PoolDriver web(spec_of(1));
  web.serve();
  const CommandId first = web.roll();
  EXPECT_EQ(web.outcome(web.roll()), Outcome::Busy);
  web.ready_all();
  EXPECT_EQ(web.outcome(first), Outcome::Rolled);
}

TEST(Roll, OfOneSlotKeepsTheGeneration) {
  PoolDriver web(spec_of(2));
  web.serve();
  const WorkerId old = web.current(1);
  const CommandId roll = web.roll({1});
  web.ready_all();
  EXPECT_EQ(web.outcome(roll), Outcome::Rolled);
  EXPECT_NE(web.current(1), old);
  EXPECT_EQ(web.pool().generation(), Generation{1});
}

TEST(Roll, OfAPoolWithoutWorkersIsDoneAtOnce) {
  PoolDriver web(spec_of(0));
  EXPECT_EQ(web.outcome(web.roll()), Outcome::Rolled);
}

TEST(Roll, StartsWhatIsDownInTheNewGeneration) {
  PoolDriver web(spec_of(1));
  const CommandId roll = web.roll();
  web.ready_all();
  EXPECT_EQ(web.outcome(roll), Outcome::Rolled);
  EXPECT_EQ(web.generation_of(0), Generation{2});
}

TEST(Deploy, AdoptsTheSpecificationWhenItServes) {
  PoolDriver web(spec_of(2));
  web.serve();
  web.deploy(version_two(2));
  web.ready_all();
  EXPECT_EQ(web.pool().spec(), spec_of(2));
  EXPECT_EQ(web.pool().find(web.current(0))->grace, 7s);
  web.ready_all();
  EXPECT_EQ(web.pool().spec(), version_two(2));
}

TEST(Deploy, OfMoreWorkersAddsThemAtTheEndAndWaitsForThem) {
  PoolDriver web(spec_of(1));
  web.serve();
  const CommandId roll = web.deploy(version_two(3));
  EXPECT_THAT(web.pool().slots(), SizeIs(1));
  web.ready_all();
  EXPECT_THAT(web.pool().slots(), SizeIs(3));
  EXPECT_FALSE(web.answered(roll));
  web.ready_all();
  EXPECT_EQ(web.outcome(roll), Outcome::Rolled);
  EXPECT_EQ(web.generation_of(2), Generation{2});
}

TEST(Deploy, OfFewerWorkersTakesThemAwayAtTheEnd) {
  PoolDriver web(spec_of(3));
  web.serve();
  const CommandId roll = web.deploy(version_two(1));
  web.settle();
  EXPECT_EQ(web.outcome(roll), Outcome::Rolled);
  EXPECT_THAT(web.pool().workers(), SizeIs(1));
}

TEST(Roll, FailureInTheFirstSlotLeavesTheOldGenerationAsItWas) {
  PoolDriver web(spec_of(2));
  web.serve();
  const WorkerId old = web.current(0);
  const CommandId roll = web.deploy(version_two(2));
  const WorkerId young = web.successor(0);
  web.exited(young, Death{.exit_code = 3});
  ASSERT_EQ(web.outcome(roll), Outcome::Aborted);
  EXPECT_EQ(web.verdicts(roll)[0].culprit, young);
  EXPECT_THAT(web.verdicts(roll)[0].text, testing::HasSubstr("exited with code 3"));
  EXPECT_EQ(web.current(0), old);
  EXPECT_THAT(web.drained(), IsEmpty());
  EXPECT_EQ(web.pool().spec(), spec_of(2));
  EXPECT_EQ(web.pool().generation(), Generation{1});
}

TEST(Roll, FailureInTheSecondSlotReturnsTheFirst) {
  PoolDriver web(spec_of(2));
  web.serve();
  const CommandId roll = web.deploy(version_two(2));
  web.ready(web.successor(0));
  const WorkerId renewed = web.current(0);
  web.exited(web.successor(1), kCrash);
  EXPECT_FALSE(web.answered(roll)) << "the way back is part of it";
  EXPECT_EQ(web.current(0), renewed) << "and makes before it breaks, too";
  web.ready(web.successor(0));
  EXPECT_EQ(web.outcome(roll), Outcome::Aborted);
  EXPECT_EQ(web.phase(renewed), WorkerPhase::Draining);
  EXPECT_EQ(web.generation_of(0), Generation{1});
  EXPECT_EQ(web.generation_of(1), Generation{1});
}

TEST(Roll, FailureEndsTheOtherBootingSuccessors) {
  PoolSpec spec = spec_of(3);
  spec.surge = 3;
  PoolDriver web(spec);
  web.serve();
  const CommandId roll = web.roll();
  const WorkerId second = web.successor(1);
  const WorkerId third = web.successor(2);
  web.fork_failed(web.successor(0));
  EXPECT_THAT(web.drained(), ElementsAre(second, third));
  EXPECT_EQ(web.outcome(roll), Outcome::Aborted);
}

TEST(Roll, ASuccessorThatIsNotReadyInTimeFailsIt) {
  PoolDriver web(spec_of(1));
  web.serve();
  const CommandId roll = web.roll();
  const WorkerId young = web.successor(0);
  web.pass(10s);
  EXPECT_THAT(web.killed(), ElementsAre(young));
  web.exited(young, Death{.signal = 9});
  EXPECT_EQ(web.outcome(roll), Outcome::Aborted);
  EXPECT_EQ(web.state(0), SlotState::Running);
}

TEST(Roll, AFailedWayBackStillEnds) {
  PoolDriver web(spec_of(2));
  web.serve();
  const CommandId roll = web.roll();
  web.ready(web.successor(0));
  const WorkerId renewed = web.current(0);
  web.exited(web.successor(1), kCrash);
  web.exited(web.successor(0), kCrash);  // The old version does not start any more, either.
  EXPECT_EQ(web.outcome(roll), Outcome::Aborted);
  EXPECT_EQ(web.phase(renewed), WorkerPhase::Serving) << "better than nobody";
}

TEST(Roll, AGenerationNumberIsUsedOnce) {
  PoolDriver web(spec_of(1));
  web.serve();
  web.roll();
  web.exited(web.successor(0), kCrash);
  EXPECT_EQ(web.pool().upcoming_generation(), Generation{3});
  web.roll();
  web.ready_all();
  EXPECT_EQ(web.pool().generation(), Generation{3});
}

TEST(Roll, ACrashOfThePredecessorPromotesTheSuccessor) {
  PoolDriver web(spec_of(1));
  web.serve();
  const CommandId roll = web.roll();
  const WorkerId young = web.successor(0);
  web.exited(web.current(0), kCrash);
  EXPECT_THAT(web.forked(), IsEmpty());
  EXPECT_EQ(web.current(0), young);
  EXPECT_EQ(web.state(0), SlotState::Starting);
  web.ready(young);
  EXPECT_EQ(web.outcome(roll), Outcome::Rolled);
}

TEST(Roll, ReadinessOfThePredecessorIsNotThatOfTheSuccessor) {
  PoolDriver web(spec_of(1));
  web.start();
  const WorkerId old = web.current(0);
  const CommandId roll = web.roll();
  web.ready(old);
  EXPECT_FALSE(web.answered(roll));
  web.ready(web.successor(0));
  EXPECT_EQ(web.outcome(roll), Outcome::Rolled);
}

TEST(Roll, ARecyclingWorkerOfTheNewGenerationIsNoFailure) {
  PoolDriver web(spec_of(2));
  web.serve();
  const CommandId roll = web.roll();
  web.ready(web.successor(0));
  web.pass(2s);
  web.exited(web.current(0));
  EXPECT_TRUE(web.pool().rolling());
  EXPECT_EQ(web.generation_of(0), Generation{2});
  web.settle();
  EXPECT_EQ(web.outcome(roll), Outcome::Rolled);
}

TEST(Roll, ACrashOfTheNewGenerationBeforeItIsCompleteFailsIt) {
  PoolDriver web(spec_of(2));
  web.serve();
  const CommandId roll = web.roll();
  web.ready(web.successor(0));
  web.exited(web.current(0), kCrash);
  web.settle();
  EXPECT_EQ(web.outcome(roll), Outcome::Aborted);
  EXPECT_EQ(web.generation_of(0), Generation{1});
  EXPECT_EQ(web.generation_of(1), Generation{1});
}

TEST(Roll, ACrashOfTheOldGenerationDoesNotFailIt) {
  PoolDriver web(spec_of(2));
  web.serve();
  const CommandId roll = web.roll();
  web.exited(web.current(1), kCrash);
  web.settle();
  EXPECT_EQ(web.outcome(roll), Outcome::Rolled);
  EXPECT_EQ(web.generation_of(1), Generation{2});
}

TEST(Roll, AStopOfThePoolEndsIt) {
  PoolDriver web(spec_of(2));
  web.serve();
  const CommandId roll = web.roll();
  const CommandId stop = web.stop();
  EXPECT_EQ(web.outcome(roll), Outcome::Aborted);
  EXPECT_THAT(web.drained(), SizeIs(3));
  web.settle();
  EXPECT_TRUE(web.answered(stop));
  EXPECT_TRUE(web.pool().quiet());
}

TEST(Roll, AStopOfOneSlotLeavesItToTheOthers) {
  PoolDriver web(spec_of(2));
  web.serve();
  const CommandId roll = web.roll();
  web.stop({0});
  web.settle();
  EXPECT_EQ(web.outcome(roll), Outcome::Rolled);
  EXPECT_EQ(web.state(0), SlotState::Stopped);
  EXPECT_EQ(web.generation_of(1), Generation{2});
}

TEST(Roll, AHardRestartMeanwhileLeadsToTheNewGenerationToo) {
  PoolDriver web(spec_of(2));
  web.serve();
  const CommandId roll = web.roll();
  const CommandId restart = web.hard_restart({0});
  web.settle();
  EXPECT_TRUE(web.answered(restart));
  EXPECT_EQ(web.outcome(roll), Outcome::Rolled);
  EXPECT_EQ(web.generation_of(0), Generation{2});
  EXPECT_EQ(web.generation_of(1), Generation{2});
}

TEST(Roll, AStopThatCameBeforeIsFinishedFirst) {
  PoolDriver web(spec_of(1));
  web.serve();
  const WorkerId old = web.current(0);
  const CommandId stop = web.stop();
  const CommandId roll = web.roll();
  EXPECT_THAT(web.forked(), IsEmpty());
  web.exited(old);
  EXPECT_TRUE(web.answered(stop));
  web.ready_all();
  EXPECT_EQ(web.outcome(roll), Outcome::Rolled);
  EXPECT_EQ(web.state(0), SlotState::Running);
}

TEST(Roll, AFatalSlotIsNotRevivedByItsFailure) {
  PoolSpec spec = spec_of(2);
  spec.give_up_failures = 1;
  PoolDriver web(spec);
  web.serve();
  web.roll();
  web.ready(web.successor(0));
  web.exited(web.current(0), kCrash);
  EXPECT_EQ(web.state(0), SlotState::Fatal);
  EXPECT_THAT(web.all<Fork>(), testing::Not(testing::Contains(Field(&Fork::slot, 0))));
}

/// Slots 0 and 1 have been replaced when slot 2 fails; slot 0 returns first.
TEST(Roll, OnItsWayBackLeavesAWorkerThatACrashHasBroughtBackAlready) {
  PoolDriver web(spec_of(3));
  web.serve();
  web.roll();
  for (const int slot : {0, 1}) {
    const WorkerId old = web.current(slot);
    web.ready(web.successor(slot));
    web.exited(old);
  }
  web.pass(2s);
  web.exited(web.successor(2), kCrash);
  const WorkerId back = web.successor(0);
  web.exited(web.current(1), kCrash);
  const WorkerId again = web.current(1);
  web.ready(again);
  web.ready(back);
  EXPECT_THAT(web.forked(), testing::IsEmpty());
  EXPECT_EQ(web.current(1), again);
  EXPECT_FALSE(web.pool().rolling());
}

TEST(Roll, FailureLeavesDownWhatWasDown) {
  PoolDriver web(spec_of(3));
  web.serve();
  web.stop({2});
  web.settle();
  const CommandId roll = web.canary(1, 10s);
  web.exited(web.successor(0), kCrash);
  EXPECT_EQ(web.outcome(roll), Outcome::Aborted);
  EXPECT_THAT(web.forked(), IsEmpty());
  EXPECT_EQ(web.state(2), SlotState::Stopped);
}

TEST(Roll, FailureLeavesTheWorkThatIsDone) {
  PoolSpec spec = spec_of(2);
  spec.restart = RestartRule::OnFailure;
  PoolDriver web(spec);
  web.serve();
  web.pass(1min);
  web.exited(web.current(1));
  ASSERT_EQ(web.state(1), SlotState::Exited);
  web.canary(1, 10s);
  web.exited(web.successor(0), kCrash);
  EXPECT_THAT(web.forked(), IsEmpty());
  EXPECT_EQ(web.state(1), SlotState::Exited);
}

TEST(Roll, FailureLeavesABackOffItsTime) {
  PoolDriver web(spec_of(2));
  web.start();
  web.ready(web.current(0));
  web.exited(web.current(1), kCrash);
  ASSERT_EQ(web.state(1), SlotState::Backoff);
  const auto retry_at = web.slot(1).retry_at;
  web.canary(1, 10s);
  web.exited(web.successor(0), kCrash);
  EXPECT_EQ(web.state(1), SlotState::Backoff);
  EXPECT_EQ(web.slot(1).retry_at, retry_at);
}

TEST(Roll, FailureDoesNotForgetTheFailuresOfASlotItHasNotBegun) {
  PoolDriver web(spec_of(2));
  web.start();
  web.ready(web.current(0));
  web.exited(web.current(1), kCrash);
  web.pass(8s);
  web.exited(web.current(1), kCrash);
  web.canary(1, 10s);
  web.exited(web.successor(0), kCrash);
  web.pass(8s);
  web.exited(web.current(1), kCrash);
  EXPECT_EQ(web.state(1), SlotState::Fatal) << "the third failure within 60 s";
}

TEST(Roll, TheVerdictNamesASlotWhoseWayBackFailed) {
  PoolDriver web(spec_of(2));
  web.serve();
  const CommandId roll = web.roll();
  web.ready(web.successor(0));
  web.exited(web.successor(1), kCrash);
  web.exited(web.successor(0), Death{.exit_code = 3});
  ASSERT_EQ(web.outcome(roll), Outcome::Aborted);
  EXPECT_THAT(web.verdicts(roll)[0].text,
              testing::EndsWith("; generation 1 serves on, except web:0: exited with code 3"));
}

}  // namespace
}  // namespace reeve::supervisor
