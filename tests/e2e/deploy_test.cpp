// New versions that are bad change nothing, whatever is bad about them; good ones are gone over to,
// and come back from. Deployments of one pool never interleave.

#include <fmt/format.h>

#include <csignal>

#include "tests/e2e/harness/load.hpp"
#include "tests/e2e/harness/programs.hpp"
#include "tests/e2e/harness/reeve_test.hpp"

namespace reeve::e2e {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class Deploy : public ReeveTest {
 protected:
  [[nodiscard]] static LoadPlan half_and_half(const Reeve& reeve) {
    return {.port = reeve.port(), .per_request = 2, .keep_alive = 2, .path = "/"};
  }

  /// Deploys `next` over two hello workers under load: it must fail, say why, and lose nothing.
  void expect_refused(const std::string& next, const std::string& why) {
    Reeve& reeve = start_ready(hello_pool(2));
    const auto before = reeve.pids();
    Load load(half_and_half(reeve));
    ASSERT_TRUE(load.goes_on());
    reeve.configure(next);
    const Finished verdict = reeve.ctl({"deploy", "web"});
    EXPECT_NE(verdict.code(), 0);
    EXPECT_THAT(verdict.output + verdict.errors, HasSubstr(why));
    EXPECT_TRUE(load.goes_on());
    EXPECT_EQ(reeve.pids(), before) << "the old ones serve on";
    const LoadReport report = load.stop();
    EXPECT_EQ(report.lost_in_all(), 0U) << ::testing::PrintToString(report);
  }

