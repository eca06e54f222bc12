// Time that the master slept through is nobody's fault.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/supervisor/core/pool_driver.hpp"

namespace reeve::supervisor {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST(Stall, DoesNotKillWhoBecameReadyMeanwhile) {
  PoolDriver web(spec_of(1));
  web.start();
  const WorkerId worker = web.current(0);
  web.stall(1h);  // Timers run before the sockets are read.
  EXPECT_THAT(web.killed(), IsEmpty());
  web.ready(worker);
  EXPECT_EQ(web.state(0), SlotState::Running);
}

TEST(Stall, GivesADrainItsTimeBack) {
  PoolDriver web(spec_of(2));
  web.serve();
  web.stop({0});
  web.pass(2s);
  web.stop({1});
  web.stall(1h);  // The first one's last 3 s were slept through, and then some.
  EXPECT_THAT(web.killed(), IsEmpty());
  web.pass(999ms);
  EXPECT_THAT(web.killed(), IsEmpty());
  web.pass(1ms);
  EXPECT_THAT(web.killed(), SizeIs(1));
  web.pass(2s);
  EXPECT_THAT(web.killed(), SizeIs(1)) << "who began 2 s later is due 2 s later";
}

TEST(Stall, EndsWithinASecondOfTheGrace) {
  PoolDriver web(spec_of(1));
  web.serve();
  const WorkerId worker = web.current(0);
  web.stop();
  web.stall(1h);
  web.pass(kStall);
  EXPECT_THAT(web.killed(), ElementsAre(worker));
}

TEST(Stall, IsNoticedByWhateverEventComesFirst) {
  PoolDriver web(spec_of(2));
  web.start();
  web.stall(1h, Ready{web.current(0)});
  web.tell(Tick{});
  EXPECT_THAT(web.killed(), IsEmpty());
  EXPECT_EQ(web.state(0), SlotState::Running);
  EXPECT_EQ(web.state(1), SlotState::Starting);
}

TEST(Stall, ALittleLatenessIsNone) {
  PoolDriver web(spec_of(1));
  web.start();
  const WorkerId worker = web.current(0);
  web.stall(10s + kStall);
  EXPECT_THAT(web.killed(), ElementsAre(worker));
}

TEST(Stall, LongIdlenessIsNone) {
  PoolDriver web(spec_of(1));
  web.serve();
  EXPECT_EQ(web.pool().next_deadline(), std::nullopt);
  web.stall(24h);
  const WorkerId worker = web.current(0);
  web.stop();
  web.pass(5s);
  EXPECT_THAT(web.killed(), ElementsAre(worker));
}

TEST(Stall, KeepsFailuresAsYoungAsTheyWere) {
  PoolDriver web(spec_of(1));
  web.start();
  web.exited(web.current(0), kCrash);
  web.stall(1h);
  web.pass(2s);
  web.exited(web.current(0), kCrash);
  web.pass(5s);
  web.exited(web.current(0), kCrash);
  EXPECT_EQ(web.state(0), SlotState::Fatal);
}

}  // namespace
}  // namespace reeve::supervisor
