// The scheduler on a real loop, with the master in the test's hands.

#include "worker/scheduler/scheduler.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "ipc/recorder/recorder.hpp"
#include "reeve/scheduled_job.hpp"
#include "reeve/wait.hpp"
#include "tests/unit/worker/runtime_fixture.hpp"

namespace reeve::worker {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr ScheduleOptions kEach{.scope = ScheduleScope::Each};

/// Not due while the test runs, at whatever hour that is: every(24h) is due at midnight.
Schedule in_half_a_year() {
  const std::chrono::year_month_day today(
      std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now()));
  const auto month = static_cast<unsigned>(today.month() + std::chrono::months(6));
  return cron(fmt::format("0 0 1 {} *", month), "UTC");
}

class SchedulerTest : public RuntimeFixture {
 protected:
  Scheduler& start(bool supervised = false) {
    Scheduler::Tell tell;
    if (supervised) tell = [this](const ipc::WorkerMessage& message) { on_told(message); };
    scheduler.emplace(
        scheduled_jobs,
        Scheduler::Dependencies{.context = context,
                                .state = state,
                                .page = recorder.page(),
                                .log = [this](std::string_view line) { lines.emplace_back(line); },
                                .tell = std::move(tell)});
    scheduler->start();
    return *scheduler;
  }
  /// Drains, until it is drained. What is granted still begins, and may stop the loop before.
  void drain() {
    bool done = false;
    bool waiting = false;  // A stop() before run() would stop the next run instead.
    scheduler->drain([&] {
      done = true;
      if (waiting) loop.stop();
    });
    waiting = true;
    while (!done) run_loop();
  }
  void on_told(const ipc::WorkerMessage& message) {
    if (message.lease)
      sent.push_back(*message.lease == ipc::LeaseWish::Wanted ? "wanted" : "released");
    if (message.claim) sent.push_back("claim " + message.claim->name);
    if (message.scheduled) reports.push_back(*message.scheduled);
    if (on_message) on_message(message);
  }

  State state;
  ipc::Recorder recorder = ipc::Recorder::detached();
  ScheduledJobs scheduled_jobs;
  std::vector<std::string> lines;
  std::vector<std::string> sent;
  std::vector<ipc::ScheduledReport> reports;
  std::function<void(const ipc::WorkerMessage&)> on_message;
  std::optional<Scheduler> scheduler;
};

TEST_F(SchedulerTest, RunsACoroutineOnTheLoopWithItsState) {
  state.put<int>(7);
  int seen = 0;
  scheduled_jobs.schedule(
      "beat", every(5ms),
      [&](ScheduledRun& run, int& value) -> Task<> {
        seen = value;
        EXPECT_EQ(run.name(), "beat");
        EXPECT_EQ(run.fence(), 0U);
        loop.stop();
        co_return;
      },
      kEach);
  start();
  run_loop();
  EXPECT_EQ(seen, 7);
  drain();
  EXPECT_EQ(recorder.page().tasks_running.load(), 0U);
}

TEST_F(SchedulerTest, RunsABlockingFunctionOnTheThreadPool) {
  std::atomic<std::thread::id> where;
  scheduled_jobs.schedule("block", every(5ms), [&] { where = std::this_thread::get_id(); }, kEach);
  scheduled_jobs.schedule(
      "look", every(1ms),
      [&]() -> Task<> {
        if (where.load() != std::thread::id()) loop.stop();
        co_return;
      },
      kEach);
  start();
  run_loop();
  EXPECT_NE(where.load(), std::this_thread::get_id());
  drain();
}

TEST_F(SchedulerTest, AFailureIsLoggedAndTheScheduleGoesOn) {
  int runs = 0;
  scheduled_jobs.schedule(
      "bad", every(5ms),
      [&]() -> Task<> {
        if (++runs == 2) loop.stop();
        throw std::runtime_error("no luck");
        co_return;
      },
      kEach);
  start();
  run_loop();
  EXPECT_THAT(lines, Contains(StartsWith("scheduled bad failed after ")));
  EXPECT_THAT(lines.front(), HasSubstr("no luck"));
  drain();
}

TEST_F(SchedulerTest, WithoutAMasterItHoldsTheLeaseItself) {
  std::uint64_t fence = 0;
  scheduled_jobs.schedule("one", every(5ms), [&](ScheduledRun& run) -> Task<> {
    fence = run.fence();
    EXPECT_EQ(run.due().time_since_epoch() % 5ms, 0ms);
    loop.stop();
    co_return;
  });
  start();
  run_loop();
  EXPECT_GT(fence, 0U);
  drain();
}

