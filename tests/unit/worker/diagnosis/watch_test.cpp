// The watch around its decisions: a real loop that is blocked, a real pool whose threads are taken.

#include "worker/diagnosis/watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <latch>
#include <memory>
#include <mutex>
#include <thread>

#include "ipc/recorder/reader.hpp"
#include "reeve/wait.hpp"
#include "tests/unit/worker/runtime_fixture.hpp"
#include "worker/diagnosis/crash_handlers.hpp"
#include "worker/diagnosis/watch_messages.hpp"
#include "worker/task/thread_signals.hpp"

namespace reeve::worker {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class WatchTest : public RuntimeFixture {
 protected:
  void watch(WatchLimits limits) {
    watch_.emplace(Watch::Dependencies{loop, context.loop_activity(), threads, recorder.page()},
                   limits, [this](std::string_view line) {
                     const std::lock_guard lock(mutex_);
                     lines_.emplace_back(line);
                   });
  }
  std::vector<std::string> lines() {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
  bool has_said(std::string_view text) {
    const auto all = lines();
    return std::ranges::any_of(all, [&](const auto& line) { return line.contains(text); });
  }
  /// Blocks the loop, from a coroutine, until the watch says `text`: it is said meanwhile.
  [[gnu::noinline]] Task<bool> block_until_said(std::string_view text) {
    const auto deadline = ipc::Clock::now() + 20s;
    while (ipc::Clock::now() < deadline) {
      if (has_said(text)) co_return true;
      std::this_thread::sleep_for(1ms);
    }
    co_return false;
  }
  [[nodiscard]] ipc::RecorderReading reading() const {
    return ipc::read(recorder.page(), ipc::Clock::now()).value();
  }
  /// Lets the loop turn until `condition`.
  template <class Condition>
  void turn_until(Condition condition) {
    ipc::uv::Timer timer(loop, [&] {
      if (condition()) return loop.stop();
      timer.arm(5ms);
    });
    timer.arm(0ms);
    run_loop();
  }

  const ipc::Recorder recorder = ipc::Recorder::detached();
  const Activity slow{.kind = ActivityKind::Request, .name = "GET /slow"};
  std::optional<Watch> watch_;

 private:
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

TEST_F(WatchTest, ABlockedLoopIsToldWithItsRouteWhileItIsBlocked) {
  watch({.loop = 50ms});
  bool told = false;
  ipc::uv::Timer begin(loop, [&] {
    spawn(context, slow, block_until_said("GET /slow blocks the event loop"),
          [&](detail::Outcome<bool> outcome) { told = outcome.value(); });
  });
  begin.arm(0ms);
  turn_until([&] { return has_said("no longer blocks the event loop"); });
  EXPECT_TRUE(told) << "while it blocked";
  EXPECT_THAT(lines().front(), HasSubstr("co_await offload(...)")) << "the remedy";
  EXPECT_EQ(reading().starvations, 1U);
  EXPECT_EQ(reading().blamed, "GET /slow");
  EXPECT_GE(reading().starvation, 50ms);
  turn_until([&] { return !reading().loop_blocked; });
}

TEST_F(WatchTest, ItsStackIsToldAlsoWithoutAMaster) {
  if (is_sanitized()) GTEST_SKIP() << "a sanitizer keeps signals back";
  const CrashHandlers words(recorder);
  watch({.loop = 50ms});
  ipc::uv::Timer begin(loop, [&] {
    spawn(context, slow, block_until_said("  #"),
          [](const auto& outcome) { EXPECT_TRUE(outcome.value()) << "no stack"; });
  });
  begin.arm(0ms);
  turn_until([&] { return has_said("no longer blocks the event loop"); });
  EXPECT_THAT(lines(), Contains(HasSubstr("block_until_said")));
  EXPECT_THAT(lines(), Not(Contains(HasSubstr("Root::resume")))) << "that is the runtime's";
}

TEST_F(WatchTest, ACallbackThatIsNoTaskIsTheRuntimeItself) {
  watch({.loop = 50ms});
  ipc::uv::Timer begin(loop, [&] {
    const auto deadline = ipc::Clock::now() + 20s;
    while (!has_said("the runtime itself blocks") && ipc::Clock::now() < deadline) {
      std::this_thread::sleep_for(1ms);
    }
  });
  begin.arm(0ms);
  turn_until([&] { return reading().starvations > 0; });
  EXPECT_EQ(reading().blamed, "the runtime itself");
}

TEST_F(WatchTest, AnIdleLoopCostsNothing) {
  watch({});
  // Quiet, as the heartbeat is.
  std::uint64_t looks = 0;
  int same = 0;
  std::optional<ipc::uv::Timer> beat;
  beat.emplace(
      loop,
      [&] {
        same = watch_->looks() == std::exchange(looks, watch_->looks()) ? same + 1 : 0;
        if (same == 5) return loop.stop();
        beat->arm(300ms);  // Six periods.
      },
      ipc::uv::Timer::Manner::Quiet);
  beat->arm(0ms);
  run_loop();
  EXPECT_EQ(same, 5);
  turn_until([&] { return watch_->looks() > looks; });  // And it wakes up for work.
}

TEST_F(WatchTest, AFullPoolIsToldWithWhoHasTheThreads) {
  watch({.pool = 100ms});
  const auto gate = std::make_shared<std::latch>(1);
  int done = 0;
  const auto call = [gate] { gate->wait(); };
  const auto count = [&](const auto&) { ++done; };
  const Activity report{.kind = ActivityKind::Request, .name = "GET /report"};
  ASSERT_TRUE(threads.submit(call, count, report));
  ASSERT_TRUE(threads.submit(call, count, report));
  ASSERT_TRUE(threads.submit(call, count, slow));
  turn_until([&] { return has_said("the thread pool is exhausted"); });
  EXPECT_THAT(lines().front(), AllOf(HasSubstr("while the event loop is healthy"),
                                     HasSubstr("all 2 threads"), HasSubstr("GET /report on 2"),
                                     HasSubstr("1 call waits"), HasSubstr(".threads = ")));
  EXPECT_EQ(reading().exhaustions, 1U);
  EXPECT_EQ(reading().occupant, "GET /report");
  EXPECT_TRUE(reading().pool_taken);
  EXPECT_EQ(reading().starvations, 0U) << "the other failure";
  gate->count_down();
  turn_until([&] { return done == 3 && has_said("keeps up again"); });
  EXPECT_FALSE(reading().pool_taken);
}

TEST_F(WatchTest, WhatIsRefusedIsTold) {
  watch({});
  const auto gate = std::make_shared<std::latch>(1);  // A call may wait after the test.
  const auto call = [gate] { gate->wait(); };
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(threads.submit(call, [](const auto&) {}, slow));
  turn_until([&] { return threads.running() == 2; });
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(threads.submit(call, [](const auto&) {}, slow));
  EXPECT_FALSE(threads.submit(call, [](const auto&) {}, slow));
  turn_until([&] { return has_said("1 call found no room in the queue and was refused"); });
  gate->count_down();
}

TEST_F(WatchTest, ItEndsAtOnceAlsoWhileTheLoopIsBlocked) {
  watch({.loop = 50ms});
  watch_.reset();
  watch_.reset();
  turn_until([] { return true; });
  EXPECT_THAT(lines(), IsEmpty());
}

TEST(ThreadTimes, AreWhatTheKernelTells) {
  EXPECT_EQ(parse_thread_times("12 34 5\n"), (ThreadTimes{12ns, 34ns}));
  EXPECT_FALSE(parse_thread_times("12"));
  EXPECT_FALSE(parse_thread_times(""));
  EXPECT_FALSE(parse_thread_times("-1 5 6"));
}

TEST(WatchWords, TellAComputationFromAWaitAndFromABusyMachine) {
  EXPECT_THAT(how_it_blocks(ThreadTimes{90ms, 0ms}, 100ms), HasSubstr("computes"));
  EXPECT_THAT(how_it_blocks(ThreadTimes{1ms, 2ms}, 100ms), HasSubstr("sleeps"));
  EXPECT_EQ(how_it_blocks(ThreadTimes{40ms, 60ms}, 100ms),
            "What blocks it computes; it got 40 % of a CPU.");
  EXPECT_THAT(how_it_blocks(ThreadTimes{1ms, 90ms}, 100ms), HasSubstr("machine is busy"));
  EXPECT_EQ(how_it_blocks(std::nullopt, 100ms), "");
}

TEST(WatchWords, AStarvationNamesRouteTimeRemedyAndStack) {
  const Starvation::Finding finding{
      .kind = {}, .activity = {ActivityKind::Request, "GET /report"}, .lasted = 512ms};
  const std::vector<std::string> stack = {"clock_nanosleep (libc.so.6 0x1)", "report (web 0x2)",
                                          "reeve::worker::Root::resume (web 0x3)",
                                          "main (web 0x4)"};
  EXPECT_THAT(
      starvation_began(finding, {}, "It waits.", stack),
      ElementsAre("GET /report blocks the event loop, for 512 ms now; every other request of this "
                  "worker waits. It waits. Make it a blocking handler (return Response), or use "
                  "co_await offload(...) for what blocks. Stack:",
                  "  #0 clock_nanosleep (libc.so.6 0x1)", "  #1 report (web 0x2)"));
  EXPECT_THAT(starvation_began(finding, {.count = 3, .longest = 700ms}, "", {}),
              ElementsAre(AllOf(HasSubstr("(3 times more since the last such line, the longest for "
                                          "700 ms.)"),
                                HasSubstr("No stack could be taken."))));
}

TEST(WatchWords, AnEndlessStackIsCut) {
  const std::vector<std::string> stack(48, "recurse (web 0x1)");
  EXPECT_EQ(starvation_began({}, {}, "", stack).size(), 18U);
}

}  // namespace
}  // namespace reeve::worker
