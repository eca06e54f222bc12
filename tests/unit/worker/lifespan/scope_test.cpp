// What a Scope opens: nested, concurrent, optional; tried again; and closed in the right order.

#include "reeve/scope.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "reeve/combine.hpp"
#include "reeve/lifespan.hpp"
#include "tests/unit/worker/runtime_fixture.hpp"
#include "worker/lifespan/runner.hpp"

namespace reeve::worker {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

struct Ledger {
  std::string url;
};
struct Index {
  int size = 0;
};

class ScopeTest : public RuntimeFixture {
 protected:
  std::expected<void, StartFailure> open() { return *run(runner.open()); }
  void close() { EXPECT_TRUE(run(runner.close(ipc::Clock::now() + 10s))); }
  /// Takes literals: see Scope::open() for what g++ 12 does to captures with destructors.
  auto opens(const char* name) {
    return [this, name]() -> Task<> {
      lines.push_back(std::string("open ") + name);
      co_return;
    };
  }
  auto closes(const char* name) {
    return [this, name](auto&...) { lines.push_back(std::string("close ") + name); };
  }
  static Task<> refuse() {
    throw std::runtime_error("refused");
    co_return;
  }
  /// Turns the loop until it is so.
  template <class Condition>
  void run_until(Condition condition) {
    ipc::uv::Timer look(loop, [&] {
      if (condition()) return loop.stop();
      look.arm(1ms);
    });
    look.arm(0ms);
    run_loop();
  }

