// The promise of the project: clients that never retry lose nothing, whatever is done to the pool.

#include "tests/e2e/harness/load.hpp"
#include "tests/e2e/harness/programs.hpp"
#include "tests/e2e/harness/reeve_test.hpp"

namespace reeve::e2e {
namespace {

using UnderLoad = ReeveTest;

/// Half of the clients keep their connections, half connect for each request.
LoadPlan half_and_half(const Reeve& reeve, std::string path = "/") {
  return {.port = reeve.port(), .per_request = 8, .keep_alive = 8, .path = std::move(path)};
}

void expect_no_loss(const LoadReport& report) {
  EXPECT_EQ(report.lost_in_all(), 0U) << ::testing::PrintToString(report);
}

void roll_under_load(const Reeve& reeve, Load& load, int rolls) {
  ASSERT_TRUE(load.goes_on());
  for (int i = 0; i < rolls; ++i) {
    const Finished verdict = reeve.ctl({"restart", "web"});
    ASSERT_EQ(verdict.code(), 0) << verdict.output << verdict.errors;
    ASSERT_TRUE(load.goes_on(300)) << "after roll " << i + 1;
  }
}

TEST_F(UnderLoad, TenRollsOfHelloLoseNothing) {
  Reeve& reeve = start_ready(hello_pool(2));
  Load load(half_and_half(reeve));
  roll_under_load(reeve, load, 10);
  const LoadReport report = load.stop();
  expect_no_loss(report);
  EXPECT_GT(report.on_kept_connections, 0U);
}

TEST_F(UnderLoad, TenRollsOfProbeLoseNothing) {
  Reeve& reeve = start_ready(probe_pool(2));
  Load load(half_and_half(reeve, "/pid"));
  roll_under_load(reeve, load, 10);
  expect_no_loss(load.stop());
}

TEST_F(UnderLoad, RollsOfSlowHandlersLoseNothing) {
  Reeve& reeve = start_ready(probe_pool(2));
  Load coroutines(half_and_half(reeve, "/slow?ms=20"));
  Load threads({.port = reeve.port(), .per_request = 4, .keep_alive = 4, .path = "/block?ms=5"});
  roll_under_load(reeve, coroutines, 5);
  expect_no_loss(coroutines.stop());
  expect_no_loss(threads.stop());
}

TEST_F(UnderLoad, RollsOfOneWorkerLoseNothing) {
  Reeve& reeve = start_ready(hello_pool(1));
  Load load(half_and_half(reeve));
  roll_under_load(reeve, load, 5);
  expect_no_loss(load.stop());
}

TEST_F(UnderLoad, ScalingUpAndDownLosesNothing) {
  Reeve& reeve = start_ready(hello_pool(1));
  Load load(half_and_half(reeve));
  ASSERT_TRUE(load.goes_on());
  for (const char* workers : {"4", "1", "3", "2"}) {
    const Finished verdict = reeve.ctl({"scale", "web", workers});
    ASSERT_EQ(verdict.code(), 0) << verdict.output << verdict.errors;
    ASSERT_TRUE(load.goes_on());
  }
  expect_no_loss(load.stop());
  EXPECT_EQ(reeve.count("RUNNING"), 2);
}

TEST_F(UnderLoad, ARollThatIsAbortedLosesNothing) {
  (void)dir.write_program("service", expand("#!/bin/sh\n"
                                            "[ -e @dir@/broken ] && exit 7\n"
                                            "exec @hello@\n",
                                            dir));
  Reeve& reeve =
      start_ready(pool("web", R"(["@dir@/service"])", "workers = 2\nlisten = [\"http\"]"));
  Load load(half_and_half(reeve));
  ASSERT_TRUE(load.goes_on());
  (void)dir.write("broken", "");
  for (int i = 0; i < 3; ++i) {
    EXPECT_NE(reeve.ctl({"restart", "web"}).code(), 0);
    ASSERT_TRUE(load.goes_on());
  }
  expect_no_loss(load.stop());
}

TEST_F(UnderLoad, RollsOfOneSlotLoseNothing) {
  Reeve& reeve = start_ready(hello_pool(2));
  Load load(half_and_half(reeve));
  ASSERT_TRUE(load.goes_on());
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(reeve.ctl({"restart", "web:0"}).code(), 0);
    ASSERT_TRUE(load.goes_on());
  }
  expect_no_loss(load.stop());
}

}  // namespace
}  // namespace reeve::e2e
