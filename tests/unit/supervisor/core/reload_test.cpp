// Restarts of programs that have a master of their own: told to reload, not replaced.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/supervisor/core/pool_driver.hpp"

namespace reeve::supervisor {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

PoolSpec that_reloads(int workers) {
  PoolSpec spec = spec_of(workers);
  spec.reloads = true;
  return spec;
}

TEST(Reload, ARestartTellsEachAndWaitsForReadyAgain) {
  PoolDriver web(that_reloads(2));
  web.serve();
  const CommandId restart = web.roll();
  EXPECT_THAT(web.all<TellToReload>(), SizeIs(2));
  EXPECT_THAT(web.forked(), IsEmpty());
  EXPECT_FALSE(web.pool().rolling());
  web.ready(web.current(0));
  EXPECT_FALSE(web.answered(restart));
  web.ready(web.current(1));
  EXPECT_EQ(web.outcome(restart), Outcome::Reloaded);
  EXPECT_EQ(web.verdicts(restart)[0].text, "2 workers, told to reload");
  EXPECT_EQ(web.state(0), SlotState::Running);
  EXPECT_EQ(web.generation_of(0), Generation{1});
}

TEST(Reload, OfOneThatIsReadyByLivingTakesAsLong) {
  PoolSpec spec = that_reloads(1);
  spec.ready_after = 1s;
  PoolDriver web(spec);
  web.start();
  web.started(web.current(0));
  web.pass(1s);
  const CommandId restart = web.roll({0});
  web.pass(999ms);
  EXPECT_FALSE(web.answered(restart));
  web.pass(1ms);
  EXPECT_EQ(web.outcome(restart), Outcome::Reloaded);
}

TEST(Reload, FailsWhenOneDiesOfIt) {
  PoolDriver web(that_reloads(1));
  web.serve();
  web.pass(10s);
  const WorkerId worker = web.current(0);
  const CommandId restart = web.roll();
  web.exited(worker, Death{.signal = 1});
  EXPECT_EQ(web.outcome(restart), Outcome::SpawnError);
  EXPECT_EQ(web.verdicts(restart)[0].text, "killed by SIGHUP");
  EXPECT_EQ(web.verdicts(restart)[0].culprit, worker);
  EXPECT_EQ(web.state(0), SlotState::Starting) << "it is restarted like after any death";
}

TEST(Reload, FailsWhenOneIsNotReadyInTimeAndLeavesItRunning) {
  PoolDriver web(that_reloads(1));
  web.serve();
  const WorkerId worker = web.current(0);
  const CommandId restart = web.roll();
  web.pass(10s);
  EXPECT_EQ(web.outcome(restart), Outcome::Aborted);
  EXPECT_THAT(web.verdicts(restart)[0].text, HasSubstr("not ready again within 10 s"));
  EXPECT_THAT(web.killed(), IsEmpty());
  EXPECT_EQ(web.current(0), worker);
  web.ready(worker);  // At last.
  EXPECT_EQ(web.state(0), SlotState::Running);
}

TEST(Reload, StartsWhatIsDown) {
  PoolDriver web(that_reloads(2));
  web.start({0});
  web.ready_all();
  const CommandId restart = web.roll();
  EXPECT_THAT(web.all<TellToReload>(), SizeIs(1));
  EXPECT_THAT(web.forked(), SizeIs(1));
  web.ready(web.current(0));
  web.ready(web.current(1));
  EXPECT_EQ(web.outcome(restart), Outcome::Reloaded);
}

TEST(Reload, IsOverWhenItIsStopped) {
  PoolDriver web(that_reloads(1));
  web.serve();
  const CommandId restart = web.roll();
  web.stop();
  EXPECT_EQ(web.outcome(restart), Outcome::Aborted);
  web.pass(4999ms);
  EXPECT_THAT(web.killed(), IsEmpty()) << "its deadline is the grace now";
}

TEST(Reload, ADeploymentReplacesAsEver) {
  PoolDriver web(that_reloads(1));
  web.serve();
  const CommandId deploy = web.deploy(that_reloads(1));
  EXPECT_THAT(web.forked(), SizeIs(1));
  web.settle();
  EXPECT_EQ(web.outcome(deploy), Outcome::Rolled);
  const WorkerId worker = web.current(0);
  const CommandId hard = web.hard_restart();
  web.exited(worker);
  web.ready_all();
  EXPECT_EQ(web.outcome(hard), Outcome::Restarted);
}

}  // namespace
}  // namespace reeve::supervisor
