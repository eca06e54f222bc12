// How workers die, and what `reevectl why` and the log say of each.

#include <csignal>
#include <fstream>

#include "tests/e2e/harness/reeve_test.hpp"

// A sanitizer has crash handlers of its own, and reserves more memory than a limit would allow.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define REEVE_SANITIZED 1
#else
#define REEVE_SANITIZED 0
#endif

namespace reeve::e2e {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

class Why : public ReeveTest {
 protected:
  /// One probe under a short watchdog.
  Reeve& start_probe(std::string_view more = "") {
    return start_ready(probe_pool(1, "watchdog = \"1s\"\n" + std::string(more)));
  }

  /// Sends the request that makes the probe misbehave, and waits until another worker serves. The
  /// request is left unanswered, as a rule.
  void misbehave(Reeve& reeve, std::string_view how) {
    victim_ = reeve.pid("web:0");
    Connection connection = reeve.connect();
    connection.send("GET /misbehave?how=" + std::string(how) + " HTTP/1.1\r\nHost: test\r\n\r\n");
    await_replacement(reeve);
  }
  void await_replacement(const Reeve& reeve) const {
    ASSERT_TRUE(eventually(
        [&] {
          const auto now = reeve.slot("web:0");
          return now.state == "RUNNING" && now.pid != victim_ &&
                 !reeve.ctl({"why", "web:0"}).output.contains("none of its workers");
        },
        15s));
  }

  [[nodiscard]] static std::string why(const Reeve& reeve, const std::string& name = "web:0") {
    return reeve.ctl({"why", "--full", name}).output;
  }

