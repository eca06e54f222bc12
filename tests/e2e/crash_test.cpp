// Workers that die: replaced, held back longer and longer, given up, explained.

#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "tests/e2e/harness/process_tree.hpp"
#include "tests/e2e/harness/reeve_test.hpp"

namespace reeve::e2e {
namespace {

using Crash = ReeveTest;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(Crash, AKilledWorkerIsReplaced) {
  Reeve& reeve = start_ready(hello_pool(2));
  const auto before = reeve.pids();
  Watch(before[0]).signal(SIGKILL);
  EXPECT_TRUE(eventually([&] {
    const auto now = reeve.slot("web:0");
    return now.state == "RUNNING" && now.pid != before[0];
  }));
  EXPECT_EQ(reeve.pid("web:1"), before[1]) << "its neighbour is not concerned";
  EXPECT_TRUE(reeve.get("/"));
}

TEST_F(Crash, ACrashInARequestCostsOnlyThatRequest) {
  Reeve& reeve = start_ready(probe_pool(1));
  const int before = reeve.pid("web:0");
  EXPECT_FALSE(reeve.get("/crash"));
  EXPECT_TRUE(judge(reeve.get("/pid"))) << "the listener is the master's: the next request waits";
  EXPECT_NE(reeve.pid("web:0"), before);
  EXPECT_THAT(reeve.log(), ContainsRegex("SIGABRT|signal 6|[Aa]bort"));
}

TEST_F(Crash, ADeadWorkerIsReaped) {
  Reeve& reeve = start_ready(hello_pool(1));
  const int before = reeve.pid("web:0");
  Watch(before).signal(SIGKILL);
  ASSERT_TRUE(eventually([&] { return reeve.slot("web:0").pid != before; }));
  const auto family = descendants(reeve.master().pid());
  EXPECT_EQ(std::ranges::count(family, 'Z', &ProcessInfo::state), 0);
}

TEST_F(Crash, AnOrphanOfAWorkerIsReapedToo) {
  // The shell's grandchild ends after the shell's child: the master inherits it, and must reap it.
  Reeve& reeve = start(pool(
      "jobs", R"(["/bin/sh", "-c", '(sleep 0.05 & echo $! > @dir@/orphan) ; exec sleep 1000'])",
      "ready = { after = \"0ms\" }"));
  ASSERT_TRUE(reeve.ready());
  ASSERT_TRUE(eventually([&] { return read_file(dir / "orphan").ends_with('\n'); }));
  const int orphan = std::stoi(read_file(dir / "orphan"));
  EXPECT_TRUE(eventually([&] {
    return std::ranges::count(descendants(::getpid()), orphan, &ProcessInfo::pid) == 0;
  })) << "a zombie is left";
  EXPECT_EQ(reeve.slot("jobs:0").state, "RUNNING");
}

TEST_F(Crash, ALoopOfCrashesEndsInFatalAndSaysWhy) {
  Reeve& reeve = start(pool("jobs", R"(["/bin/sh", "-c", "echo cannot find the queue; exit 3"])",
                            R"(ready = "notify"
backoff = { first = "10ms", max = "20ms" }
give_up = { failures = 4, within = "10s" }
)"));
  ASSERT_TRUE(reeve.becomes("jobs:0", "FATAL"));
  const auto slot = reeve.slot("jobs:0");
  EXPECT_EQ(slot.pid, 0);
  EXPECT_THAT(slot.detail, HasSubstr("3")) << "the exit code";

  const Finished status = reeve.ctl({"status"});
  EXPECT_EQ(status.code(), 3);
  EXPECT_THAT(status.output, HasSubstr("FATAL"));
  const std::string log = reeve.log();
  int attempts = 0;
  for (auto at = log.find("cannot find the queue"); at != std::string::npos;
       at = log.find("cannot find the queue", at + 1)) {
    ++attempts;
  }
  EXPECT_EQ(attempts, 4) << "as often as give_up says";
}

TEST_F(Crash, ANeighbourThatComesLateLeavesNothingFatal) {
  Reeve& reeve =
      start(pool("app", R"(["/bin/sh", "-c", "test -e @dir@/database || exit 1; exec sleep 1000"])",
                 R"(ready = { after = "50ms" }
backoff = { first = "1ms", max = "5ms" }
)"));
  ASSERT_TRUE(eventually([&] { return reeve.log().contains("tries again in 5 ms"); }));
  ASSERT_TRUE(eventually([&] {
    const std::string log = reeve.log();
    int tries = 0;
    for (auto at = log.find("BACKOFF"); at != std::string::npos; at = log.find("BACKOFF", at + 1)) {
      ++tries;
    }
    return tries > 20;
  })) << "it is tried again and again";
  EXPECT_THAT(reeve.log(), Not(HasSubstr("FATAL")));
  (void)dir.write("database", "");
  EXPECT_TRUE(reeve.becomes("app:0", "RUNNING"));
}

TEST_F(Crash, AProgramThatCannotBeExecutedIsFatalAtOnce) {
  dir.write_program("program", std::string("\x7f"
                                           "ELF\0\0\0",
                                           7));  // Of no machine.
  Reeve& reeve = start(pool("app", R"(["@dir@/program"])"));
  ASSERT_TRUE(reeve.becomes("app:0", "FATAL"));
  EXPECT_THAT(reeve.slot("app:0").detail, HasSubstr("trying again cannot mend it"));
}

TEST_F(Crash, AProgramWhoseFileIsBeingReplacedIsTriedAgain) {
  const auto program = dir.write_program("worker", "#!/bin/sh\necho up; exec sleep 1000\n");
  Reeve& reeve = start_ready(pool("jobs", R"(["@dir@/worker"])", R"(ready = { log = "up" }
backoff = { first = "10ms", max = "20ms" }
)"));
  std::filesystem::rename(program, dir / "aside");
  Watch(reeve.pid("jobs:0")).signal(SIGKILL);
  ASSERT_TRUE(reeve.logs("BACKOFF"));
  std::filesystem::rename(dir / "aside", program);
  EXPECT_TRUE(reeve.becomes("jobs:0", "RUNNING"));
  EXPECT_THAT(reeve.log(), Not(HasSubstr("FATAL")));
}

TEST_F(Crash, TheStartOfTheMasterDoesNotWaitForWhatFails) {
  Reeve& reeve = start_ready(hello_pool(1) +
                             pool("app", R"(["/bin/false"])",
                                  "start_timeout = \"200ms\"\nbackoff = { first = \"20s\" }\n") +
                             pool("behind", R"(["/bin/sleep", "1000"])", "after = [\"app\"]\n"));
  EXPECT_TRUE(
      reeve.logs("web 1/1 running; app 0/1 running; behind 0/1 running; app is BACKOFF: "
                 "exited with code 1; behind is STOPPED: waits for app"))
      << reeve.log();
}

TEST_F(Crash, StartedMeansAliveForASecond) {
  Reeve& reeve = start_ready(pool("app", R"(["/bin/sh", "-c", "exec sleep $LIFE"])",
                                  "ready = \"started\"\nstarted_after = \"500ms\"\n"
                                  "env = { LIFE = \"1000\" }\n"));
  const int before = reeve.pid("app:0");
  reeve.configure(pool("app", R"(["/bin/sh", "-c", "exec sleep $LIFE"])",
                       "ready = \"started\"\nstarted_after = \"500ms\"\n"
                       "env = { LIFE = \"0.3\" }\n"));
  const Finished rolled = reeve.ctl({"update"});
  EXPECT_NE(rolled.code(), 0) << rolled.output;
  EXPECT_THAT(rolled.output, HasSubstr("generation 1 serves on"));
  EXPECT_EQ(reeve.pid("app:0"), before);
}

TEST_F(Crash, StatusTellsHowOftenAndWhyASlotWasRestarted) {
  Reeve& reeve = start_ready(hello_pool(1));
  EXPECT_EQ(reeve.ctl({"restart", "web"}).code(), 0);
  EXPECT_EQ(reeve.slot("web:0").restarts, 0) << "the operator's own is none";
  EXPECT_EQ(reeve.slot("web:0").last_death, "");
  Watch(reeve.pid("web:0")).signal(SIGKILL);
  ASSERT_TRUE(eventually([&] { return reeve.slot("web:0").restarts == 1; }));
  EXPECT_THAT(reeve.slot("web:0").last_death, HasSubstr("SIGKILL"));
  ASSERT_TRUE(reeve.becomes("web:0", "RUNNING"));
  EXPECT_THAT(reeve.ctl({"status"}).output, HasSubstr("; restarted once, the last time "));
  EXPECT_THAT(reeve.ctl({"status", "--json"}).output, HasSubstr("\"restarts\":1"));
}

TEST_F(Crash, AStartThatTimesOutSaysWhatWasWaitedFor) {
  Reeve& reeve =
      start(pool("deaf", R"(["/bin/sh", "-c", "echo listening on 80; exec sleep 99"])",
                 "start_timeout = \"100ms\"\nbackoff = { first = \"60s\", max = \"60s\" }\n") +
            pool("mute", R"(["/bin/sleep", "99"])",
                 "start_timeout = \"100ms\"\nbackoff = { first = \"60s\", max = \"60s\" }\n"
                 "ready = { log = \"listening\" }\n"));
  ASSERT_TRUE(reeve.becomes("deaf:0", "BACKOFF"));
  ASSERT_TRUE(reeve.becomes("mute:0", "BACKOFF"));
  EXPECT_THAT(reeve.slot("deaf:0").detail,
              HasSubstr("no READY=1 within 100 ms; if it never says that, set ready = \"started\", "
                        "{ http = … } or "
                        "{ log = … }"));
  EXPECT_EQ(reeve.slot("deaf:0").last_line, "listening on 80");
  EXPECT_THAT(reeve.slot("mute:0").detail,
              HasSubstr("not ready within 100 ms: no line matched { log = \"listening\" }"));
}

TEST_F(Crash, AFatalPoolDoesNotDisturbAnother) {
  Reeve& reeve = start(hello_pool(1) + pool("jobs", R"(["/bin/false"])",
                                            R"(ready = "notify"
backoff = { first = "1ms", max = "1ms" }
give_up = { failures = 2, within = "10s" }
)"));
  ASSERT_TRUE(reeve.becomes("jobs:0", "FATAL"));
  ASSERT_TRUE(reeve.becomes("web:0", "RUNNING"));
  EXPECT_TRUE(reeve.get("/"));
}

TEST_F(Crash, StartTriesAFatalSlotAgain) {
  Reeve& reeve =
      start(pool("jobs", R"(["/bin/sh", "-c", "test -e @dir@/fixed && exec sleep 1000"])",
                 R"(ready = { after = "50ms" }
backoff = { first = "1ms", max = "1ms" }
give_up = { failures = 1, within = "10s" }
)"));
  ASSERT_TRUE(reeve.becomes("jobs:0", "FATAL"));
  const Finished failed = reeve.ctl({"start", "jobs:0"});
  EXPECT_NE(failed.code(), 0);
  EXPECT_THAT(failed.output, HasSubstr("spawn error"));
  (void)dir.write("fixed", "");
  const Finished fixed = reeve.ctl({"start", "jobs:0"});
  EXPECT_EQ(fixed.code(), 0);
  EXPECT_THAT(fixed.output, HasSubstr("jobs: started"));
}

TEST_F(Crash, BetweenTwoTriesTheSlotIsInBackoff) {
  Reeve& reeve = start(pool("jobs", R"(["/bin/false"])",
                            "ready = \"notify\"\nbackoff = { first = \"60s\", max = \"60s\" }"));
  ASSERT_TRUE(reeve.becomes("jobs:0", "BACKOFF"));
  EXPECT_EQ(reeve.stop(3s), Exit{.code = 0}) << "a stop does not wait for the next try";
}

TEST_F(Crash, AWorkerThatIsNotReadyInTimeIsKilledAndNamed) {
  Reeve& reeve = start(pool("slow", R"(["/bin/sleep", "1000"])",
                            R"(ready = "notify"
start_timeout = "50ms"
backoff = { first = "60s", max = "60s" }
)"));
  ASSERT_TRUE(reeve.becomes("slow:0", "BACKOFF"));
  EXPECT_THAT(reeve.slot("slow:0").detail, ContainsRegex("ready|start_timeout|timeout"));
  EXPECT_THAT(reeve.log(), HasSubstr("slow: "));
}

TEST_F(Crash, AFailedLifespanSaysWhichResource) {
  Reeve& reeve = start(probe_pool(1, R"(env = { PROBE_FAIL_RESOURCE = "cache" }
backoff = { first = "60s", max = "60s" }
)"));
  ASSERT_TRUE(reeve.becomes("web:0", "BACKOFF"));
  EXPECT_THAT(reeve.log(), HasSubstr("cache"));
}

TEST_F(Crash, RestartNeverLeavesItExited) {
  Reeve& reeve = start(pool("once", R"(["/bin/sh", "-c", "exit 5"])",
                            "ready = { after = \"0ms\" }\nrestart = \"never\""));
  ASSERT_TRUE(reeve.becomes("once:0", "EXITED"));
  EXPECT_THAT(reeve.slot("once:0").detail, HasSubstr("5"));
  EXPECT_EQ(reeve.ctl({"status"}).code(), 3);
}

TEST_F(Crash, OnFailureRestartsAFailureAndLeavesASuccess) {
  // Fails the first time, succeeds the second.
  Reeve& reeve = start(
      pool("job", R"(["/bin/sh", "-c", "test -e @dir@/seen && exit 0; touch @dir@/seen; exit 1"])",
           R"(ready = { after = "0ms" }
restart = "on-failure"
backoff = { first = "1ms", max = "1ms" }
)"));
  EXPECT_TRUE(reeve.becomes("job:0", "EXITED"));
  EXPECT_TRUE(std::filesystem::exists(dir / "seen"));
}

TEST_F(Crash, AMissingWorkerProgramAtRuntimeIsNamed) {
  const auto program = dir.write_program("worker", "#!/bin/sh\necho up; exec sleep 1000\n");
  Reeve& reeve = start_ready(pool("jobs", R"(["@dir@/worker"])", R"(ready = { log = "up" }
backoff = { first = "60s", max = "60s" }
)"));
  std::filesystem::remove(program);
  const int before = reeve.pid("jobs:0");
  const Finished verdict = reeve.ctl({"restart", "jobs"});
  EXPECT_NE(verdict.code(), 0);
  EXPECT_THAT(verdict.output + verdict.errors, HasSubstr("No such file"));
  EXPECT_EQ(reeve.pid("jobs:0"), before) << "the old one keeps serving";
}

}  // namespace
}  // namespace reeve::e2e
