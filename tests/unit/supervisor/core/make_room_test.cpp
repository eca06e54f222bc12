// A roll that may empty slots first, for machines without room for a successor beside them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/supervisor/core/pool_driver.hpp"

namespace reeve::supervisor {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

PoolSpec without_surge(int workers, int max_unavailable = 1) {
  PoolSpec spec = spec_of(workers);
  spec.surge = 0;
  spec.max_unavailable = max_unavailable;
  return spec;
}

TEST(MakeRoom, DrainsPatientlyAndStartsWhenTheOldWorkerIsGone) {
  PoolDriver web(without_surge(2));
  web.serve();
  const WorkerId old = web.current(0);
  const CommandId roll = web.roll();
  ASSERT_THAT(web.all<Drain>(), SizeIs(1));
  EXPECT_EQ(web.all<Drain>()[0].worker, old);
  EXPECT_EQ(web.all<Drain>()[0].kind, DrainKind::Patient);
  EXPECT_THAT(web.forked(), IsEmpty());
  EXPECT_EQ(web.state(0), SlotState::Stopping);
  EXPECT_EQ(web.state(1), SlotState::Running);
  web.exited(old);
  EXPECT_THAT(web.forked(), ElementsAre(web.current(0)));
  EXPECT_EQ(web.generation_of(0), Generation{2});
  EXPECT_EQ(web.state(0), SlotState::Starting);
  ASSERT_FALSE(web.all<Changed>().empty());
  EXPECT_EQ(web.all<Changed>().back().why, "rolling restart");
  EXPECT_THAT(web.drained(), IsEmpty()) << "one at a time";
  web.ready(web.current(0));
  EXPECT_EQ(web.state(1), SlotState::Stopping);
  web.settle();
  EXPECT_EQ(web.outcome(roll), Outcome::Rolled);
}

TEST(MakeRoom, AsManyAsAllowed) {
  PoolDriver web(without_surge(4, 3));
  web.serve();
  web.roll();
  EXPECT_THAT(web.drained(), SizeIs(3));
}

TEST(MakeRoom, ComesAfterTheSurge) {
  PoolSpec spec = without_surge(4);
  spec.surge = 1;
  PoolDriver web(spec);
  web.serve();
  web.roll();
  EXPECT_THAT(web.forked(), ElementsAre(web.successor(0)));
  EXPECT_THAT(web.drained(), ElementsAre(web.current(1)));
  EXPECT_EQ(web.state(2), SlotState::Running);
}

TEST(MakeRoom, WaitsWhileMaxDrainingDrain) {
  PoolSpec spec = without_surge(4, 3);
  spec.max_draining = 2;
  PoolDriver web(spec);
  web.serve();
  web.roll();
  EXPECT_THAT(web.drained(), SizeIs(2));
}

TEST(MakeRoom, CountsASlotUntilItsNewWorkerHasSoaked) {
  PoolSpec spec = without_surge(2);
  spec.soak = 4s;
  PoolDriver web(spec);
  web.serve();
  web.roll();
  web.exited(web.current(0));
  web.ready(web.current(0));
  EXPECT_EQ(web.state(1), SlotState::Running);
  web.pass(4s);
  EXPECT_EQ(web.state(1), SlotState::Stopping);
}

TEST(MakeRoom, OfSomeSlotsKeepsTheGeneration) {
  PoolDriver web(without_surge(2));
  web.serve();
  const WorkerId old = web.current(1);
  const CommandId roll = web.roll({1});
  web.exited(old);
  EXPECT_FALSE(web.answered(roll)) << "the new one boots";
  web.ready(web.current(1));
  EXPECT_EQ(web.outcome(roll), Outcome::Rolled);
  EXPECT_EQ(web.generation_of(1), Generation{1});
}

TEST(MakeRoom, ADrainThatTakesTooLongIsKilledAndTheRollGoesOn) {
  PoolDriver web(without_surge(1));
  web.serve();
  const WorkerId old = web.current(0);
  const CommandId roll = web.roll();
  web.pass(5s);
  EXPECT_THAT(web.killed(), ElementsAre(old));
  EXPECT_THAT(web.forked(), IsEmpty());
  web.exited(old, Death{.signal = 9});
  web.settle();
  EXPECT_EQ(web.outcome(roll), Outcome::Rolled);
}

TEST(MakeRoom, AFailureStartsTheOldGenerationAgainAtOnce) {
  PoolDriver web(without_surge(2));
  web.serve();
  const CommandId roll = web.roll();
  web.exited(web.current(0));
  const WorkerId young = web.current(0);
  web.exited(young, Death{.exit_code = 3});
  ASSERT_THAT(web.forked(), SizeIs(1)) << "without the back-off that the new one earned";
  EXPECT_EQ(web.generation_of(0), Generation{1});
  EXPECT_FALSE(web.answered(roll)) << "until the old one serves again";
  web.ready(web.current(0));
  ASSERT_EQ(web.outcome(roll), Outcome::Aborted);
  EXPECT_EQ(web.verdicts(roll)[0].text, "exited with code 3; generation 1 serves on");
  EXPECT_EQ(web.verdicts(roll)[0].culprit, young);
  EXPECT_EQ(web.state(1), SlotState::Running);
}

TEST(MakeRoom, AFailureThatComesAgainInTheOldGenerationIsLeftToTheBackOff) {
  PoolDriver web(without_surge(2));
  web.serve();
  const CommandId roll = web.roll();
  web.exited(web.current(0));
  web.exited(web.current(0), kCrash);
  web.exited(web.current(0), kCrash);
  EXPECT_EQ(web.state(0), SlotState::Backoff);
  EXPECT_EQ(web.outcome(roll), Outcome::Aborted);
}

TEST(MakeRoom, TheWayBackEmptiesWhatWasDoneInTurn) {
  PoolDriver web(without_surge(2));
  web.serve();
  const CommandId roll = web.roll();
  web.exited(web.current(0));
  web.ready(web.current(0));
  web.exited(web.current(1));
  web.exited(web.current(1), kCrash);
  EXPECT_EQ(web.generation_of(1), Generation{1});
  EXPECT_EQ(web.state(0), SlotState::Running) << "one at a time";
  web.ready(web.current(1));
  EXPECT_EQ(web.state(0), SlotState::Stopping);
  web.settle();
  EXPECT_EQ(web.generation_of(0), Generation{1});
  EXPECT_EQ(web.outcome(roll), Outcome::Aborted);
}

TEST(MakeRoom, AFailureElsewhereWaitsForThosesBootingToGo) {
  PoolDriver web(without_surge(3, 2));
  web.serve();
  const CommandId roll = web.roll();
  web.exited(web.current(0));
  web.exited(web.current(1));
  const WorkerId boots = web.current(1);
  web.exited(web.current(0), kCrash);
  EXPECT_EQ(web.state(1), SlotState::Stopping) << "there is no room for two";
  EXPECT_EQ(web.phase(boots), WorkerPhase::Draining);
  web.settle();
  EXPECT_EQ(web.outcome(roll), Outcome::Aborted);
  for (int slot = 0; slot < 3; ++slot) EXPECT_EQ(web.generation_of(slot), Generation{1});
}

TEST(MakeRoom, AFailureElsewhereWhileItDrainsReturnsItToTheOldGeneration) {
  PoolDriver web(without_surge(3, 2));
  web.serve();
  const CommandId roll = web.roll();
  const WorkerId drains = web.current(1);
  web.exited(web.current(0));
  web.exited(web.current(0), kCrash);
  ASSERT_EQ(web.state(1), SlotState::Stopping);
  web.ready(web.current(0));
  EXPECT_FALSE(web.answered(roll)) << "until this one serves again, too";
  web.exited(drains);
  EXPECT_EQ(web.generation_of(1), Generation{1});
  web.settle();
  EXPECT_EQ(web.outcome(roll), Outcome::Aborted);
}

TEST(MakeRoom, ASlotOnTrialIsEmptiedByTheWayBack) {
  PoolSpec spec = without_surge(2, 2);
  spec.soak = 1min;
  PoolDriver web(spec);
  web.serve();
  const CommandId roll = web.roll();
  web.exited(web.current(0));
  web.exited(web.current(1));
  web.ready(web.current(0));
  web.exited(web.current(1), kCrash);
  web.settle();
  EXPECT_EQ(web.outcome(roll), Outcome::Aborted);
  EXPECT_EQ(web.generation_of(0), Generation{1});
}

TEST(MakeRoom, ASlotOnTrialDoesNotStandInItsOwnWay) {
  PoolSpec spec = without_surge(3);
  spec.soak = 4s;
  PoolDriver web(spec);
  web.serve();
  const CommandId roll = web.roll();
  web.exited(web.current(0));
  web.ready(web.current(0));
  web.pass(4s);
  web.exited(web.current(1));
  web.ready(web.current(1));
  const WorkerId trial = web.current(1);
  web.exited(web.current(0), kCrash);
  EXPECT_EQ(web.phase(trial), WorkerPhase::Draining);
  web.settle();
  EXPECT_EQ(web.outcome(roll), Outcome::Aborted);
  EXPECT_EQ(web.generation_of(1), Generation{1});
}

TEST(MakeRoom, AStopOfTheSlotKeepsItDown) {
  PoolDriver web(without_surge(2));
  web.serve();
  const CommandId roll = web.roll();
  const CommandId stop = web.stop({0});
  web.exited(web.current(0));
  EXPECT_EQ(web.outcome(stop), Outcome::Stopped);
  EXPECT_EQ(web.state(0), SlotState::Stopped);
  EXPECT_EQ(web.state(1), SlotState::Stopping) << "the next one has its turn";
  web.settle();
  EXPECT_EQ(web.outcome(roll), Outcome::Rolled);
  EXPECT_EQ(web.state(0), SlotState::Stopped);
}

TEST(MakeRoom, AStopOfThePoolEndsIt) {
  PoolDriver web(without_surge(2));
  web.serve();
  const CommandId roll = web.roll();
  const CommandId stop = web.stop();
  EXPECT_EQ(web.outcome(roll), Outcome::Aborted);
  web.settle();
  EXPECT_TRUE(web.answered(stop));
  EXPECT_TRUE(web.pool().quiet());
}

TEST(MakeRoom, AStopOfAllOthersDoesNotTakeItForTheWholePool) {
  PoolDriver web(without_surge(2));
  web.serve();
  const CommandId roll = web.roll();
  web.stop({1});
  EXPECT_FALSE(web.answered(roll));
  web.settle();
  EXPECT_EQ(web.outcome(roll), Outcome::Rolled);
  EXPECT_EQ(web.state(0), SlotState::Running);
}

TEST(MakeRoom, AStartOfTheSlotWaitsForTheNewWorker) {
  PoolDriver web(without_surge(1));
  web.serve();
  const CommandId roll = web.roll();
  const CommandId start = web.start();
  web.exited(web.current(0));
  EXPECT_FALSE(web.answered(start));
  web.ready_all();
  EXPECT_EQ(web.outcome(start), Outcome::Started);
  EXPECT_EQ(web.outcome(roll), Outcome::Rolled);
}

TEST(MakeRoom, AHardRestartOfTheSlotLeadsToTheNewGenerationToo) {
  PoolDriver web(without_surge(2));
  web.serve();
  web.roll();
  const CommandId hard = web.hard_restart({0});
  web.exited(web.current(0));
  web.settle();
  EXPECT_EQ(web.outcome(hard), Outcome::Restarted);
  EXPECT_EQ(web.generation_of(0), Generation{2});
}

TEST(MakeRoom, AHardRestartOfThePoolHurriesItOn) {
  PoolDriver web(without_surge(2));
  web.serve();
  const WorkerId drains = web.current(0);
  const CommandId roll = web.roll();
  const CommandId hard = web.hard_restart();
  EXPECT_EQ(web.outcome(roll), Outcome::Aborted);
  ASSERT_THAT(web.all<Drain>(), SizeIs(2));
  EXPECT_EQ(web.all<Drain>()[0].worker, drains);
  EXPECT_EQ(web.all<Drain>()[0].kind, DrainKind::Prompt);
  web.settle();
  EXPECT_EQ(web.outcome(hard), Outcome::Restarted);
  EXPECT_EQ(web.generation_of(0), Generation{1});
}

TEST(MakeRoom, ScalingItAwayLetsTheRollGoOn) {
  PoolDriver web(without_surge(3, 3));
  web.serve();
  const CommandId roll = web.roll();
  web.scale(1);
  web.settle();
  EXPECT_EQ(web.outcome(roll), Outcome::Rolled);
  EXPECT_TRUE(web.pool().workers().size() == 1);
}

TEST(MakeRoom, ScalingUpWhileAllAreEmptyStartsTheNewOnes) {
  PoolDriver web(without_surge(1));
  web.serve();
  web.roll();
  web.scale(2);
  EXPECT_EQ(web.state(1), SlotState::Starting);
  EXPECT_EQ(web.generation_of(1), Generation{2});
}

TEST(MakeRoom, NeitherSurgeNorRoomStillRolls) {
  PoolDriver web(without_surge(1, 0));  // The configuration refuses it.
  web.serve();
  const CommandId roll = web.roll();
  web.settle();
  EXPECT_EQ(web.outcome(roll), Outcome::Rolled);
}

}  // namespace
}  // namespace reeve::supervisor
