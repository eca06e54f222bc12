// The master becomes its new binary: the same process, and workers that notice nothing.

#include <poll.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <sstream>

#include "tests/e2e/harness/load.hpp"
#include "tests/e2e/upgrade_fixture.hpp"

namespace reeve::e2e {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Upgrade = UpgradeTest;
using UpgradeUnderLoad = UpgradeTest;

/// A foreign HTTP server that serves from the listener it is handed.
constexpr std::string_view kServer = R"(#!/usr/bin/python3
import http.server, os, signal, socket, sys, threading
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'{"pid":%d}' % os.getpid()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments):
        pass
server = http.server.ThreadingHTTPServer(("", 0), Handler, bind_and_activate=False)
server.socket = socket.socket(fileno=3)
server.daemon_threads = False
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever(poll_interval=0.01)
server.server_close()
)";

/// The numbers that `process` has printed, in order; a line that is none as -1.
std::vector<int> counted(const std::string& log, std::string_view process) {
  const std::string before = std::string(process) + " | ";
  std::vector<int> numbers;
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    const auto at = line.find(before);
    if (at == std::string::npos || lines.eof()) continue;
    const std::string text = line.substr(at + before.size());
    numbers.push_back(text.starts_with("count ") ? std::atoi(text.c_str() + 6) : -1);
  }
  return numbers;
}

bool has_no_gap(const std::vector<int>& numbers) {
  return std::ranges::adjacent_find(numbers, [](int one, int next) { return next != one + 1; }) ==
         numbers.end();
}

TEST_F(UpgradeUnderLoad, TenTimesKeepsEveryProcessAndLosesNothing) {
  Reeve& reeve = start_copy(hello_pool(2));
  const auto pids = reeve.pids();
  Load load({.port = reeve.port(), .per_request = 4, .keep_alive = 4});
  ASSERT_TRUE(load.goes_on());
  for (int i = 0; i < 10; ++i) {
    install(binary("reeve"));
    const auto verdict = upgrade(reeve);
    ASSERT_TRUE(verdict.ok) << verdict.text;
    EXPECT_THAT(verdict.text, HasSubstr("2 workers kept"));
    EXPECT_FALSE(reeve.master().watch().ended());
    EXPECT_EQ(reeve.pids(), pids);
    ASSERT_TRUE(load.goes_on()) << "after upgrade " << i + 1;
  }
  const LoadReport report = load.stop();
  EXPECT_EQ(report.lost_in_all(), 0U) << ::testing::PrintToString(report);
}

TEST_F(UpgradeUnderLoad, ForeignWorkersKeepTheSocketsOfTheirOwn) {
  (void)dir.write_program("server", expand(kServer, dir));
  Reeve& reeve = start_copy("[listen.own]\naddress = \"127.0.0.1:0\"\nsockets = \"per-worker\"\n" +
                            pool("web", R"(["@dir@/server"])",
                                 "workers = 2\nlisten = [\"own\"]\ngrace = \"5s\"\n"
                                 "ready = { after = \"300ms\" }"));
  std::string log = reeve.log();
  const std::string before = "listening on own 127.0.0.1:";
  const auto at = log.find(before);
  ASSERT_NE(at, std::string::npos);
  const auto port = static_cast<std::uint16_t>(std::atoi(log.c_str() + at + before.size()));

  Load load({.port = port, .per_request = 4});
  ASSERT_TRUE(load.goes_on(20));
  for (int i = 0; i < 2; ++i) {
    const auto verdict = upgrade(reeve);
    ASSERT_TRUE(verdict.ok) << verdict.text;
    ASSERT_TRUE(load.goes_on(20));
    const Finished roll = reeve.ctl({"restart", "web"});
    ASSERT_EQ(roll.code(), 0) << roll.output;
    ASSERT_TRUE(load.goes_on(20));
  }
  const LoadReport report = load.stop();
  EXPECT_EQ(report.lost_in_all(), 0U) << ::testing::PrintToString(report);
}

TEST_F(UpgradeUnderLoad, EveryLineOfAFastWorkerIsThereInOrder) {
  (void)dir.write_program("counter", kCounter);
  Reeve& reeve = start_copy(pool("p", R"(["@dir@/counter"])", "ready = { after = \"0ms\" }"));
  std::size_t seen = 0;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(
        eventually([&] { return counted(reeve.log(), " p").size() > seen + 1000; }, 3 * kPatience));
    seen = counted(reeve.log(), " p").size();
    const auto verdict = upgrade(reeve);
    ASSERT_TRUE(verdict.ok) << verdict.text;
  }
  ASSERT_TRUE(
      eventually([&] { return counted(reeve.log(), " p").size() > seen + 1000; }, 3 * kPatience));
  EXPECT_EQ(reeve.ctl({"stop", "p"}).code(), 0);
  auto numbers = counted(reeve.log(), " p");
  numbers.pop_back();  // TERM may have come between its two writes.
  EXPECT_EQ(numbers.front(), 0);
  EXPECT_TRUE(has_no_gap(numbers));
}

