#include "reeve/combine.hpp"

#include <gtest/gtest.h>

#include <latch>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "reeve/wait.hpp"
#include "tests/unit/worker/runtime_fixture.hpp"
#include "worker/task/text.hpp"

namespace reeve::worker {
namespace {

using namespace std::chrono_literals;
using CombineTest = RuntimeFixture;
using Lines = std::vector<std::string>;

struct Trace {
  Lines& lines;
  std::string name;
  ~Trace() { lines.push_back(name + " gone"); }
};

template <class T>
Task<T> after(std::chrono::milliseconds delay, T value) {
  co_await sleep_for(delay);
  co_return value;
}

Task<int> fail_after(std::chrono::milliseconds delay, std::string what) {
  co_await sleep_for(delay);
  throw std::runtime_error(what);
}

Task<int> fail_at_once(std::string what) {
  throw std::runtime_error(what);
  co_return 0;
}

Task<int> for_ever(Lines& lines, std::string name) {
  const Trace trace{lines, name};
  co_await sleep_for(1h);
  co_return 0;
}

template <class Outcome>
std::string error_of(const Outcome& outcome) {
  return outcome ? "no error" : describe(outcome.error());
}

TEST_F(CombineTest, AllReturnsTheResultsInTheOrderOfTheArguments) {
  const auto work = []() -> Task<std::string> {
    auto [a, b, c] = co_await when_all(after(3ms, std::make_unique<int>(1)), sleep_for(1ms),
                                       after<std::string>(1ms, "x"));
    static_assert(std::is_same_v<decltype(b), std::monostate>);
    co_return std::to_string(*a) + c;
  };
  EXPECT_EQ(run(work()).value(), "1x");
  EXPECT_EQ(context.roots(), 0U);
}

TEST_F(CombineTest, AllHandsOnReferences) {
  int value = 1;
  const auto refer = [](int& target) -> Task<int&> { co_return target; };
  const auto work = [&](int& target) -> Task<bool> {
    auto [a, b] = co_await when_all(refer(target), refer(target));
    a = 2;
    co_return &a == &b;
  };
  EXPECT_TRUE(run(work(value)).value());
  EXPECT_EQ(value, 2);
}

TEST_F(CombineTest, AllOfAVectorKeepsItsOrder) {
  const auto work = []() -> Task<std::vector<int>> {
    std::vector<Task<int>> tasks;
    for (int i = 0; i < 20; ++i) tasks.push_back(after(std::chrono::milliseconds(i % 3), i));
    co_return co_await when_all(std::move(tasks));
  };
  const std::vector<int> results = run(work()).value();
  ASSERT_EQ(results.size(), 20U);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(results[static_cast<std::size_t>(i)], i);
}

TEST_F(CombineTest, AllOfNothingIsOverAtOnce) {
  const auto work = []() -> Task<std::size_t> {
    co_await when_all();
    co_return (co_await when_all(std::vector<Task<int>>())).size();
  };
  EXPECT_EQ(run(work()).value(), 0U);
}

TEST_F(CombineTest, AllRunsThemAtTheSameTime) {
  const auto work = []() -> Task<> {
    std::vector<Task<int>> tasks;
    for (int i = 0; i < 1000; ++i) tasks.push_back(after(20ms, i));
    co_await when_all(std::move(tasks));
  };
  const auto before = ipc::Clock::now();
  EXPECT_TRUE(run(work()));
  EXPECT_LT(ipc::Clock::now() - before, 10s);  // One after the other: 20 s.
}

TEST_F(CombineTest, TheFirstFailureOfAllCancelsTheOthersWhichHaveEndedBeforeItArrives) {
  Lines lines;
  const auto work = [](Lines& seen) -> Task<> {
    try {
      co_await when_all(for_ever(seen, "a"), fail_after(1ms, "first"), for_ever(seen, "b"),
                        fail_after(1h, "second"));
    } catch (const std::runtime_error& error) {
      seen.emplace_back(error.what());
    }
  };
  EXPECT_TRUE(run(work(lines)));
  EXPECT_EQ(lines, (Lines{"a gone", "b gone", "first"}));
}

TEST_F(CombineTest, WhatComesAfterAnImmediateFailureNeverStarts) {
  Lines lines;
  const auto work = [](Lines& seen) -> Task<> {
    co_await when_all(for_ever(seen, "before"), fail_at_once("no"), for_ever(seen, "after"));
  };
  EXPECT_EQ(error_of(run(work(lines))), "no");
  EXPECT_EQ(lines, (Lines{"before gone"}));
}

TEST_F(CombineTest, WhatTheOthersThrowWhenTheyAreCancelledIsDropped) {
  const auto sore_loser = []() -> Task<> {
    try {
      co_await sleep_for(1h);
    } catch (const Cancelled&) {
      throw std::runtime_error("second");
    }
  };
  const auto work = [&]() -> Task<> {
    co_await when_all(sore_loser(), fail_after(1ms, "first"), sore_loser());
  };
  EXPECT_EQ(error_of(run(work())), "first");
}

TEST_F(CombineTest, AnyReturnsTheFirstAndTheOthersHaveEnded) {
  Lines lines;
  const auto work = [](Lines& seen) -> Task<std::size_t> {
    const auto first =
        co_await when_any(for_ever(seen, "a"), sleep_for(1h), after<std::string>(1ms, "won"));
    static_assert(
        std::is_same_v<decltype(first), const std::variant<int, std::monostate, std::string>>);
    seen.push_back(std::get<2>(first));
    co_return first.index();
  };
  EXPECT_EQ(run(work(lines)).value(), 2U);
  EXPECT_EQ(lines, (Lines{"a gone", "won"}));
}

TEST_F(CombineTest, AnyOfAVectorSaysWhichWon) {
  const auto work = []() -> Task<First<int>> {
    std::vector<Task<int>> tasks;
    for (int i = 0; i < 5; ++i) tasks.push_back(after(i == 3 ? 1ms : 3'600'000ms, i));
    co_return co_await when_any(std::move(tasks));
  };
  const First<int> first = run(work()).value();
  EXPECT_EQ(first.index, 3U);
  EXPECT_EQ(first.value, 3);

  const auto none = []() -> Task<First<int>> {
    co_return co_await when_any(std::vector<Task<int>>());
  };
  EXPECT_EQ(error_of(run(none())), "when_any() of no tasks would never end");
}

TEST_F(CombineTest, AFailureCanBeTheFirstOfAny) {
  Lines lines;
  const auto work = [](Lines& seen) -> Task<> {
    co_await when_any(for_ever(seen, "a"), fail_after(1ms, "first"));
  };
  EXPECT_EQ(error_of(run(work(lines))), "first");
  EXPECT_EQ(lines, (Lines{"a gone"}));
}

TEST_F(CombineTest, CancelGoesDownAndArrivesWhenAllHaveEnded) {
  Lines lines;
  const auto work = [](Lines& seen) -> Task<> {
    const Trace trace{seen, "parent"};
    co_await when_all(for_ever(seen, "a"), when_any(for_ever(seen, "b"), for_ever(seen, "c")));
  };
  std::string error;
  Spawned handle =
      spawn(context, work(lines), [&](const auto& outcome) { error = error_of(outcome); });
  handle.cancel();
  EXPECT_EQ(lines, (Lines{"a gone", "b gone", "c gone", "parent gone"}));
  EXPECT_EQ(error, "cancelled");
  EXPECT_EQ(context.roots(), 0U);
}

TEST_F(CombineTest, ACancelWaitsForAFunctionThatRuns) {
  std::latch running(1);
  std::latch gate(1);
  Lines lines;
  const auto work = [](std::latch& started, std::latch& go, Lines& seen) -> Task<> {
    co_await when_all(for_ever(seen, "a"), offload([&] {
                        started.count_down();
                        go.wait();
                      }));
  };
  Spawned handle = spawn(context, work(running, gate, lines), [&](const auto& outcome) {
    lines.push_back(error_of(outcome));
    loop.stop();
  });
  running.wait();
  handle.cancel();
  EXPECT_EQ(lines, (Lines{"a gone"}));
  EXPECT_TRUE(handle.running());
  gate.count_down();
  run_loop();
  EXPECT_EQ(lines, (Lines{"a gone", "cancelled"}));
}

TEST_F(CombineTest, ABranchMayCancelItsOwnParent) {
  Lines lines;
  Spawned handle;
  const auto assassin = [](Spawned& parent) -> Task<> {
    co_await sleep_for(1ms);
    parent.cancel();
  };
  const auto work = [&](Lines& seen) -> Task<> {
    co_await when_all(for_ever(seen, "a"), assassin(handle), for_ever(seen, "b"));
  };
  handle = spawn(context, work(lines), [&](const auto& outcome) {
    lines.push_back(error_of(outcome));
    loop.stop();
  });
  run_loop();
  EXPECT_EQ(lines, (Lines{"a gone", "b gone", "cancelled"}));
}

TEST_F(CombineTest, ABranchMayCancelItsParentWhileTheFamilyStarts) {
  Lines lines;
  Spawned handle;
  bool told = false;
  const auto assassin = [](Spawned& parent) -> Task<> {
    parent.cancel();
    co_return;
  };
  const auto work = [&](Lines& seen) -> Task<> {
    co_await yield();  // So that the handle is there.
    co_await when_all(for_ever(seen, "a"), assassin(handle), for_ever(seen, "never"));
  };
  handle = spawn(context, work(lines), [&](const auto& outcome) {
    told = error_of(outcome) == "cancelled";
    loop.stop();
  });
  run_loop();
  EXPECT_EQ(lines, (Lines{"a gone"}));
  EXPECT_TRUE(told);
}

TEST(Combine, DestroyingTheContextDestroysBranchesWithTheirParent) {
  Lines lines;
  ipc::uv::Loop loop;
  ThreadPool threads(loop, {.threads = 1, .queue = 4});
  std::latch running(1);
  std::latch gate(1);
  std::thread releaser;
  const auto work = [&](Lines& seen) -> Task<> {
    const Trace trace{seen, "parent"};
    co_await with_timeout(1h, when_all(for_ever(seen, "a"), offload([&] {
                                         running.count_down();
                                         gate.wait();
                                       })));
  };
  {
    Context context(loop, threads);
    spawn(context, work(lines), [&](const auto&) { lines.emplace_back("told"); });
    running.wait();
    releaser = std::thread([&] { gate.count_down(); });
  }
  EXPECT_EQ(lines.back(), "parent gone");
  EXPECT_EQ(lines.size(), 2U);
  releaser.join();
}

TEST_F(CombineTest, TimeoutReturnsWhatIsInTime) {
  const auto work = []() -> Task<int> { co_return co_await with_timeout(1h, after(1ms, 7)); };
  EXPECT_EQ(run(work()).value(), 7);
  const auto refuse = []() -> Task<int> {
    co_return co_await with_timeout(1h, fail_at_once("no"));
  };
  EXPECT_EQ(error_of(run(refuse())), "no");
}

TEST_F(CombineTest, TimeoutCancelsAndNamesTheTime) {
  Lines lines;
  const auto work = [](Lines& seen) -> Task<> {
    try {
      co_await with_timeout(2ms, for_ever(seen, "a"));
    } catch (const TimedOut& error) {
      seen.emplace_back(error.what());
    }
    co_await sleep_for(1ms);  // This task is itself not cancelled.
    seen.emplace_back("went on");
  };
  EXPECT_TRUE(run(work(lines)));
  EXPECT_EQ(lines, (Lines{"a gone", "not done within 2 ms", "went on"}));
}

TEST_F(CombineTest, AnOuterCancelIsNoTimeout) {
  Lines lines;
  const auto work = [](Lines& seen) -> Task<> {
    co_await with_timeout(1h, with_timeout(1h, for_ever(seen, "a")));
  };
  Spawned handle =
      spawn(context, work(lines), [&](const auto& outcome) { lines.push_back(error_of(outcome)); });
  handle.cancel();
  EXPECT_EQ(lines, (Lines{"a gone", "cancelled"}));
}

TEST_F(CombineTest, OfNestedTimeoutsTheOneThatPassedIsNamed) {
  Lines lines;
  const auto work = [](Lines& seen) -> Task<> {
    co_await with_timeout(1ms, with_timeout(1h, for_ever(seen, "a")));
  };
  EXPECT_EQ(error_of(run(work(lines))), "not done within 1 ms");
  const auto other = [](Lines& seen) -> Task<> {
    co_await with_timeout(1h, with_timeout(1ms, for_ever(seen, "b")));
  };
  EXPECT_EQ(error_of(run(other(lines))), "not done within 1 ms");
}

TEST_F(CombineTest, AValueThatComesAfterTheDeadlineIsNotLost) {
  const auto stubborn = []() -> Task<int> {
    try {
      co_await sleep_for(1h);
    } catch (const Cancelled&) {
    }
    co_return 7;
  };
  const auto work = [&]() -> Task<int> { co_return co_await with_timeout(1ms, stubborn()); };
  EXPECT_EQ(run(work()).value(), 7);
}

TEST_F(CombineTest, ATimeoutDoesNotCountTheTimeThatTheLoopWasBlockedBefore) {
  const auto work = []() -> Task<int> {
    const auto until = ipc::Clock::now() + 30ms;
    while (ipc::Clock::now() < until) {
    }
    const auto before = ipc::Clock::now();
    co_await sleep_for(10ms);
    EXPECT_GE(ipc::Clock::now() - before, 10ms);
    co_return 1;
  };
  EXPECT_EQ(run(work()).value(), 1);
}

TEST_F(CombineTest, SleepUntilATimeThatHasPassedIsShort) {
  const auto work = []() -> Task<> {
    co_await sleep_until(std::chrono::steady_clock::time_point::min());
    const auto at = std::chrono::steady_clock::now() + 3ms;
    co_await sleep_until(at);
    EXPECT_GE(std::chrono::steady_clock::now(), at);
  };
  EXPECT_TRUE(run(work()));
}

TEST_F(CombineTest, YieldLetsTheOthersRun) {
  Lines lines;
  const auto count = [](Lines& seen, std::string name) -> Task<> {
    for (int i = 0; i < 2; ++i) {
      seen.push_back(name);
      co_await yield();
    }
  };
  const auto work = [&](Lines& seen) -> Task<> {
    co_await when_all(count(seen, "a"), count(seen, "b"));
  };
  EXPECT_TRUE(run(work(lines)));
  EXPECT_EQ(lines, (Lines{"a", "b", "a", "b"}));
}

TEST_F(CombineTest, ATaskThatOnlyYieldsDoesNotKeepOthersFromTheLoop) {
  bool over = false;
  const auto busy = [](bool& end) -> Task<> {
    while (!end) co_await yield();
  };
  const auto other = [](bool& end) -> Task<> {
    co_await sleep_for(2ms);
    co_await offload([] {});
    end = true;
  };
  const auto work = [&]() -> Task<> { co_await when_all(busy(over), other(over)); };
  EXPECT_TRUE(run(work()));
}

TEST_F(CombineTest, CancelOfAYieldIsImmediate) {
  const auto work = []() -> Task<> {
    while (true) co_await yield();
  };
  Spawned handle = spawn(context, work(), [](const auto&) {});
  handle.cancel();
  EXPECT_FALSE(handle.running());
}

TEST_F(CombineTest, BranchesInheritTheActivity) {
  const Activity activity{.kind = ActivityKind::Scheduled, .name = "scheduled clean-up"};
  std::string name;
  const auto look = [&]() -> Task<> {
    co_await yield();
    name = context.loop_activity().look()->activity.name;
  };
  const auto work = [&]() -> Task<> {
    co_await when_all(sleep_for(1ms), with_timeout(1h, look()));
  };
  spawn(context, activity, work(), [&](const auto&) { loop.stop(); });
  run_loop();
  EXPECT_EQ(name, "scheduled clean-up");
}

}  // namespace
}  // namespace reeve::worker
