// A successor that is ready serves beside its predecessor for a while before it replaces it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/supervisor/core/pool_driver.hpp"

namespace reeve::supervisor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

PoolSpec soaking(int workers) {
  PoolSpec spec = spec_of(workers);
  spec.soak = 4s;
  return spec;
}

TEST(Soak, TheSuccessorServesBesideItsPredecessor) {
  PoolDriver web(soaking(1));
  web.serve();
  const WorkerId old = web.current(0);
  const CommandId roll = web.roll();
  const WorkerId young = web.successor(0);
  web.ready(young);
  web.pass(3999ms);
  EXPECT_EQ(web.phase(young), WorkerPhase::Serving);
  EXPECT_EQ(web.current(0), old);
  EXPECT_FALSE(web.answered(roll));
  web.pass(1ms);
  EXPECT_THAT(web.drained(), ElementsAre(old));
  EXPECT_EQ(web.current(0), young);
  EXPECT_EQ(web.outcome(roll), Outcome::Rolled);
}

TEST(Soak, IsNotForAPoolThatMerelyStarts) {
  PoolDriver web(soaking(1));
  const CommandId start = web.start();
  web.ready_all();
  EXPECT_EQ(web.outcome(start), Outcome::Started);
  EXPECT_EQ(web.pool().next_deadline(), std::nullopt);
}

TEST(Soak, IsThatOfTheDeployedSpecification) {
  PoolDriver web(spec_of(1));
  web.serve();
  const CommandId roll = web.deploy(soaking(1));
  web.ready_all();
  EXPECT_FALSE(web.answered(roll));
  web.pass(4s);
  EXPECT_EQ(web.outcome(roll), Outcome::Rolled);
}

TEST(Soak, HoldsThePlaceOfTheNextSuccessor) {
  PoolDriver web(soaking(2));
  web.serve();
  web.roll();
  web.ready_all();
  EXPECT_THAT(web.forked(), IsEmpty()) << "surge is 1";
  web.pass(4s);
  EXPECT_THAT(web.forked(), SizeIs(1));
}

TEST(Soak, ACrashMeanwhileFailsTheRoll) {
  PoolDriver web(soaking(2));
  web.serve();
  const WorkerId old = web.current(0);
  const CommandId roll = web.roll();
  const WorkerId young = web.successor(0);
  web.ready(young);
  web.pass(2s);
  web.exited(young, Death{.exit_code = 3});
  ASSERT_EQ(web.outcome(roll), Outcome::Aborted);
  EXPECT_EQ(web.verdicts(roll)[0].text,
            "crashed while soaking, after 2 s: exited with code 3; generation 1 serves on");
  EXPECT_EQ(web.verdicts(roll)[0].culprit, young);
  EXPECT_EQ(web.current(0), old);
  EXPECT_EQ(web.phase(old), WorkerPhase::Serving);
}

TEST(Soak, WhoEndsOrLeavesMeanwhileFailsTheRollToo) {
  for (const bool leaves : {false, true}) {
    PoolDriver web(soaking(1));
    web.serve();
    const CommandId roll = web.roll();
    const WorkerId young = web.successor(0);
    web.ready(young);
    web.pass(2s);
    leaves ? web.leaving(young) : web.exited(young);
    ASSERT_EQ(web.outcome(roll), Outcome::Aborted);
    EXPECT_THAT(web.verdicts(roll)[0].text, HasSubstr("ended while soaking, after 2 s: "));
    EXPECT_FALSE(web.slot(0).successor);
  }
}

TEST(Soak, AHangMeanwhileFailsTheRoll) {
  PoolSpec spec = soaking(1);
  spec.soak = 1min;
  spec.watchdog = 10s;
  PoolDriver web(spec);
  web.serve();
  const CommandId roll = web.roll();
  const WorkerId young = web.successor(0);
  web.ready(young);
  web.falls_silent(young);
  web.pass(13s);
  ASSERT_THAT(web.killed(), ElementsAre(young));
  web.pass(1h);  // Stuck in the kernel, and its soak is over: it is not accepted for that.
  EXPECT_FALSE(web.answered(roll));
  web.exited(young, Death{.signal = 9});
  ASSERT_EQ(web.outcome(roll), Outcome::Aborted);
  EXPECT_THAT(web.verdicts(roll)[0].text, HasSubstr("while soaking"));
  EXPECT_THAT(web.verdicts(roll)[0].text, HasSubstr("no sign of life"));
}

TEST(Soak, TheDeathOfThePredecessorMakesTheSuccessorCurrent) {
  PoolDriver web(soaking(1));
  web.serve();
  const CommandId roll = web.roll();
  const WorkerId young = web.successor(0);
  web.ready(young);
  web.exited(web.current(0), kCrash);
  EXPECT_EQ(web.current(0), young);
  EXPECT_EQ(web.state(0), SlotState::Running);
  EXPECT_THAT(web.forked(), IsEmpty());
  EXPECT_FALSE(web.answered(roll)) << "it has not soaked";
  web.pass(4s);
  EXPECT_EQ(web.outcome(roll), Outcome::Rolled);
}

TEST(Soak, ACrashAfterThePredecessorsDeathTurnsBackToo) {
  PoolDriver web(soaking(1));
  web.serve();
  const CommandId roll = web.roll();
  web.ready(web.successor(0));
  web.exited(web.current(0), kCrash);
  web.pass(2s);
  web.exited(web.current(0), kCrash);
  web.settle();
  EXPECT_EQ(web.outcome(roll), Outcome::Aborted);
  EXPECT_EQ(web.generation_of(0), Generation{1});
}

