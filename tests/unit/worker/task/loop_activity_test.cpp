#include "worker/task/loop_activity.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "reeve/task.hpp"
#include "reeve/wait.hpp"
#include "tests/unit/worker/runtime_fixture.hpp"
#include "worker/task/spawn.hpp"

namespace reeve::worker {
namespace {

using namespace std::chrono_literals;
using OccupationTest = RuntimeFixture;

std::string who(const LoopActivity& loop_activity) {
  const auto seen = loop_activity.look();
  return seen ? seen->activity.name : "nobody";
}

Task<> note(const LoopActivity& loop_activity, std::vector<std::string>& lines) {
  lines.push_back(who(loop_activity));
  co_await sleep_for(1ms);
  lines.push_back(who(loop_activity));
}

TEST_F(OccupationTest, NamesTheTaskThatHasTheLoopOnlyWhileItHasIt) {
  const Activity slow{.kind = ActivityKind::Request, .name = "GET /slow"};
  std::vector<std::string> lines;
  spawn(context, slow, note(context.loop_activity(), lines), [&](const auto&) { loop.stop(); });
  EXPECT_EQ(who(context.loop_activity()), "nobody");
  run_loop();
  EXPECT_EQ(lines, (std::vector<std::string>{"GET /slow", "GET /slow"}));
  EXPECT_EQ(who(context.loop_activity()), "nobody");
}

TEST_F(OccupationTest, TheInnermostIsToBlameThenTheOuterAgain) {
  const Activity outer{.kind = ActivityKind::Scheduled, .name = "scheduled clean-up"};
  const Activity inner{.kind = ActivityKind::Background, .name = "mail"};
  std::vector<std::string> lines;
  std::optional<ipc::TimePoint> before;
  std::optional<ipc::TimePoint> after;
  const auto work = [&]() -> Task<> {
    before = context.loop_activity().look()->since;
    spawn(context, inner, note(context.loop_activity(), lines), [&](const auto&) { loop.stop(); });
    after = context.loop_activity().look()->since;
    lines.push_back(who(context.loop_activity()));
    co_return;
  };
  spawn(context, outer, work(), [](const auto&) {});
  run_loop();
  EXPECT_EQ(lines, (std::vector<std::string>{"mail", "scheduled clean-up", "mail"}));
  EXPECT_EQ(before, after);
}

TEST_F(OccupationTest, IsSeenFromAnotherThreadWhileTheLoopIsBlocked) {
  const Activity blocker{.kind = ActivityKind::Resource, .name = "opening redis"};
  std::latch blocked(1);
  std::latch seen(1);
  std::optional<LoopActivity::Seen> first;
  std::optional<LoopActivity::Seen> second;
  std::thread watcher([&] {
    blocked.wait();
    first = context.loop_activity().look();
    second = context.loop_activity().look();
    seen.count_down();
  });
  const auto block = [](std::latch& started, std::latch& go) -> Task<> {
    started.count_down();
    go.wait();
    co_return;
  };
  const auto before = ipc::Clock::now();
  spawn(context, blocker, block(blocked, seen), [](const auto&) {});
  watcher.join();
  ASSERT_TRUE(first);
  ASSERT_TRUE(second);
  EXPECT_EQ(first->activity.name, "opening redis");
  EXPECT_EQ(first->activity.kind, ActivityKind::Resource);
  EXPECT_GE(first->since, before);
  EXPECT_EQ(first->scope, second->scope);
}

TEST(LoopActivity, AnActivityMayDieAsSoonAsItHasLeft) {
  LoopActivity loop_activity;
  std::atomic<bool> over = false;
  std::atomic<int> seen = 0;
  std::thread watcher([&] {
    while (!over) {
      if (const auto scope = loop_activity.look()) {
        EXPECT_EQ(scope->activity.name, "a name that is too long to be stored in place");
        ++seen;
      }
    }
  });
  for (int i = 0; i < 100'000 && seen < 1000; ++i) {
    const auto activity = std::make_unique<Activity>(
        Activity{.name = "a name that is too long to be stored in place"});
    const LoopActivity::Scope scope(loop_activity, *activity);
  }
  over = true;
  watcher.join();
}

}  // namespace
}  // namespace reeve::worker
