// reevectl as people and scripts use it: words, columns and exit codes like supervisorctl's.

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <csignal>
#include <filesystem>
#include <list>
#include <memory>

#include "tests/e2e/harness/programs.hpp"
#include "tests/e2e/harness/reeve_test.hpp"

namespace reeve::e2e {
namespace {

using Control = ReeveTest;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST_F(Control, StatusLooksLikeSupervisorctls) {
  Reeve& reeve = start_ready(hello_pool(2));
  const Finished status = reeve.ctl({"status"});
  EXPECT_EQ(status.code(), 0);
  EXPECT_THAT(status.output, ContainsRegex("web:0 +RUNNING +pid [0-9]+, uptime 0:00:[0-9][0-9]"));
  EXPECT_THAT(status.output, ContainsRegex("web:1 +RUNNING +pid [0-9]+, uptime 0:00:[0-9][0-9]"));
  EXPECT_THAT(status.errors, IsEmpty());
}

TEST_F(Control, StatusOfOneNameShowsOnlyIt) {
  Reeve& reeve = start_ready(
      hello_pool(2) + pool("jobs", R"(["/bin/sleep", "1000"])", "ready = { after = \"0ms\" }"));
  EXPECT_THAT(reeve.ctl({"status", "web:1"}).output, Not(HasSubstr("web:0")));
  for (const char* name : {"web", "web:", "web:*"}) {
    const Finished status = reeve.ctl({"status", name});
    EXPECT_EQ(status.code(), 0) << name;
    EXPECT_THAT(status.output, HasSubstr("web:0")) << name;
    EXPECT_THAT(status.output, HasSubstr("web:1")) << name;
    EXPECT_THAT(status.output, Not(HasSubstr("jobs "))) << name;
  }
  EXPECT_THAT(reeve.ctl({"status", "all"}).output, HasSubstr("jobs "));
}

TEST_F(Control, StatusCountsRequests) {
  Reeve& reeve = start_ready(hello_pool(1));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(reeve.get("/"));
  EXPECT_TRUE(eventually([&] { return reeve.slot("web:0").requests == 3; }));
  EXPECT_EQ(reeve.slot("web:0").in_flight, 0U);
  EXPECT_EQ(reeve.slot("web:0").worker_state, "Running");
}

TEST_F(Control, UnknownNamesAreRefusedByName) {
  Reeve& reeve = start_ready(hello_pool(1));
  EXPECT_EQ(reeve.ctl({"status", "wbe"}).code(), 4);
  for (const char* verb : {"status", "start", "stop", "restart", "pid", "tail"}) {
    const Finished verdict = reeve.ctl({verb, "wbe:0"});
    EXPECT_NE(verdict.code(), 0) << verb;
    EXPECT_THAT(verdict.output + verdict.errors, HasSubstr("wbe")) << verb;
  }
}

TEST_F(Control, StopAndStart) {
  Reeve& reeve = start_ready(hello_pool(2));
  const int before = reeve.pid("web:0");
  const Finished stopped = reeve.ctl({"stop", "web:0"});
  EXPECT_EQ(stopped.code(), 0);
  EXPECT_THAT(stopped.output, HasSubstr("web:0: stopped"));
  EXPECT_TRUE(Watch(before).ended()) << "it returns when it has stopped";
  EXPECT_EQ(reeve.slot("web:0").state, "STOPPED");
  EXPECT_EQ(reeve.slot("web:1").state, "RUNNING");
  EXPECT_EQ(reeve.ctl({"status"}).code(), 3);
  EXPECT_TRUE(judge(reeve.get("/"))) << "the other one serves";

  const Finished started = reeve.ctl({"start", "web:0"});
  EXPECT_EQ(started.code(), 0);
  EXPECT_THAT(started.output, HasSubstr("web:0: started"));
  EXPECT_EQ(reeve.slot("web:0").state, "RUNNING");
}

TEST_F(Control, StoppingTwiceAndStartingTwiceAreErrors) {
  Reeve& reeve = start_ready(hello_pool(1));
  const Finished running = reeve.ctl({"start", "web:0"});
  EXPECT_THAT(running.output, HasSubstr("ERROR (already started)"));
  ASSERT_EQ(reeve.ctl({"stop", "web"}).code(), 0);
  const Finished stopped = reeve.ctl({"stop", "web:0"});
  EXPECT_THAT(stopped.output, HasSubstr("ERROR (not running)"));
}

TEST_F(Control, OfAllOrAGroupWhatIsSoAlreadyIsNoError) {
  Reeve& reeve = start_ready(hello_pool(2));
  ASSERT_EQ(reeve.ctl({"stop", "web:0"}).code(), 0);
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"signal", "usr1", "all"},
                                             {"pid", "all"},
                                             {"start", "web:*"},
                                             {"start", "web:*"},
                                             {"stop", "all"},
                                             {"stop", "all"},
                                             {"signal", "hup", "web:*"},
                                             {"shutdown"}}) {
    const Finished verdict = reeve.ctl(words);
    EXPECT_EQ(verdict.code(), 0) << words[0] << verdict.output;
    EXPECT_THAT(verdict.output, Not(HasSubstr("ERROR"))) << words[0];
  }
}

