// From the start of the master to its end: readiness, the port, TERM with work in flight, kill -9.

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <initializer_list>
#include <list>
#include <string>
#include <string_view>

#include "tests/e2e/harness/process_tree.hpp"
#include "tests/e2e/harness/programs.hpp"
#include "tests/e2e/harness/reeve_test.hpp"

namespace reeve::e2e {
namespace {

using StartStop = ReeveTest;
using ::testing::HasSubstr;

constexpr std::string_view kUpLine = "ready = { log = \"up\" }\n";

TEST_F(StartStop, ReadyMeansServing) {
  Reeve& reeve = start_ready(hello_pool(2));
  const Answer answer = reeve.get("/");
  ASSERT_TRUE(answer) << to_string(answer.error());
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "Hello, World!");
  EXPECT_THAT(answer->header("content-type"), HasSubstr("text/plain"));
  EXPECT_EQ(reeve.count("RUNNING"), 2);
}

TEST_F(StartStop, TermStopsCleanlyAndTellsSystemd) {
  Reeve& reeve = start_ready(hello_pool(2));
  EXPECT_EQ(reeve.stop(), Exit{.code = 0});
  EXPECT_TRUE(reeve.notifies([](const auto& message) { return message.stopping; }));
  EXPECT_EQ(loss_of(reeve.get("/")), Loss::Refused);
  EXPECT_FALSE(std::filesystem::exists(reeve.control_socket()));
}

TEST_F(StartStop, DuringItsStopDelayItServesButIsNotReady) {
  Reeve& reeve = start_ready(
      "[supervisor]\nruntime_dir = \"@dir@/run\"\nstop_delay = \"600s\"\n\n" + hello_pool(2));
  ASSERT_EQ(reeve.get("/health/ready")->status, 200);
  reeve.master().signal(SIGTERM);
  EXPECT_TRUE(eventually([&] { return reeve.get("/health/ready")->status == 503; }));
  EXPECT_EQ(reeve.get("/")->status, 200);
  EXPECT_EQ(reeve.count("RUNNING"), 2);
  EXPECT_TRUE(reeve.notifies([](const auto& message) {
    return message.extend_timeout && *message.extend_timeout >= std::chrono::seconds(600);
  }));
  const Watch worker(reeve.pid("web:0"));
  worker.signal(SIGKILL);  // Its successor is not ready either.
  EXPECT_TRUE(eventually([&] { return reeve.count("RUNNING") == 2 && worker.ended(); }));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(reeve.get("/health/ready")->status, 503);
  EXPECT_TRUE(eventually([&] {  // One that comes too soon is the same one.
    if (reeve.log().contains("the stop begins now")) return true;
    reeve.master().signal(SIGTERM);
    return false;
  }));
  EXPECT_EQ(reeve.master().wait(), Exit{.code = 0}) << "a second one skips the delay only";
}

TEST_F(StartStop, AfterItsStopDelayItDrains) {
  Reeve& reeve = start_ready(
      "[supervisor]\nruntime_dir = \"@dir@/run\"\nstop_delay = \"400ms\"\n\n" + hello_pool(1));
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(reeve.ctl({"shutdown"}).exit, Exit{.code = 0});
  EXPECT_EQ(reeve.master().wait(), Exit{.code = 0});
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 400ms);
}

TEST_F(StartStop, IntStopsCleanly) {
  Reeve& reeve = start_ready(hello_pool(1));
  reeve.master().signal(SIGINT);
  EXPECT_EQ(reeve.master().wait(), Exit{.code = 0});
}

TEST_F(StartStop, PortZeroIsReportedInTheLog) {
  Reeve& reeve = start_ready("[listen.http]\naddress = \"127.0.0.1:0\"\n\n" + hello_pool(1));
  EXPECT_TRUE(get(reeve.port_in_log(), "/")) << reeve.log();
}

TEST_F(StartStop, ACommandLineAloneRunsAPool) {
  Process reeve({.argv = {binary("reeve"), "run", "--listen", "127.0.0.1:0", "--workers", "2", "--",
                          binary("hello")},
                 .env = {{"RUNTIME_DIRECTORY", (dir / "run").string()}}},
                dir, "reeve-command-line");
  const auto status = [&] {
    return run({.argv = {binary("reevectl"), "-s", (dir / "run/control.sock").string(), "status"}},
               dir, "status");
  };
  EXPECT_TRUE(eventually([&] { return status().code() == 0; })) << status().output;
  reeve.signal(SIGTERM);
  EXPECT_EQ(reeve.wait(), Exit{.code = 0});
}