TEST_F(SchedulerTest, UnderAMasterItRunsWhatIsGranted) {
  std::vector<std::uint64_t> fences;
  scheduled_jobs.schedule("one", every(5ms), [&](ScheduledRun& run) -> Task<> {
    fences.push_back(run.fence());
    loop.stop();
    co_return;
  });
  ipc::uv::Timer answer(
      loop, [this] { scheduler->on_message({.lease = ipc::Lease{41, WallTime(0ms)}}); });
  std::optional<ipc::DueRun> claimed;
  ipc::uv::Timer grant(loop,
                       [&] { scheduler->on_message({.claim = ipc::ClaimAnswer{*claimed, true}}); });
  on_message = [&](const ipc::WorkerMessage& message) {
    if (message.lease == ipc::LeaseWish::Wanted) answer.arm(0ms);
    if (!message.claim) return;
    claimed = *message.claim;
    grant.arm(0ms);
  };
  start(true);
  run_loop();
  drain();
  // More than one run where the machine stalls for longer than the period.
  ASSERT_FALSE(fences.empty());
  EXPECT_THAT(fences, Each(41));
  ASSERT_GE(sent.size(), 3U);
  EXPECT_EQ(sent.front(), "wanted");
  EXPECT_EQ(sent[1], "claim one");
  EXPECT_EQ(sent.back(), "released");
  const auto done = std::ranges::find(reports, ipc::RunResult::Ok, &ipc::ScheduledReport::result);
  ASSERT_NE(done, reports.end());
  EXPECT_EQ(done->name, "one");
  EXPECT_EQ(done->scope, ipc::ScheduleScope::One);
}

TEST_F(SchedulerTest, TheLeaseIsWantedAgainUntilItIsHeld) {
  scheduled_jobs.schedule("one", in_half_a_year(), [] {});
  on_message = [&](const ipc::WorkerMessage& message) {
    if (message.lease == ipc::LeaseWish::Wanted && sent.size() == 2) loop.stop();
  };
  start(true);
  EXPECT_THAT(sent, ElementsAre("wanted"));
  run_loop();  // The first one has got lost.
  EXPECT_THAT(sent, ElementsAre("wanted", "wanted"));

  const auto since =
      std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  scheduler->on_message({.lease = ipc::Lease{41, since}});
  ipc::uv::Timer later(loop, [this] { loop.stop(); });
  later.arm(Scheduler::kLeasePauses.first * 2 + 200ms);
  run_loop();
  EXPECT_EQ(std::ranges::count(sent, "wanted"), 2) << "who holds it wants it no more";
  drain();
  EXPECT_EQ(sent.back(), "released");
}

TEST(LeasePauses, GrowToAMinute) {
  RetryPause pause(Scheduler::kLeasePauses);
  std::vector<std::int64_t> pauses;
  for (int i = 0; i < 8; ++i) pauses.push_back(pause.next(0) / 1s);
  EXPECT_THAT(pauses, ElementsAre(1, 2, 4, 8, 16, 32, 60, 60));
}

TEST_F(SchedulerTest, ADrainWaitsForNoAnswerOfAMasterThatIsGone) {
  scheduled_jobs.schedule("one", every(5ms), [] { ADD_FAILURE() << "nobody has granted it"; });
  bool waiting = false;  // A stop() before run() would stop the next run instead.
  on_message = [&](const ipc::WorkerMessage& message) {
    if (message.claim && waiting) loop.stop();
  };
  start(true);
  scheduler->on_message({.lease = ipc::Lease{41, WallTime(0ms)}});
  waiting = true;
  if (std::ranges::find(sent, "claim one") == sent.end()) run_loop();
  bool drained = false;
  scheduler->drain([&] { drained = true; });
  EXPECT_FALSE(drained) << "the claim may be granted";
  scheduler->on_master_gone();
  EXPECT_TRUE(drained);
}

TEST_F(SchedulerTest, ADrainEndsWhenTheLastClaimIsDenied) {
  scheduled_jobs.schedule("one", every(5ms), [] { ADD_FAILURE() << "it was denied"; });
  std::optional<ipc::DueRun> tick;
  bool waiting = false;  // A stop() before run() would stop the next run instead.
  on_message = [&](const ipc::WorkerMessage& message) {
    if (message.claim) tick = message.claim;
    if (tick && waiting) loop.stop();
  };
  start(true);
  scheduler->on_message({.lease = ipc::Lease{41, WallTime(0ms)}});
  waiting = true;
  if (!tick) run_loop();
  waiting = false;
  bool drained = false;
  scheduler->drain([&] { drained = true; });
  EXPECT_FALSE(drained) << "the claim may be granted";
  scheduler->on_message({.claim = ipc::ClaimAnswer{.run = *tick, .granted = false}});
  EXPECT_TRUE(drained);
  EXPECT_EQ(sent.back(), "released");
}