  std::vector<std::string> lines;
  std::vector<std::string> events;
  Lifespan lifespan;
  State state;
  LifespanRunner runner{context, lifespan, state,
                        [this](const LifespanEvent& event) {
                          const std::string line = describe(event);
                          events.push_back(line.substr(0, line.find(" (")));
                        },
                        [](Phase) { return std::expected<std::string, StartFailure>(); }};
};

TEST_F(ScopeTest, OrdinaryCodeOpensAndTheStackClosesInReverse) {
  const bool cached = true;
  lifespan.compose([&](Scope& scope) -> Task<> {
    auto& db = co_await scope.open<Ledger>(
        "database", [] { return Ledger{"db"}; },
        [this](Ledger& database) { lines.push_back("close " + database.url); },
        {.kind = Kind::Database});
    if (cached) {
      co_await scope.open<Index>("cache", [&db] { return Index{int(db.url.size())}; });
    }
    co_await scope.step("register", opens("register"), closes("register"));
  });
  ASSERT_TRUE(open());
  EXPECT_EQ(state.get<Index>().size, 2);
  close();
  EXPECT_THAT(lines, ElementsAre("open register", "close register", "close db"));
  EXPECT_EQ(state.find<Index>(), nullptr);
}

TEST_F(ScopeTest, CapturesOfOpenFunctionsAreReleased) {
  const auto token = std::make_shared<int>(1);
  lifespan.compose([&](Scope& scope) -> Task<> {
    const auto open = [token] { return Index{*token}; };  // Named, for g++ 12: see Scope::open().
    const auto close = [token](Index&) {};
    co_await scope.open<Index>("cache", open, close, {.kind = Kind::Cache});
    const auto connect = [token]() -> Task<Ledger> { co_return Ledger{"db"}; };
    (void)co_await scope.open_optional<Ledger>("database", connect);
  });
  ASSERT_TRUE(open());
  close();
  EXPECT_EQ(token.use_count(), 1);
}

TEST_F(ScopeTest, NestedOnesAreClosedAfterTheirParent) {
  lifespan.step(
      "database",
      [this](Scope& scope) -> Task<> {
        co_await scope.step("pool", opens("pool"), closes("pool"));
        co_await scope.step("statements", opens("statements"), closes("statements"));
        lines.push_back("open database");
      },
      closes("database"));
  ASSERT_TRUE(open());
  EXPECT_THAT(events, Contains("opened database/pool"));
  close();
  EXPECT_THAT(lines, ElementsAre("open pool", "open statements", "open database", "close database",
                                 "close statements", "close pool"));
}

TEST_F(ScopeTest, WhatAFailedParentHasOpenedIsClosedAtOnceInReverse) {
  lifespan.compose([this](Scope& scope) -> Task<> {
    co_await scope.step("first", opens("first"), closes("first"));
    try {
      co_await scope.step(
          "database",
          [this](Scope& inner) -> Task<> {
            co_await inner.step("pool", opens("pool"), closes("pool"));
            co_await inner.step("cursor", opens("cursor"), closes("cursor"));
            co_await refuse();
          },
          closes("database"));
    } catch (const OpenError& error) {
      lines.emplace_back(error.what());
    }
  });
  ASSERT_TRUE(open());
  EXPECT_THAT(lines, ElementsAre("open first", "open pool", "open cursor", "close cursor",
                                 "close pool", "cannot open database: refused"));
  close();
  EXPECT_EQ(lines.back(), "close first");
}

TEST_F(ScopeTest, ConcurrentOnesAreClosedInTheReverseOfTheirCompletion) {
  const auto after = [this](const char* name, std::chrono::milliseconds delay) {
    return [this, name, delay]() -> Task<> {
      co_await sleep_for(delay);
      lines.push_back(std::string("open ") + name);
    };
  };
  lifespan.compose([&, this](Scope& scope) -> Task<> {
    co_await when_all(scope.step("slow", after("slow", 20ms), closes("slow")),
                      scope.step("fast", after("fast", 0ms), closes("fast")));
  });
  ASSERT_TRUE(open());
  close();
  EXPECT_THAT(lines, ElementsAre("open fast", "open slow", "close slow", "close fast"));
}

TEST_F(ScopeTest, OptionalOneComesBackByItselfAndClosesWhereItCame) {
  int attempts = 0;
  lifespan.compose([&, this](Scope& scope) -> Task<> {
    Index* cache = co_await scope.open_optional<Index>("cache",
                                                       [&]() -> Task<Index> {
                                                         if (++attempts < 3)
                                                           throw std::runtime_error("refused");
                                                         co_return Index{7};
                                                       },
                                                       closes("cache"), {.retry = {1ms, 2ms}});
    EXPECT_EQ(cache, nullptr);
    co_await scope.step("later", opens("later"), closes("later"));
  });
  ASSERT_TRUE(open());
  run_until([&] { return state.find<Index>() != nullptr; });
  EXPECT_EQ(state.get<Index>().size, 7);
  close();
  EXPECT_THAT(lines, ElementsAre("open later", "close cache", "close later"));
}

TEST_F(ScopeTest, NestedValueOfAnOptionalOneIsSeenOnlyWhenThatIsOpen) {
  int attempts = 0;
  lifespan.resource<Index>("cache",
                           [&](Scope& scope) -> Task<Index> {
                             co_await scope.open<Ledger>("pool", [] { return Ledger{"pool"}; });
                             if (++attempts == 1) throw std::runtime_error("refused");
                             EXPECT_EQ(state.find<Ledger>(), nullptr) << "it may still fail";
                             co_return Index{1};
                           },
                           {.need = Need::Optional, .retry = {1ms, 1ms}});
  ASSERT_TRUE(open());
  EXPECT_EQ(state.find<Ledger>(), nullptr);
  run_until([&] { return state.find<Index>() != nullptr; });
  EXPECT_NE(state.find<Ledger>(), nullptr);
  close();
}

/// Puts a value of its own type into the state, where there is room for one.
Task<Index> open_two(State& state) {
  state.put(Index{1});
  co_return Index{2};
}

TEST_F(ScopeTest, AnOptionalValueThatTheStateRefusesIsClosedAndNotTriedAgain) {
  lifespan.resource<Index>("cache", open_two, closes("cache"),
                           {.need = Need::Optional, .retry = {1ms, 1ms}});
  ASSERT_TRUE(open());
  EXPECT_THAT(events, Contains(AllOf(HasSubstr("cannot open cache: there is a "),
                                     HasSubstr("Index already; wrap one of the two in a type"),
                                     Not(HasSubstr("next attempt")))));
  EXPECT_THAT(lines, ElementsAre("close cache"));
  EXPECT_EQ(context.roots(), 0U) << "nothing waits to try it again";
  EXPECT_EQ(state.get<Index>().size, 1);
  close();
  EXPECT_THAT(lines, ElementsAre("close cache"));
}

TEST_F(ScopeTest, ARequiredValueThatTheStateRefusesEndsTheStart) {
  lifespan.resource<Index>("cache", open_two, closes("cache"));
  const auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().reason,
              AllOf(HasSubstr("cannot open cache: there is a "), HasSubstr("wrap one of the two")));
  EXPECT_THAT(lines, ElementsAre("close cache"));
}

TEST_F(ScopeTest, AValueThatComesLateAndIsRefusedIsSaidToHaveFailed) {
  std::latch gate(1);
  lifespan.resource<Index>("cache",
                           [&] {
                             gate.wait();
                             return Index{1};
                           },
                           closes("cache"),
                           {.need = Need::Optional, .open_within = 100ms, .retry = {1ms, 1ms}});
  ASSERT_TRUE(open());
  if (runner.keeper().find("cache")->state == NodeState::Late) {
    state.put(Index{2});
    gate.count_down();
    // Not before: it is closed on a thread.
    run_until([&] { return runner.keeper().find("cache") == nullptr; });
    EXPECT_THAT(events, Contains(HasSubstr("cannot open cache: there is a ")));
    EXPECT_THAT(lines, ElementsAre("close cache"));
  }
  close();
}