  /// A pool whose workers take their time to start.
  [[nodiscard]] static std::string slow_to_start() {
    return probe_pool(1, "env = { PROBE_SLOW_OPEN_MS = \"400\" }");
  }
};

std::string script_pool(const std::string& script, const std::string& more = "") {
  return pool("web", fmt::format(R"(["/bin/sh", "-c", "{}"])", script),
              "workers = 2\nlisten = [\"http\"]\n" + more);
}

TEST_F(Deploy, AVersionThatCrashesChangesNothing) {
  expect_refused(script_pool("echo no database; exit 7"), "no database");
}

TEST_F(Deploy, AVersionThatHangsChangesNothing) {
  expect_refused(script_pool("echo stuck; sleep 1000", "start_timeout = \"300ms\""),
                 "no READY=1 within 300 ms; if it never says that, set ready = \"started\", { http "
                 "= … } or { log");
}

TEST_F(Deploy, AVersionThatExitsWithZeroChangesNothing) {
  expect_refused(script_pool("exit 0"), "ended by itself (exit code 0)");
}

TEST_F(Deploy, AVersionThatFailsInOneSlotOnlyChangesNothing) {
  (void)dir.write_program("service", expand("#!/bin/sh\n"
                                            "case $REEVE_SLOT in *:1) exit 9;; esac\n"
                                            "exec @hello@\n",
                                            dir));
  Reeve& reeve = start_ready(hello_pool(2));
  reeve.configure(pool("web", R"(["@dir@/service"])", "workers = 2\nlisten = [\"http\"]"));
  const Finished verdict = reeve.ctl({"deploy", "web"});
  EXPECT_NE(verdict.code(), 0);
  EXPECT_THAT(verdict.output, AllOf(HasSubstr("web:1"), HasSubstr("exited with code 9")));
  for (const auto& slot : reeve.status()) EXPECT_EQ(slot.generation, 1U) << slot.name;
}

TEST_F(Deploy, AVersionWhoseFileIsMissingChangesNothing) {
  expect_refused(pool("web", R"(["@dir@/missing"])", "workers = 2\nlisten = [\"http\"]"),
                 "missing");
}

TEST_F(Deploy, AFileWithErrorsChangesNothing) {
  expect_refused(hello_pool(2, "workres = 3"), "did you mean \"workers\"");
}

TEST_F(Deploy, RollsEvenWhenNothingDiffers) {
  Reeve& reeve = start_ready(hello_pool(1));
  const int before = reeve.pid("web:0");
  const Finished verdict = reeve.ctl({"deploy", "web"});
  EXPECT_EQ(verdict.code(), 0) << verdict.output << verdict.errors;
  EXPECT_THAT(verdict.output, HasSubstr("generation 2: web started as pid"));
  EXPECT_NE(reeve.pid("web:0"), before);
}

TEST_F(Deploy, AGoodCanaryLeadsTheOthers) {
  Reeve& reeve = start_ready(probe_pool(2));
  Load load(half_and_half(reeve));
  ASSERT_TRUE(load.goes_on());
  const Finished verdict = reeve.ctl({"deploy", "web", "--canary", "1", "--watch", "600ms"});
  EXPECT_EQ(verdict.code(), 0) << verdict.output << verdict.errors;
  EXPECT_THAT(verdict.output, AllOf(HasSubstr("canary web:0 (pid "), HasSubstr("after 1"),
                                    HasSubstr("canary is as good as the old ones"),
                                    HasSubstr(" requests, 0 errors (0.0 %), p99 ")));
  for (const auto& slot : reeve.status()) EXPECT_EQ(slot.generation, 2U) << slot.name;
  const LoadReport report = load.stop();
  EXPECT_EQ(report.lost_in_all(), 0U) << ::testing::PrintToString(report);
}

TEST_F(Deploy, ACanaryThatAnswersWithErrorsIsTakenBack) {
  Reeve& reeve = start_ready(probe_pool(2));
  const auto before = reeve.pids();
  Load load(half_and_half(reeve));
  ASSERT_TRUE(load.goes_on());
  reeve.configure(probe_pool(2, "env = { PROBE_ANSWER = \"500\" }"));
  const Finished verdict = reeve.ctl({"deploy", "web", "--canary", "1", "--watch", "60s"});
  EXPECT_NE(verdict.code(), 0) << "long before the watch is over";
  EXPECT_THAT(verdict.output, HasSubstr("the canary answers with errors: canary "));
  EXPECT_EQ(reeve.pids(), before);
  (void)load.stop();
}

TEST_F(Deploy, ACanaryThatCrashesIsTakenBackAtOnce) {
  Reeve& reeve = start_ready(probe_pool(2));
  const auto before = reeve.pids();
  reeve.configure(
      probe_pool(2, "env = { PROBE_EXIT_AFTER_START = \"3\", PROBE_EXIT_AFTER_MS = \"200\" }"));
  const Finished verdict = reeve.ctl({"deploy", "web", "--canary", "1", "--watch", "60s"});
  EXPECT_NE(verdict.code(), 0);
  EXPECT_THAT(verdict.output, HasSubstr("exited with code 3"));
  EXPECT_EQ(reeve.pids(), before);
}

TEST_F(Deploy, RollbackGoesBackAndForth) {
  Reeve& reeve = start_ready(probe_pool(1));
  const Finished none = reeve.ctl({"rollback", "web"});
  EXPECT_NE(none.code(), 0);
  EXPECT_THAT(none.output, HasSubstr("web has no previous version"));

  reeve.configure(hello_pool(1));
  ASSERT_EQ(reeve.ctl({"deploy", "web"}).code(), 0);
  const auto is_probe = [&] { return reeve.get("/pid")->status == 200; };
  EXPECT_FALSE(is_probe());
  ASSERT_EQ(reeve.ctl({"rollback", "web"}).code(), 0);
  EXPECT_TRUE(is_probe());
  ASSERT_EQ(reeve.ctl({"rollback", "web"}).code(), 0);
  EXPECT_FALSE(is_probe());
}

TEST_F(Deploy, ASecondDeploymentIsRefusedWithTheNameOfTheFirst) {
  Reeve& reeve = start_ready(slow_to_start());
  const auto first = reeve.start_ctl({"deploy", "web"});
  ASSERT_TRUE(eventually([&] { return first->output().contains("started as pid"); }));
  for (const char* verb : {"deploy", "restart", "rollback"}) {
    const Finished second = reeve.ctl({verb, "web"});
    EXPECT_NE(second.code(), 0) << verb;
    EXPECT_THAT(second.output,
                HasSubstr(fmt::format("deploy of web by reevectl pid {}, begun", first->pid())))
        << verb;
  }
  EXPECT_EQ(first->wait(), Exit{.code = 0});
}

TEST_F(Deploy, ASecondDeploymentWaitsWhenAskedTo) {
  Reeve& reeve = start_ready(slow_to_start());
  const auto first = reeve.start_ctl({"deploy", "web"});
  ASSERT_TRUE(eventually([&] { return first->output().contains("generation 2: web started"); }));
  const Finished second = reeve.ctl({"deploy", "--wait", "web"});
  EXPECT_EQ(second.code(), 0) << second.output << second.errors;
  EXPECT_THAT(second.output, HasSubstr("waiting: deploy of web by reevectl pid"));
  EXPECT_EQ(first->wait(), Exit{.code = 0});
  EXPECT_EQ(reeve.slot("web:0").generation, 3U);
}

TEST_F(Deploy, AClientThatLeavesGivesUpItsPlace) {
  Reeve& reeve = start_ready(slow_to_start());
  const auto first = reeve.start_ctl({"deploy", "web"});
  ASSERT_TRUE(eventually([&] { return first->output().contains("started as pid"); }));
  {
    const auto waits = reeve.start_ctl({"restart", "--wait", "web"});
    ASSERT_TRUE(eventually([&] { return waits->output().contains("waiting: "); }));
    waits->signal(SIGKILL);
    ASSERT_TRUE(waits->wait());
  }
  ASSERT_EQ(first->wait(), Exit{.code = 0});
  EXPECT_EQ(reeve.ctl({"deploy", "--wait", "web"}).code(), 0);
  EXPECT_EQ(reeve.slot("web:0").generation, 3U);
}

TEST_F(Deploy, AReloadThatHasNotBegunIsDroppedWithItsClient) {
  const auto count = [](std::string_view text, std::string_view word) {
    std::size_t found = 0;
    for (auto at = text.find(word); at != text.npos; at = text.find(word, at + 1)) ++found;
    return found;
  };
  Reeve& reeve = start_ready(probe_pool(1, "env = { PROBE_SLOW_OPEN_MS = \"1500\" }"));
  const auto events = reeve.start_ctl({"events"});
  ASSERT_TRUE(eventually([&] {
    (void)reeve.ctl({"signal", "WINCH", "web"});
    return events->output().contains("Signal");
  }));
  reeve.configure(probe_pool(1, "env = { PROBE_SLOW_OPEN_MS = \"1501\" }"));
  const auto first = reeve.start_ctl({"reload"});
  ASSERT_TRUE(reeve.logs("started pid"));
  const auto second = reeve.start_ctl({"reload"});
  ASSERT_TRUE(eventually([&] { return count(events->output(), "Reload") == 2; }));
  second->signal(SIGKILL);
  ASSERT_TRUE(second->wait());
  ASSERT_EQ(first->wait(), Exit{.code = 0});
  ASSERT_EQ(reeve.ctl({"reload"}).code(), 0);
  EXPECT_EQ(count(reeve.log(), "rereading"), 2U);
}

TEST_F(Deploy, ARollbackCallsOffACanaryThatIsBeingWatched) {
  Reeve& reeve = start_ready(probe_pool(2));
  const auto before = reeve.pids();
  const auto deploy = reeve.start_ctl({"deploy", "web", "--canary", "1", "--watch", "600s"});
  ASSERT_TRUE(eventually([&] { return deploy->output().contains("watching for"); }));
  const Finished verdict = reeve.ctl({"rollback", "web"});
  EXPECT_EQ(verdict.code(), 0);
  EXPECT_THAT(verdict.output,
              HasSubstr("web: rolled back; the canary was called off; generation 1 serves on"));
  EXPECT_EQ(deploy->wait(), Exit{.code = 1});
  EXPECT_THAT(deploy->output(), HasSubstr("called off by a rollback of reevectl pid"));
  EXPECT_EQ(reeve.pids(), before);
}

TEST_F(Deploy, CtrlCSaysThatTheWorkGoesOn) {
  Reeve& reeve = start_ready(slow_to_start());
  const auto restart = reeve.start_ctl({"restart", "web"});
  ASSERT_TRUE(reeve.logs("started pid"));
  restart->signal(SIGINT);
  EXPECT_EQ(restart->wait(), (Exit{.code = -1, .signal = SIGINT}));
  EXPECT_THAT(restart->errors(), AllOf(HasSubstr("goes on in the master: watch it with `reevectl"),
                                       HasSubstr("events`")));
  EXPECT_TRUE(eventually([&] { return reeve.slot("web:0").generation == 2; }));
}

TEST_F(Deploy, ARehearsalTellsEachStepAndTouchesNothing) {
  Reeve& reeve = start_ready(hello_pool(2));
  const auto before = reeve.pids();
  reeve.configure(probe_pool(2));
  const Finished verdict = reeve.ctl({"rehearse", "web"});
  EXPECT_EQ(verdict.code(), 0) << verdict.output << verdict.errors;
  EXPECT_THAT(verdict.output,
              AllOf(HasSubstr("[2/5] connections: opening database"), HasSubstr("[5/5] listening"),
                    HasSubstr("closing database"), HasSubstr("exited with code 0"),
                    HasSubstr("web:rehearsal: rehearsed")));
  EXPECT_EQ(reeve.pids(), before);
  EXPECT_THAT(reeve.ctl({"status"}).output, Not(HasSubstr("rehearsal")));
}

TEST_F(Deploy, ARehearsalThatFailsSaysWhy) {
  Reeve& reeve = start_ready(probe_pool(1));
  const auto before = reeve.pids();
  reeve.configure(probe_pool(1, "env = { PROBE_FAIL_RESOURCE = \"cache\" }"));
  const Finished failed = reeve.ctl({"rehearse", "web"});
  EXPECT_NE(failed.code(), 0);
  EXPECT_THAT(failed.output,
              AllOf(HasSubstr("it did not become ready"), HasSubstr("told to fail")));
  reeve.configure(probe_pool(1, "env = { PROBE_IGNORE_TERM = \"1\" }\ngrace = \"300ms\"\n"));
  const Finished stuck = reeve.ctl({"rehearse", "web"});
  EXPECT_NE(stuck.code(), 0);
  EXPECT_THAT(stuck.output, HasSubstr("killed: still draining after 300 ms"));
  EXPECT_EQ(reeve.pids(), before);
}

TEST_F(Deploy, AClientThatDoesNotAskForMoreGetsTheVerdictAlone) {
  Reeve& reeve = start_ready(hello_pool(1));
  const auto reply = reeve.ask({.method = ipc::control::Method::Rehearse, .names = {"web"}});
  ASSERT_EQ(reply.verdicts.size(), 1U);
  EXPECT_TRUE(reply.verdicts[0].ok) << reply.verdicts[0].text;
  EXPECT_EQ(reply.text, "") << "steps were told unasked";
}

TEST_F(Deploy, TwoRehearsalsOfOnePoolDoNotRunAtOnce) {
  Reeve& reeve = start_ready(slow_to_start());
  const auto first = reeve.start_ctl({"rehearse", "web"});
  ASSERT_TRUE(eventually([&] { return first->output().contains("[1/5]"); }));
  const Finished second = reeve.ctl({"rehearse", "web"});
  EXPECT_NE(second.code(), 0);
  EXPECT_THAT(second.output, HasSubstr("a rehearsal of web is running"));
  EXPECT_EQ(first->wait(), Exit{.code = 0});
}

}  // namespace
}  // namespace reeve::e2e
