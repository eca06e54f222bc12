#include "worker/lifespan/checks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <stdexcept>
#include <string>
#include <vector>

#include "reeve/lifespan.hpp"
#include "tests/unit/worker/runtime_fixture.hpp"

namespace reeve::worker {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ChecksTest : public RuntimeFixture {
 protected:
  void refresh() {
    if (!runner) {
      runner.emplace(
          context, state, lifespan.checks(), [this](const Check&) { return applies; },
          [this](const CheckResult& result) {
            results.push_back(result.check.name + (result.passed ? " ok" : ": " + result.reason));
          });
    }
    EXPECT_TRUE(run(runner->refresh()));
  }

  Lifespan lifespan;
  State state;
  bool applies = true;
  std::vector<std::string> results;
  std::optional<CheckRunner> runner;
};

TEST_F(ChecksTest, TellsWhatPassesAndWhyNot) {
  state.put(7);
  lifespan.check<int>("seven", [](int& value) -> Task<bool> { co_return value == 7; });
  lifespan.check<std::string>("missing", [](std::string&) {});
  lifespan.check("says no", [] { return false; });
  lifespan.check("throws", []() -> Task<> {
    throw std::runtime_error("refused");
    co_return;
  });
  refresh();
  EXPECT_THAT(results,
              ::testing::UnorderedElementsAre("seven ok", "missing: not open",
                                              "says no: it returned false", "throws: refused"));
}

TEST_F(ChecksTest, ResultIsGoodForAWhile) {
  int asked = 0;
  int always = 0;
  lifespan.check("cached", [&] { ++asked; }, {.cached_for = 1h});
  lifespan.check("fresh", [&] { ++always; }, {.cached_for = 0ms});
  refresh();
  refresh();
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(always, 2);
}

TEST_F(ChecksTest, OneThatHangsIsBoundedAndNotAskedTwice) {
  std::latch gate(1);
  std::atomic<int> asked = 0;
  lifespan.check("hanging",
                 [&] {
                   ++asked;
                   gate.wait();
                 },
                 {.within = 5ms, .cached_for = 0ms});
  const auto deadline = ipc::Clock::now() + 20s;
  do {  // A check that no thread has begun yet is asked again.
    refresh();
  } while (asked == 0 && ipc::Clock::now() < deadline);
  EXPECT_THAT(results, Each(HasSubstr("hanging: not done within 5")));
  results.clear();
  refresh();
  gate.count_down();
  ipc::uv::Timer look(loop, [&] {  // The function uses the gate until it has returned.
    if (context.roots() == 0) return loop.stop();
    look.arm(1ms);
  });
  look.arm(0ms);
  run_loop();
  EXPECT_EQ(asked, 1);
  EXPECT_THAT(results, ElementsAre(HasSubstr("hanging: no answer for")));
}

TEST_F(ChecksTest, OneThatWaitsForAThreadIsNotToBlame) {
  std::latch gate(1);
  std::latch taken(2);
  std::latch ended(2);
  const auto occupy = [&] {
    taken.count_down();
    gate.wait();
    ended.count_down();
  };
  for (int thread = 0; thread < 2; ++thread)
    ASSERT_TRUE(threads.submit(occupy, [](const auto&) {}));
  taken.wait();
  lifespan.check("cache", [] {}, {.within = 5ms});
  refresh();
  gate.count_down();
  ended.wait();
  EXPECT_THAT(results, ElementsAre(AllOf(HasSubstr("cache: not done within 5"),
                                         HasSubstr("every thread of the pool is taken"))));
}

TEST_F(ChecksTest, RunsByItself) {
  int asked = 0;
  lifespan.check("beat",
                 [&]() -> Task<> {
                   if (++asked == 3) loop.stop();
                   co_return;
                 },
                 {.cached_for = 0ms, .every = 1ms});
  runner.emplace(
      context, state, lifespan.checks(), [](const Check&) { return true; },
      [](const CheckResult&) {});
  runner->start();
  run_loop();
  EXPECT_EQ(asked, 3);
}

}  // namespace
}  // namespace reeve::worker