TEST_F(SchedulerTest, TheLeaseDoesNotWaitForWhatEachWorkerDoes) {
  scheduled_jobs.schedule("one", in_half_a_year(), [] {});
  scheduled_jobs.schedule(
      "each", every(5ms),
      [&]() -> Task<> {
        loop.stop();
        co_await sleep_for(50ms);
        EXPECT_EQ(sent.back(), "released");
      },
      kEach);
  start(true);
  scheduler->on_message({.lease = ipc::Lease{41, WallTime(0ms)}});
  run_loop();
  drain();
  EXPECT_EQ(std::ranges::count(sent, "released"), 1);
}

TEST_F(SchedulerTest, WithoutItsMasterItBeginsNothing) {
  scheduled_jobs.schedule("beat", every(1ms), [] { ADD_FAILURE() << "the worker stops"; }, kEach);
  start(true);
  scheduler->on_master_gone();
  bool drained = false;
  scheduler->drain([&] { drained = true; });
  EXPECT_TRUE(drained);
}

TEST_F(SchedulerTest, TheDrainWaitsForWhatRunsAndTheLeaseGoesLast) {
  bool ended = false;
  scheduled_jobs.schedule(
      "slow", every(5ms),
      [&]() -> Task<> {
        loop.stop();
        co_await sleep_for(50ms);
        ended = true;
      },
      kEach);
  start();
  run_loop();
  EXPECT_EQ(recorder.page().tasks_running.load(), 1U);
  EXPECT_FALSE(ended);
  drain();
  EXPECT_TRUE(ended);
}

TEST_F(SchedulerTest, WhatIsCancelledIsNamed) {
  scheduled_jobs.schedule(
      "slow", every(5ms),
      [&]() -> Task<> {
        loop.stop();
        co_await sleep_for(24h);
      },
      kEach);
  start(true);
  run_loop();
  EXPECT_THAT(scheduler->running(), ElementsAre(StartsWith("scheduled slow (")));
  EXPECT_THAT(scheduler->cancel(), ElementsAre(StartsWith("scheduled slow (")));
  EXPECT_EQ(reports.back().result, ipc::RunResult::Cancelled);
  EXPECT_EQ(reports.back().running, 0);
}

TEST_F(SchedulerTest, ReportsAreFew) {
  int runs = 0;
  scheduled_jobs.schedule(
      "busy", every(1ms),
      [&]() -> Task<> {
        if (++runs == 50) loop.stop();
        co_return;
      },
      kEach);
  const auto begin = ipc::Clock::now();
  start(true);
  run_loop();
  const auto pauses = (ipc::Clock::now() - begin) / ScheduledReports::kPause;
  EXPECT_LE(static_cast<std::int64_t>(reports.size()), pauses + 2);
  drain();
}

TEST_F(SchedulerTest, CanRunOneByName) {
  int runs = 0;
  scheduled_jobs.schedule("cleanup", in_half_a_year(), [&](ScheduledRun&) -> Task<> {
    ++runs;
    co_return;
  });
  start();
  EXPECT_TRUE(run(scheduler->run_now("cleanup")));
  EXPECT_EQ(runs, 1);
  EXPECT_FALSE(run(scheduler->run_now("cleanap")));
  drain();
}

TEST(ScheduledJobsTest, RefuseWhatCannotBe) {
  ScheduledJobs scheduled_jobs;
  const auto refused = [&](const std::string& name, const ScheduleOptions& options) {
    EXPECT_THROW(scheduled_jobs.schedule(
                     name, every(1s), [] {}, options),
                 std::invalid_argument)
        << name;
  };
  scheduled_jobs.schedule("cleanup", every(1s), [] {});
  refused("cleanup", {});
  refused("", {});
  refused("a\nb", {});
  refused(std::string(65, 'x'), {});
  refused("a", {.max_instances = 0});
  for (const char* changed : {"a\xff", "a\xc2\x85", "a\xe2\x80\x8b", "a\x7f"}) refused(changed, {});
  refused("a", {.misfire_grace = 0ms});
  refused("a", {.misfire_grace = 999ms});
  refused("a", {.jitter = 25h});
  for (int i = 1; i < static_cast<int>(ScheduledJobs::kMost); ++i) {
    scheduled_jobs.schedule("run " + std::to_string(i), every(1s), [] {});
  }
  refused("one too many", {});
}

}  // namespace
}  // namespace reeve::worker
