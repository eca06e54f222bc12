// Programs that know nothing of Reeve: what they inherit, and the four ways in which they are
// ready.

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>

#include "ipc/notify.hpp"
#include "tests/e2e/harness/programs.hpp"
#include "tests/e2e/harness/reeve_test.hpp"
#include "tests/e2e/harness/sockets.hpp"

namespace reeve::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kNotifier = R"(#!/usr/bin/python3
# Waits for each line of the fifo, and sends it as an sd_notify message.
import os, socket, sys
path = os.environ["NOTIFY_SOCKET"]
with open("@dir@/address", "w") as f:
    f.write(path)
if path[0] == "@":
    path = "\0" + path[1:]
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
while True:
    with open("@dir@/fifo", "rb") as fifo:
        for line in fifo:
            s.sendto(line.strip().replace(b";", b"\n"), path)
)";

class Foreign : public ReeveTest {
 protected:
  /// A worker that sends what say() tells it to, and nothing before.
  Reeve& start_notifier() {
    (void)dir.write_program("notifier", expand(kNotifier, dir));
    if (::mkfifo((dir / "fifo").c_str(), 0600) != 0) throw std::runtime_error("mkfifo");
    return start(pool("app", R"(["@dir@/notifier"])", "ready = \"notify\""));
  }
  void say(std::string_view message) { std::ofstream(dir / "fifo") << message << std::endl; }
};

TEST_F(Foreign, ReadyByNotify) {
  Reeve& reeve = start_notifier();
  ASSERT_TRUE(reeve.becomes("app:0", "STARTING"));
  say("STATUS=warming up");
  ASSERT_TRUE(eventually([&] { return reeve.slot("app:0").status == "warming up"; }));
  EXPECT_EQ(reeve.slot("app:0").state, "STARTING");
  say("READY=1;STATUS=serving");
  EXPECT_TRUE(reeve.becomes("app:0", "RUNNING"));
  EXPECT_TRUE(reeve.ready()) << "all pools are";
  EXPECT_EQ(reeve.slot("app:0").status, "serving");
}

TEST_F(Foreign, ReadyTwiceChangesNothing) {
  Reeve& reeve = start_notifier();
  say("READY=1");
  ASSERT_TRUE(reeve.becomes("app:0", "RUNNING"));
  const auto before = reeve.slot("app:0");
  say("READY=1;STATUS=again");
  ASSERT_TRUE(eventually([&] { return reeve.slot("app:0").status == "again"; }));
  const auto after = reeve.slot("app:0");
  EXPECT_EQ(after.state, "RUNNING");
  EXPECT_EQ(after.pid, before.pid);
  EXPECT_EQ(after.generation, before.generation);
}

TEST_F(Foreign, AStrangersReadyIsIgnored) {
  Reeve& reeve = start_notifier();
  ASSERT_TRUE(eventually([&] { return !read_file(dir / "address").empty(); }));
  ASSERT_TRUE(ipc::notify(read_file(dir / "address"), "READY=1\nSTATUS=forged"));
  // Both messages pass one socket in order: when the second has arrived, so has the first.
  say("STATUS=honest");
  ASSERT_TRUE(eventually([&] { return reeve.slot("app:0").status == "honest"; }));
  EXPECT_EQ(reeve.slot("app:0").state, "STARTING");
}

TEST_F(Foreign, NonsenseOverNotifyHurtsNobody) {
  Reeve& reeve = start_notifier();
  say("=;===;READY=maybe;EXTEND_TIMEOUT_USEC=-1;EXTEND_TIMEOUT_USEC=99999999999999999999;STATE=?");
  say("MAINPID=1;FDSTORE=1;STATUS=\x01\x02\xff");
  say("STATUS=" + std::string(3000, 'x'));
  say("READY=1;STATUS=fine");
  EXPECT_TRUE(reeve.becomes("app:0", "RUNNING"));
}

TEST_F(Foreign, ReadyWhenStarted) {
  Reeve& reeve =
      start_ready(pool("app", R"(["/bin/sleep", "1000"])", "ready = { after = \"0ms\" }"));
  EXPECT_EQ(reeve.slot("app:0").state, "RUNNING");
}