TEST_F(Control, TheTailOfAPoolSaysWhoseEachLineIs) {
  Reeve& reeve =
      start_ready(pool("app", R"(["/bin/sh", "-c", "echo one; echo two; exec sleep 1000"])",
                       "ready = { log = \"two\" }\nworkers = 2"));
  EXPECT_EQ(reeve.ctl({"tail", "app"}).output,
            "app:0 | one\napp:0 | two\napp:1 | one\napp:1 | two\n");
  EXPECT_EQ(reeve.ctl({"tail", "app:1", "stderr"}).output, "one\ntwo\n");
}

TEST_F(Control, AStoppedPoolStaysStoppedAndStartsAgain) {
  Reeve& reeve = start_ready(hello_pool(2));
  EXPECT_EQ(reeve.ctl({"stop", "all"}).code(), 0);
  EXPECT_EQ(reeve.count("STOPPED"), 2);
  EXPECT_EQ(reeve.ctl({"start", "all"}).code(), 0);
  EXPECT_EQ(reeve.count("RUNNING"), 2);
  EXPECT_TRUE(judge(reeve.get("/")));
}

TEST_F(Control, PidIsTheMastersOrAWorkers) {
  Reeve& reeve = start_ready(hello_pool(1));
  EXPECT_EQ(reeve.ctl({"pid"}).output, std::to_string(reeve.master().pid()) + "\n");
  EXPECT_EQ(reeve.ctl({"pid", "web:0"}).output, std::to_string(reeve.pid("web:0")) + "\n");
}

TEST_F(Control, SignalReachesTheWorker) {
  Reeve& reeve = start_ready(pool(
      "app",
      R"(["/bin/sh", "-c", "trap 'echo got a signal' USR1; echo armed; while :; do sleep 0.05; done"])",
      "ready = { log = \"armed\" }"));
  for (const char* name : {"USR1", "SIGUSR1", "10"}) {
    EXPECT_EQ(reeve.ctl({"signal", name, "app:0"}).code(), 0) << name;
  }
  EXPECT_TRUE(reeve.logs("got a signal"));
  const Finished nonsense = reeve.ctl({"signal", "SIGNONSENSE", "app:0"});
  EXPECT_NE(nonsense.code(), 0);
  EXPECT_THAT(nonsense.output + nonsense.errors,
              ::testing::AnyOf(HasSubstr("NONSENSE"), HasSubstr("bad signal")));
}

TEST_F(Control, JsonIsOneDocument) {
  Reeve& reeve = start_ready(hello_pool(2));
  const Finished status = reeve.ctl({"--json", "status"});
  EXPECT_EQ(status.code(), 0);
  const auto reply = ipc::control::decode_reply(status.output);
  ASSERT_TRUE(reply) << reply.error().text << status.output;
  ASSERT_EQ(reply->processes.size(), 2U);
  EXPECT_EQ(reply->processes[0].name, "web:0");
  EXPECT_EQ(reply->processes[0].pid, reeve.pid("web:0"));
  EXPECT_EQ(reply->master_pid, reeve.master().pid());
}

TEST_F(Control, TheSocketIsFoundThroughTheConfiguration) {
  (void)start_ready(hello_pool(1));
  const Finished status = run(
      {.argv = {binary("reevectl"), "-c", (dir / "reeve.toml").string(), "status"}}, dir, "by-c");
  EXPECT_EQ(status.code(), 0);
  EXPECT_THAT(status.output, HasSubstr("web "));
}

TEST_F(Control, WithoutAMasterItSaysWhatToDo) {
  const std::string socket = (dir / "nobody.sock").string();
  const Finished status = run({.argv = {binary("reevectl"), "-s", socket, "status"}}, dir, "ctl");
  EXPECT_EQ(status.code(), 4);
  EXPECT_THAT(status.output + status.errors, HasSubstr(socket));
}

