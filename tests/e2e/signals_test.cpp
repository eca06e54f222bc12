// What a person or an init system does with kill(1).

#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "tests/e2e/harness/programs.hpp"
#include "tests/e2e/harness/reeve_test.hpp"

namespace reeve::e2e {
namespace {

using Signals = ReeveTest;
using ::testing::HasSubstr;

/// One probe worker with a request in flight that outlasts every test.
class SignalsInFlight : public ReeveTest {
 protected:
  Reeve& start_hanging(std::string_view more = "") {
    Reeve& reeve = start_ready(probe_pool(1, more));
    hanging_.emplace(reeve.connect());
    hanging_->send(get_request("/slow?ms=60000"));
    if (!eventually([&] { return reeve.slot("web:0").in_flight == 1; })) {
      throw std::runtime_error("the request did not arrive");
    }
    return reeve;
  }

 private:
  std::optional<Connection> hanging_;
};

/// A second signal within a few milliseconds counts as the same one.
void ask_again(Reeve& reeve, int signal) {
  EXPECT_TRUE(eventually([&] {
    reeve.master().signal(signal);
    return reeve.master().watch().ended();
  }));
}

class Hangup : public ReeveTest {
 protected:
  /// Starts the master in a terminal of its own, which goes away with hang_up().
  Reeve& start_in_terminal(Environment env) {
    env.emplace_back("BINARY", binary("reeve"));
    const auto program = dir.write_program("terminal", expand(kTerminal, dir));
    // Its READY=1 does not count here: it is the child of the child.
    Reeve& reeve = start(jobs(1), std::move(env), program.string());
    EXPECT_TRUE(reeve.becomes("jobs:0", "RUNNING"));
    return reeve;
  }
  /// Without the socket of the test, which is for its own child.
  [[nodiscard]] static std::string jobs(int workers) {
    return "[listen.http]\naddress = \"127.0.0.1:0\"\n" +
           pool("jobs", R"(["/bin/sleep", "1000"])",
                "ready = \"started\"\nworkers = " + std::to_string(workers));
  }
  void hang_up() const { std::ofstream(dir / "hang-up") << "now"; }

