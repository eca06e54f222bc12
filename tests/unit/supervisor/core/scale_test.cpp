// Slots come and go at the end of the pool.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/supervisor/core/pool_driver.hpp"

namespace reeve::supervisor {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST(Scale, UpStartsTheNewSlotsAndWaitsForThem) {
  PoolDriver web(spec_of(1));
  web.serve();
  const CommandId scale = web.scale(3);
  EXPECT_THAT(web.forked(), SizeIs(2));
  EXPECT_FALSE(web.answered(scale));
  web.ready_all();
  EXPECT_EQ(web.outcome(scale), Outcome::Scaled);
  EXPECT_EQ(web.pool().spec().workers, 3);
}

TEST(Scale, DownDrainsTheLastOnesAndDoesNotWaitForThem) {
  PoolDriver web(spec_of(3));
  web.serve();
  const WorkerId last = web.current(2);
  const WorkerId middle = web.current(1);
  EXPECT_EQ(web.outcome(web.scale(1)), Outcome::Scaled);
  EXPECT_THAT(web.drained(), ElementsAre(last, middle));
  EXPECT_THAT(web.pool().slots(), SizeIs(1));
}

TEST(Scale, DownStillKillsAtTheGrace) {
  PoolDriver web(spec_of(2));
  web.serve();
  const WorkerId last = web.current(1);
  web.scale(1);
  web.pass(5s);
  EXPECT_THAT(web.killed(), ElementsAre(last));
  web.exited(last, Death{.signal = 9});
  EXPECT_THAT(web.forked(), IsEmpty());
}

TEST(Scale, ToWhatItIsChangesNothing) {
  PoolDriver web(spec_of(2));
  web.serve();
  EXPECT_EQ(web.outcome(web.scale(2)), Outcome::Scaled);
  EXPECT_THAT(web.drained(), IsEmpty());
}

TEST(Scale, BelowZeroIsRefused) {
  PoolDriver web(spec_of(2));
  web.serve();
  EXPECT_EQ(web.outcome(web.scale(-1)), Outcome::Aborted);
  EXPECT_THAT(web.pool().slots(), SizeIs(2));
}

TEST(Scale, ToZeroAndBack) {
  PoolDriver web(spec_of(2));
  web.serve();
  web.scale(0);
  web.settle();
  EXPECT_TRUE(web.pool().quiet());
  web.scale(1);
  web.settle();
  EXPECT_EQ(web.state(0), SlotState::Running);
}

TEST(Scale, UpOfAStoppedPoolStartsNothing) {
  PoolDriver web(spec_of(1));
  EXPECT_EQ(web.outcome(web.scale(3)), Outcome::Scaled);
  EXPECT_THAT(web.forked(), IsEmpty());
  EXPECT_EQ(web.state(2), SlotState::Stopped);
}

TEST(Scale, AWorkerOfAFormerSlotIsNotTheNewSlots) {
  PoolDriver web(spec_of(2));
  web.serve();
  const WorkerId former = web.current(1);
  web.scale(1);
  web.scale(2);
  const WorkerId fresh = web.current(1);
  web.exited(former, kCrash);
  EXPECT_EQ(web.current(1), fresh);
  EXPECT_THAT(web.forked(), IsEmpty());
}

TEST(Scale, AFailedStartIsTold) {
  PoolDriver web(spec_of(1));
  web.serve();
  const CommandId scale = web.scale(2);
  web.exited(web.current(1), Death{.exit_code = 3});
  EXPECT_EQ(web.outcome(scale), Outcome::SpawnError);
}

TEST(Scale, AwayAnswersWhoWaitedForTheSlot) {
  PoolDriver web(spec_of(2));
  web.serve();
  const CommandId stop = web.stop({1});
  const CommandId start = web.start({1});
  web.scale(1);
  EXPECT_TRUE(web.answered(stop));
  EXPECT_TRUE(web.answered(start));
}

TEST(Scale, UpDuringARollStartsInTheNewGeneration) {
  PoolDriver web(spec_of(1));
  web.serve();
  const CommandId roll = web.roll();
  web.scale(2);
  web.settle();
  EXPECT_EQ(web.outcome(roll), Outcome::Rolled);
  EXPECT_EQ(web.generation_of(1), Generation{2});
}

TEST(Scale, DownDuringARollTakesItsSuccessorAlong) {
  PoolSpec spec = spec_of(2);
  spec.surge = 2;
  PoolDriver web(spec);
  web.serve();
  const CommandId roll = web.roll();
  const WorkerId old = web.current(1);
  const WorkerId young = web.successor(1);
  web.scale(1);
  EXPECT_THAT(web.drained(), testing::UnorderedElementsAre(old, young));
  web.settle();
  EXPECT_EQ(web.outcome(roll), Outcome::Rolled);
  EXPECT_THAT(web.pool().workers(), SizeIs(1));
}

TEST(Scale, DuringADeployIsKeptByIt) {
  PoolDriver web(spec_of(1));
  web.serve();
  PoolSpec next = spec_of(1);
  next.grace = 7s;
  web.deploy(next);
  web.scale(3);
  web.settle();
  EXPECT_EQ(web.pool().spec().workers, 3);
  EXPECT_EQ(web.pool().spec().grace, 7s);
}

}  // namespace
}  // namespace reeve::supervisor