TEST_F(Foreign, ReadyAfterATime) {
  const auto begin = std::chrono::steady_clock::now();
  (void)start_ready(pool("app", R"(["/bin/sleep", "1000"])", "ready = { after = \"300ms\" }"));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 300ms);
}

TEST_F(Foreign, OneThatDiesWithinItsTimeWasNeverReady) {
  Reeve& reeve = start(pool("app", R"(["/bin/sh", "-c", "exit 4"])", R"(ready = { after = "10s" }
backoff = { first = "60s", max = "60s" }
)"));
  EXPECT_TRUE(reeve.becomes("app:0", "BACKOFF"));
}

TEST_F(Foreign, ReadyByALineOfTheLog) {
  ASSERT_EQ(::mkfifo((dir / "fifo").c_str(), 0600), 0);
  Reeve& reeve =
      start(pool("app", R"(["/bin/sh", "-c", "echo booting; cat @dir@/fifo; exec sleep 1000"])",
                 "ready = { log = \"startup (complete|done)\" }"));
  ASSERT_TRUE(reeve.logs("booting"));
  EXPECT_EQ(reeve.slot("app:0").state, "STARTING");
  say("INFO: startup complete.");
  EXPECT_TRUE(reeve.becomes("app:0", "RUNNING"));
}

TEST_F(Foreign, StderrCountsForTheLogLineToo) {
  Reeve& reeve =
      start(pool("app", R"(["/bin/sh", "-c", "echo up and running >&2; exec sleep 1000"])",
                 R"(ready = { log = "up and" })"));
  EXPECT_TRUE(reeve.becomes("app:0", "RUNNING"));
}

TEST_F(Foreign, InheritsListenersAsFromSystemd) {
  (void)dir.write_program("server", R"(#!/usr/bin/python3
import os, socket
assert int(os.environ["LISTEN_PID"]) == os.getpid(), "LISTEN_PID"
assert os.environ["LISTEN_FDS"] == "1", "LISTEN_FDS"
assert os.environ["LISTEN_FDNAMES"] == "http", "LISTEN_FDNAMES"
s = socket.socket(fileno=3)
print("startup complete", flush=True)
while True:
    c, _ = s.accept()
    c.recv(65536)
    c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nforeign")
    c.close()
)");
  Reeve& reeve = start_ready(pool("web", R"(["@dir@/server"])",
                                  "workers = 2\nlisten = [\"http\"]\n"
                                  "ready = { log = \"startup complete\" }"));
  const Answer answer = judge(reeve.get("/"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "foreign");
}

constexpr std::string_view kWaitsInAccept = R"(#!/usr/bin/python3
import socket
s = socket.socket(fileno=3)
print("up", flush=True)
while True:
    c, _ = s.accept()
    c.recv(65536)
    c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nwaited")
    c.close()
)";

/// As a socket of systemd's does.
class ListenerOfItsOwn : public Foreign, public ::testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(Foreign, ListenerOfItsOwn, ::testing::Values("shared", "per-worker"));

TEST_P(ListenerOfItsOwn, LetsAcceptWait) {
  (void)dir.write_program("server", kWaitsInAccept);
  const Reeve& reeve = start_ready(
      fmt::format("[listen.http]\naddress = \"127.0.0.1:0\"\nsockets = \"{}\"\n", GetParam()) +
      pool("web", R"(["@dir@/server"])", "listen = [\"http\"]\nready = { log = \"up\" }"));
  const Answer answer = judge(e2e::get(reeve.port_in_log(), "/"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "waited");
}

/// It reads what has come to its own socket before it hears of the end, and the version that it was
/// started with is forgotten by then.
TEST_F(Foreign, ARollSendsTheStopSignalOfTheOldVersion) {
  const auto told_by = [](std::string_view stop) {
    return "[listen.http]\naddress = \"127.0.0.1:0\"\n" +
           pool(
               "web",
               R"(["/bin/sh", "-c", "trap 'echo QUIT; exit' QUIT; trap 'echo TERM; exit' TERM; echo up; while :; do sleep 0.01; done"])",
               fmt::format("listen = [\"http\"]\nready = {{ log = \"up\" }}\nstop = \"{}\"\n",
                           stop));
  };
  Reeve& reeve = start_ready(told_by("QUIT"));
  reeve.configure(told_by("TERM") + "nice = 1\n");
  EXPECT_EQ(reeve.ctl({"update", "web"}).code(), 0);
  EXPECT_TRUE(reeve.logs("web | QUIT"));
  EXPECT_EQ(reeve.stop(), Exit{.code = 0});
  EXPECT_TRUE(reeve.logs("web | TERM"));
}

TEST_F(Foreign, TheNumberOfAListenersDescriptorIsFilledIn) {
  Reeve& reeve = start_ready(
      pool("web", R"(["/bin/sh", "-c", "echo the fd is $0; exec sleep 1000", "${fd:http}"])",
           "listen = [\"http\"]\nready = { after = \"0ms\" }"));
  EXPECT_TRUE(reeve.logs("the fd is 3"));
}

TEST_F(Foreign, InheritsNothingElse) {
  Reeve& reeve = start_ready(pool("web", R"(["/usr/bin/python3", "-c", '''
import os, signal, time
allowed = {"0", "1", "2", "3", os.environ.get("REEVE_CHANNEL"), os.environ.get("REEVE_RECORDER")}
there = os.listdir("/proc/self/fd")
there = {fd for fd in there if os.path.exists("/proc/self/fd/" + fd)}  # Not that of the listing.
print("extra fds:", sorted(there - allowed) or "none")
print("blocked signals:", sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])) or "none")
print("group:", os.getpgrp() == os.getpid(), "over", flush=True)
time.sleep(1000)
'''])",
                                  "listen = [\"http\"]\nready = { log = \"over\" }"));
  const std::string log = reeve.log();
  EXPECT_THAT(log, HasSubstr("extra fds: none"));
  EXPECT_THAT(log, HasSubstr("blocked signals: none"));
  EXPECT_THAT(log, HasSubstr("group: True"));
}

TEST_F(Foreign, EnvironmentAndDirectoryAreTheConfigurations) {
  Reeve& reeve =
      start_ready(pool("app", R"(["/bin/sh", "-c", "echo $COLOUR in $PWD; exec sleep 1000"])",
                       R"(ready = { after = "0ms" }
directory = "@dir@"
env = { COLOUR = "blue" }
)"));
  EXPECT_TRUE(reeve.logs("blue in " + dir.path().string()));
}

TEST_F(Foreign, NotifySocketOfTheMasterIsNotItsWorkers) {
  Reeve& reeve =
      start_ready(pool("app", R"(["/bin/sh", "-c", "echo socket=$NOTIFY_SOCKET; exec sleep 1000"])",
                       "ready = { after = \"0ms\" }"));
  ASSERT_TRUE(reeve.logs("socket="));
  EXPECT_THAT(reeve.log(), Not(HasSubstr("socket=" + (dir / "notify.sock").string())));
}

TEST_F(Foreign, StandardInputIsEmpty) {
  Reeve& reeve =
      start_ready(pool("app", R"(["/bin/sh", "-c", "cat; echo end of input; exec sleep 1000"])",
                       "ready = { log = \"end of input\" }"));
  EXPECT_EQ(reeve.slot("app:0").state, "RUNNING");
}

constexpr std::string_view kDaemon = R"(#!/usr/bin/python3
# Goes to the background as daemons do, in a session of its own.
import os, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
with open("@dir@/daemons", "a") as f:
    print(os.getpid(), file=f)
time.sleep(1000)
)";

TEST_F(Foreign, AProgramThatGoesToTheBackgroundIsNamedAndItsDaemonEnded) {
  (void)dir.write_program("daemon", expand(kDaemon, dir));
  Reeve& reeve = start(pool("app", R"(["@dir@/daemon"])", "ready = \"started\""));
  ASSERT_TRUE(reeve.logs("it went to the background"));
  ASSERT_TRUE(reeve.logs("daemon off;"));
  const Finished told = reeve.ctl({"start", "app"});
  EXPECT_EQ(told.code(), 7) << told.output;
  EXPECT_THAT(told.output, HasSubstr("it went to the background"));
  (void)reeve.stop();
  std::ifstream daemons((dir / "daemons").string());
  for (int pid = 0; daemons >> pid;) {
    EXPECT_TRUE(eventually([pid] { return ::kill(pid, 0) != 0; })) << pid;
  }
}

constexpr std::string_view kActivated = R"(#!/usr/bin/python3
# Takes the sockets that are meant for it, as sd_listen_fds(3) does; else binds one of its own.
import os, socket, time
mine = os.environ.get("LISTEN_PID") == str(os.getpid())
listener = socket.socket(fileno=3) if mine else socket.create_server(("127.0.0.1", 0))
print("up", flush=True)
time.sleep(1000)
)";

TEST_F(Foreign, AProgramThatListensElsewhereBelowAShellIsNamed) {
  (void)dir.write_program("activated", expand(kActivated, dir));
  const std::string rest = "listen = [\"http\"]\nready = { log = \"up\" }\n";
  Reeve& reeve = start_ready(pool("web", R"(["/bin/sh", "-c", "@dir@/activated; true"])", rest) +
                             pool("well", R"(["/bin/sh", "-c", "exec @dir@/activated"])", rest));
  EXPECT_TRUE(reeve.logs("start it by exec"));
  EXPECT_THAT(reeve.log(), HasSubstr("web: activated"));
  EXPECT_THAT(reeve.log(), Not(HasSubstr("well: activated")));
}

TEST_F(Foreign, AProgramWithAMasterOfItsOwnIsToldToReload) {
  Reeve& reeve = start_ready(pool("app", R"(["/bin/sh", "-c", """
    trap 'echo up again' HUP
    echo up
    while :; do sleep 0.02; done"""])",
                                  "ready = { log = \"^up\" }\nreload = { signal = \"HUP\" }"));
  const int pid = reeve.pid("app:0");
  const Finished told = reeve.ctl({"restart", "app"});
  EXPECT_EQ(told.code(), 0) << told.output << told.errors;
  EXPECT_THAT(told.output, HasSubstr("app: reloaded; 1 worker, told to reload"));
  EXPECT_TRUE(reeve.logs("up again"));
  EXPECT_EQ(reeve.pid("app:0"), pid);
  EXPECT_EQ(reeve.ctl({"restart", "--hard", "app"}).code(), 0);
  EXPECT_NE(reeve.pid("app:0"), pid);
}

TEST_F(Foreign, AReloadThatAProgramDiesOfFailsTheRestart) {
  Reeve& reeve = start_ready(
      pool("app", R"(["/bin/sleep", "1000"])", "ready = { after = \"100ms\" }\nreload = \"HUP\""));
  const Finished told = reeve.ctl({"restart", "app"});
  EXPECT_EQ(told.code(), 7) << told.output;
  EXPECT_THAT(told.output, HasSubstr("killed by SIGHUP"));
}

TEST_F(Foreign, AProgramThatBindsItsOwnPortGetsOneAndRollsByMakingRoom) {
  const std::string server =
      "import http.server, sys; at = ('127.0.0.1', int(sys.argv[1])); "
      "s = http.server.HTTPServer(at, http.server.SimpleHTTPRequestHandler); "
      "print('port', sys.argv[1], 'slot', sys.argv[2], flush=True); s.serve_forever()";
  const int port = free_port();
  Reeve& reeve = start_ready(
      pool("own", fmt::format(R"(["python3", "-c", "{}", "${{port}}", "${{slot}}"])", server),
           fmt::format("port = {}\nready = {{ log = \"^port\" }}\n", port)));
  EXPECT_TRUE(reeve.logs(fmt::format("port {} slot 0", port)));
  const Finished rolled = reeve.ctl({"restart", "own"});
  EXPECT_EQ(rolled.code(), 0) << rolled.output << rolled.errors;
  EXPECT_THAT(rolled.output, HasSubstr("generation 2 serves with 1 worker"));
  EXPECT_THAT(reeve.ctl({"deploy", "own", "--canary", "1"}).output, HasSubstr("without --canary"));
  EXPECT_THAT(reeve.ctl({"rehearse", "own"}).output, HasSubstr("binds ports of its own"));
}

}  // namespace
}  // namespace reeve::e2e
