// The file and what runs: the difference is put into force, and nothing else is touched.

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "ipc/base/unique_fd.hpp"
#include "ipc/base/unix_address.hpp"
#include "tests/e2e/harness/load.hpp"
#include "tests/e2e/harness/process_tree.hpp"
#include "tests/e2e/harness/programs.hpp"
#include "tests/e2e/harness/reeve_test.hpp"

namespace reeve::e2e {
namespace {

using Reconfigure = ReeveTest;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string sleeper(std::string_view name, std::string_view more = "") {
  return pool(name, R"(["/bin/sleep", "1000"])",
              fmt::format("ready = {{ after = \"0ms\" }}\n{}", more));
}

std::string environment_of(int pid) {
  std::ifstream file(fmt::format("/proc/{}/environ", pid));
  return {std::istreambuf_iterator<char>(file), {}};
}

std::size_t children_of(int pid) { return descendants(pid).size(); }

std::string one_shot(std::string_view name, std::string_view script) {
  return pool(name, fmt::format(R"(["/bin/sh", "-c", "{}"])", script),
              "ready = { after = \"0ms\" }\nrestart = \"never\"");
}

/// Whether a client finds a listener at this path.
bool connects_to(const std::string& path) {
  const ipc::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto address = ipc::unix_address(path);
  return address && ::connect(fd.get(), address->get(), address->size) == 0;
}

TEST_F(Reconfigure, AListenerFileThatWasRemovedIsToldAndRestoredByHup) {
  Reeve& reeve = start_ready("[listen.app]\naddress = \"unix:@dir@/app.sock\"\n" +
                             pool("web", R"(["@hello@"])", "listen = [\"app\"]") + sleeper("same"));
  const std::string path = dir / "app.sock";
  const int web = reeve.pid("web:0");
  const int same = reeve.pid("same:0");
  ASSERT_TRUE(connects_to(path));
  std::filesystem::remove(path);
  EXPECT_TRUE(reeve.logs("app.sock was removed, so that nobody finds it", 2 * kPatience));
  reeve.master().signal(SIGHUP);
  EXPECT_TRUE(eventually([&] { return connects_to(path) && reeve.pid("web:0") != web; }));
  EXPECT_TRUE(reeve.becomes("web:0", "RUNNING"));
  EXPECT_EQ(reeve.pid("same:0"), same);
  EXPECT_EQ(reeve.stop(), Exit{.code = 0});
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(Reconfigure, RereadTellsTheDifferenceAndUpdateMakesIt) {
  Reeve& reeve = start_ready(hello_pool(1) + sleeper("old") + sleeper("same"));
  const int web = reeve.pid("web:0");
  const int same = reeve.pid("same:0");
  EXPECT_THAT(reeve.ctl({"reread"}).output, HasSubstr("No config updates"));
  reeve.configure(hello_pool(1, "env = { A = \"1\" }") + sleeper("same") + sleeper("new"));
  EXPECT_THAT(reeve.ctl({"reread"}).output,
              AllOf(HasSubstr("web: changed"), HasSubstr("old: disappeared"),
                    HasSubstr("new: available"), Not(HasSubstr("same"))));
  EXPECT_EQ(reeve.pid("web:0"), web) << "reread changes nothing";

  const Finished update = reeve.ctl({"update"});
  EXPECT_EQ(update.code(), 0) << update.output << update.errors;
  EXPECT_THAT(update.output,
              AllOf(HasSubstr("web: updated process group"), HasSubstr("new: added process group"),
                    HasSubstr("old: removed process group")));
  EXPECT_NE(reeve.pid("web:0"), web);
  EXPECT_EQ(reeve.pid("same:0"), same);
  EXPECT_EQ(reeve.slot("new:0").state, "RUNNING");
  EXPECT_EQ(reeve.slot("old:0").name, "");
  EXPECT_THAT(reeve.ctl({"reread"}).output, HasSubstr("No config updates"));
}

TEST_F(Reconfigure, RemovedIsSaidWhenNothingIsLeft) {
  const std::string lingers = pool(
      "old",
      R"(["/bin/bash", "-c", "trap 'read x < @dir@/go; exit 0' TERM; echo up; while :; do sleep 0.02; done"])",
      "workers = 2\nready = { log = \"up\" }");
  ASSERT_EQ(::mkfifo((dir / "go").c_str(), 0600), 0);
  const ipc::UniqueFd go(::open((dir / "go").c_str(), O_RDWR | O_CLOEXEC));
  Reeve& reeve = start_ready(lingers + sleeper("same"));
  const auto pids = reeve.pids();
  ASSERT_EQ(reeve.ctl({"scale", "old", "1"}).code(), 0);
  reeve.configure(sleeper("same"));
  const auto update = reeve.start_ctl({"update"});
  ASSERT_TRUE(eventually([&] { return reeve.status().size() == 1; }));
  for (const char* verb : {"reread", "reload", "update"}) {
    EXPECT_THAT(reeve.ctl({verb}).output,
                AllOf(HasSubstr("old"), HasSubstr("was removed, and is not gone yet: pid ")))
        << verb;
  }
  ASSERT_EQ(::write(go.get(), "\n", 1), 1);
  ASSERT_TRUE(eventually([&] { return Watch(pids[0]).ended() || Watch(pids[1]).ended(); }));
  EXPECT_THAT(update->output(), Not(HasSubstr("removed")));
  ASSERT_EQ(::write(go.get(), "\n", 1), 1);
  EXPECT_EQ(update->wait(), Exit{.code = 0});
  EXPECT_THAT(update->output(), HasSubstr("old: removed process group"));
  for (const int pid : {pids[0], pids[1]}) EXPECT_TRUE(Watch(pid).ended());
}

TEST_F(Reconfigure, WhatConcernsTheMasterAloneReplacesNobody) {
  const std::string stubborn = R"(["/bin/sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"])";
  Reeve& reeve = start_ready(pool("app", stubborn, "ready = { after = \"50ms\" }\ngrace = \"1h\""));
  const int pid = reeve.pid("app:0");
  reeve.configure(pool("app", stubborn,
                       "ready = { after = \"50ms\" }\ngrace = \"100ms\"\n"
                       "health = { command = [\"/bin/true\"], interval = \"10ms\" }"));
  EXPECT_THAT(reeve.ctl({"update"}).output, HasSubstr("app: updated process group"));
  EXPECT_EQ(reeve.pid("app:0"), pid);
  EXPECT_EQ(reeve.slot("app:0").generation, 1U);
  EXPECT_THAT(reeve.ctl({"reread"}).output, HasSubstr("No config updates"));
  EXPECT_EQ(reeve.ctl({"stop", "app"}).code(), 0);
  EXPECT_TRUE(reeve.logs("its drain took longer than the grace"))
      << "the new one, of the old worker";
}

TEST_F(Reconfigure, UpdateOfANameLeavesTheOthers) {
  Reeve& reeve = start_ready(sleeper("a") + sleeper("b"));
  const int b = reeve.pid("b:0");
  reeve.configure(sleeper("a", "workers = 2") + sleeper("b", "env = { A = \"1\" }"));
  EXPECT_EQ(reeve.ctl({"update", "a"}).code(), 0);
  EXPECT_EQ(reeve.slot("a:1").state, "RUNNING");
  EXPECT_EQ(reeve.pid("b:0"), b);
  EXPECT_NE(reeve.ctl({"update", "nobody"}).code(), 0);
}

TEST_F(Reconfigure, IncludedFilesAreReadAnewAndNamed) {
  std::filesystem::create_directory(dir / "conf.d");
  (void)dir.write("conf.d/one.toml", sleeper("one"));
  Reeve& reeve = start_ready(
      "include = [\"conf.d/*.toml\"]\n"
      "[supervisor]\nname = \"test\"\nruntime_dir = \"@dir@/run\"\n"
      "[listen.http]\naddress = \"systemd:http\"\n" +
      sleeper("main"));
  EXPECT_EQ(reeve.slot("one:0").state, "RUNNING");
  (void)dir.write("conf.d/two.toml", sleeper("two"));
  (void)dir.write("conf.d/one.toml", sleeper("one", "env = { A = \"1\" }"));
  EXPECT_THAT(reeve.ctl({"reread"}).output,
              AllOf(HasSubstr("one: changed"), HasSubstr("two: available")));
  EXPECT_EQ(reeve.ctl({"update"}).code(), 0);
  EXPECT_EQ(reeve.slot("two:0").state, "RUNNING");
  EXPECT_EQ(reeve.ctl({"deploy", "one"}).code(), 0);
  (void)dir.write("conf.d/two.toml", sleeper("one"));
  const Finished twice = reeve.ctl({"update"});
  EXPECT_NE(twice.code(), 0);
  EXPECT_THAT(twice.output + twice.errors,
              AllOf(HasSubstr("two.toml:1:7: pool.one: it is defined already, in"),
                    HasSubstr("one.toml:1:7; remove one")));
  EXPECT_EQ(reeve.slot("two:0").state, "RUNNING") << "nothing was changed";
}

TEST_F(Reconfigure, AddRemoveAndAvail) {
  Reeve& reeve = start_ready(sleeper("a"));
  reeve.configure(sleeper("a") + sleeper("b"));
  EXPECT_THAT(reeve.ctl({"avail"}).output, AllOf(HasSubstr("in use"), HasSubstr("avail")));
  EXPECT_EQ(reeve.ctl({"add", "b"}).code(), 0);
  EXPECT_EQ(reeve.slot("b:0").state, "RUNNING");
  EXPECT_THAT(reeve.ctl({"add", "b"}).output, HasSubstr("already active"));
  EXPECT_NE(reeve.ctl({"add", "c"}).code(), 0);
  EXPECT_THAT(reeve.ctl({"remove", "b"}).output, HasSubstr("still running: b"));
  ASSERT_EQ(reeve.ctl({"stop", "b"}).code(), 0);
  EXPECT_EQ(reeve.ctl({"remove", "b"}).code(), 0);
  EXPECT_EQ(reeve.slot("b:0").name, "");
}

TEST_F(Reconfigure, AStoppedPoolStaysStoppedAndStartsInItsNewConfiguration) {
  Reeve& reeve = start_ready(hello_pool(1));
  ASSERT_EQ(reeve.ctl({"stop", "web"}).code(), 0);
  reeve.configure(probe_pool(2));
  EXPECT_EQ(reeve.ctl({"reload"}).code(), 0);
  EXPECT_EQ(reeve.count("STOPPED"), 2);
  ASSERT_EQ(reeve.ctl({"start", "web"}).code(), 0);
  EXPECT_EQ(reeve.get("/pid")->status, 200);
}

TEST_F(Reconfigure, AnAddressThatCannotBeBoundChangesNothing) {
  Reeve& reeve = start_ready(hello_pool(1));
  const int before = reeve.pid("web:0");
  reeve.configure(fmt::format("[listen.http]\naddress = \"127.0.0.1:{}\"\n", reeve.port()) +
                  hello_pool(1) + sleeper("new"));
  for (const char* verb : {"reload", "update", "deploy"}) {
    std::vector<std::string> words{verb};
    if (words.front() == "deploy") words.emplace_back("web");
    const Finished verdict = reeve.ctl(words);
    EXPECT_NE(verdict.code(), 0) << verb;
    EXPECT_THAT(verdict.output + verdict.errors, HasSubstr("nothing was changed")) << verb;
  }
  EXPECT_EQ(reeve.pid("web:0"), before);
  EXPECT_EQ(reeve.slot("new:0").name, "");
}

TEST_F(Reconfigure, APoolStartsAfterThoseItNeedsAndStopsBeforeThem) {
  Reeve& reeve =
      start_ready(sleeper("app", "after = [\"migrate\", \"proxy\"]") +
                  pool("proxy", R"(["/bin/sh", "-c", "sleep 0.2; echo up; exec sleep 1000"])",
                       "ready = { log = \"up\" }") +
                  one_shot("migrate", "sleep 0.1"));
  EXPECT_EQ(reeve.slot("migrate:0").state, "EXITED") << "and the master is ready all the same";
  const std::string log = reeve.log();
  EXPECT_THAT(log, HasSubstr("app: waits for migrate to end, proxy"));
  EXPECT_LT(log.find("proxy: STARTING → RUNNING"), log.find("app: STOPPED → STARTING"));
  EXPECT_EQ(reeve.stop(), Exit{.code = 0});
  const std::string end = reeve.log();
  EXPECT_LT(end.find("app: STOPPING → STOPPED"), end.find("proxy: RUNNING → STOPPING"));
}

TEST_F(Reconfigure, APoolSaysWhatItWaitsForInVain) {
  Reeve& reeve = start(one_shot("migrate", "exit 3") + sleeper("app", "after = [\"migrate\"]"));
  ASSERT_TRUE(eventually([&] { return reeve.slot("migrate:0").state == "EXITED"; }));
  EXPECT_TRUE(eventually([&] {
    return reeve.slot("app:0").detail ==
           "waits for migrate to end; migrate has failed: exited with code 3";
  })) << reeve.slot("app:0").detail;
  EXPECT_EQ(reeve.ctl({"start", "app"}).code(), 0) << "the operator knows better";
  EXPECT_EQ(reeve.slot("app:0").state, "RUNNING");
}

TEST_F(Reconfigure, WhatIsNotToStartWithTheMasterStartsWhenAsked) {
  Reeve& reeve = start_ready(sleeper("app") + sleeper("extra", "autostart = false\n"));
  EXPECT_EQ(reeve.slot("extra:0").state, "STOPPED");
  EXPECT_THAT(reeve.log(), HasSubstr("extra 0/1 running"));
  EXPECT_EQ(reeve.ctl({"start", "extra"}).code(), 0);
  EXPECT_EQ(reeve.slot("extra:0").state, "RUNNING");
}

TEST_F(Reconfigure, AnExpectedExitOpensTheWayForWhatComesAfter) {
  Reeve& reeve =
      start_ready(pool("migrate", R"(["/bin/sh", "-c", "exit 3"])",
                       "ready = \"started\"\nrestart = \"never\"\nexpected_exit = [0, 3]\n") +
                  sleeper("app", "after = [\"migrate\"]"));
  EXPECT_TRUE(reeve.becomes("app:0", "RUNNING"));
  EXPECT_THAT(reeve.ctl({"start", "migrate"}).output, HasSubstr("migrate: finished"));
}

TEST_F(Reconfigure, AFatalPoolEndsTheMasterWhereThatIsAskedFor) {
  Reeve& reeve = start(
      "[supervisor]\nname = \"t\"\nruntime_dir = \"@dir@/run\"\n"
      "on_fatal = \"exit\"\n" +
      sleeper("fine") +
      pool("broken", R"(["/bin/false"])",
           "backoff = { first = \"1ms\", max = \"1ms\" }\n"
           "give_up = { failures = 2, within = \"60s\" }"));
  EXPECT_EQ(reeve.master().wait(), Exit{.code = 3});
  EXPECT_THAT(reeve.log(), HasSubstr("broken is FATAL, and on_fatal = \"exit\""));
}

TEST_F(Reconfigure, EventsAreFollowedWhileTheyHappen) {
  Reeve& reeve = start_ready(hello_pool(1));
  const auto events = reeve.start_ctl({"events"});
  // A follower is told from then on: the question is repeated until an answer shows.
  EXPECT_TRUE(eventually([&] {
    (void)reeve.ctl({"restart", "web"});
    return events->output().contains("Restart: web") && events->output().contains("verdict");
  }));
  EXPECT_TRUE(eventually([&] { return events->output().contains("exited with code 0"); }));
  EXPECT_THAT(reeve.ctl({"maintail"}).output, HasSubstr("verdict: web: rolled"));
}

using ReconfigureUnderLoad = ReeveTest;

/// A configuration that its workers' environment tells.
std::string version(int number) {
  return hello_pool(2, fmt::format("env = {{ VERSION = \"{}\" }}", number));
}

TEST_F(ReconfigureUnderLoad, AStormOfHupsEndsWithTheLastConfigurationAndLosesNothing) {
  Reeve& reeve = start_ready(version(0));
  Load load({.port = reeve.port(), .per_request = 2, .keep_alive = 2, .path = "/"});
  ASSERT_TRUE(load.goes_on());
  for (int i = 1; i <= 25; ++i) {
    reeve.configure(version(i));
    reeve.master().signal(SIGHUP);
    ASSERT_TRUE(load.goes_on(static_cast<std::uint64_t>(i % 5)));
  }
  for (int i = 0; i < 1000; ++i) reeve.master().signal(SIGHUP);
  const auto runs_the_last = [&] {
    for (const int pid : reeve.pids()) {
      if (!environment_of(pid).contains("VERSION=25")) return false;
    }
    return reeve.count("RUNNING") == 2;
  };
  EXPECT_TRUE(eventually(runs_the_last));
  // A reload that is asked for now comes after all of them.
  EXPECT_EQ(reeve.ctl({"reload"}).code(), 0);
  EXPECT_TRUE(runs_the_last());
  EXPECT_TRUE(load.goes_on());
  const LoadReport report = load.stop();
  EXPECT_EQ(report.lost_in_all(), 0U) << ::testing::PrintToString(report);
  EXPECT_TRUE(eventually([&] { return children_of(reeve.master().pid()) == 2; }))
      << "no process too many";
}

}  // namespace
}  // namespace reeve::e2e