TEST_F(Upgrade, APartialLineIsFinishedByTheNewMaster) {
  (void)dir.write_program("program", expand("#!/bin/sh\n"
                                            "printf 'half a '; : > @dir@/said\n"
                                            "read line < @dir@/fifo\n"
                                            "echo line; exec sleep 1000\n",
                                            dir));
  ASSERT_EQ(::mkfifo((dir / "fifo").c_str(), 0600), 0);
  Reeve& reeve = start_copy(pool("p", R"(["@dir@/program"])", "ready = { after = \"0ms\" }"));
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(dir / "said"); }));
  ASSERT_TRUE(upgrade(reeve).ok);
  (void)dir.write("fifo", "go on\n");
  EXPECT_TRUE(reeve.logs(" p | half a line\n"));
}

TEST_F(Upgrade, EveryCommandWorksAfterwards) {
  Reeve& reeve = start_copy(probe_pool(2));
  ASSERT_TRUE(upgrade(reeve).ok);
  EXPECT_THAT(reeve.ctl({"tail", "web:0"}).output, HasSubstr("open telemetry"));
  EXPECT_EQ(reeve.ctl({"scale", "web", "3"}).code(), 0);
  EXPECT_EQ(reeve.count("RUNNING"), 3);
  EXPECT_EQ(reeve.ctl({"restart", "web"}).code(), 0);
  EXPECT_GT(reeve.slot("web:0").generation, 1U);
  EXPECT_EQ(reeve.ctl({"reload"}).code(), 0);
  EXPECT_EQ(reeve.ctl({"stop", "web"}).code(), 0);
  EXPECT_EQ(reeve.ctl({"start", "web"}).code(), 0);
  EXPECT_TRUE(judge(reeve.get("/")));
  EXPECT_EQ(reeve.stop(), (Exit{.code = 0}));
  EXPECT_FALSE(std::filesystem::exists(dir / "run/control.sock"));
  EXPECT_FALSE(std::filesystem::exists(dir / "run/reeve.pid"));
}

TEST_F(Upgrade, AReloadFindsNothingChanged) {
  Reeve& reeve = start_copy(hello_pool(1));
  const int pid = reeve.pid("web:0");
  ASSERT_TRUE(upgrade(reeve).ok);
  const Finished reload = reeve.ctl({"reload"});
  EXPECT_EQ(reload.code(), 0) << reload.output;
  EXPECT_THAT(reload.output, HasSubstr("no pool has changed"));
  EXPECT_EQ(reeve.pid("web:0"), pid);
}

TEST_F(Upgrade, TheNewMasterReapsAndReplacesAWorker) {
  Reeve& reeve = start_copy(hello_pool(2));
  ASSERT_TRUE(upgrade(reeve).ok);
  const int pid = reeve.pid("web:1");
  ::kill(pid, SIGKILL);
  EXPECT_TRUE(eventually([&] {
    const auto slot = reeve.slot("web:1");
    return slot.state == "RUNNING" && slot.pid != pid;
  }));
  EXPECT_TRUE(reeve.logs("killed by SIGKILL"));
}

TEST_F(Upgrade, AWorkerThatDiesMeanwhileIsReplaced) {
  Reeve& reeve = start_copy(hello_pool(2,
                                       "backoff = { first = \"1ms\", max = \"1ms\" }\n"
                                       "give_up = { failures = 100, within = \"60s\" }"));
  for (int i = 0; i < 8; ++i) {
    const int pid = reeve.pid("web:0");
    reeve.master().signal(SIGUSR2);
    ::poll(nullptr, 0, 4 * i);  // Before, during and after the exec.
    ::kill(pid, SIGKILL);
    ASSERT_TRUE(eventually([&] {
      const auto slot = reeve.slot("web:0");
      return slot.state == "RUNNING" && slot.pid != pid;
    })) << "round "
        << i;
  }
}

TEST_F(Upgrade, WhyAWorkerDiedIsKnownToTheNewMaster) {
  Reeve& reeve = start_copy(hello_pool(1));
  const int pid = reeve.pid("web:0");
  ::kill(pid, SIGKILL);
  ASSERT_TRUE(eventually([&] {
    const auto slot = reeve.slot("web:0");
    return slot.state == "RUNNING" && slot.pid != pid;
  }));
  ASSERT_TRUE(upgrade(reeve).ok);
  EXPECT_THAT(reeve.ctl({"why", "web:0"}).output,
              AllOf(HasSubstr(std::to_string(pid)), HasSubstr("SIGKILL")));
}

TEST_F(Upgrade, TheCommandSaysWhatHasHappened) {
  Reeve& reeve = start_copy(hello_pool(1));
  const Finished done = reeve.ctl({"upgrade"});
  EXPECT_EQ(done.code(), 0) << done.output << done.errors;
  EXPECT_THAT(done.output, AllOf(HasSubstr("upgraded"), HasSubstr("1 worker kept")));
}

