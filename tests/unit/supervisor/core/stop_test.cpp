// From RUNNING to STOPPED: grace, SIGKILL, and what an operator may change on the way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/supervisor/core/pool_driver.hpp"

namespace reeve::supervisor {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;
using testing::SizeIs;

TEST(Stop, DrainsPromptlyAndWaitsForTheExit) {
  PoolDriver web(spec_of(1));
  web.serve();
  const WorkerId worker = web.current(0);
  const CommandId stop = web.stop();
  EXPECT_THAT(web.all<Drain>(), ElementsAre(Field(&Drain::kind, DrainKind::Prompt)));
  EXPECT_EQ(web.state(0), SlotState::Stopping);
  EXPECT_FALSE(web.answered(stop));
  web.exited(worker);
  EXPECT_EQ(web.outcome(stop), Outcome::Stopped);
  EXPECT_TRUE(web.pool().quiet());
  EXPECT_THAT(web.forked(), IsEmpty());
}

const Death kCostly{.exit_code = 0, .cost = "1 request cancelled"};

TEST(Stop, ThatCostSomethingSaysSo) {
  PoolDriver web(spec_of(1));
  web.serve();
  const CommandId stop = web.stop();
  web.exited(web.current(0), kCostly);
  ASSERT_EQ(web.outcome(stop), Outcome::Stopped);
  EXPECT_EQ(web.verdicts(stop)[0].text, "1 request cancelled");
  EXPECT_EQ(web.slot(0).why, "1 request cancelled");
}

TEST(Stop, TellsTheCostOfOneThatStillDrainedToo) {
  PoolDriver web(spec_of(1));
  web.serve();
  const WorkerId old = web.current(0);
  web.roll();
  web.ready_all();
  const CommandId stop = web.stop();
  web.exited(web.current(0));
  web.exited(old, kCostly);
  EXPECT_EQ(web.verdicts(stop)[0].text, "exited with code 0; 1 request cancelled");
}

TEST(Stop, AtTheEndOfTheGraceTellsTheCostBesideTheKill) {
  PoolDriver web(spec_of(1));
  web.serve();
  const CommandId stop = web.stop();
  web.pass(5s);
  web.exited(web.current(0), Death{.signal = 9, .cost = "1 request cancelled"});
  EXPECT_EQ(web.verdicts(stop)[0].text, "killed: still draining after 5 s; 1 request cancelled");
}

TEST(Stop, OfAHardRestartTellsItsCost) {
  PoolDriver web(spec_of(1));
  web.serve();
  const CommandId restart = web.hard_restart();
  web.exited(web.current(0), kCostly);
  web.ready_all();
  ASSERT_EQ(web.outcome(restart), Outcome::Restarted);
  EXPECT_EQ(web.verdicts(restart)[0].text, "1 request cancelled");
}

TEST(Stop, OfOldWorkersInARollIsToldByItsVerdict) {
  PoolDriver web(spec_of(2));
  web.serve();
  const WorkerId old = web.current(0);
  const CommandId roll = web.roll();
  web.ready_all();
  web.exited(old, kCostly);
  web.ready_all();
  ASSERT_EQ(web.outcome(roll), Outcome::Rolled);
  EXPECT_THAT(web.verdicts(roll)[0].text, testing::EndsWith("; web:0: 1 request cancelled"));
}

TEST(Stop, OfOneSlotIsPatientWhileOthersServe) {
  PoolDriver web(spec_of(2));
  web.serve();
  web.stop({0});
  EXPECT_THAT(web.all<Drain>(), ElementsAre(Field(&Drain::kind, DrainKind::Patient)));
  EXPECT_EQ(web.state(1), SlotState::Running);
}

TEST(Stop, OfTheLastServingSlotIsPrompt) {
  PoolDriver web(spec_of(2));
  web.serve();
  web.stop({0});
  web.stop({1});
  // Both: who drained patiently has nobody left to wait for.
  EXPECT_THAT(web.all<Drain>(), SizeIs(2));
  EXPECT_THAT(web.all<Drain>(), Each(Field(&Drain::kind, DrainKind::Prompt)));
}

TEST(Stop, WhileStartingDrains) {
  PoolDriver web(spec_of(1));
  const CommandId start = web.start();
  const WorkerId worker = web.current(0);
  web.stop();
  EXPECT_THAT(web.drained(), ElementsAre(worker));
  EXPECT_EQ(web.outcome(start), Outcome::Aborted);
  web.ready(worker);  // READY was on its way.
  EXPECT_EQ(web.state(0), SlotState::Stopping);
}

TEST(Stop, WhileStartingReplacesStartTimeoutByTheGrace) {
  PoolDriver web(spec_of(1));
  web.start();
  web.pass(9s);
  web.stop();
  web.pass(4999ms);
  EXPECT_THAT(web.killed(), IsEmpty());
  web.pass(1ms);
  ASSERT_THAT(web.all<Kill>(), SizeIs(1));
  EXPECT_EQ(web.all<Kill>()[0].reason, KillReason::GraceExpired);
}

TEST(Stop, InBackoffIsDoneAtOnce) {
  PoolDriver web(spec_of(1));
  web.start();
  web.exited(web.current(0), kCrash);
  EXPECT_EQ(web.outcome(web.stop()), Outcome::Stopped);
  EXPECT_TRUE(web.pool().quiet());
  web.pass(1h);
  EXPECT_THAT(web.forked(), IsEmpty());
}

TEST(Stop, OfWhatIsDownSaysSo) {
  PoolDriver web(spec_of(1));
  EXPECT_EQ(web.outcome(web.stop()), Outcome::NotRunning);
}

TEST(Stop, TwiceDrainsOnceAndAnswersBoth) {
  PoolDriver web(spec_of(1));
  web.serve();
  const WorkerId worker = web.current(0);
  const CommandId first = web.stop();
  const CommandId second = web.stop();
  EXPECT_THAT(web.drained(), IsEmpty());
  web.exited(worker);
  EXPECT_EQ(web.outcome(first), Outcome::Stopped);
  EXPECT_EQ(web.outcome(second), Outcome::Stopped);
}

TEST(Stop, ACrashWhileDrainingIsNoReasonToStartAgain) {
  PoolDriver web(spec_of(1));
  web.serve();
  const WorkerId worker = web.current(0);
  const CommandId stop = web.stop();
  web.exited(worker, kCrash);
  EXPECT_THAT(web.forked(), IsEmpty());
  EXPECT_EQ(web.outcome(stop), Outcome::Stopped);
  EXPECT_EQ(web.slot(0).why, "killed by SIGSEGV");
}

TEST(Stop, TakesBackAStartThatWaitsForIt) {
  PoolDriver web(spec_of(1));
  web.serve();
  const WorkerId worker = web.current(0);
  web.stop();
  const CommandId start = web.start();
  web.stop();
  EXPECT_EQ(web.outcome(start), Outcome::Aborted);
  web.exited(worker);
  EXPECT_EQ(web.state(0), SlotState::Stopped);
}

TEST(Stop, WaitsForAReplacedWorkerToo) {
  PoolDriver web(spec_of(1));
  web.serve();
  const WorkerId old = web.current(0);
  web.roll();
  web.ready_all();
  const WorkerId young = web.current(0);
  const CommandId stop = web.stop();
  web.exited(young);
  EXPECT_FALSE(web.answered(stop));
  web.exited(old);
  EXPECT_EQ(web.outcome(stop), Outcome::Stopped);
}

TEST(Stop, IsAnsweredWhenAStartOvertakesIt) {
  PoolDriver web(spec_of(1));
  web.serve();
  const WorkerId old = web.current(0);
  web.roll();
  web.ready_all();
  const WorkerId young = web.current(0);
  const CommandId stop = web.stop();
  web.exited(young);
  web.start();
  web.exited(old);
  web.settle();
  EXPECT_TRUE(web.answered(stop));
  EXPECT_EQ(web.state(0), SlotState::Running);
}

TEST(Grace, EndsInOneKill) {
  PoolDriver web(spec_of(1));
  web.serve();
  const WorkerId worker = web.current(0);
  const CommandId stop = web.stop();
  web.pass(4999ms);
  EXPECT_THAT(web.killed(), IsEmpty());
  web.pass(1ms);
  EXPECT_THAT(web.killed(), ElementsAre(worker));
  web.pass(1h);
  EXPECT_THAT(web.killed(), IsEmpty());
  EXPECT_FALSE(web.answered(stop)) << "a worker stuck in the kernel still owns its place";
  web.exited(worker, Death{.signal = 9});
  EXPECT_EQ(web.outcome(stop), Outcome::Stopped);
  EXPECT_EQ(web.slot(0).why, "killed: still draining after 5 s");
}

TEST(Grace, OfZeroKillsAtOnce) {
  PoolSpec spec = spec_of(1);
  spec.grace = 0s;
  PoolDriver web(spec);
  web.serve();
  web.stop();
  web.pass(0s);
  EXPECT_THAT(web.killed(), SizeIs(1));
}

TEST(Grace, IsEndedByTheOperatorForAllThatDrain) {
  PoolDriver web(spec_of(3));
  web.serve();
  web.stop({0, 1});
  web.end_grace();
  EXPECT_THAT(web.all<Kill>(), SizeIs(2));
  EXPECT_THAT(web.all<Kill>(), Each(Field(&Kill::reason, KillReason::GraceEndedByOperator)));
  EXPECT_EQ(web.state(2), SlotState::Running);
  web.end_grace();
  EXPECT_TRUE(web.ordered_nothing());
}

TEST(Grace, IsFixedAtTheFork) {
  PoolDriver web(spec_of(1));
  web.serve();
  PoolSpec hasty = spec_of(1);
  hasty.grace = 1s;
  web.deploy(hasty);
  web.ready_all();  // The old worker drains now.
  web.pass(4999ms);
  EXPECT_THAT(web.killed(), IsEmpty());
  web.pass(1ms);
  EXPECT_THAT(web.killed(), SizeIs(1));
}

TEST(Grace, MayBeExtended) {
  PoolDriver web(spec_of(1));
  web.serve();
  const WorkerId worker = web.current(0);
  web.stop();
  web.pass(4s);
  web.extended(worker, 3s);
  web.pass(2999ms);
  EXPECT_THAT(web.killed(), IsEmpty());
  web.pass(1ms);
  EXPECT_THAT(web.killed(), ElementsAre(worker));
}

TEST(Grace, CannotBeExtendedForEver) {
  PoolDriver web(spec_of(1));
  web.serve();
  const WorkerId worker = web.current(0);
  web.stop();
  for (int i = 0; i < 24 * 60 && web.phase(worker) == WorkerPhase::Draining; ++i) {
    web.extended(worker, 2min);
    web.pass(1min);
  }
  EXPECT_EQ(web.phase(worker), WorkerPhase::Killed);
}

TEST(HardRestart, StopsFirst) {
  PoolDriver web(spec_of(1));
  web.serve();
  const WorkerId old = web.current(0);
  const CommandId restart = web.hard_restart();
  EXPECT_THAT(web.drained(), ElementsAre(old));
  EXPECT_THAT(web.forked(), IsEmpty());
  web.exited(old);
  EXPECT_THAT(web.forked(), SizeIs(1));
  web.ready_all();
  ASSERT_THAT(web.verdicts(restart), SizeIs(3));
  EXPECT_EQ(web.verdicts(restart)[0].outcome, Outcome::Stopped);
  EXPECT_EQ(web.verdicts(restart)[1].outcome, Outcome::Started);
  EXPECT_EQ(web.verdicts(restart)[2].outcome, Outcome::Restarted) << "of the pool";
}

TEST(HardRestart, StartsWhatIsDown) {
  PoolDriver web(spec_of(1));
  const CommandId restart = web.hard_restart();
  EXPECT_THAT(web.forked(), SizeIs(1));
  web.ready_all();
  EXPECT_EQ(web.outcome(restart), Outcome::Restarted);
}

TEST(HardRestart, OfWhatStopsLetsTheStopHaveItsAnswer) {
  PoolDriver web(spec_of(1));
  web.serve();
  const WorkerId old = web.current(0);
  const CommandId stop = web.stop();
  const CommandId restart = web.hard_restart();
  web.exited(old);
  EXPECT_TRUE(web.answered(stop));
  web.ready_all();
  EXPECT_EQ(web.outcome(restart), Outcome::Restarted);
}

TEST(HardRestart, TellsOfAFailedStart) {
  PoolDriver web(spec_of(1));
  web.serve();
  const CommandId restart = web.hard_restart();
  web.exited(web.current(0));
  web.exited(web.current(0), Death{.exit_code = 3});
  ASSERT_THAT(web.verdicts(restart), SizeIs(2));
  EXPECT_EQ(web.verdicts(restart)[0].outcome, Outcome::Stopped);
  EXPECT_EQ(web.verdicts(restart)[1].outcome, Outcome::SpawnError);
}

}  // namespace
}  // namespace reeve::supervisor
