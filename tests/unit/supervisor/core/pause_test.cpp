// on_failure = pause: a failure ends the roll where it is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/supervisor/core/pool_driver.hpp"

namespace reeve::supervisor {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

PoolSpec pausing(int workers) {
  PoolSpec spec = spec_of(workers);
  spec.on_failure = RollFailure::Pause;
  return spec;
}

TEST(Pause, KeepsWhatIsDoneAndBeginsNothingMore) {
  PoolDriver web(pausing(3));
  web.serve();
  const CommandId roll = web.roll();
  web.ready(web.successor(0));
  const WorkerId culprit = web.successor(1);
  web.exited(culprit, Death{.exit_code = 3});
  ASSERT_EQ(web.outcome(roll), Outcome::Aborted);
  EXPECT_EQ(web.verdicts(roll)[0].text,
            "exited with code 3; paused: 2 workers run generation 1, 1 worker runs generation 2");
  EXPECT_EQ(web.verdicts(roll)[0].culprit, culprit);
  EXPECT_EQ(web.verdicts(roll)[0].slot, 1);
  EXPECT_THAT(web.forked(), IsEmpty());
  EXPECT_FALSE(web.pool().rolling());
  EXPECT_EQ(web.generation_of(0), Generation{2});
  EXPECT_EQ(web.generation_of(1), Generation{1});
  EXPECT_EQ(web.pool().generation(), Generation{1});
}

TEST(Pause, IsAsTheDeployedSpecificationSays) {
  PoolDriver web(spec_of(2));
  web.serve();
  const CommandId roll = web.deploy(pausing(2));
  web.ready(web.successor(0));
  web.exited(web.successor(1), kCrash);
  EXPECT_EQ(web.outcome(roll), Outcome::Aborted);
  EXPECT_EQ(web.generation_of(0), Generation{2});
  EXPECT_EQ(web.pool().spec(), spec_of(2));
}

TEST(Pause, WhatIsDoneReturnsToTheOldGenerationWhenItDies) {
  PoolDriver web(pausing(2));
  web.serve();
  web.roll();
  web.ready(web.successor(0));
  web.exited(web.successor(1), kCrash);
  web.exited(web.current(0), kCrash);
  EXPECT_EQ(web.generation_of(0), Generation{1});
}

TEST(Pause, ACrashOfWhatIsDonePausesToo) {
  PoolDriver web(pausing(3));
  web.serve();
  const CommandId roll = web.roll();
  web.ready(web.successor(0));
  const WorkerId boots = web.successor(1);
  web.exited(web.current(0), kCrash);
  EXPECT_EQ(web.outcome(roll), Outcome::Aborted);
  EXPECT_EQ(web.phase(boots), WorkerPhase::Draining);
  EXPECT_EQ(web.generation_of(0), Generation{1});
}

TEST(Pause, RetiresTheOthersThatAreStarting) {
  PoolSpec spec = pausing(3);
  spec.surge = 3;
  spec.soak = 10s;
  PoolDriver web(spec);
  web.serve();
  web.roll();
  const WorkerId soaks = web.successor(0);
  const WorkerId boots = web.successor(1);
  web.ready(soaks);
  web.exited(web.successor(2), kCrash);
  ASSERT_THAT(web.all<Drain>(), SizeIs(2));
  EXPECT_EQ(web.all<Drain>()[0].worker, soaks);
  EXPECT_EQ(web.all<Drain>()[0].kind, DrainKind::Patient);
  EXPECT_EQ(web.all<Drain>()[1].worker, boots);
  EXPECT_EQ(web.all<Drain>()[1].kind, DrainKind::Prompt);
  EXPECT_EQ(web.generation_of(0), Generation{1});
}

TEST(Pause, ASlotThatWasDownAndBootsReturnsToTheOldGeneration) {
  PoolDriver web(pausing(2));
  web.start({0});
  web.ready_all();
  const CommandId roll = web.roll();
  const WorkerId boots = web.current(1);
  web.exited(web.successor(0), kCrash);
  EXPECT_EQ(web.outcome(roll), Outcome::Aborted);
  web.exited(boots);
  EXPECT_EQ(web.generation_of(1), Generation{1});
  EXPECT_EQ(web.state(1), SlotState::Starting);
}

TEST(Pause, ASlotThatServesOnTrialStays) {
  PoolSpec spec = pausing(2);
  spec.soak = 10s;
  PoolDriver web(spec);
  web.start({0});
  web.ready_all();
  web.roll();
  web.ready(web.current(1));
  web.exited(web.successor(0), kCrash);
  EXPECT_EQ(web.state(1), SlotState::Running);
  EXPECT_EQ(web.generation_of(1), Generation{2});
  EXPECT_EQ(web.pool().next_deadline(), std::nullopt);
}

TEST(Pause, ASlotThatMadeRoomReturnsToTheOldGeneration) {
  PoolSpec spec = pausing(3);
  spec.surge = 0;
  spec.max_unavailable = 2;
  PoolDriver web(spec);
  web.serve();
  const CommandId roll = web.roll();
  const WorkerId drains = web.current(1);
  web.exited(web.current(0));
  web.exited(web.current(0), kCrash);
  EXPECT_EQ(web.outcome(roll), Outcome::Aborted);
  EXPECT_EQ(web.generation_of(0), Generation{1});
  web.exited(drains);
  EXPECT_EQ(web.generation_of(1), Generation{1});
  web.settle();
  EXPECT_EQ(web.state(1), SlotState::Running);
}

TEST(Pause, ARollAfterwardsCompletesIt) {
  PoolDriver web(pausing(2));
  web.serve();
  web.roll();
  web.ready(web.successor(0));
  web.exited(web.successor(1), kCrash);
  const CommandId second = web.roll();
  web.settle();
  EXPECT_EQ(web.outcome(second), Outcome::Rolled);
  EXPECT_EQ(web.generation_of(0), Generation{3});
  EXPECT_EQ(web.generation_of(1), Generation{3});
}

TEST(Pause, CanBeHandedOver) {
  PoolDriver web(pausing(2));
  web.serve();
  web.roll();
  web.ready(web.successor(0));
  EXPECT_FALSE(web.pool().state());
  web.exited(web.successor(1), kCrash);
  EXPECT_TRUE(web.pool().state());
}

TEST(Pause, DoesNotCountWhatItHasJustToldToStop) {
  PoolSpec spec = pausing(3);
  spec.surge = 2;
  PoolDriver web(spec);
  web.serve();
  web.stop({2});
  web.settle();
  const CommandId roll = web.roll();  // Starts slot 2, which has no old worker.
  web.exited(web.successor(0), Death{.exit_code = 3});
  ASSERT_EQ(web.outcome(roll), Outcome::Aborted);
  EXPECT_EQ(web.verdicts(roll)[0].text, "exited with code 3; paused: 2 workers run generation 1");
}

}  // namespace
}  // namespace reeve::supervisor
