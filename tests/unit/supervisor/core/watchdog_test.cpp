// A worker without a sign of life is killed; one that the master merely did not hear is not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/supervisor/core/pool_driver.hpp"

namespace reeve::supervisor {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

/// A watchdog of 20 s, so that a measurement comes every 5 s.
PoolSpec watched(int workers) {
  PoolSpec spec = spec_of(workers);
  spec.grace = 2min;
  spec.watchdog = 20s;
  return spec;
}

TEST(Watchdog, ThereIsNoneWhereNothingIsWatched) {
  PoolDriver web(spec_of(2));
  web.serve();
  EXPECT_EQ(web.pool().next_measurement(), std::nullopt);
}

TEST(Watchdog, BeginsWhenAWorkerServesAndEndsWithTheLast) {
  PoolDriver web(watched(2));
  web.start();
  EXPECT_EQ(web.pool().next_measurement(), std::nullopt)
      << "start_timeout is the deadline of a boot";
  web.ready_all();
  EXPECT_EQ(web.pool().next_measurement(), web.now() + 5s);
  EXPECT_EQ(web.pool().next_deadline(), web.pool().next_measurement());
  web.stop();
  EXPECT_TRUE(web.pool().next_measurement()) << "a drain is watched, too";
  web.settle();
  EXPECT_EQ(web.pool().next_measurement(), std::nullopt);
}

TEST(Watchdog, IsOneForAllWhateverTheirNumber) {
  PoolDriver web(watched(50));
  web.start();
  for (int slot = 0; slot < 50; ++slot) {
    web.pass(10ms);
    web.ready(web.current(slot));
  }
  int wakes = 0;
  for (const TimePoint end = web.now() + 1min; *web.pool().next_deadline() <= end; ++wakes) {
    web.pass(*web.pool().next_deadline() - web.now());
  }
  EXPECT_EQ(wakes, 12);
}

TEST(Watchdog, WhoDoesNotAnswerAProbeIsHung) {
  PoolDriver web(spec_of(1));
  web.serve();
  const WorkerId worker = web.current(0);
  web.hung(worker);
  EXPECT_EQ(web.phase(worker), WorkerPhase::Killed);
  web.exited(worker, Death{.signal = 6});
  EXPECT_EQ(web.slot(0).why, "killed: no answer, 3 times in a row");
}

TEST(Watchdog, DoesNotSpinForATinyWatchdog) {
  PoolSpec spec = spec_of(1);
  spec.watchdog = 1ns;
  PoolDriver web(spec);
  web.serve();
  EXPECT_EQ(web.pool().next_measurement(), web.now() + 10ms);
}

TEST(Watchdog, KillsWhoGivesNoSignOfLife) {
  PoolDriver web(watched(2));
  web.serve();
  web.pass(7s);
  const WorkerId hung = web.current(0);
  web.falls_silent(hung);
  web.pass(18s);
  EXPECT_THAT(web.killed(), IsEmpty());
  web.pass(5s);
  ASSERT_THAT(web.all<Kill>(), SizeIs(1));
  EXPECT_EQ(web.all<Kill>()[0].worker, hung);
  EXPECT_EQ(web.all<Kill>()[0].reason, KillReason::Hung);
  web.exited(hung, Death{.signal = 6});
  EXPECT_EQ(web.slot(0).why, "killed: no sign of life for 23.0 s (watchdog 20 s)");
  EXPECT_EQ(web.state(0), SlotState::Starting);
}

TEST(Watchdog, SparesWhoIsAlive) {
  PoolDriver web(watched(2));
  web.serve();
  web.pass(1h);
  EXPECT_THAT(web.killed(), IsEmpty());
}

TEST(Watchdog, CountsFromReadyUntilTheFirstSign) {
  PoolDriver web(watched(1));
  web.start();
  web.pass(9s);
  const WorkerId mute = web.current(0);
  web.measurement_finds({.worker = mute});
  web.ready(mute);
  web.pass(19s);
  EXPECT_THAT(web.killed(), IsEmpty());
  web.pass(1s);
  EXPECT_THAT(web.killed(), ElementsAre(mute));
}

TEST(Watchdog, IsNotForWhoBoots) {
  PoolSpec spec = watched(1);
  spec.start_timeout = 1h;
  PoolDriver web(spec);
  web.start();
  web.measured({.worker = web.current(0), .sign_of_life = web.now() - 50min, .native = true});
  web.pass(50min);
  web.measured({.worker = web.current(0), .sign_of_life = web.now() - 50min, .native = true});
  EXPECT_THAT(web.killed(), IsEmpty());
  web.stop();
  web.measured({.worker = web.current(0), .sign_of_life = web.now() - 50min, .native = true});
  EXPECT_THAT(web.killed(), IsEmpty()) << "nor for one that is told to stop while it boots";
}

TEST(Watchdog, JudgesADrainOfANativeWorker) {
  PoolDriver web(watched(1));
  web.serve();
  const WorkerId worker = web.current(0);
  web.stop();
  web.falls_silent(worker);
  web.pass(20s);
  EXPECT_THAT(web.killed(), ElementsAre(worker));
  web.exited(worker, Death{.signal = 9});
  EXPECT_EQ(web.state(0), SlotState::Stopped);
}

TEST(Watchdog, LeavesADrainOfAForeignWorkerToItsGrace) {
  PoolDriver web(watched(1));
  web.serve();
  const WorkerId worker = web.current(0);
  web.measurement_finds({.worker = worker, .sign_of_life = web.now()});
  web.stop();
  web.pass(119s);
  EXPECT_THAT(web.killed(), IsEmpty()) << "it may fall silent when it is told to stop";
  web.pass(1s);
  ASSERT_THAT(web.all<Kill>(), SizeIs(1));
  EXPECT_EQ(web.all<Kill>()[0].reason, KillReason::GraceExpired);
}

TEST(Watchdog, DoesNotBelieveInTheFuture) {
  PoolDriver web(watched(1));
  web.serve();
  web.measurement_finds(
      {.worker = web.current(0), .sign_of_life = web.now() + 1000h, .native = true});
  web.pass(5s);
  web.falls_silent(web.current(0));
  web.pass(20s);
  EXPECT_THAT(web.killed(), SizeIs(1));
}

TEST(Watchdog, ASignDoesNotGrowOlder) {
  PoolDriver web(watched(1));
  web.serve();
  web.pass(30s);
  web.measured({.worker = web.current(0), .sign_of_life = web.now() - 25s, .native = true});
  EXPECT_THAT(web.killed(), IsEmpty());
}

TEST(Watchdog, AStallOfTheMasterKillsNobody) {
  PoolDriver web(watched(1));
  web.serve();
  const WorkerId worker = web.current(0);
  const Measured unread{.worker = worker, .sign_of_life = web.now(), .native = false};
  web.stall(1h, unread);  // The pings still lie in the socket.
  EXPECT_THAT(web.killed(), IsEmpty());
  web.tell(Tick{});
  web.measurement_finds(unread);
  web.pass(15s);
  EXPECT_THAT(web.killed(), IsEmpty());
  web.pass(15s);
  EXPECT_THAT(web.killed(), ElementsAre(worker)) << "but it must ping in the end";
}

TEST(Watchdog, ALittleLatenessOfTheMeasurementIsNotTheWorkers) {
  PoolSpec spec = spec_of(1);
  spec.watchdog = 1s;
  PoolDriver web(spec);
  web.serve();
  const TimePoint ready = web.now();
  web.stall(1249ms, Measured{.worker = web.current(0), .sign_of_life = ready});
  EXPECT_THAT(web.killed(), IsEmpty()) << "the measurement was due after 250 ms";
}

TEST(Watchdog, AHangIsAFailureOfAWorkerThatServed) {
  PoolSpec spec = watched(1);
  spec.give_up_within = 10min;
  PoolDriver web(spec);
  web.serve();
  for (int i = 0; i < 3; ++i) {
    web.falls_silent(web.current(0));
    web.pass(25s);
    web.exited(web.current(0), Death{.signal = 9});
    ASSERT_EQ(web.state(0), SlotState::Starting) << "its place is filled at once";
    web.ready_all();
  }
  web.falls_silent(web.current(0));
  web.pass(25s);
  web.exited(web.current(0), Death{.signal = 9});
  EXPECT_EQ(web.state(0), SlotState::Backoff) << "but it does not spin";
}

TEST(Watchdog, AHangOfADoneWorkerFailsTheRoll) {
  PoolSpec spec = watched(2);
  spec.start_timeout = 1h;
  PoolDriver web(spec);
  web.serve();
  const CommandId roll = web.roll();
  web.ready(web.successor(0));
  web.falls_silent(web.current(0));
  web.pass(25s);
  web.exited(web.current(0), Death{.signal = 9});
  web.settle();
  EXPECT_EQ(web.outcome(roll), Outcome::Aborted);
  EXPECT_EQ(web.generation_of(0), Generation{1});
}

TEST(Watchdog, OursIsTheReasonWhateverTheKernelSays) {
  PoolDriver web(watched(1));
  web.serve();
  web.falls_silent(web.current(0));
  web.pass(25s);
  web.exited(web.current(0), Death{.signal = 9, .out_of_memory = true});
  EXPECT_THAT(web.slot(0).why, testing::HasSubstr("no sign of life"));
}

TEST(Watchdog, IsFixedAtTheFork) {
  PoolDriver web(spec_of(2));
  web.serve();
  PoolSpec next = watched(2);
  next.start_timeout = 1h;
  web.deploy(next);
  web.ready(web.successor(0));
  web.exited(web.in(WorkerPhase::Draining).front());
  const WorkerId old = web.current(1);
  const WorkerId young = web.current(0);
  web.falls_silent(old);
  web.falls_silent(young);
  web.pass(1min);
  EXPECT_THAT(web.killed(), ElementsAre(young));
}

}  // namespace
}  // namespace reeve::supervisor
