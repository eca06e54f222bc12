#include "reeve/task.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "ipc/base/uv.hpp"
#include "reeve/wait.hpp"
#include "tests/unit/worker/runtime_fixture.hpp"
#include "worker/task/bounded_wait.hpp"
#include "worker/task/spawn.hpp"

namespace reeve::worker {
namespace {

using namespace std::chrono_literals;
using TaskTest = RuntimeFixture;

Task<int> answer() { co_return 42; }

Task<int> fail() {
  throw std::runtime_error("no luck");
  co_return 0;
}

TEST_F(TaskTest, RunsOnlyWhenItIsStarted) {
  bool ran = false;
  const auto task = [](bool& flag) -> Task<> {
    flag = true;
    co_return;
  };
  Task<> lazy = task(ran);
  EXPECT_FALSE(ran);
  run(std::move(lazy));
  EXPECT_TRUE(ran);
}

/// Whatever libuv runs first in a turn, timers or what is readable: nothing comes in between.
TEST_F(TaskTest, ABoundedWaitForWhatEndsAtOnceTakesNoTurnOfTheLoop) {
  const auto outer = []() -> Task<std::string> {
    const auto well = co_await BoundedWait([]() -> Task<> { co_return; }(), 1h);
    const auto failed = co_await BoundedWait(
        []() -> Task<> {
          throw std::runtime_error("no luck");
          co_return;
        }(),
        1h);
    co_return std::string(well ? "well, " : "") + (failed ? "" : "failed");
  };
  std::optional<std::string> ended;
  spawn(context, outer(), [&](auto outcome) { ended = outcome.value(); });
  EXPECT_EQ(ended, "well, failed");
}

TEST_F(TaskTest, HandsItsValueToTheAwaiter) {
  const auto outer = []() -> Task<std::string> {
    const int value = co_await answer();
    co_return std::to_string(value);
  };
  EXPECT_EQ(run(outer()).value(), "42");
}

TEST_F(TaskTest, CarriesMoveOnlyValues) {
  const auto make = []() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(7); };
  EXPECT_EQ(*run(make()).value(), 7);
}

TEST_F(TaskTest, HandsOnAReference) {
  int value = 1;
  const auto refer = [](int& target) -> Task<int&> { co_return target; };
  const auto outer = [&refer](int& target) -> Task<int&> {
    auto& same = co_await refer(target);
    same = 2;
    co_return same;
  };
  EXPECT_EQ(&run(outer(value)).value().get(), &value);
  EXPECT_EQ(value, 2);
}

TEST_F(TaskTest, ExceptionReachesTheAwaiterThenTheSpawner) {
  std::string caught;
  const auto outer = [](std::string& message) -> Task<> {
    try {
      co_await fail();
    } catch (const std::runtime_error& error) {
      message = error.what();
      throw;
    }
  };
  EXPECT_FALSE(run(outer(caught)));
  EXPECT_EQ(caught, "no luck");
}

TEST_F(TaskTest, EndsBeforeSpawnReturnsWhenItNeverWaits) {
  std::optional<int> value;
  const Spawned handle = spawn(context, answer(), [&](auto outcome) { value = *outcome; });
  EXPECT_EQ(value, 42);
  EXPECT_FALSE(handle.running());
  EXPECT_EQ(context.roots(), 0U);
}

TEST_F(TaskTest, SleepResumesOnTheLoop) {
  const auto sleepy = []() -> Task<int> {
    co_await sleep_for(2ms);
    co_return co_await answer();
  };
  const auto before = ipc::Clock::now();
  EXPECT_EQ(run(sleepy()).value(), 42);
  EXPECT_GE(ipc::Clock::now() - before, 1ms);
}

struct Steps {
  std::vector<std::string>& lines;
  std::string name;
  ~Steps() { lines.push_back(name); }
};

Task<> sleep_inside(std::vector<std::string>& lines) {
  const Steps trace{lines, "inner destroyed"};
  co_await sleep_for(1h);
  lines.push_back("not reached");
}

Task<> sleep_outside(std::vector<std::string>& lines) {
  const Steps trace{lines, "outer destroyed"};
  co_await sleep_inside(lines);
}

TEST_F(TaskTest, CancelUnwindsTheWholeChainFromTheInside) {
  std::vector<std::string> lines;
  std::optional<bool> ended_well;
  Spawned handle = spawn(context, sleep_outside(lines),
                         [&](const auto& outcome) { ended_well = outcome.has_value(); });
  EXPECT_TRUE(handle.running());
  handle.cancel();
  EXPECT_EQ(lines, (std::vector<std::string>{"inner destroyed", "outer destroyed"}));
  EXPECT_EQ(ended_well, false);
  EXPECT_FALSE(handle.running());
}

TEST_F(TaskTest, CatchingACancelBuysNoMoreTime) {
  int caught = 0;
  const auto stubborn = [](int& count) -> Task<> {
    for (int i = 0; i < 3; ++i) {
      try {
        co_await sleep_for(1h);
      } catch (const Cancelled&) {
        ++count;
      }
    }
  };
  Spawned handle = spawn(context, stubborn(caught), [](const auto&) {});
  handle.cancel();
  EXPECT_EQ(caught, 3);
  EXPECT_FALSE(handle.running());
}

TEST_F(TaskTest, CancelFromWithinTakesEffectAtTheNextWait) {
  Spawned handle;
  bool woken = false;
  bool ended_well = true;
  const auto suicidal = [](Spawned& self, bool& went_on) -> Task<> {
    co_await sleep_for(1ms);
    self.cancel();
    went_on = true;
    co_await sleep_for(1h);
  };
  handle = spawn(context, suicidal(handle, woken), [&](const auto& outcome) {
    ended_well = outcome.has_value();
    loop.stop();
  });
  run_loop();
  EXPECT_TRUE(woken);
  EXPECT_FALSE(ended_well);
}

TEST_F(TaskTest, DroppedHandleLetsTheTaskGoOn) {
  bool ended = false;
  const auto sleepy = []() -> Task<> { co_await sleep_for(1ms); };
  {
    const Spawned handle = spawn(context, sleepy(), [&](const auto&) {
      ended = true;
      loop.stop();
    });
  }
  run_loop();
  EXPECT_TRUE(ended);
}

TEST(Context, DestroysTasksThatStillWait) {
  std::vector<std::string> lines;
  bool told = false;
  ipc::uv::Loop loop;
  ThreadPool threads(loop);
  {
    Context context(loop, threads);
    spawn(context, sleep_outside(lines), [&](const auto&) { told = true; });
    EXPECT_EQ(context.roots(), 1U);
  }
  EXPECT_EQ(lines.size(), 2U);
  EXPECT_FALSE(told);
}

Task<int> add_up(int depth) {
  if (depth == 0) co_return 0;
  co_return 1 + co_await add_up(depth - 1);
}

TEST_F(TaskTest, AwaitsManyInARow) {
  const auto many = []() -> Task<int> {
    int sum = 0;
    for (int i = 0; i < 100'000; ++i) sum += co_await add_up(3);
    co_return sum;
  };
  EXPECT_EQ(run(many()).value(), 300'000);
}

}  // namespace
}  // namespace reeve::worker
