#include "reeve/lifespan.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "reeve/config_error.hpp"
#include "tests/unit/worker/runtime_fixture.hpp"
#include "worker/lifespan/runner.hpp"

namespace reeve::worker {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Database {
  explicit Database(std::string where) : url(std::move(where)) {}
  std::string url;
};
struct Cache {
  int size = 0;
};

class LifespanTest : public RuntimeFixture {
 protected:
  std::expected<void, std::string> open() {
    auto outcome = run(runner.open());
    EXPECT_TRUE(outcome.has_value());
    if (*outcome) return {};
    code = outcome->error().code;
    return std::unexpected(std::move(outcome->error().reason));
  }
  void close(ipc::Duration within = 10s) {
    EXPECT_TRUE(run(runner.close(ipc::Clock::now() + within)));
  }
  /// A resource without a value, which writes its life into `lines`.
  void add_step(std::string name, ResourceOptions options = {}) {
    lifespan.step(
        name, [this, name] { note("open " + name); }, [this, name] { note("close " + name); },
        options);
  }
  /// A resource that throws when it opens.
  void add_broken(std::string name, ResourceOptions options = {}) {
    lifespan.step(
        name,
        []() -> Task<> {
          throw std::runtime_error("refused");
          co_return;
        },
        [this, name] { note("close " + name); }, options);
  }
  void note(std::string line) { lines.push_back(std::move(line)); }
  /// Each event as its kind and what it is about: "Opened database".
  void observe(const LifespanEvent& event) {
    std::visit(
        [this](const auto& past) {
          using Event = std::decay_t<decltype(past)>;
          if constexpr (std::is_same_v<Event, OpenFailed> || std::is_same_v<Event, CloseFailed>) {
            failures.push_back(describe(past));
          } else if constexpr (std::is_same_v<Event, PhaseEnded>) {
            phases.push_back(step_name(past.phase) + " " + past.detail);
          }
        },
        event);
  }

  ipc::WorkerExit code = ipc::WorkerExit::Stopped;  ///< of the open() that failed
  std::vector<std::string> lines;
  std::vector<std::string> failures;
  std::vector<std::string> phases;
  Lifespan lifespan;
  State state;
  LifespanRunner runner{context, lifespan, state, [this](const auto& event) { observe(event); },
                        [](Phase) { return std::expected<std::string, StartFailure>(); }};
};

TEST_F(LifespanTest, OpensInOrderAndClosesInReverse) {
  add_step("one");
  add_step("two");
  add_step("three");
  ASSERT_TRUE(open());
  close();
  EXPECT_THAT(lines, ElementsAre("open one", "open two", "open three", "close three", "close two",
                                 "close one"));
}

TEST_F(LifespanTest, PhaseComesBeforeRegistration) {
  add_step("provider", {.phase = Phase::Providers});
  add_step("connection", {.phase = Phase::Connections});
  add_step("second connection", {.phase = Phase::Connections});
  ASSERT_TRUE(open());
  EXPECT_THAT(lines, ElementsAre("open connection", "open second connection", "open provider"));
  EXPECT_THAT(phases,
              ElementsAre("[1/5] environment ", "[2/5] connections 2 open",
                          "[3/5] providers 1 open", "[4/5] scheduler ", "[5/5] listening "));
}

TEST_F(LifespanTest, ValueIsFoundByItsTypeUntilItIsClosed) {
  lifespan.resource<Database>("database", [] { return std::make_unique<Database>("db"); });
  lifespan.resource<Cache>("cache", [](State& opened) -> Task<Cache> {
    co_return Cache{static_cast<int>(opened.get<Database>().url.size())};
  });
  ASSERT_TRUE(open());
  EXPECT_EQ(state.get<Database>().url, "db");
  EXPECT_EQ(state.get<Cache>().size, 2);
  close();
  EXPECT_EQ(state.find<Cache>(), nullptr);
  EXPECT_EQ(state.find<Database>(), nullptr);
}

TEST_F(LifespanTest, TypeDecidesWhereOpenAndCloseRun) {
  const auto loop_thread = std::this_thread::get_id();
  std::vector<bool> on_loop;
  const auto look = [&] { on_loop.push_back(std::this_thread::get_id() == loop_thread); };
  lifespan.step("blocking", [look] { look(); }, [look] { look(); });
  const auto coroutine = [look]() -> Task<> {
    look();
    co_return;
  };
  lifespan.step("coroutine", coroutine, coroutine);
  ASSERT_TRUE(open());
  close();
  EXPECT_THAT(on_loop, ElementsAre(false, true, true, false));
}

TEST_F(LifespanTest, FailedRequiredOneEndsTheStartAndWhatWasOpenIsClosed) {
  add_step("database");
  add_broken("cache");
  add_step("never reached");
  const auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error(), "cannot open cache: refused");
  EXPECT_EQ(code, ipc::WorkerExit::ResourceFailed);
  close();
  EXPECT_THAT(lines, ElementsAre("open database", "close database"));
}

TEST_F(LifespanTest, FailedOptionalOneIsToldAndPassedOver) {
  add_broken("cache", {.need = Need::Optional});
  add_step("database");
  ASSERT_TRUE(open());
  EXPECT_THAT(failures, ElementsAre(HasSubstr("cannot open cache: refused; it is optional")));
  close();
  EXPECT_THAT(lines, ElementsAre("open database", "close database"));
}