TEST_F(Control, WhatCannotBeReadOrWrittenIsAnError) {
  Reeve& reeve = start_ready(hello_pool(1));
  const std::string reevectl = binary("reevectl");
  const Finished directory =
      run({.argv = {reevectl, "-c", dir.path().string(), "status"}}, dir, "d");
  EXPECT_EQ(directory.exit, Exit{.code = 2});
  EXPECT_THAT(directory.errors, HasSubstr("Is a directory"));
  for (const std::string words : {"status", "--json status", "help", "tail -f web:0"}) {
    const std::string line =
        "exec " + reevectl + " -s " + reeve.control_socket() + " " + words + " >/dev/full";
    const Finished full = run({.argv = {"/bin/sh", "-c", line}}, dir, "full");
    EXPECT_EQ(full.exit, Exit{.code = 1}) << words;
    EXPECT_THAT(full.errors, HasSubstr("No space left on device")) << words;
  }
  const Finished remote =
      run({.argv = {reevectl, "--serverurl", "http://localhost:9001", "status"}}, dir, "url");
  EXPECT_THAT(remote.errors, HasSubstr("Unix socket"));
  EXPECT_EQ(reeve.ctl({"pid web:0"}).output, std::to_string(reeve.pid("web:0")) + "\n");
}

TEST_F(Control, StatusTellsHowAStartAndAnEndGo) {
  Reeve& reeve = start(pool("slow", R"(["/bin/sh", "-c", "echo connecting; exec sleep 1000"])",
                            "start_timeout = \"90s\"") +
                       pool("short", R"(["/bin/true"])",
                            "workers = 2\nbackoff = { first = \"60s\", max = \"60s\" }"));
  ASSERT_TRUE(eventually([&] { return reeve.slot("slow:0").detail.contains("last line"); }));
  EXPECT_THAT(reeve.slot("slow:0").detail,
              ContainsRegex("^starting for [0-9.]+ m?s of 90 s; last line: connecting$"));
  ASSERT_TRUE(reeve.becomes("short:1", "BACKOFF"));
  EXPECT_THAT(reeve.slot("short:1").detail,
              ContainsRegex("^tries again in [0-9.]+ s, after: ended by itself .exit code 0.$"));
  EXPECT_EQ(reeve.ctl({"start"}).errors, "reevectl: start: which process? reevectl start NAME…\n");
}

TEST_F(Control, APoolOfOneAnswersToItsPlainNameAndIsShownByIt) {
  Reeve& reeve = start_ready(
      pool("solo", R"(["/bin/sh", "-c", "echo up; exec sleep 1000"])", "ready = { log = \"up\" }"));
  for (const char* name : {"solo", "solo:0", "solo:*"}) {
    EXPECT_THAT(reeve.ctl({"status", name}).output, ContainsRegex("^solo +RUNNING")) << name;
    EXPECT_EQ(reeve.ctl({"pid", name}).output, std::to_string(reeve.pid("solo")) + "\n") << name;
  }
  EXPECT_THAT(reeve.log(), AllOf(HasSubstr("solo | up"), HasSubstr("solo: STARTING → RUNNING"),
                                 Not(HasSubstr("solo:0"))));
  EXPECT_EQ(reeve.ctl({"stop", "solo"}).output.substr(0, 14), "solo: stopped;");
  EXPECT_EQ(reeve.ctl({"stop", "solo:0"}).output, "solo: ERROR (not running)\n");
  EXPECT_EQ(reeve.ctl({"signal", "usr1", "solo"}).code(), 7);
  EXPECT_EQ(reeve.ctl({"start", "solo"}).output, "solo: started\n");
  EXPECT_THAT(reeve.ctl({"--json", "restart", "solo"}).output,
              AllOf(HasSubstr(R"("name":"solo")"), HasSubstr(R"("pool":"solo","slot":0)")));
  EXPECT_EQ(reeve.slot("solo").pool, "solo");
  ASSERT_EQ(reeve.ctl({"scale", "solo", "2"}).code(), 0);
  EXPECT_THAT(reeve.ctl({"status"}).output,
              AllOf(ContainsRegex("solo:0 +RUNNING"), ContainsRegex("solo:1 +RUNNING")));
}

