#include "supervisor/reevectl/render.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

#include "ipc/version.hpp"

namespace reeve::supervisor::ctl {
namespace {

using namespace std::chrono_literals;
using ipc::control::Method;
using ipc::control::Process;
using ipc::control::Reply;
using ipc::control::Request;
using ipc::control::Verdict;

Rendering status(std::vector<Process> processes) {
  return render({.method = Method::Status}, {.processes = std::move(processes)});
}

Rendering verdict(Method method, Verdict given) {
  const Request request{.method = method, .names = {given.name}};
  return render(request, {.verdicts = {std::move(given)}});
}

TEST(RenderStatus, IsSupervisorctlsLine) {
  const Rendering shown = status(
      {{.name = "web:0", .state = "RUNNING", .pid = 1234, .uptime = 1h + 2min + 3s + 999ms}});
  EXPECT_EQ(shown.output, "web:0                            RUNNING   pid 1234, uptime 1:02:03\n");
  EXPECT_EQ(shown.exit_code, 0);
}

TEST(RenderStatus, CountsDaysAsPythonDoes) {
  const auto uptime = [](std::chrono::milliseconds value) {
    const std::string line =
        status({{.name = "a:0", .state = "RUNNING", .pid = 1, .uptime = value}}).output;
    return line.substr(line.find("uptime "));
  };
  EXPECT_EQ(uptime(0ms), "uptime 0:00:00\n");
  EXPECT_EQ(uptime(24h - 1ms), "uptime 23:59:59\n");
  EXPECT_EQ(uptime(24h), "uptime 1 day, 0:00:00\n");
  EXPECT_EQ(uptime(51h + 4min + 5s), "uptime 2 days, 3:04:05\n");
}

TEST(RenderStatus, AlignsLongNames) {
  const std::string name(40, 'n');
  EXPECT_EQ(status({{.name = name, .state = "STOPPED", .detail = "Not started"},
                    {.name = "b:0", .state = "STARTING"}})
                .output,
            name + "   STOPPED   Not started\n" + "b:0" + std::string(40, ' ') + "STARTING\n");
}

TEST(RenderStatus, TellsWhy) {
  EXPECT_EQ(status({{.name = "web:0", .state = "BACKOFF", .detail = "exited with code 3"}}).output,
            "web:0                            BACKOFF   exited with code 3\n");
  EXPECT_EQ(status({{.name = "web:0", .state = "RUNNING", .pid = 7, .detail = "ready after 8 ms"}})
                .output,
            "web:0                            RUNNING   pid 7, uptime 0:00:00\n");
}

TEST(RenderStatus, ARunningWorkerTellsOnlyWhatIsWrong) {
  Process process{.name = "web:0", .state = "RUNNING", .pid = 7, .worker_state = "Running"};
  process.status = "all is well";
  EXPECT_EQ(status({process}).output.find("well"), std::string::npos);
  process.worker_state = "Error";
  process.status = "redis is down";
  EXPECT_EQ(
      status({process}).output,
      "web:0                            RUNNING   pid 7, uptime 0:00:00; Error: redis is down\n");
  process.status = "";
  EXPECT_EQ(status({process}).output,
            "web:0                            RUNNING   pid 7, uptime 0:00:00; Error\n");
  process.worker_state = "Running";
  process.trouble = "GET /slow blocks its event loop now, for 2.1 s already";
  EXPECT_NE(status({process}).output.find("; GET /slow blocks its event loop now"),
            std::string::npos);
}

TEST(RenderStatus, ASlotThatFlapsSaysHowOftenAndWhy) {
  Process process{.name = "web:0", .state = "RUNNING", .pid = 7};
  process.restarts = 3;
  process.last_death = "killed by SIGSEGV";
  process.died_ago = std::chrono::seconds(12);
  process.last_line = "out of cheese";
  EXPECT_EQ(status({process}).output,
            "web:0                            RUNNING   pid 7, uptime 0:00:00; restarted 3 times, "
            "the last time 12 s ago: killed by SIGSEGV; last line: out of cheese\n");
  process.died_ago = std::chrono::hours(2);
  EXPECT_EQ(status({process}).output,
            "web:0                            RUNNING   pid 7, uptime 0:00:00\n");
  process.state = "BACKOFF";
  process.restarts = 1;
  process.detail = "killed by SIGSEGV; next try in 2 s";
  EXPECT_EQ(status({process}).output,
            "web:0                            BACKOFF   killed by SIGSEGV; next try in 2 s; "
            "restarted once; last line: out of cheese\n");
}

TEST(RenderStatus, ExitsWithThreeWhenSomethingWillNotStartByItself) {
  for (const char* state : {"STOPPED", "EXITED", "FATAL"}) {
    EXPECT_EQ(
        status({{.name = "a:0", .state = "RUNNING"}, {.name = "a:1", .state = state}}).exit_code, 3)
        << state;
  }
  for (const char* state : {"RUNNING", "STARTING", "BACKOFF", "STOPPING"}) {
    EXPECT_EQ(status({{.name = "a:0", .state = state}}).exit_code, 0) << state;
  }
  EXPECT_EQ(status({}).exit_code, 0);
}

TEST(RenderStatus, ExitsWithFourForAnUnknownName) {
  EXPECT_EQ(verdict(Method::Status, {.name = "wbe", .code = "no_such_process"}),
            (Rendering{.output = "wbe: ERROR (no such process)\n", .exit_code = 4}));
  EXPECT_EQ(render({.method = Method::Status}, {.error = "no pool \"wbe\""}),
            (Rendering{.errors = "reevectl: no pool \"wbe\"\n", .exit_code = 4}));
}

TEST(RenderVerdict, SuccessIsAWord) {
  for (const auto& [method, code] : {std::pair(Method::Start, "started"),
                                     {Method::Stop, "stopped"},
                                     {Method::Restart, "restarted"},
                                     {Method::Signal, "signalled"},
                                     {Method::Scale, "scaled"}}) {
    EXPECT_EQ(verdict(method, {.name = "web:0", .ok = true, .code = code}),
              (Rendering{.output = "web:0: " + std::string(code) + "\n"}));
  }
}

TEST(RenderVerdict, OfAGroupWhatIsSoAlreadyIsNotTold) {
  const std::vector<ipc::control::Verdict> down = {{.name = "web:0", .code = "not_running"}};
  const std::vector<ipc::control::Verdict> up = {{.name = "web:0", .code = "already_started"}};
  for (const char* group : {"all", "web:*", "web:", "web"}) {
    for (const Method method : {Method::Stop, Method::Signal}) {
      EXPECT_EQ(render({.method = method, .names = {group}}, {.verdicts = down}), Rendering{});
    }
    EXPECT_EQ(render({.method = Method::Start, .names = {group}}, {.verdicts = up}), Rendering{});
    EXPECT_EQ(render({.method = Method::Pid, .names = {group}}, {.processes = {{.name = "web:0"}}}),
              (Rendering{.output = "0\n"}));
  }
  EXPECT_EQ(render({.method = Method::Shutdown}, {.verdicts = down}), Rendering{});
  EXPECT_EQ(render({.method = Method::Signal, .names = {"web:0"}}, {.verdicts = down}),
            (Rendering{.output = "web:0: ERROR (not running)\n", .exit_code = 7}));
  EXPECT_EQ(render({.method = Method::Stop, .names = {"all", "web:0"}}, {.verdicts = down}),
            (Rendering{.output = "web:0: ERROR (not running)\n"}));
}

TEST(RenderVerdict, FailureHasSupervisorctlsWordsAndExitCodes) {
  struct Case {
    Method method;
    const char* code;
    const char* words;
    int exit_code;
  };
  for (const Case& expected : {
           Case{Method::Start, "already_started", "already started", 0},
           Case{Method::Start, "no_such_process", "no such process", 1},
           Case{Method::Start, "spawn_error", "spawn error", 7},
           Case{Method::Start, "abnormal_termination", "abnormal termination", 7},
           Case{Method::Stop, "not_running", "not running", 0},
           Case{Method::Signal, "not_running", "not running", 7},
           Case{Method::Signal, "bad_signal", "bad signal name", 1},
           Case{Method::Restart, "aborted", "aborted", 1},
           Case{Method::Restart, "not_yet_known", "not yet known", 1},
       }) {
    const Rendering shown = verdict(expected.method, {.name = "web:0", .code = expected.code});
    EXPECT_EQ(shown.output, "web:0: ERROR (" + std::string(expected.words) + ")\n");
    EXPECT_EQ(shown.exit_code, expected.exit_code) << expected.code;
  }
}

TEST(RenderVerdict, TheReasonFollowsAndLastWordsAreIndented) {
  EXPECT_EQ(verdict(Method::Start, {.name = "web:0",
                                    .code = "spawn_error",
                                    .text = "exited with code 7\nredis: refused\n\nbye\n"})
                .output,
            "web:0: ERROR (spawn error): exited with code 7\n  redis: refused\n  \n  bye\n");
  EXPECT_EQ(verdict(Method::Restart,
                    {.name = "web", .ok = true, .code = "rolled", .text = "1 old one drains"})
                .output,
            "web: restarted; 1 old one drains\n");
}

TEST(RenderVerdict, OneFailureAmongSeveralFailsTheCommand) {
  const Rendering shown = render({.method = Method::Start},
                                 {.verdicts = {{.name = "a:0", .code = "spawn_error"},
                                               {.name = "a:1", .ok = true, .code = "started"}}});
  EXPECT_EQ(shown.output, "a:0: ERROR (spawn error)\na:1: started\n");
  EXPECT_EQ(shown.exit_code, 7);
}

TEST(RenderVerdict, AboutTheMasterHasNoName) {
  EXPECT_EQ(verdict(Method::Shutdown, {.ok = true, .code = "shutdown"}).output, "Shut down\n");
  EXPECT_EQ(verdict(Method::Reload, {.ok = true, .code = "reloaded"}).output, "reloaded\n");
}

TEST(RenderVerdict, ARefusedRequestGoesToStderr) {
  EXPECT_EQ(render({.method = Method::Restart}, {.error = "another reload is at work"}),
            (Rendering{.errors = "reevectl: another reload is at work\n", .exit_code = 1}));
}

TEST(RenderError, AMethodThatTheMasterDoesNotKnowNamesBothVersions) {
  const Reply reply{.error = "unknown method \"dev.reeve.Fly\": this master is version 0.0.9"};
  EXPECT_EQ(
      render({.method = Method::Restart}, reply).errors,
      fmt::format("reevectl: {}, and this reevectl version {}\n", *reply.error, ipc::kVersion));
}

TEST(RenderVerdict, DeploymentsAreDoneOrNot) {
  for (const Method method :
       {Method::Deploy, Method::Rollback, Method::Rehearse, Method::Upgrade}) {
    EXPECT_EQ(verdict(method, {.name = "web", .code = "spawn_error"}).exit_code, 1);
    EXPECT_EQ(verdict(method, {.name = "web", .code = "not_running"}).exit_code, 1);
    EXPECT_EQ(verdict(method, {.name = "web", .ok = true, .code = "deployed"}),
              (Rendering{.output = "web: deployed\n"}));
  }
}

TEST(RenderVerdict, ARollIsWhatItWasAskedAs) {
  const auto rolled = [](Method method) {
    return verdict(method, {.name = "web", .ok = true, .code = "rolled"}).output;
  };
  EXPECT_EQ(rolled(Method::Restart), "web: restarted\n");
  EXPECT_EQ(rolled(Method::Deploy), "web: deployed\n");
  EXPECT_EQ(rolled(Method::Rollback), "web: rolled back\n");
}

TEST(RenderVerdict, HowItGoesStandsAboveTheVerdict) {
  const Request deploy{.method = Method::Deploy, .names = {"web"}};
  EXPECT_EQ(render(deploy, {.continues = true, .text = "web: canary web:2 is ready"}),
            (Rendering{.output = "web: canary web:2 is ready\n"}));
  EXPECT_EQ(render(deploy, {.verdicts = {{.name = "web", .ok = true, .code = "deployed"}},
                            .text = "p99 3 ms\n"}),
            (Rendering{.output = "p99 3 ms\nweb: deployed\n"}));
}

TEST(RenderReports, AreShownAsTheyAre) {
  EXPECT_EQ(render({.method = Method::Why}, {.text = "web:0: killed by SIGSEGV\n  /slow 3 s\n"}),
            (Rendering{.output = "web:0: killed by SIGSEGV\n  /slow 3 s\n"}));
  EXPECT_EQ(verdict(Method::Why, {.name = "wbe", .code = "no_such_process"}),
            (Rendering{.output = "wbe: ERROR (no such process)\n", .exit_code = 1}));
  EXPECT_EQ(render({.method = Method::Events}, {.continues = true, .text = "web:0 started"}),
            (Rendering{.output = "web:0 started\n"}));
}

TEST(RenderTail, EndsWellWhenTheMasterSaysSo) {
  for (const Method method : {Method::Tail, Method::Maintail, Method::Events}) {
    EXPECT_EQ(render({.method = method, .more = true}, {}), (Rendering{}));
  }
  EXPECT_EQ(render({.method = Method::Maintail}, {.text = "a\nb"}), (Rendering{.output = "a\nb"}));
}

TEST(RenderPid, IsTheMastersOrThoseNamed) {
  const Request master{.method = Method::Pid};
  EXPECT_EQ(render(master, {.processes = {{.pid = 5}}, .master_pid = 42}).output, "42\n");
  const Request web{.method = Method::Pid, .names = {"web"}};
  EXPECT_EQ(render(web, {.processes = {{.pid = 5}, {.pid = 6}}, .master_pid = 42}),
            (Rendering{.output = "5\n6\n"}));
  const Request one{.method = Method::Pid, .names = {"web:0", "web:1"}};
  EXPECT_EQ(render(one, {.processes = {{.name = "web:0", .pid = 5}, {.name = "web:1"}}}),
            (Rendering{.output = "5\n0\n", .exit_code = 7}));
}

TEST(RenderTail, IsTheLogAsItIs) {
  EXPECT_EQ(render({.method = Method::Tail}, {.text = "a\nb"}), (Rendering{.output = "a\nb"}));
}

TEST(RenderVersion, IsALine) {
  EXPECT_EQ(render({.method = Method::Version}, {.text = "0.1.0"}),
            (Rendering{.output = "0.1.0\n"}));
}

}  // namespace
}  // namespace reeve::supervisor::ctl