TEST_F(LifespanTest, CoroutineThatHangsIsCancelledAtItsDeadline) {
  bool unwound = false;
  const auto hang = [&]() -> Task<> {
    struct Unwound {
      bool& flag;
      ~Unwound() { flag = true; }
    } const guard{unwound};
    co_await sleep_for(1h);
  };
  lifespan.step("hanging", hang, [] {}, {.open_within = 5ms});
  const auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error(), HasSubstr("cannot open hanging: not done within 5"));
  EXPECT_EQ(code, ipc::WorkerExit::TimedOut);
  EXPECT_TRUE(unwound);
}

TEST_F(LifespanTest, BlockingFunctionThatHangsIsLeftBehindAtItsDeadline) {
  std::latch running(1);
  std::latch gate(1);
  lifespan.resource<Cache>(
      "hanging",
      [&] {
        running.count_down();
        gate.wait();
        return Cache{1};
      },
      ResourceOptions{.open_within = 5ms});
  ipc::uv::Timer not_before_it_runs(loop, [&running] { running.wait(); });
  not_before_it_runs.arm(0ms);
  ASSERT_FALSE(open());
  EXPECT_EQ(threads.running(), 1U);
  EXPECT_EQ(context.roots(), 1U);
  gate.count_down();
  ipc::uv::Timer look(loop, [this, &look] {
    if (context.roots() == 0) return loop.stop();
    look.arm(1ms);
  });
  look.arm(1ms);
  run_loop();
  EXPECT_EQ(state.find<Cache>(), nullptr) << "a value that came too late is dropped";
}

TEST_F(LifespanTest, CloseThatFailsOrHangsDoesNotStopTheOthers) {
  add_step("first");
  lifespan.step(
      "hanging", [] {}, []() -> Task<> { co_await sleep_for(1h); }, {.close_within = 5ms});
  lifespan.step("failing", [] {}, [] { throw std::runtime_error("gone already"); });
  ASSERT_TRUE(open());
  close();
  EXPECT_THAT(failures, ElementsAre("cannot close failing: gone already; ignoring",
                                    HasSubstr("cannot close hanging: not done within 5")));
  EXPECT_THAT(lines, Contains("close first"));
}

TEST_F(LifespanTest, TeardownEndsAtItsOwnDeadline) {
  for (const char* name : {"one", "two", "three"}) {
    lifespan.step(name, [] {}, []() -> Task<> { co_await sleep_for(1h); }, {.close_within = 1h});
  }
  ASSERT_TRUE(open());
  const auto began = ipc::Clock::now();
  close(10ms);
  EXPECT_EQ(failures.size(), 3U);
  EXPECT_LT(ipc::Clock::now() - began, 10s);
}

TEST_F(LifespanTest, CancelEndsTheOpeningWhereItStands) {
  add_step("database");
  lifespan.step(
      "slow",
      [this]() -> Task<> {
        loop.stop();
        co_await sleep_for(1h);
      },
      [] {});
  bool ended = false;
  Spawned opening = spawn(context, runner.open(), [&](const auto& outcome) {
    ended = true;
    EXPECT_FALSE(outcome);
  });
  run_loop();
  opening.cancel();
  EXPECT_TRUE(ended);
  close();
  EXPECT_THAT(lines, ElementsAre("open database", "close database"));
}

TEST_F(LifespanTest, AMistakeOfTheOperatorsIsToldFromAFailureOfTheResource) {
  lifespan.step(
      "database",
      []() -> Task<> {
        throw ConfigError("app.database.url: not set");
        co_return;
      },
      [] {});
  EXPECT_EQ(open().error(), "cannot open database: app.database.url: not set");
  EXPECT_EQ(code, ipc::WorkerExit::BadConfiguration);
}

TEST_F(LifespanTest, OwnPartThatFailsEndsTheStart) {
  add_step("never reached");
  LifespanRunner refusing(
      context, lifespan, state, [](const auto&) {},
      [](Phase) -> std::expected<std::string, StartFailure> {
        return std::unexpected(
            StartFailure{ipc::WorkerExit::BadConfiguration, "REDIS_HOST is not set"});
      });
  const auto outcome = run(refusing.open());
  EXPECT_EQ(outcome.value().error().reason, "[1/5] environment: REDIS_HOST is not set");
  EXPECT_EQ(outcome.value().error().code, ipc::WorkerExit::BadConfiguration);
  EXPECT_THAT(lines, IsEmpty());
}

TEST(Lifespan, RefusesWhatCannotBeToldApart) {
  Lifespan lifespan;
  const auto nothing = [] {};
  lifespan.step("database", nothing, nothing);
  EXPECT_THROW(lifespan.step("database", nothing, nothing), std::invalid_argument);
  EXPECT_THROW(lifespan.step("", nothing, nothing), std::invalid_argument);
  EXPECT_THROW(lifespan.step("port", nothing, nothing, {.phase = Phase::Listening}),
               std::invalid_argument);
}

}  // namespace
}  // namespace reeve::worker