TEST_F(Upgrade, UserSignal2DoesTheSame) {
  Reeve& reeve = start_copy(hello_pool(1));
  const auto pids = reeve.pids();
  reeve.master().signal(SIGUSR2);
  EXPECT_TRUE(reeve.logs("upgraded from"));
  EXPECT_EQ(reeve.pids(), pids);
}

TEST_F(Upgrade, SystemdIsToldThatTheMasterReloads) {
  Reeve& reeve = start_copy(hello_pool(1));
  ASSERT_TRUE(upgrade(reeve).ok);
  EXPECT_TRUE(reeve.notifies([](const auto& message) { return message.reloading; }));
  EXPECT_TRUE(reeve.notifies([](const auto& message) { return message.ready; }));
}

TEST_F(Upgrade, TheProcessLooksAsBefore) {
  Reeve& reeve = start_copy(hello_pool(1));
  const auto proc = [&](const std::string& file) {
    return read_file("/proc/" + std::to_string(reeve.master().pid()) + "/" + file);
  };
  const std::string arguments = proc("cmdline");
  const std::string name = proc("comm");
  ASSERT_TRUE(upgrade(reeve).ok);
  EXPECT_EQ(proc("cmdline"), arguments);
  EXPECT_EQ(proc("comm"), name);
}

TEST_F(Upgrade, ADrainKeepsItsDeadline) {
  Reeve& reeve = start_copy(probe_pool(1, "grace = \"2s\"\nenv = { PROBE_IGNORE_TERM = \"1\" }"));
  const int old_pid = reeve.pid("web:0");
  const Watch old_worker(old_pid);
  Connection busy = reeve.connect();
  busy.send("GET /slow?ms=60000 HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return reeve.slot("web:0").in_flight == 1; }));
  const auto begun = std::chrono::steady_clock::now();
  ASSERT_EQ(reeve.ctl({"restart", "web"}).code(), 0);
  ASSERT_TRUE(upgrade(reeve).ok);
  ASSERT_TRUE(old_worker.ended_within(kPatience));
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 2s);
  EXPECT_TRUE(reeve.logs("its drain took longer than the grace"));
}

TEST_F(Upgrade, WhoeverFollowsATailFollowsOn) {
  (void)dir.write_program("counter", expand("#!/bin/sh\n"
                                            "while read line < @dir@/fifo; do echo $line; done\n",
                                            dir));
  ASSERT_EQ(::mkfifo((dir / "fifo").c_str(), 0600), 0);
  Reeve& reeve = start_copy(pool("p", R"(["@dir@/counter"])", "ready = { after = \"0ms\" }"));
  (void)dir.write("fifo", "before\n");
  ASSERT_TRUE(reeve.logs(" p | before"));
  const auto tail = reeve.start_ctl({"tail", "-f", "p:0"});
  ASSERT_TRUE(eventually([&] { return tail->output() == "before\n"; }));
  ASSERT_TRUE(upgrade(reeve).ok);
  (void)dir.write("fifo", "after\n");
  EXPECT_TRUE(eventually([&] { return tail->output() == "before\nafter\n"; })) << tail->output();
}

TEST_F(Upgrade, AWorkerThatStartsMeanwhileIsReadyUnderTheNewMaster) {
  (void)dir.write_program("program", expand("#!/bin/sh\n"
                                            "read line < @dir@/fifo; echo $line; exec sleep 1000\n",
                                            dir));
  ASSERT_EQ(::mkfifo((dir / "fifo").c_str(), 0600), 0);
  install(binary("reeve"));
  Reeve& reeve =
      start(pool("p", R"(["@dir@/program"])", "ready = { log = \"ready\" }"), {}, program());
  ASSERT_TRUE(reeve.becomes("p:0", "STARTING"));
  (void)dir.write("fifo", "ready\n");
  ASSERT_TRUE(reeve.becomes("p:0", "RUNNING"));
  ::kill(reeve.pid("p:0"), SIGKILL);
  ASSERT_TRUE(reeve.becomes("p:0", "STARTING"));
  ASSERT_TRUE(upgrade(reeve).ok);
  EXPECT_EQ(reeve.slot("p:0").state, "STARTING");
  (void)dir.write("fifo", "ready\n");
  EXPECT_TRUE(reeve.becomes("p:0", "RUNNING"));
}

TEST_F(Upgrade, WorkersEndWithTheMasterAllTheSame) {
  Reeve& reeve = start_copy(hello_pool(2));
  ASSERT_TRUE(upgrade(reeve).ok);
  const Watch first(reeve.pid("web:0"));
  const Watch second(reeve.pid("web:1"));
  reeve.master().signal(SIGKILL);
  EXPECT_TRUE(first.ended_within(kPatience));
  EXPECT_TRUE(second.ended_within(kPatience));
}

}  // namespace
}  // namespace reeve::e2e