TEST_F(StartStop, RequestsInFlightAreAnsweredAndNewConnectionsRefused) {
  Reeve& reeve = start_ready(probe_pool(2));
  std::list<Connection> in_flight;
  for (int i = 0; i < 6; ++i) {
    in_flight.push_back(reeve.connect());
    in_flight.back().send(get_request(i % 2 == 0 ? "/slow?ms=600" : "/block?ms=600"));
  }
  const auto all_arrived = [&] {
    std::uint64_t sum = 0;
    for (const auto& slot : reeve.status()) sum += slot.in_flight;
    return sum == 6;
  };
  ASSERT_TRUE(eventually(all_arrived));

  reeve.master().signal(SIGTERM);
  EXPECT_TRUE(eventually([&] { return loss_of(reeve.get("/pid")) == Loss::Refused; }));
  for (auto& connection : in_flight) {
    const Answer answer = judge(connection.receive());
    EXPECT_TRUE(answer) << to_string(answer.error());
  }
  EXPECT_EQ(reeve.master().wait(), Exit{.code = 0});
}

TEST_F(StartStop, RequestsInTheAcceptQueueAreAnswered) {
  Reeve& reeve = start_ready(probe_pool(1));
  Connection blocker = reeve.connect();
  blocker.send(get_request("/spin?ms=400"));
  ASSERT_TRUE(eventually([&] { return reeve.slot("web:0").in_flight == 1; }));
  // The worker's loop is blocked: nobody accepts these.
  std::list<Connection> queued;
  for (int i = 0; i < 8; ++i) {
    queued.push_back(reeve.connect());
    queued.back().send(get_request("/pid"));
  }
  reeve.master().signal(SIGTERM);
  EXPECT_TRUE(judge(blocker.receive()));
  for (auto& connection : queued) {
    const Answer answer = judge(connection.receive());
    EXPECT_TRUE(answer) << to_string(answer.error());
  }
  EXPECT_EQ(reeve.master().wait(), Exit{.code = 0});
}

TEST_F(StartStop, AnIdleKeepAliveConnectionDoesNotDelayTheStop) {
  Reeve& reeve = start_ready(hello_pool(1, "grace = \"30s\""));
  Connection idle = reeve.connect();
  ASSERT_TRUE(idle.get("/"));
  EXPECT_EQ(reeve.stop(3s), Exit{.code = 0});
  EXPECT_TRUE(idle.closes_within(0ms));
}

TEST_F(StartStop, AWorkerThatIgnoresTermIsKilledAtTheGraceAndNamed) {
  Reeve& reeve =
      start_ready(probe_pool(1, "grace = \"400ms\"\nenv = { PROBE_IGNORE_TERM = \"1\" }"));
  Connection hanging = reeve.connect();
  hanging.send(get_request("/slow?ms=60000"));
  ASSERT_TRUE(eventually([&] { return reeve.slot("web:0").in_flight == 1; }));

  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(reeve.stop(), Exit{.code = 1});
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(took, 400ms) << "SIGKILL before the grace had passed";
  EXPECT_LE(took, 1400ms);
  EXPECT_THAT(reeve.log(), HasSubstr("web: "));
  EXPECT_THAT(reeve.log(), ::testing::ContainsRegex("SIGKILL|kill"));
  EXPECT_THAT(reeve.log(), HasSubstr("GET /slow")) << "what it was doing";
}

TEST_F(StartStop, TheSignalOfTheConfigurationTellsAWorkerToStop) {
  Reeve& reeve = start_ready(pool(
      "app",
      R"(["/bin/sh", "-c", "trap 'echo bye; exit 0' QUIT; trap '' TERM; echo up; while :; do sleep 0.02; done"])",
      "ready = { log = \"up\" }\nstop = \"QUIT\""));
  EXPECT_EQ(reeve.stop(), Exit{.code = 0});
  EXPECT_THAT(reeve.log(), HasSubstr("app | bye"));
}

TEST_F(StartStop, AStoppedWorkerIsContinuedToHearIt) {
  Reeve& reeve = start_ready(hello_pool(1));
  const int pid = reeve.pid("web:0");
  Watch(pid).signal(SIGSTOP);
  ASSERT_TRUE(eventually(
      [&] { return read_file("/proc/" + std::to_string(pid) + "/stat").contains(") T "); }));
  EXPECT_EQ(reeve.stop(10s), Exit{.code = 0});
}

/// The texts stand in the log in this order, from `from` on.
testing::AssertionResult in_order(const std::string& log, std::size_t from,
                                  std::initializer_list<std::string_view> texts) {
  for (const std::string_view text : texts) {
    from = log.find(text, from);
    if (from == std::string::npos) {
      return testing::AssertionFailure() << "no " << text << " in its place in\n" << log;
    }
  }
  return testing::AssertionSuccess();
}