 private:
  static constexpr std::string_view kTerminal = R"(#!/usr/bin/python3
import os, pty, select, signal, sys
pid, terminal = pty.fork()
if pid == 0:
    if "NOHUP" in os.environ:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    os.execv(os.environ["BINARY"], ["reeve"] + sys.argv[1:])
signal.signal(signal.SIGTERM, lambda *_: os.kill(pid, signal.SIGTERM))
while not os.path.exists("@dir@/hang-up"):
    if select.select([terminal], [], [], 0.02)[0]:
        os.write(2, os.read(terminal, 4096))
os.close(terminal)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
)";
};

TEST_F(Hangup, OfItsTerminalStopsTheMaster) {
  Reeve& reeve = start_in_terminal({});
  hang_up();
  EXPECT_EQ(reeve.master().wait(), Exit{.code = 0});
}

TEST_F(Hangup, StopsNothingUnderNohup) {
  Reeve& reeve = start_in_terminal({{"NOHUP", "1"}});
  reeve.configure(jobs(2));
  hang_up();
  EXPECT_TRUE(eventually([&] { return reeve.count("RUNNING") == 2; })) << "HUP reloads";
  EXPECT_EQ(reeve.stop(), Exit{.code = 0});
}

TEST_F(SignalsInFlight, ASecondTermEndsTheGrace) {
  Reeve& reeve = start_hanging();
  reeve.master().signal(SIGTERM);
  ASSERT_TRUE(reeve.becomes("web:0", "STOPPING"));
  ask_again(reeve, SIGTERM);
  EXPECT_EQ(reeve.master().wait(3s), Exit{.code = 1}) << "a worker had to be killed";
}

TEST_F(SignalsInFlight, ASecondIntEndsTheGraceToo) {
  Reeve& reeve = start_hanging();
  reeve.master().signal(SIGINT);
  ASSERT_TRUE(reeve.becomes("web:0", "STOPPING"));
  ask_again(reeve, SIGINT);
  EXPECT_EQ(reeve.master().wait(3s), Exit{.code = 1});
}

TEST_F(SignalsInFlight, TheSameTermTwiceIsOneRequest) {
  // timeout(1) signals its child, and then the whole group that the child is in.
  Reeve& reeve = start_hanging("grace = \"1s\"");
  reeve.master().signal(SIGTERM);
  reeve.master().signal(SIGINT);
  EXPECT_EQ(reeve.master().wait(3s), Exit{.code = 0}) << "nothing was killed";
}

TEST_F(SignalsInFlight, QuitStopsNow) {
  Reeve& reeve = start_hanging();
  const int worker = reeve.pid("web:0");
  reeve.master().signal(SIGQUIT);
  EXPECT_TRUE(reeve.master().wait(3s));
  EXPECT_TRUE(Watch(worker).ended());
}

TEST_F(SignalsInFlight, WhatRunsWhenTheGraceEndsIsCancelledAndTheTeardownRuns) {
  // Part of the grace is kept for the teardown, so even here every resource is closed.
  Reeve& reeve = start_hanging("grace = \"1s\"");
  EXPECT_EQ(reeve.stop(), Exit{.code = 0});
  EXPECT_THAT(reeve.log(), HasSubstr("GET /slow")) << "what was cancelled is named";
}

TEST_F(Signals, HupRollsWhatChanged) {
  const std::string jobs = pool("jobs", R"(["/bin/sleep", "1000"])", "ready = { after = \"0ms\" }");
  Reeve& reeve = start_ready(hello_pool(1) + jobs);
  const int web = reeve.pid("web:0");
  const int job = reeve.pid("jobs:0");
  reeve.configure(hello_pool(1, "env = { COLOUR = \"blue\" }") + jobs);
  reeve.master().signal(SIGHUP);
  EXPECT_TRUE(eventually([&] {
    const auto now = reeve.slot("web:0");
    return now.state == "RUNNING" && now.pid != web;
  }));
  EXPECT_EQ(reeve.pid("jobs:0"), job) << "what did not change is not touched";
  EXPECT_TRUE(reeve.notifies([](const auto& message) { return message.reloading; }));
}

TEST_F(Signals, HupScalesWithoutReplacingWorkers) {
  Reeve& reeve = start_ready(hello_pool(1));
  const int first = reeve.pid("web:0");
  reeve.configure(hello_pool(3));
  reeve.master().signal(SIGHUP);
  EXPECT_TRUE(eventually([&] { return reeve.count("RUNNING") == 3; }));
  EXPECT_EQ(reeve.pid("web:0"), first);
}

TEST_F(Signals, ABadFileChangesNothing) {
  Reeve& reeve = start_ready(hello_pool(1));
  const int before = reeve.pid("web:0");
  reeve.configure(hello_pool(2, "gracee = \"1s\""));
  const Finished verdict = reeve.ctl({"reload"});
  EXPECT_NE(verdict.code(), 0);
  EXPECT_THAT(verdict.output + verdict.errors, HasSubstr("gracee"));
  reeve.master().signal(SIGHUP);
  EXPECT_TRUE(reeve.logs("gracee"));
  EXPECT_EQ(reeve.status().size(), 1U);
  EXPECT_EQ(reeve.pid("web:0"), before);
  EXPECT_TRUE(reeve.get("/"));
}

TEST_F(Signals, ReloadReturnsWhenTheNewGenerationServes) {
  Reeve& reeve = start_ready(hello_pool(1));
  const int before = reeve.pid("web:0");
  reeve.configure(hello_pool(2, "env = { COLOUR = \"blue\" }"));
  const Finished verdict = reeve.ctl({"reload"});
  EXPECT_EQ(verdict.code(), 0) << verdict.output << verdict.errors;
  EXPECT_EQ(reeve.count("RUNNING"), 2);
  EXPECT_NE(reeve.pid("web:0"), before);
}

TEST_F(Signals, TtinAndTtouScaleTheFirstPool) {
  Reeve& reeve = start_ready(hello_pool(1));
  reeve.master().signal(SIGTTIN);
  EXPECT_TRUE(eventually([&] { return reeve.count("RUNNING") == 2; }));
  reeve.master().signal(SIGTTOU);
  EXPECT_TRUE(eventually([&] { return reeve.status().size() == 1; }));
}

TEST_F(Signals, ABurstOfSignalsIsNoReasonToDie) {
  Reeve& reeve = start_ready(hello_pool(1));
  for (int i = 0; i < 50; ++i) {
    for (const int number : {SIGHUP, SIGCHLD, SIGWINCH, SIGPIPE}) reeve.master().signal(number);
  }
  EXPECT_TRUE(eventually([&] { return reeve.count("RUNNING") == 1; }));
  EXPECT_TRUE(reeve.get("/"));
}

TEST_F(Signals, AWholeGroupIsKilledAtTheGrace) {
  // The worker and its child both ignore TERM.
  const auto stubborn =
      R"(["/bin/sh", "-c", "trap '' TERM; (echo > @dir@/up; while :; do sleep 1000; done) & while :; do sleep 1000; done"])";
  Reeve& reeve =
      start_ready(pool("jobs", stubborn, "ready = { after = \"0ms\" }\ngrace = \"100ms\""));
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(dir / "up"); }));
  EXPECT_EQ(reeve.stop(), Exit{.code = 1});
  // TearDown proves that nobody is left.
}

}  // namespace
}  // namespace reeve::e2e