TEST(Soak, ASlotThatHadNoWorkerSoaksToo) {
  PoolDriver web(soaking(1));
  const CommandId roll = web.roll();
  web.ready_all();
  EXPECT_EQ(web.state(0), SlotState::Running);
  EXPECT_FALSE(web.answered(roll));
  web.pass(4s);
  EXPECT_EQ(web.outcome(roll), Outcome::Rolled);
}

TEST(Soak, ACrashWhereThereWasNoWorkerFailsTheRoll) {
  PoolDriver web(soaking(1));
  const CommandId roll = web.roll();
  web.ready_all();
  web.pass(2s);
  web.exited(web.current(0), kCrash);
  EXPECT_EQ(web.generation_of(0), Generation{1});
  EXPECT_EQ(web.outcome(roll), Outcome::Aborted);
}

TEST(Soak, ACrashOfOneThatIsDoneFailsTheRoll) {
  PoolDriver web(soaking(2));
  web.serve();
  const CommandId roll = web.roll();
  web.ready_all();
  web.pass(4s);
  web.ready(web.successor(1));
  const WorkerId soaks = web.successor(1);
  web.exited(web.current(0), kCrash);
  EXPECT_EQ(web.phase(soaks), WorkerPhase::Draining);
  web.settle();
  EXPECT_EQ(web.outcome(roll), Outcome::Aborted);
  EXPECT_EQ(web.generation_of(0), Generation{1});
  EXPECT_EQ(web.generation_of(1), Generation{1});
}

TEST(Soak, AFailureDrainsTheOthersThatServePatiently) {
  PoolSpec spec = soaking(2);
  spec.surge = 2;
  PoolDriver web(spec);
  web.serve();
  web.roll();
  const WorkerId serves = web.successor(0);
  web.ready(serves);
  web.exited(web.successor(1), kCrash);
  ASSERT_THAT(web.all<Drain>(), SizeIs(1));
  EXPECT_EQ(web.all<Drain>()[0].worker, serves);
  EXPECT_EQ(web.all<Drain>()[0].kind, DrainKind::Patient);
}

TEST(Soak, ASlotThatServesOnTrialIsReplacedAndNotEmptiedByTheWayBack) {
  PoolDriver web(soaking(2));
  web.start({0});
  web.ready_all();
  const CommandId roll = web.roll();
  const WorkerId trial = web.current(1);
  web.ready(trial);
  web.exited(web.successor(0), kCrash);
  EXPECT_EQ(web.phase(trial), WorkerPhase::Serving) << "it makes before it breaks";
  web.ready(web.successor(1));
  EXPECT_EQ(web.phase(trial), WorkerPhase::Draining);
  EXPECT_EQ(web.outcome(roll), Outcome::Aborted);
}

TEST(Soak, TheWayBackDoesNotSoak) {
  PoolDriver web(soaking(2));
  web.serve();
  const CommandId roll = web.roll();
  web.ready_all();
  web.pass(4s);
  web.exited(web.successor(1), kCrash);
  web.ready(web.successor(0));
  EXPECT_EQ(web.outcome(roll), Outcome::Aborted);
}

TEST(Soak, AStopOfTheSlotRetiresBoth) {
  PoolDriver web(soaking(2));
  web.serve();
  const CommandId roll = web.roll();
  const WorkerId old = web.current(0);
  const WorkerId young = web.successor(0);
  web.ready(young);
  web.stop({0});
  EXPECT_EQ(web.phase(old), WorkerPhase::Draining);
  EXPECT_EQ(web.phase(young), WorkerPhase::Draining);
  web.exited(old);
  web.exited(young);
  web.ready(web.successor(1));
  web.pass(4s);
  EXPECT_EQ(web.outcome(roll), Outcome::Rolled);
}

TEST(Soak, AStopOfThePoolRetiresAll) {
  PoolDriver web(soaking(1));
  web.serve();
  const CommandId roll = web.roll();
  web.ready_all();
  web.stop();
  EXPECT_EQ(web.outcome(roll), Outcome::Aborted);
  EXPECT_THAT(web.drained(), SizeIs(2));
  web.settle();
  EXPECT_TRUE(web.pool().quiet());
  EXPECT_EQ(web.pool().next_deadline(), std::nullopt);
}

TEST(Soak, AStartThatWaitsForTheSlotIsAnsweredByTheSuccessor) {
  PoolDriver web(soaking(1));
  web.start();
  web.roll();
  const CommandId start = web.start();
  web.ready(web.successor(0));
  EXPECT_FALSE(web.answered(start)) << "the slot shows a worker that boots";
  web.exited(web.current(0), kCrash);
  EXPECT_EQ(web.outcome(start), Outcome::Started);
}

TEST(Soak, OneShotWorkThatIsDoneHasProvenItself) {
  PoolSpec spec = soaking(1);
  spec.restart = RestartRule::OnFailure;
  PoolDriver jobs(spec);
  const CommandId roll = jobs.roll();
  jobs.ready_all();
  jobs.pass(2s);
  jobs.exited(jobs.current(0));
  EXPECT_EQ(jobs.outcome(roll), Outcome::Rolled);
  EXPECT_EQ(jobs.state(0), SlotState::Exited);
}

TEST(Soak, IsLongerByWhatTheMasterSlept) {
  PoolDriver web(soaking(1));
  web.serve();
  const CommandId roll = web.roll();
  web.ready_all();
  web.pass(2s);
  web.stall(1h);
  EXPECT_FALSE(web.answered(roll)) << "a crash meanwhile may not have been read";
  web.pass(kStall);
  EXPECT_EQ(web.outcome(roll), Outcome::Rolled);
}

}  // namespace
}  // namespace reeve::supervisor