TEST_F(StartStop, OfAllFollowsAfter) {
  const std::string job = R"(["/bin/sh", "-c", "sleep 0.2; echo up; exec sleep 1000"])";
  Reeve& reeve = start_ready(pool("web", job, std::string(kUpLine) + "after = [\"db\"]") +
                             pool("db", job, kUpLine));
  std::size_t from = reeve.log().size();
  EXPECT_EQ(reeve.ctl({"stop", "all"}).exit, Exit{.code = 0});
  EXPECT_TRUE(in_order(reeve.log(), from, {"web: STOPPING → STOPPED", "db: RUNNING → STOPPING"}));
  from = reeve.log().size();
  EXPECT_EQ(reeve.ctl({"start", "all"}).exit, Exit{.code = 0});
  EXPECT_TRUE(in_order(reeve.log(), from, {"db: STARTING → RUNNING", "web: STOPPED → STARTING"}));
  from = reeve.log().size();
  const Finished hard = reeve.ctl({"restart", "--hard", "all"});
  EXPECT_EQ(hard.exit, Exit{.code = 0});
  for (const char* pool : {"web", "db"}) {
    EXPECT_THAT(hard.output, HasSubstr(std::string(pool) + ": stopped; "));
    EXPECT_THAT(hard.output, HasSubstr("\n" + std::string(pool) + ": started\n"));
  }
  EXPECT_TRUE(
      in_order(reeve.log(), from,
               {"web: STOPPING → STOPPED", "db: RUNNING → STOPPING", "db: STARTING → RUNNING",
                "web: STOPPED → STARTING", "web: STARTING → RUNNING"}));
}

TEST_F(StartStop, AllDoesNotWaitForWhatDoesNotComeUp) {
  Reeve& reeve =
      start(pool("web", R"(["/bin/sleep", "1000"])", "ready = \"started\"\nafter = [\"db\"]") +
            pool("db", R"(["/bin/false"])", std::string(kUpLine) + "restart = \"never\""));
  ASSERT_TRUE(reeve.becomes("db:0", "EXITED"));
  const Finished all = reeve.ctl({"start", "all"});
  EXPECT_THAT(all.output + all.errors, HasSubstr("waits for db"));
  EXPECT_EQ(reeve.slot("web:0").state, "STOPPED");
  EXPECT_EQ(reeve.ctl({"start", "web"}).exit, Exit{.code = 0}) << "named alone it obeys";
}

TEST_F(StartStop, AKilledMasterLeavesNoWorker) {
  Reeve& reeve = start_ready(
      hello_pool(2) + pool("jobs", R"(["/bin/sleep", "1000"])", "ready = { after = \"0ms\" }"));
  ASSERT_TRUE(reeve.becomes("jobs:0", "RUNNING"));
  const auto workers = reeve.pids();
  ASSERT_EQ(workers.size(), 3U);
  std::list<Watch> watches(workers.begin(), workers.end());

  reeve.master().signal(SIGKILL);
  ASSERT_EQ(reeve.master().wait(), Exit{.signal = SIGKILL});
  const auto deadline = std::chrono::steady_clock::now() + 2s;
  for (const auto& watch : watches) {
    const auto left = std::chrono::duration_cast<Milliseconds>(
        std::max(deadline - std::chrono::steady_clock::now(), std::chrono::nanoseconds(0)));
    EXPECT_TRUE(watch.ended_within(left)) << "a worker outlived its master by 2 s";
  }
  kill_descendants();  // Reaps: they became this test's children.
}

TEST_F(StartStop, TheNextMasterTakesOverWhatAKilledOneLeft) {
  Reeve& killed = start_ready(hello_pool(1));
  killed.master().signal(SIGKILL);
  ASSERT_TRUE(killed.master().wait());
  EXPECT_TRUE(
      start_ready(hello_pool(1)).get("/"));  // Stale socket, pidfile and lock are in its way.
}

TEST_F(StartStop, TwoHundredWorkersAllServeAndAllLeave) {
#ifdef __SANITIZE_ADDRESS__
  constexpr int kMany = 40;  // Each looks for leaks at its end, which takes its time.
#else
  constexpr int kMany = 200;
#endif
  Reeve& reeve = start_ready(hello_pool(kMany));
  EXPECT_EQ(reeve.count("RUNNING"), kMany);
  const Finished shown = reeve.ctl({"status"});
  EXPECT_EQ(shown.code(), 0);
  EXPECT_EQ(std::ranges::count(shown.output, '\n'), kMany);
  EXPECT_EQ(descendants(reeve.master().pid()).size(), static_cast<std::size_t>(kMany));
  EXPECT_EQ(reeve.stop(3 * kPatience), Exit{.code = 0});
}

TEST_F(StartStop, TheMasterIsSingleThreaded) {
  Reeve& reeve = start_ready(hello_pool(2));
  EXPECT_TRUE(reeve.get("/"));
  const auto family = descendants(::getpid());
  const auto master = std::ranges::find(family, reeve.master().pid(), &ProcessInfo::pid);
  ASSERT_NE(master, family.end());
  EXPECT_EQ(master->threads, 1);
}

TEST_F(StartStop, EachWorkerLeadsItsOwnProcessGroup) {
  Reeve& reeve = start_ready(hello_pool(2));
  for (const auto& each : descendants(reeve.master().pid())) EXPECT_EQ(each.group, each.pid);
}

}  // namespace
}  // namespace reeve::e2e
