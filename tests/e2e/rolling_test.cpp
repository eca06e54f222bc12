// Rolling restarts: what changes, what does not, and what a failure leaves.

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <thread>

#include "tests/e2e/harness/programs.hpp"
#include "tests/e2e/harness/reeve_test.hpp"

namespace reeve::e2e {
namespace {

using Rolling = ReeveTest;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// A program that is hello until "broken" lies beside it.
constexpr std::string_view kBreakable = R"(#!/bin/sh
if [ -e @dir@/broken ]; then echo "cannot reach the database"; exit 7; fi
exec @hello@
)";

class RollingBreakable : public ReeveTest {
 protected:
  Reeve& start_breakable(int workers, std::string_view more = "") {
    (void)dir.write_program("service", expand(kBreakable, dir));
    return start_ready(pool(
        "web", R"(["@dir@/service"])",
        "workers = " + std::to_string(workers) + "\nlisten = [\"http\"]\n" + std::string(more)));
  }
};

TEST_F(Rolling, ReplacesEveryWorkerAndCountsTheGeneration) {
  Reeve& reeve = start_ready(hello_pool(3));
  const auto before = reeve.status();
  const Finished verdict = reeve.ctl({"restart", "web"});
  EXPECT_EQ(verdict.code(), 0) << verdict.output << verdict.errors;
  const auto after = reeve.status();
  ASSERT_EQ(after.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(after[i].name, before[i].name);
    EXPECT_EQ(after[i].state, "RUNNING");
    EXPECT_NE(after[i].pid, before[i].pid);
    EXPECT_GT(after[i].generation, before[i].generation);
  }
}

TEST_F(Rolling, NeverHasFewerRunningThanConfigured) {
  Reeve& reeve = start_ready(hello_pool(2));
  std::atomic<bool> done = false;
  int fewest = 2;
  std::jthread watcher([&] {
    while (!done) fewest = std::min(fewest, reeve.count("RUNNING"));
  });
  for (int i = 0; i < 3; ++i) EXPECT_EQ(reeve.ctl({"restart", "web"}).code(), 0);
  done = true;
  watcher.join();
  EXPECT_EQ(fewest, 2);
}

TEST_F(Rolling, EachProcessIsStartedThenTheSummaryComes) {
  Reeve& reeve =
      start_ready(hello_pool(2) + pool("jobs", R"(["/bin/sleep", "1000"])", "ready = \"started\""));
  for (const char* name : {"web", "web:*"}) {
    const Finished verdict = reeve.ctl({"restart", name});
    EXPECT_EQ(verdict.code(), 0);
    EXPECT_THAT(verdict.output, StartsWith("web:0: started\nweb:1: started\nweb: restarted; "));
  }
  const Finished all = reeve.ctl({"restart", "all"});
  for (const char* line : {"web:0: started\n", "web:1: started\n", "jobs: started\n",
                           "web: restarted; ", "jobs: restarted; "}) {
    EXPECT_THAT(all.output, HasSubstr(line));
  }
  EXPECT_THAT(all.output, Not(HasSubstr("stopped")));
}

TEST_F(Rolling, OneSlotAloneCanBeRestarted) {
  Reeve& reeve = start_ready(hello_pool(2));
  const auto before = reeve.pids();
  const Finished verdict = reeve.ctl({"restart", "web:1"});
  EXPECT_EQ(verdict.code(), 0);
  EXPECT_THAT(verdict.output, StartsWith("web:1: started\nweb: restarted; "));
  EXPECT_EQ(reeve.pid("web:0"), before[0]);
  EXPECT_NE(reeve.pid("web:1"), before[1]);
}

TEST_F(RollingBreakable, ANewGenerationThatFailsChangesNothing) {
  Reeve& reeve = start_breakable(2);
  const auto before = reeve.status();
  (void)dir.write("broken", "");
  const Finished verdict = reeve.ctl({"restart", "web"});
  EXPECT_EQ(verdict.code(), 7);
  EXPECT_THAT(verdict.output, HasSubstr("web:0: ERROR (spawn error): exited with code 7"));
  EXPECT_THAT(verdict.output + verdict.errors, HasSubstr("cannot reach the database"));
  EXPECT_EQ(reeve.status()[0].pid, before[0].pid);
  EXPECT_EQ(reeve.status()[1].pid, before[1].pid);
  EXPECT_EQ(reeve.status()[0].generation, before[0].generation);
  EXPECT_TRUE(judge(reeve.get("/")));

  std::filesystem::remove(dir / "broken");
  EXPECT_EQ(reeve.ctl({"restart", "web"}).code(), 0) << "and the next roll works";
}

TEST_F(RollingBreakable, ANewWorkerThatNeverBecomesReadyAbortsTheRoll) {
  (void)dir.write_program("service", expand("#!/bin/sh\n"
                                            "[ -e @dir@/broken ] && exec sleep 1000\n"
                                            "exec @hello@\n",
                                            dir));
  Reeve& reeve = start_ready(
      pool("web", R"(["@dir@/service"])", "listen = [\"http\"]\nstart_timeout = \"500ms\""));
  const int before = reeve.pid("web:0");
  (void)dir.write("broken", "");
  const Finished verdict = reeve.ctl({"restart", "web"});
  EXPECT_NE(verdict.code(), 0);
  EXPECT_THAT(verdict.output + verdict.errors, HasSubstr("ready"));
  EXPECT_EQ(reeve.pid("web:0"), before);
  EXPECT_TRUE(judge(reeve.get("/")));
}

TEST_F(Rolling, AHardRestartStopsFirst) {
  Reeve& reeve = start_ready(hello_pool(2));
  const auto before = reeve.pids();
  const Finished verdict = reeve.ctl({"restart", "--hard", "web"});
  EXPECT_EQ(verdict.code(), 0) << verdict.output << verdict.errors;
  EXPECT_THAT(verdict.output,
              StartsWith("web:0: stopped\nweb:0: started\nweb:1: stopped\nweb:1: started\n"
                         "web: restarted; generation 1 serves with 2 workers"));
  const auto after = reeve.pids();
  ASSERT_EQ(after.size(), 2U);
  EXPECT_NE(after[0], before[0]);
  EXPECT_NE(after[1], before[1]);
  for (const int pid : before) EXPECT_TRUE(Watch(pid).ended());
}

TEST_F(Rolling, ReturnsWhenTheNewGenerationServesNotWhenTheOldOneHasDrained) {
  Reeve& reeve = start_ready(probe_pool(1));
  const int old_pid = reeve.pid("web:0");
  Connection slow = reeve.connect();
  slow.send(get_request("/slow?ms=1500"));
  ASSERT_TRUE(eventually([&] { return reeve.slot("web:0").in_flight == 1; }));

  const auto begin = std::chrono::steady_clock::now();
  const Finished verdict = reeve.ctl({"restart", "web"});
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 1s);
  EXPECT_EQ(verdict.code(), 0);
  EXPECT_THAT(verdict.output, HasSubstr("drain")) << "it says that an old worker still drains";
  EXPECT_FALSE(Watch(old_pid).ended());
  EXPECT_TRUE(judge(slow.receive()));
  EXPECT_TRUE(Watch(old_pid).ended_within(kPatience));
}

