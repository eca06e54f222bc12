// The rest of a worker whose leader has ended: as long as anything of it lives, the worker does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/supervisor/core/pool_driver.hpp"

namespace reeve::supervisor {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(LeftBehind, AStopWaitsForAllOfTheWorker) {
  PoolDriver web(spec_of(1));
  web.serve();
  const WorkerId worker = web.current(0);
  const CommandId stop = web.stop();
  web.leader_ended(worker, Death{.signal = 15});
  EXPECT_EQ(web.state(0), SlotState::Stopping);
  EXPECT_FALSE(web.answered(stop));
  EXPECT_FALSE(web.pool().quiet());
  web.exited(worker);
  EXPECT_EQ(web.outcome(stop), Outcome::Stopped);
  EXPECT_EQ(web.slot(0).why, "killed by SIGTERM");  // As its leader ended.
}

PoolSpec without_room(int workers) {
  PoolSpec spec = spec_of(workers);
  spec.surge = 0;  // As every pool with a port.
  spec.max_unavailable = 1;
  return spec;
}

TEST(LeftBehind, AfterACrashItIsWaitedForWhereThereIsNoRoomForTwo) {
  PoolDriver web(without_room(2));
  web.serve();
  web.pass(10s);
  const WorkerId worker = web.current(0);
  web.leader_ended(worker, kCrash);
  EXPECT_THAT(web.forked(), IsEmpty());
  EXPECT_EQ(web.state(0), SlotState::Backoff);
  EXPECT_THAT(web.slot(0).why, testing::HasSubstr("waits for what its last worker has left"));
  web.pass(5s);
  EXPECT_THAT(web.killed(), ElementsAre(worker));
  EXPECT_THAT(web.forked(), IsEmpty());
  web.exited(worker);
  EXPECT_THAT(web.forked(), ElementsAre(web.current(0)));
  EXPECT_EQ(web.state(0), SlotState::Starting);
}

TEST(LeftBehind, WithoutRoomTheBackOffEndsNotBeforeIt) {
  PoolDriver web(without_room(1));
  web.start();
  const WorkerId worker = web.current(0);
  web.leader_ended(worker, kCrash);
  web.pass(3s);  // Longer than the pause.
  EXPECT_EQ(web.state(0), SlotState::Backoff);
  EXPECT_THAT(web.forked(), IsEmpty());
  web.exited(worker);
  EXPECT_EQ(web.state(0), SlotState::Starting);
}

TEST(LeftBehind, WithoutRoomAStopEndsTheWait) {
  PoolDriver web(without_room(1));
  web.serve();
  web.pass(10s);
  const WorkerId worker = web.current(0);
  web.leader_ended(worker, kCrash);
  const CommandId stop = web.stop();
  EXPECT_FALSE(web.answered(stop));
  web.exited(worker);
  EXPECT_EQ(web.outcome(stop), Outcome::Stopped);
  EXPECT_THAT(web.forked(), IsEmpty());
}

TEST(LeftBehind, WithoutRoomARollWaitsForItToo) {
  PoolDriver web(without_room(1));
  web.serve();
  web.pass(10s);
  const WorkerId worker = web.current(0);
  web.leader_ended(worker, kCrash);
  const CommandId roll = web.roll();
  EXPECT_THAT(web.forked(), IsEmpty());
  web.exited(worker);
  web.ready(web.current(0));
  EXPECT_EQ(web.outcome(roll), Outcome::Rolled);
  EXPECT_EQ(web.generation_of(0), Generation{2});
}

TEST(LeftBehind, HasTheRestOfTheGraceAndIsThenKilled) {
  PoolDriver web(spec_of(1));
  web.serve();
  const WorkerId worker = web.current(0);
  const CommandId stop = web.stop();
  web.pass(2s);
  web.leader_ended(worker);
  web.pass(2999ms);
  EXPECT_THAT(web.killed(), IsEmpty());
  web.pass(1ms);
  EXPECT_THAT(web.all<Kill>(), ElementsAre(testing::Field(&Kill::reason, KillReason::LeftBehind)));
  web.exited(worker);
  EXPECT_EQ(web.outcome(stop), Outcome::Stopped);
  EXPECT_EQ(web.slot(0).why, "exited with code 0; what it left behind was killed");
}

TEST(LeftBehind, OfACrashDoesNotKeepTheSuccessorWaiting) {
  PoolDriver web(spec_of(1));
  web.serve();
  web.pass(10s);
  const WorkerId worker = web.current(0);
  web.leader_ended(worker, kCrash);
  EXPECT_THAT(web.forked(), ElementsAre(web.current(0)));
  EXPECT_EQ(web.pool().draining(), 1);
  web.pass(5s);
  EXPECT_THAT(web.killed(), ElementsAre(worker));
  web.exited(worker);
  EXPECT_EQ(web.pool().draining(), 0);
  EXPECT_EQ(web.state(0), SlotState::Starting);
}

TEST(LeftBehind, CountsAsDrainingSoThatARollWaits) {
  PoolSpec spec = spec_of(2);
  spec.max_draining = 1;
  PoolDriver web(spec);
  web.serve();
  web.pass(10s);
  const WorkerId crashed = web.current(0);
  web.leader_ended(crashed, kCrash);
  web.ready_all();
  web.roll();
  EXPECT_THAT(web.forked(), IsEmpty());
  web.exited(crashed);
  EXPECT_EQ(web.forked().size(), 1U);
}

TEST(LeftBehind, IsToldNothingMore) {
  PoolDriver web(spec_of(2));
  web.serve();
  web.roll();
  web.ready_all();
  const auto old = web.in(WorkerPhase::Draining);
  web.leader_ended(old.at(0));
  web.stop();  // Turns patient drains into prompt ones.
  EXPECT_THAT(web.drained(), testing::Not(testing::Contains(old.at(0))));
}

TEST(LeftBehind, OfAKilledWorkerStaysKilled) {
  PoolDriver web(spec_of(1));
  web.start();
  web.pass(10s);
  const WorkerId worker = web.current(0);
  web.leader_ended(worker, Death{.signal = 9});
  EXPECT_EQ(web.phase(worker), WorkerPhase::Killed);
  EXPECT_EQ(web.state(0), SlotState::Starting);
  web.exited(worker);
  EXPECT_EQ(web.state(0), SlotState::Backoff);
  EXPECT_EQ(web.slot(0).why, "killed: not ready within 10 s");
}

}  // namespace
}  // namespace reeve::supervisor
