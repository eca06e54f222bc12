// What outlives the leader of a worker: below a shell, npm or make it is the program itself. It is
// told to stop as its leader was, has the rest of the grace, and is named when it is killed.

#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <string_view>

#include "tests/e2e/harness/process_tree.hpp"
#include "tests/e2e/harness/programs.hpp"
#include "tests/e2e/harness/sockets.hpp"
#include "tests/e2e/upgrade_fixture.hpp"

namespace reeve::e2e {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

constexpr std::string_view kSlowServer = R"(#!/usr/bin/python3
# Answers one request at a time, slowly; TERM ends it after the one in flight.
import os, signal, socket, time
told = False
def stop(*_):
    global told
    told = True
signal.signal(signal.SIGTERM, stop)
listener = socket.socket(fileno=3)
listener.settimeout(0.02)
while not told:
    try:
        client, _ = listener.accept()
    except TimeoutError:
        continue
    client.settimeout(5)
    client.recv(4096)
    open("@dir@/arrived", "w").close()
    time.sleep(0.4)
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
    client.close()
)";

/// The shell ends of TERM; its child never heard of it.
constexpr std::string_view kDeaf =
    R"(["/bin/sh", "-c", "(trap '' TERM; echo up; exec sleep 1000) & wait"])";
constexpr std::string_view kUp = "ready = { log = \"up\" }\n";

class LeftBehind : public UpgradeTest {
 protected:
  /// A program that serves below a shell that does not exec it.
  Reeve& start_below_a_shell() {
    (void)dir.write_program("server", expand(kSlowServer, dir));
    return start_ready(pool("web", R"(["/bin/sh", "-c", "@dir@/server; true"])",
                            "listen = [\"http\"]\nready = \"started\""));
  }
  [[nodiscard]] bool arrived() const {
    return eventually([&] { return std::filesystem::exists(dir / "arrived"); });
  }
  /// The child of the one worker.
  [[nodiscard]] static Watch child_of(int worker) {
    int child = 0;
    const bool found = eventually([&] {
      const auto all = descendants(worker);
      if (!all.empty()) child = all.front().pid;
      return child != 0;
    });
    EXPECT_TRUE(found);
    return Watch(child);
  }
};

TEST_F(LeftBehind, AStopBelowAShellAnswersWhatIsInFlight) {
  Reeve& reeve = start_below_a_shell();
  Connection client = reeve.connect();
  client.send(get_request("/"));
  ASSERT_TRUE(arrived());
  reeve.master().signal(SIGTERM);
  const Answer answer = judge(client.receive());
  EXPECT_TRUE(answer) << to_string(answer.error());
  EXPECT_EQ(reeve.master().wait(), Exit{.code = 0});
  EXPECT_THAT(reeve.log(), HasSubstr("has left behind gets SIGTERM too"));
}

TEST_F(LeftBehind, ARollBelowAShellAnswersWhatIsInFlight) {
  Reeve& reeve = start_below_a_shell();
  Connection client = reeve.connect();
  client.send(get_request("/"));
  ASSERT_TRUE(arrived());
  EXPECT_EQ(reeve.ctl({"restart", "web"}).exit, Exit{.code = 0});
  const Answer answer = judge(client.receive());
  EXPECT_TRUE(answer) << to_string(answer.error());
  EXPECT_EQ(reeve.stop(), Exit{.code = 0});
}

TEST_F(LeftBehind, WhatIgnoresTheSignalIsKilledAtTheGraceAndNamed) {
  Reeve& reeve = start_ready(pool("jobs", kDeaf, std::string(kUp) + "grace = \"400ms\""));
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(reeve.stop(), Exit{.code = 1}) << "a worker had to be killed";
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(took, 400ms);
  EXPECT_LE(took, 1400ms);
  EXPECT_THAT(reeve.log(), ContainsRegex("has left behind: sleep .pid [0-9]+."));
}

TEST_F(LeftBehind, AfterACrashTheSuccessorDoesNotWaitForIt) {
  Reeve& reeve = start_ready(pool("jobs", kDeaf, std::string(kUp) + "grace = \"2s\""));
  const int crashed = reeve.pid("jobs:0");
  const Watch left = child_of(crashed);
  Watch(crashed).signal(SIGKILL);
  ASSERT_TRUE(eventually([&] {
    const auto slot = reeve.slot("jobs:0");
    return slot.state == "RUNNING" && slot.pid != crashed;
  }));
  EXPECT_FALSE(left.ended()) << "it has its grace";
  EXPECT_TRUE(left.ended_within(kPatience));
  EXPECT_TRUE(reeve.logs("has left behind: sleep"));
  reeve.master().signal(SIGQUIT);  // Its like would take the grace again.
  (void)reeve.master().wait();
}

TEST_F(LeftBehind, AfterACrashItIsWaitedForWhereItMayHoldThePort) {
  Reeve& reeve = start_ready(pool(
      "own", kDeaf,
      fmt::format("{}port = {}\ngrace = \"600ms\"\n", kUp, port_of(listen_on_loopback().get()))));
  const int crashed = reeve.pid("own:0");
  const Watch left = child_of(crashed);
  Watch(crashed).signal(SIGKILL);
  EXPECT_TRUE(reeve.logs("waits for what its last worker has left behind"));
  ASSERT_TRUE(eventually([&] {
    const auto slot = reeve.slot("own:0");
    return slot.state == "RUNNING" && slot.pid != crashed;
  }));
  EXPECT_TRUE(left.ended());
  reeve.master().signal(SIGQUIT);
  (void)reeve.master().wait();
}

TEST_F(LeftBehind, TheWholeGroupIsToldAtOnceWhereThatIsWanted) {
  Reeve& reeve = start_ready(pool("jobs", R"(["/bin/sh", "-c", """
    trap 'wait; echo leader ends; exit 0' TERM
    (trap 'echo child ends; exit 0' TERM; echo up; while :; do sleep 0.02; done) &
    wait"""])",
                                  std::string(kUp) + "stop = { to = \"group\" }"));
  EXPECT_EQ(reeve.stop(), Exit{.code = 0});
  EXPECT_THAT(reeve.log(), ContainsRegex("child ends(.|\n)*leader ends"));
}

TEST_F(LeftBehind, TheNextMasterLooksAfterIt) {
  Reeve& reeve = start_copy(pool("jobs", kDeaf, std::string(kUp) + "grace = \"4s\""));
  const int crashed = reeve.pid("jobs:0");
  const Watch left = child_of(crashed);
  Watch(crashed).signal(SIGKILL);
  ASSERT_TRUE(reeve.logs("has left behind gets SIGTERM too"));
  ASSERT_TRUE(reeve.becomes("jobs:0", "RUNNING"));
  const auto verdict = upgrade(reeve);
  EXPECT_TRUE(verdict.ok) << verdict.text;
  EXPECT_FALSE(left.ended());
  EXPECT_TRUE(left.ended_within(kPatience));
  EXPECT_TRUE(reeve.logs("has left behind: sleep"));
  reeve.master().signal(SIGQUIT);
  (void)reeve.master().wait();
}

}  // namespace
}  // namespace reeve::e2e