TEST_F(ScopeTest, AChildThatComesAfterItsParentIsClosedBeforeIt) {
  int attempts = 0;
  lifespan.step(
      "database",
      [&, this](Scope& scope) -> Task<> {
        const auto connect = [&]() -> Task<Index> {
          if (++attempts == 1) co_await refuse();
          co_return Index{1};
        };
        (void)co_await scope.open_optional<Index>("replica", connect, closes("replica"),
                                                  {.retry = {1ms, 1ms}});
      },
      closes("database"));
  ASSERT_TRUE(open());
  run_until([&] { return state.find<Index>() != nullptr; });
  close();
  EXPECT_THAT(lines, ElementsAre("close replica", "close database"));
}

TEST_F(ScopeTest, ADeadlineCountsFromTheBeginningOfTheOpening) {
  lifespan.compose([](Scope& scope) -> Task<> {
    const auto end = ipc::Clock::now() + 300ms;
    while (ipc::Clock::now() < end) continue;  // The loop's time stands still meanwhile.
    const auto takes_a_moment = []() -> Task<> { co_await sleep_for(1ms); };
    co_await scope.step("slow", takes_a_moment, [] {}, {.open_within = 200ms});
  });
  const auto opened = open();
  EXPECT_TRUE(opened) << opened.error().reason;
  close();
}

struct Counted {
  explicit Counted(int& count) : alive(count) { ++alive; }
  ~Counted() { --alive; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  int& alive;
};

TEST_F(ScopeTest, RetriesKeepNoValuesWhileAnotherResourceHangs) {
  const auto gate = std::make_shared<std::latch>(1);  // The thread may outlive the test.
  std::atomic<bool> hangs = false;
  int alive = 0;
  int attempts = 0;
  lifespan.step(
      "hanging",
      [gate, &hangs] {
        hangs = true;
        gate->wait();
      },
      [] {}, {.need = Need::Optional, .open_within = 5ms, .retry = {1ms, 1ms}});
  lifespan.resource<Index>("cache",
                           [&](Scope& scope) -> Task<Index> {
                             const auto make = [&]() -> Task<std::unique_ptr<Counted>> {
                               co_return std::make_unique<Counted>(alive);
                             };
                             co_await scope.open<Counted>("pool", make);
                             ++attempts;
                             co_await refuse();
                             co_return Index{1};
                           },
                           {.need = Need::Optional, .retry = {1ms, 1ms}});
  ASSERT_TRUE(open());
  run_until([&] { return hangs.load(); });
  run_until([&, until = attempts + 20] { return attempts >= until; });
  EXPECT_LE(alive, 2);
  gate->count_down();
  // A function that is left behind might use what is closed meanwhile.
  run_until([&] { return runner.keeper().find("hanging")->state == NodeState::Open; });
  close();
  EXPECT_EQ(alive, 0);
}

TEST_F(ScopeTest, ADrainEndsTheAttempts) {
  int attempts = 0;
  lifespan.step("cache",
                [&]() -> Task<> {
                  ++attempts;
                  co_await refuse();
                },
                closes("cache"), {.need = Need::Optional, .retry = {1ms, 1ms}});
  ASSERT_TRUE(open());
  run_until([&] { return attempts > 1; });
  runner.stop_retrying();
  EXPECT_EQ(context.roots(), 0U);
  close();
  EXPECT_THAT(lines, IsEmpty());
}

TEST_F(ScopeTest, AValueThatComesTooLateIsClosed) {
  std::latch gate(1);
  std::atomic<bool> began = false;
  lifespan.resource<Index>("cache",
                           [&] {
                             began = true;
                             gate.wait();
                             return Index{1};
                           },
                           closes("cache"), {.open_within = 100ms});
  const auto opened = open();
  ASSERT_FALSE(opened);
  if (!began) GTEST_SKIP() << "no thread had time to begin: nothing is to be closed";
  EXPECT_THAT(opened.error().reason, HasSubstr("cannot open cache: not done within"));
  gate.count_down();
  // Not before: it is closed on a thread.
  run_until([&] { return runner.keeper().find("cache") == nullptr; });
  EXPECT_THAT(lines, ElementsAre("close cache"));
  EXPECT_EQ(state.find<Index>(), nullptr);
}

TEST_F(ScopeTest, RefusesWhatMakesNoSense) {
  std::vector<std::string> refused;
  const auto nothing = [] {};
  lifespan.compose([&](Scope& scope) -> Task<> {
    const auto attempt = [&](Task<> task) -> Task<> {
      try {
        co_await std::move(task);
      } catch (const std::logic_error& error) {
        refused.emplace_back(error.what());
      }
    };
    co_await scope.step("one", nothing, nothing);
    co_await attempt(scope.step("one", nothing, nothing));
    co_await attempt(scope.step("", nothing, nothing));
    co_await attempt(scope.step("late", nothing, nothing, {.phase = Phase::Scheduler}));
    co_await attempt(scope.step("retried", nothing, nothing, {.retry = {1ms, 2ms}}));
  });
  ASSERT_TRUE(open());
  EXPECT_EQ(refused.size(), 4U);
  close();
}

}  // namespace
}  // namespace reeve::worker
