// From a fork to RUNNING, or to the failure of a start: gates, timeouts, back-off, FATAL.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/supervisor/core/pool_driver.hpp"

namespace reeve::supervisor {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST(Start, ANewPoolIsStoppedAndQuiet) {
  const PoolDriver web(spec_of(2));
  EXPECT_EQ(web.state(0), SlotState::Stopped);
  EXPECT_TRUE(web.pool().quiet());
  EXPECT_EQ(web.pool().next_deadline(), std::nullopt);
}

TEST(Start, ForksEverySlotAtOnce) {
  PoolDriver web(spec_of(3));
  web.start();
  EXPECT_THAT(web.forked(), SizeIs(3));
  EXPECT_EQ(web.state(2), SlotState::Starting);
  EXPECT_FALSE(web.pool().quiet());
}

TEST(Start, OfOneSlotLeavesTheOthersDown) {
  PoolDriver web(spec_of(3));
  web.start({1});
  EXPECT_THAT(web.forked(), SizeIs(1));
  EXPECT_EQ(web.state(0), SlotState::Stopped);
  EXPECT_EQ(web.state(1), SlotState::Starting);
}

TEST(Start, IsAnsweredWhenTheLastWorkerIsReady) {
  PoolDriver web(spec_of(2));
  const CommandId start = web.start();
  web.ready(web.current(0));
  EXPECT_FALSE(web.answered(start));
  web.ready(web.current(1));
  ASSERT_THAT(web.verdicts(start), SizeIs(2));
  EXPECT_EQ(web.verdicts(start)[0].outcome, Outcome::Started);
  EXPECT_EQ(web.verdicts(start)[1].slot, 1);
}

TEST(Start, OfWhatRunsIsAnsweredAtOnce) {
  PoolDriver web(spec_of(1));
  web.serve();
  EXPECT_EQ(web.outcome(web.start()), Outcome::AlreadyStarted);
  EXPECT_THAT(web.forked(), IsEmpty());
}

TEST(Start, OfWhatBootsWaitsForItsReadiness) {
  PoolDriver web(spec_of(1));
  web.start();
  const CommandId second = web.start();
  EXPECT_THAT(web.forked(), IsEmpty());
  EXPECT_FALSE(web.answered(second));
  web.ready(web.current(0));
  EXPECT_EQ(web.outcome(second), Outcome::Started);
}

TEST(Start, OfWhatStopsBeginsWhenItHasStopped) {
  PoolDriver web(spec_of(1));
  web.serve();
  const WorkerId old = web.current(0);
  web.stop();
  const CommandId start = web.start();
  EXPECT_THAT(web.forked(), IsEmpty());
  web.exited(old);
  EXPECT_EQ(web.state(0), SlotState::Starting);
  web.ready(web.current(0));
  EXPECT_EQ(web.outcome(start), Outcome::Started);
}

TEST(Start, OfAStrangeSlotIsRefused) {
  PoolDriver web(spec_of(2));
  EXPECT_EQ(web.outcome(web.start({0, 7})), Outcome::NoSuchProcess);
  EXPECT_THAT(web.forked(), IsEmpty());
}

TEST(Start, ACleanEndThatMeansSomethingSaysWhat) {
  PoolDriver web(spec_of(1));
  const CommandId start = web.start();
  web.exited(web.current(0), Death{.exit_code = 0, .meaning = "it went to the background"});
  EXPECT_EQ(web.verdicts(start)[0].text, "exited with code 0: it went to the background");
}

TEST(Start, AFailureNamesTheCulprit) {
  PoolDriver web(spec_of(1));
  const CommandId start = web.start();
  const WorkerId worker = web.current(0);
  web.exited(worker, Death{.exit_code = 3});
  EXPECT_EQ(web.outcome(start), Outcome::SpawnError);
  EXPECT_EQ(web.verdicts(start)[0].culprit, worker);
  EXPECT_EQ(web.verdicts(start)[0].text, "exited with code 3");
  EXPECT_EQ(web.state(0), SlotState::Backoff);
}

TEST(Start, AFailedForkIsAFailedStart) {
  PoolDriver web(spec_of(1));
  const CommandId start = web.start();
  web.fork_failed(web.current(0));
  EXPECT_EQ(web.outcome(start), Outcome::SpawnError);
  EXPECT_EQ(web.state(0), SlotState::Backoff);
}

TEST(StartTimeout, KillsOnce) {
  PoolDriver web(spec_of(1));
  web.start();
  const WorkerId worker = web.current(0);
  web.pass(9999ms);
  EXPECT_THAT(web.killed(), IsEmpty());
  web.pass(1ms);
  EXPECT_THAT(web.killed(), ElementsAre(worker));
  web.pass(1h);
  EXPECT_THAT(web.killed(), IsEmpty());
}

TEST(StartTimeout, DoesNotForkATwinOfAWorkerThatIsStuck) {
  PoolDriver web(spec_of(1));
  web.start();
  const WorkerId worker = web.current(0);
  web.pass(1h);
  EXPECT_THAT(web.forked(), IsEmpty());
  web.exited(worker, Death{.signal = 9});
  EXPECT_EQ(web.state(0), SlotState::Backoff);
  EXPECT_EQ(web.slot(0).why, "killed: not ready within 10 s");
}

TEST(StartTimeout, AReadyThatComesTooLateChangesNothing) {
  PoolDriver web(spec_of(1));
  web.start();
  const WorkerId worker = web.current(0);
  web.pass(10s);
  web.ready(worker);
  EXPECT_TRUE(web.ordered_nothing());
  EXPECT_EQ(web.phase(worker), WorkerPhase::Killed);
}

TEST(StartTimeout, MovesWhenAskedTo) {
  PoolDriver web(spec_of(1));
  web.start();
  web.pass(9s);
  web.extended(web.current(0), 5s);
  web.pass(4s);
  EXPECT_THAT(web.killed(), IsEmpty());
  web.pass(1s);
  EXPECT_THAT(web.killed(), SizeIs(1));
}

TEST(StartTimeout, NeverMovesNearer) {
  PoolDriver web(spec_of(1));
  web.start();
  web.extended(web.current(0), 1ms);
  web.extended(web.current(0), -1h);
  web.pass(9s);
  EXPECT_THAT(web.killed(), IsEmpty());
}

TEST(StartTimeout, CannotBePutOffForEver) {
  PoolDriver web(spec_of(1));
  web.start();
  const WorkerId worker = web.current(0);
  for (int i = 0; i < 1000 && web.phase(worker) == WorkerPhase::Starting; ++i) {
    web.extended(worker, Duration::max() / 4);
    web.pass(1h);
  }
  EXPECT_EQ(web.phase(worker), WorkerPhase::Killed);
}

TEST(ReadyAfter, ZeroMeansExecHasSucceeded) {
  PoolSpec spec = spec_of(1);
  spec.ready_after = 0s;
  PoolDriver web(spec);
  web.start();
  EXPECT_EQ(web.state(0), SlotState::Starting);
  web.started(web.current(0));
  web.pass(0s);
  EXPECT_EQ(web.state(0), SlotState::Running);
}

TEST(ReadyAfter, CountsFromExec) {
  PoolSpec spec = spec_of(1);
  spec.ready_after = 2s;
  PoolDriver web(spec);
  web.start();
  web.pass(5s);
  web.started(web.current(0));
  web.pass(1s);
  web.started(web.current(0));  // A duplicate does not begin it anew.
  web.pass(999ms);
  EXPECT_EQ(web.state(0), SlotState::Starting);
  web.pass(1ms);
  EXPECT_EQ(web.state(0), SlotState::Running);
}

TEST(ReadyAfter, IsNotForTheDead) {
  PoolSpec spec = spec_of(1);
  spec.ready_after = 2s;
  PoolDriver web(spec);
  const CommandId start = web.start();
  const WorkerId worker = web.current(0);
  web.started(worker);
  web.pass(1999ms);
  web.exited(worker, kCrash);
  EXPECT_EQ(web.outcome(start), Outcome::SpawnError);
}

TEST(ReadyAfter, OneShotWorkThatEndsSoonerIsDoneAndNotStarted) {
  PoolSpec spec = spec_of(1);
  spec.ready_after = 1s;
  spec.restart = RestartRule::OnFailure;
  PoolDriver jobs(spec);
  const CommandId start = jobs.start();
  jobs.started(jobs.current(0));
  jobs.pass(300ms);
  jobs.exited(jobs.current(0));
  EXPECT_EQ(jobs.outcome(start), Outcome::Finished);
  EXPECT_EQ(jobs.state(0), SlotState::Exited);
  EXPECT_TRUE(jobs.slot(0).finished);
}

TEST(ReadyAfter, ARollToAProgramThatDiesSoonGoesBack) {
  PoolSpec spec = spec_of(1);
  spec.ready_after = 1s;
  PoolDriver web(spec);
  web.start();
  web.started(web.current(0));
  web.pass(1s);
  const CommandId roll = web.roll();
  web.started(web.successor(0));
  web.pass(300ms);
  web.exited(web.successor(0), kCrash);
  EXPECT_EQ(web.outcome(roll), Outcome::Aborted);
  EXPECT_EQ(web.generation_of(0), Generation{1});
}

TEST(Verdict, ASlotThatHasDiedBeforeTheOthersWereUpIsNotCalledStarted) {
  PoolDriver web(spec_of(2));
  const CommandId start = web.start();
  web.ready(web.current(0));
  web.pass(2s);
  web.exited(web.current(0), kCrash);
  web.ready(web.current(1));
  ASSERT_EQ(web.verdicts(start).size(), 2u);
  EXPECT_EQ(web.verdicts(start)[0].outcome, Outcome::SpawnError);
  EXPECT_EQ(web.verdicts(start)[0].text, "it was started, and is STARTING now: killed by SIGSEGV");
  EXPECT_EQ(web.verdicts(start)[1].outcome, Outcome::Started);
}

TEST(Verdict, CountsThoseThatServe) {
  PoolDriver web(spec_of(2));
  web.serve();
  const CommandId roll = web.roll();
  web.ready_all();
  web.stop({0});
  web.settle();
  ASSERT_EQ(web.outcome(roll), Outcome::Rolled);
  EXPECT_EQ(web.verdicts(roll)[0].text, "generation 2 serves with 1 of 2 workers, 3 old draining");
}

TEST(Backoff, AProgramThatCannotBeExecutedIsFatalAtOnceUnlessItsVersionWasReady) {
  const Death missing{.exec_error = "exec /bin/web: No such file", .permanent = true};
  PoolDriver web(spec_of(1));
  web.start();
  web.exited(web.current(0), missing);
  EXPECT_EQ(web.state(0), SlotState::Fatal);
  EXPECT_EQ(web.slot(0).why,
            "gave up, since trying again cannot mend it: could not be started: exec /bin/web: No "
            "such file");
  web.serve();
  web.exited(web.current(0), kCrash);
  web.exited(web.current(0), missing);
  EXPECT_EQ(web.state(0), SlotState::Backoff) << "somebody replaces its file";
}

TEST(ReadyNotify, ExecAloneIsNotReady) {
  PoolDriver web(spec_of(1));
  web.start();
  web.started(web.current(0));
  EXPECT_EQ(web.state(0), SlotState::Starting);
}

TEST(Crash, OfAServingWorkerIsFollowedInTheSameStep) {
  PoolDriver web(spec_of(2));
  web.serve();
  web.exited(web.current(0), kCrash);
  EXPECT_THAT(web.forked(), SizeIs(1));
  EXPECT_EQ(web.state(0), SlotState::Starting);
  EXPECT_EQ(web.slot(0).why, "killed by SIGSEGV");
  EXPECT_EQ(web.state(1), SlotState::Running);
}

TEST(Crash, OutOfMemoryIsNamed) {
  PoolDriver web(spec_of(1));
  web.serve();
  web.exited(web.current(0), Death{.signal = 9, .out_of_memory = true});
  EXPECT_EQ(web.slot(0).why, "killed: out of memory");
}

TEST(StartTimeout, IsTheReasonWhateverTheKernelSays) {
  PoolDriver web(spec_of(1));
  web.start();
  const WorkerId worker = web.current(0);
  web.pass(10s);
  web.exited(worker, Death{.signal = 9, .out_of_memory = true});
  EXPECT_EQ(web.slot(0).why, "killed: not ready within 10 s");
}

TEST(StartTimeout, SaysWhatWasWaitedForWhereThatIsKnown) {
  PoolDriver web(spec_of(1));
  web.start();
  const WorkerId worker = web.current(0);
  web.pass(10s);
  web.exited(worker, Death{.signal = 9, .meaning = "no READY=1 within 10 s"});
  EXPECT_EQ(web.slot(0).why, "killed: no READY=1 within 10 s");
}

TEST(Leaving, IsToldAsItsOwnWish) {
  PoolDriver web(spec_of(1));
  web.serve();
  web.leaving(web.current(0));
  EXPECT_EQ(web.slot(0).why, "it left by itself");
}

TEST(Crash, TheNextTryComesAfterThePause) {
  PoolDriver web(spec_of(1));
  web.start();
  web.exited(web.current(0), kCrash);
  web.pass(749ms);
  EXPECT_EQ(web.state(0), SlotState::Backoff);
  EXPECT_FALSE(web.pool().quiet());
  web.pass(501ms);
  EXPECT_EQ(web.state(0), SlotState::Starting);
}

TEST(Crash, InALoopEndsInFatal) {
  PoolDriver web(spec_of(1));
  web.start();
  for (int failure = 1; failure <= 3; ++failure) {
    web.exited(web.current(0), Death{.exit_code = 3});
    web.pass(4s);
  }
  EXPECT_EQ(web.state(0), SlotState::Fatal);
  EXPECT_EQ(web.slot(0).why, "gave up after 3 failures within 60 s, the last: exited with code 3");
  EXPECT_TRUE(web.pool().quiet());
}

TEST(Crash, FatalIsLeftByAStart) {
  PoolDriver web(spec_of(1));
  web.start();
  for (int failure = 1; failure <= 3; ++failure) {
    web.exited(web.current(0), kCrash);
    web.pass(4s);
  }
  ASSERT_EQ(web.state(0), SlotState::Fatal);
  const CommandId start = web.start();
  web.ready(web.current(0));
  EXPECT_EQ(web.outcome(start), Outcome::Started);
}

TEST(Crash, OfOneSlotDoesNotCountForAnother) {
  PoolDriver web(spec_of(3));
  web.start();
  for (int slot = 0; slot < 3; ++slot) web.exited(web.current(slot), kCrash);
  for (int slot = 0; slot < 3; ++slot) EXPECT_EQ(web.state(slot), SlotState::Backoff);
}

TEST(Exit, WithZeroStaysDownWhenOnlyFailuresAreRestarted) {
  PoolSpec spec = spec_of(1);
  spec.restart = RestartRule::OnFailure;
  PoolDriver web(spec);
  web.serve();
  web.pass(1min);
  web.exited(web.current(0));
  EXPECT_EQ(web.state(0), SlotState::Exited);
  EXPECT_TRUE(web.pool().quiet());
}

TEST(Exit, NeverMeansNever) {
  PoolSpec spec = spec_of(1);
  spec.restart = RestartRule::Never;
  PoolDriver web(spec);
  const CommandId start = web.start();
  web.exited(web.current(0), kCrash);
  EXPECT_EQ(web.state(0), SlotState::Exited);
  EXPECT_EQ(web.outcome(start), Outcome::SpawnError);
}

TEST(Leaving, ASuccessorStartsWhileItDrains) {
  PoolDriver web(spec_of(1));
  web.serve();
  web.pass(1min);
  const WorkerId old = web.current(0);
  web.leaving(old);
  EXPECT_THAT(web.forked(), SizeIs(1));
  EXPECT_THAT(web.drained(), IsEmpty()) << "it knows";
  EXPECT_EQ(web.phase(old), WorkerPhase::Draining);
  EXPECT_NE(web.current(0), old);
}

TEST(Leaving, HasTheGraceAndNoMore) {
  PoolDriver web(spec_of(1));
  web.serve();
  web.pass(1min);
  const WorkerId old = web.current(0);
  web.leaving(old);
  web.ready(web.current(0));
  web.pass(5s);
  EXPECT_THAT(web.killed(), ElementsAre(old));
}

TEST(Leaving, WhereRestartIsNotAlwaysTheExitDecides) {
  PoolSpec spec = spec_of(1);
  spec.restart = RestartRule::OnFailure;
  PoolDriver web(spec);
  web.serve();
  web.pass(1min);
  const WorkerId worker = web.current(0);
  web.leaving(worker);
  EXPECT_THAT(web.forked(), IsEmpty());
  web.exited(worker);
  EXPECT_EQ(web.state(0), SlotState::Exited);
}

}  // namespace
}  // namespace reeve::supervisor