TEST_F(Rolling, AnIdleKeepAliveConnectionGetsOneMoreAnswer) {
  Reeve& reeve = start_ready(hello_pool(1));
  const int old_pid = reeve.pid("web:0");
  Connection idle = reeve.connect();
  ASSERT_TRUE(idle.get("/"));
  ASSERT_EQ(reeve.ctl({"restart", "web"}).code(), 0);

  const Answer answer = judge(idle.get("/"));
  ASSERT_TRUE(answer) << to_string(answer.error());
  EXPECT_EQ(answering_pid(answer), old_pid);
  EXPECT_FALSE(answer->keep_alive) << "Connection: close";
  EXPECT_TRUE(Watch(old_pid).ended_within(kPatience));
}

TEST_F(Rolling, AConnectionThatHasSentNothingYetGetsItsAnswer) {
  Reeve& reeve = start_ready(hello_pool(1));
  const int old_pid = reeve.pid("web:0");
  Connection silent = reeve.connect();
  // One worker accepts in the order of the queue: this answer proves that `silent` was accepted.
  ASSERT_TRUE(reeve.get("/"));
  ASSERT_EQ(reeve.ctl({"restart", "web"}).code(), 0);

  const Answer answer = judge(silent.get("/"));
  ASSERT_TRUE(answer) << to_string(answer.error());
  EXPECT_EQ(answering_pid(answer), old_pid);
}

TEST_F(Rolling, AnIdleConnectionIsHalfClosedAfterIdleDrain) {
  Reeve& reeve = start_ready(hello_pool(1, "idle_drain = \"200ms\""));
  const int old_pid = reeve.pid("web:0");
  Connection idle = reeve.connect();
  ASSERT_TRUE(idle.get("/"));
  ASSERT_EQ(reeve.ctl({"restart", "web"}).code(), 0);
  EXPECT_TRUE(idle.closes_within(kPatience));
  {
    const Connection gone = std::move(idle);
  }  // The client closes its side, too.
  EXPECT_TRUE(Watch(old_pid).ended_within(kPatience));
}

TEST_F(Rolling, DrainingWorkersAreLimited) {
  Reeve& reeve = start_ready(probe_pool(1,
                                        "rolling = { surge = 1, max_draining = 1 }\n"
                                        "idle_drain = \"100ms\""));
  Connection slow = reeve.connect();
  slow.send(get_request("/slow?ms=700"));
  ASSERT_TRUE(eventually([&] { return reeve.slot("web:0").in_flight == 1; }));
  const int first = reeve.pid("web:0");
  EXPECT_EQ(reeve.ctl({"restart", "web"}).code(), 0);
  EXPECT_FALSE(Watch(first).ended());
  // The first still drains, so the second roll has to wait for it.
  EXPECT_EQ(reeve.ctl({"restart", "web"}).code(), 0);
  EXPECT_TRUE(Watch(first).ended());
  EXPECT_TRUE(judge(slow.receive()));
}

TEST_F(Rolling, AWorkerKilledDuringARollDoesNotStopIt) {
  Reeve& reeve = start_ready(hello_pool(4));
  const auto before = reeve.pids();
  const auto roll = reeve.start_ctl({"restart", "web"});
  Watch(before[3]).signal(SIGKILL);
  EXPECT_TRUE(roll->wait());
  EXPECT_TRUE(eventually([&] { return reeve.count("RUNNING") == 4; }));
  for (const int pid : before) EXPECT_TRUE(Watch(pid).ended_within(kPatience));
}

TEST_F(Rolling, AStopDuringARollEnds) {
  Reeve& reeve = start_ready(hello_pool(4));
  const auto roll = reeve.start_ctl({"restart", "web"});
  EXPECT_EQ(reeve.stop(), Exit{.code = 0});
  EXPECT_TRUE(roll->wait()) << "the command that waits for a verdict gets one, or an end";
}

}  // namespace
}  // namespace reeve::e2e