  int victim_ = 0;
};

TEST_F(Why, NobodyHasDied) {
  Reeve& reeve = start_probe();
  EXPECT_THAT(why(reeve), AllOf(HasSubstr("web is RUNNING"), HasSubstr("none of its workers")));
}

TEST_F(Why, AnUnknownNameIsAnError) {
  Reeve& reeve = start_probe();
  const Finished answer = reeve.ctl({"why", "wbe:0"});
  EXPECT_NE(answer.code(), 0);
  EXPECT_THAT(answer.errors, HasSubstr("wbe"));
}

TEST_F(Why, AKillFromOutside) {
  Reeve& reeve = start_probe();
  victim_ = reeve.pid("web:0");
  Watch(victim_).signal(SIGKILL);
  await_replacement(reeve);
  EXPECT_THAT(why(reeve),
              AllOf(HasSubstr("killed by SIGKILL"), HasSubstr("pid " + std::to_string(victim_)),
                    HasSubstr("while it served"), HasSubstr("ready after")));
  EXPECT_TRUE(reeve.logs("pid " + std::to_string(victim_) + ": killed by SIGKILL"));
}

TEST_F(Why, ASegmentationFault) {
  // What a sanitizer reports of it belongs to the test, as in a log of its own.
  Reeve& reeve = start_probe(
      "env = { ASAN_OPTIONS = \"\", TSAN_OPTIONS = \"exitcode=1\", UBSAN_OPTIONS = \"\" }\n");
  misbehave(reeve, "segv");
  const std::string told = why(reeve);
  // A sanitizer takes the signal, and exits.
  const std::string cause = REEVE_SANITIZED ? "exited with code 1" : "killed by SIGSEGV";
  EXPECT_THAT(told, AllOf(HasSubstr(cause), HasSubstr("GET /misbehave for")));
  EXPECT_TRUE(reeve.logs(cause));
#if !REEVE_SANITIZED
  EXPECT_THAT(told, AllOf(HasSubstr("SIGSEGV at address 0x0"), HasSubstr("read_what_is_not_there")))
      << "the stack";
  EXPECT_TRUE(reeve.logs("read_what_is_not_there"));
#endif
}

TEST_F(Why, AnAbortInAThreadOfThePool) {
  Reeve& reeve = start_probe();
  victim_ = reeve.pid("web:0");
  EXPECT_FALSE(reeve.get("/crash"));
  await_replacement(reeve);
  EXPECT_THAT(why(reeve), AllOf(HasSubstr("killed by SIGABRT"), HasSubstr("GET /crash")));
  EXPECT_TRUE(reeve.logs("killed by SIGABRT"));
#if !REEVE_SANITIZED
  EXPECT_THAT(why(reeve), HasSubstr("::crash")) << "the function that aborted";
#endif
}

TEST_F(Why, AnExceptionThatNobodyCaught) {
  Reeve& reeve = start_probe();
  misbehave(reeve, "throw");
  EXPECT_THAT(why(reeve), HasSubstr("nobody caught std::runtime_error : the queue is on fire"));
  EXPECT_TRUE(reeve.logs("nobody caught std::runtime_error : the queue is on fire"));
}

TEST_F(Why, ABusyLoop) {
  Reeve& reeve = start_probe();
  misbehave(reeve, "spin");
  const std::string told = why(reeve);
  EXPECT_THAT(told, AllOf(HasSubstr("no sign of life"), HasSubstr("GET /misbehave for"),
                          ContainsRegex("the loop thread (spins|is busy|runs): [0-9]+ % CPU"),
                          HasSubstr("MiB resident"), HasSubstr("open descriptors")));
  EXPECT_THAT(told, HasSubstr("spin_for_ever")) << "the stack";
  EXPECT_THAT(told, HasSubstr("killed by SIGABRT")) << "for a core, unless configured otherwise";
  EXPECT_TRUE(reeve.logs("no sign of life"));
  EXPECT_TRUE(reeve.logs("spin_for_ever"));
  const std::string short_story = reeve.ctl({"why", "web:0"}).output;
  for (const std::string& text : {short_story, reeve.log()}) {
    EXPECT_THAT(text, AllOf(HasSubstr("no sign of life"), HasSubstr("GET /misbehave for"),
                            HasSubstr("spin_for_ever"), HasSubstr("why --full web")));
    EXPECT_THAT(text, AllOf(Not(HasSubstr("(watch)")), Not(HasSubstr("the kernel's stack")),
                            Not(HasSubstr("MiB resident"))));
  }
}

TEST_F(Why, ADeadlockNamesBothThreads) {
  Reeve& reeve = start_probe();
  misbehave(reeve, "deadlock");
  const std::string told = why(reeve);
  EXPECT_THAT(
      told, AllOf(HasSubstr("no sign of life"), HasSubstr("the loop thread is blocked in"),
                  HasSubstr("3 threads"), HasSubstr("(watch)"), HasSubstr("wait_for_each_other")));
  const auto once = told.find("pthread_mutex_lock");
  ASSERT_NE(once, std::string::npos);
  EXPECT_NE(told.find("pthread_mutex_lock", once + 1), std::string::npos) << "the other one's";
  EXPECT_TRUE(reeve.logs("the loop thread is blocked in"));
}

TEST_F(Why, AStoppedWorkerIsKilledAtOnce) {
  Reeve& reeve = start_probe();
  misbehave(reeve, "stop");
  EXPECT_THAT(why(reeve), AllOf(HasSubstr("the loop thread is stopped (SIGSTOP)"),
                                HasSubstr("killed by SIGKILL")))
      << "it would not act on ABRT";
  EXPECT_TRUE(reeve.logs("the loop thread is stopped (SIGSTOP)"));
}

TEST_F(Why, AnExitThatNobodyAskedFor) {
  Reeve& reeve = start_probe();
  misbehave(reeve, "exit");
  EXPECT_THAT(why(reeve),
              AllOf(HasSubstr("ended by itself (exit code 0)"), HasSubstr("GET /misbehave for")));
  EXPECT_TRUE(reeve.logs(": ended by itself (exit code 0)"));
}

TEST_F(Why, AClosedLineToTheMaster) {
  Reeve& reeve = start_probe();
  misbehave(reeve, "close");
  ASSERT_TRUE(reeve.logs("has closed its line to the master"));
  EXPECT_THAT(why(reeve), HasSubstr("it had closed its line to the master (REEVE_CHANNEL)"));
}

TEST_F(Why, AnIgnoredTerm) {
  Reeve& reeve = start_probe("grace = \"200ms\"\nenv = { PROBE_IGNORE_TERM = \"1\" }\n");
  victim_ = reeve.pid("web:0");
  EXPECT_EQ(reeve.ctl({"restart", "--hard", "web:0"}).code(), 0);
  const std::string told = why(reeve);
  EXPECT_THAT(
      told, AllOf(HasSubstr("its drain took longer than the grace"), HasSubstr("while it drained"),
                  HasSubstr("the loop thread"), HasSubstr("refuse_to_end")));
  EXPECT_TRUE(reeve.logs("its drain took longer than the grace"));
}

TEST_F(Why, AWorkerThatDumpsNoCoreIsNotWaitedForOnceTheMasterMustEnd) {
  // Ignores ABRT: the master would give it five seconds before SIGKILL.
  Reeve& reeve =
      start(pool("app", R"(["/bin/sh", "-c", "trap '' ABRT; while :; do sleep 1000; done"])",
                 R"(ready = { after = "0ms" }
watchdog = "100ms"
)"));
  ASSERT_TRUE(reeve.logs("killing pid"));
  reeve.master().signal(SIGQUIT);
  EXPECT_TRUE(reeve.master().wait(3s));
}

TEST_F(Why, AStartThatHangs) {
  Reeve& reeve = start(probe_pool(1, R"(start_timeout = "300ms"
backoff = { first = "60s", max = "60s" }
env = { PROBE_HANG_RESOURCE = "cache" }
)"));
  ASSERT_TRUE(reeve.becomes("web:0", "BACKOFF"));
  EXPECT_THAT(why(reeve), AllOf(HasSubstr("web is BACKOFF"), HasSubstr("(tries again in "),
                                HasSubstr("not ready within start_timeout"),
                                HasSubstr("opening cache"), HasSubstr("waits for events")));
}

#if !REEVE_SANITIZED
TEST_F(Why, MemoryRunsOut) {
  // A limit of address space stands in for the kernel's killer: malloc fails, memset writes to
  // null.
  const std::string script = R"(["/bin/sh", "-c", "ulimit -v 200000; exec @probe@"])";
  Reeve& reeve = start_ready(pool("web", script, "listen = [\"http\"]"));
  misbehave(reeve, "alloc");
  EXPECT_THAT(why(reeve),
              AllOf(HasSubstr("killed by SIGSEGV"), HasSubstr("SIGSEGV at address 0x0")))
      << "no memory is left to read names with";
}

#endif
TEST_F(Why, AForeignWorkerWhoseWatchdogFallsSilent) {
  (void)dir.write_program("app", R"(#!/usr/bin/python3
import os, socket, threading
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
path = os.environ["NOTIFY_SOCKET"]
s.connect("\0" + path[1:] if path[0] == "@" else path)
s.send(b"READY=1\nWATCHDOG=1")
print("going to sleep", flush=True)
lock = threading.Lock(); lock.acquire(); lock.acquire()
)");
  Reeve& reeve = start(pool("app", R"(["@dir@/app"])", R"(ready = "notify"
watchdog = { timeout = "300ms", signal = "kill" }
backoff = { first = "60s", max = "60s" }
)"));
  ASSERT_TRUE(reeve.logs("no sign of life"));
  ASSERT_TRUE(eventually([&] { return why(reeve, "app:0").contains("its last death"); }));
  EXPECT_THAT(why(reeve, "app:0"),
              AllOf(HasSubstr("killed by SIGKILL: no sign of life"),
                    HasSubstr("its first thread is blocked in"), HasSubstr("going to sleep")));
}

TEST_F(Why, OfAPoolTellsTheShortStoryOfEach) {
  Reeve& reeve = start_ready(probe_pool(2));
  victim_ = reeve.pid("web:0");
  Watch(victim_).signal(SIGKILL);
  await_replacement(reeve);
  EXPECT_THAT(reeve.ctl({"why", "web"}).output,
              AllOf(HasSubstr("web:0 is RUNNING"), HasSubstr("killed by SIGKILL"),
                    HasSubstr("web:1 is RUNNING"), HasSubstr("none of its workers"),
                    Not(HasSubstr("its last lines"))));
}

TEST_F(Why, AnEndByOurOwnSignalIsNoDeathToExplain) {
  Reeve& reeve = start_ready(
      pool("web", R"(["/bin/sleep", "1000"])", "ready = \"started\"\nstarted_after = \"0ms\""));
  EXPECT_EQ(reeve.ctl({"restart", "web"}).code(), 0);
  EXPECT_EQ(reeve.ctl({"restart", "--hard", "web"}).code(), 0);
  EXPECT_EQ(reeve.ctl({"stop", "web"}).code(), 0);
  EXPECT_THAT(why(reeve), AllOf(HasSubstr("none of its workers"), Not(HasSubstr("last death"))));
}

TEST_F(Why, ACleanStopIsNoDeathToExplain) {
  Reeve& reeve = start_probe();
  EXPECT_EQ(reeve.ctl({"restart", "web"}).code(), 0);
  EXPECT_EQ(reeve.ctl({"stop", "web:0"}).code(), 0);
  EXPECT_THAT(why(reeve), AllOf(HasSubstr("web is STOPPED"), HasSubstr("none of its workers")));
}

}  // namespace
}  // namespace reeve::e2e
