#include "reeve/sync.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "reeve/combine.hpp"
#include "reeve/wait.hpp"
#include "tests/unit/worker/runtime_fixture.hpp"

namespace reeve::worker {
namespace {

using namespace std::chrono_literals;
using SyncTest = RuntimeFixture;

TEST_F(SyncTest, ASemaphoreLetsInOnlySoMany) {
  Semaphore semaphore(3);
  int inside = 0;
  int most = 0;
  const auto visit = [&]() -> Task<> {
    const auto permit = co_await semaphore.acquire();
    most = std::max(most, ++inside);
    co_await yield();
    --inside;
  };
  const auto work = [&]() -> Task<> {
    std::vector<Task<>> visitors;
    for (int i = 0; i < 20; ++i) visitors.push_back(visit());
    co_await when_all(std::move(visitors));
  };
  EXPECT_TRUE(run(work()));
  EXPECT_EQ(most, 3);
  EXPECT_EQ(semaphore.available(), 3U);
}

TEST_F(SyncTest, APermitIsNotLostWithTheOneThatIsCancelled) {
  Semaphore semaphore(1);
  const auto hold = [&]() -> Task<> {
    const auto permit = co_await semaphore.acquire();
    co_await sleep_for(1h);
  };
  Spawned holder = spawn(context, hold(), [](const auto&) {});
  Spawned waiter = spawn(context, hold(), [](const auto&) {});
  Spawned last = spawn(context, hold(), [](const auto&) {});
  EXPECT_EQ(semaphore.available(), 0U);
  holder.cancel();  // The permit goes to the waiter, which is cancelled before it sees it.
  waiter.cancel();
  last.cancel();
  EXPECT_EQ(semaphore.available(), 1U);
}

TEST_F(SyncTest, AnEventLetsAllGoOnAndStaysSet) {
  Event event;
  std::vector<std::string> lines;
  const auto wait = [&](std::string name) -> Task<> {
    co_await event.wait();
    lines.push_back(name);
  };
  spawn(context, wait("a"), [](const auto&) {});
  Spawned cancelled = spawn(context, wait("never"), [](const auto&) {});
  spawn(context, wait("b"), [&](const auto&) { loop.stop(); });
  cancelled.cancel();
  EXPECT_FALSE(event.is_set());
  event.set();
  EXPECT_TRUE(event.is_set());
  EXPECT_TRUE(lines.empty());
  run_loop();
  EXPECT_TRUE(run(wait("late")));
  EXPECT_EQ(lines, (std::vector<std::string>{"a", "b", "late"}));
}

}  // namespace
}  // namespace reeve::worker