TEST_F(Control, AHeldDirectoryNamesTheSocketOfWhoHoldsIt) {
  Reeve& reeve = start_ready(hello_pool(1));
  const std::string directory = std::filesystem::path(reeve.control_socket()).parent_path();
  const auto config = dir.write("second.toml", "[supervisor]\nruntime_dir = \"" + directory +
                                                   "\"\n[pool.a]\ncommand = [\"/bin/true\"]\n");
  const Finished second =
      run({.argv = {binary("reeve"), "run", "-c", config.string()}}, dir, "second");
  EXPECT_EQ(second.code(), 4);
  EXPECT_THAT(second.errors, HasSubstr("`reevectl -s " + reeve.control_socket() + " shutdown`"));
}

TEST_F(Control, UnknownCommandsGetASuggestion) {
  Reeve& reeve = start_ready(hello_pool(1));
  const Finished verdict = reeve.ctl({"stauts"});
  EXPECT_EQ(verdict.code(), 2);
  EXPECT_THAT(verdict.output + verdict.errors, HasSubstr("status"));
}

TEST_F(Control, VersionIsTheMasters) {
  Reeve& reeve = start_ready(hello_pool(1));
  const Finished version = reeve.ctl({"version"});
  EXPECT_EQ(version.code(), 0);
  EXPECT_THAT(version.output, ContainsRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
}

TEST_F(Control, ShutdownStopsTheMaster) {
  Reeve& reeve = start_ready(hello_pool(2));
  EXPECT_EQ(reeve.ctl({"shutdown"}).code(), 0);
  EXPECT_EQ(reeve.master().wait(), Exit{.code = 0});
}

TEST_F(Control, CommandsAtTheSameTimeAllGetAVerdict) {
  Reeve& reeve = start_ready(hello_pool(2));
  std::list<std::unique_ptr<Process>> commands;
  for (int i = 0; i < 3; ++i) {
    commands.push_back(reeve.start_ctl({"restart", "web"}));
    commands.push_back(reeve.start_ctl({"status"}));
    commands.push_back(reeve.start_ctl({"scale", "web", i % 2 == 0 ? "3" : "2"}));
  }
  for (const auto& command : commands) EXPECT_TRUE(command->wait()) << command->output();
  EXPECT_TRUE(eventually([&] { return reeve.count("RUNNING") >= 2; }));
}

/// A raw connection to the control socket.
ipc::UniqueFd raw_connection(const Reeve& reeve) {
  ipc::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = reeve.control_socket();
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  return fd;
}

TEST_F(Control, AMasterThatDoesNotAnswerIsNamedAndHearsNothingLater) {
  Reeve& reeve = start_ready(hello_pool(2));
  reeve.master().signal(SIGSTOP);
  {
    const ipc::UniqueFd left = raw_connection(reeve);
    const std::string frame =
        encode(ipc::control::Request{.method = ipc::control::Method::Stop, .names = {"web:0"}});
    ASSERT_EQ(::send(left.get(), frame.c_str(), frame.size() + 1, MSG_NOSIGNAL),
              static_cast<ssize_t>(frame.size() + 1));
  }
  const Finished verdict = reeve.ctl({"stop", "web:1"});
  reeve.master().signal(SIGCONT);
  EXPECT_EQ(verdict.exit, Exit{.code = 4});
  EXPECT_THAT(verdict.errors, HasSubstr("the master, pid " + std::to_string(reeve.master().pid()) +
                                        ", does not answer within 5 s"));
  EXPECT_EQ(reeve.ctl({"status"}).code(), 0);
  EXPECT_EQ(reeve.count("RUNNING"), 2) << "what had not begun is dropped";
}

TEST_F(Control, GarbageOnTheSocketDisturbsNobody) {
  Reeve& reeve = start_ready(hello_pool(1));
  const std::string endless(3 << 20, '[');
  std::list<ipc::UniqueFd> open;
  for (const std::string& bytes :
       {std::string("not json\0", 9), std::string("{}\0", 3), std::string("\0\0\0\0", 4),
        std::string("{\"method\":\"dev.reeve.Nothing\"}\0", 31), endless,
        std::string("{\"method\":\"dev.reeve.Status\"")}) {
    open.push_back(raw_connection(reeve));
    const timeval limit{.tv_sec = 1, .tv_usec = 0};
    ::setsockopt(open.back().get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    (void)::send(open.back().get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  EXPECT_EQ(reeve.status().size(), 1U);
  open.clear();
  EXPECT_EQ(reeve.status().size(), 1U);
}

TEST_F(Control, OnlyTheOwnerMayUseTheSocket) {
  Reeve& reeve = start_ready(hello_pool(1));
  struct stat info{};
  ASSERT_EQ(::stat(reeve.control_socket().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0007, 0U) << "others";
}

}  // namespace
}  // namespace reeve::e2e
