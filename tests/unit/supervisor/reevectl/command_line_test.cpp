#include "supervisor/reevectl/command_line.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>

namespace reeve::supervisor::ctl {
namespace {

using ipc::control::Method;
using ipc::control::Request;
using ipc::control::ScaleBy;
using testing::HasSubstr;

std::expected<Command, std::string> parse(const std::string& line) {
  std::istringstream words(line);
  return parse_command_line({std::istream_iterator<std::string>(words), {}});
}

Ask ask(const std::string& line) {
  const auto command = parse(line);
  if (!command || !std::holds_alternative<Ask>(*command)) {
    ADD_FAILURE() << line << ": " << (command ? "no request" : command.error());
    return {};
  }
  return std::get<Ask>(*command);
}

Request request(const std::string& line) { return ask(line).request; }

std::string error(const std::string& line) {
  const auto command = parse(line);
  return command ? "no error" : command.error();
}

std::string text(const std::string& line) { return std::get<ShowText>(parse(line).value()).text; }

TEST(CommandLine, EveryCommandIsARequest) {
  EXPECT_EQ(request("status"), (Request{.method = Method::Status}));
  EXPECT_EQ(request("status web:0 all"),
            (Request{.method = Method::Status, .names = {"web:0", "all"}}));
  EXPECT_EQ(request("start web"), (Request{.method = Method::Start, .names = {"web"}}));
  EXPECT_EQ(request("stop web:*"), (Request{.method = Method::Stop, .names = {"web:*"}}));
  EXPECT_EQ(request("restart web:"),
            (Request{.method = Method::Restart, .names = {"web:"}, .more = true}));
  EXPECT_EQ(request("pid"), (Request{.method = Method::Pid}));
  EXPECT_EQ(request("pid web:0"), (Request{.method = Method::Pid, .names = {"web:0"}}));
  EXPECT_EQ(request("signal HUP web jobs:1"),
            (Request{.method = Method::Signal, .names = {"web", "jobs:1"}, .signal = "HUP"}));
  EXPECT_EQ(request("reload"), (Request{.method = Method::Reload}));
  EXPECT_EQ(request("shutdown"), (Request{.method = Method::Shutdown}));
  EXPECT_EQ(request("version"), (Request{.method = Method::Version}));
}

TEST(CommandLine, StatusLooksInsideOneWayAtATime) {
  EXPECT_EQ(request("status web:0 --lifespan"),
            (Request{.method = Method::Status, .names = {"web:0"}, .lifespan = true}));
  EXPECT_EQ(request("status --schedule"), (Request{.method = Method::Status, .schedule = true}));
  EXPECT_THAT(error("status --schedule --lifespan"), HasSubstr("excludes"));
}

TEST(CommandLine, HardGoesBeforeOrAfterTheNames) {
  const Request hard{
      .method = Method::Restart, .names = {"web", "jobs"}, .hard = true, .more = true};
  EXPECT_EQ(request("restart --hard web jobs"), hard);
  EXPECT_EQ(request("restart web jobs --hard"), hard);
}

TEST(CommandLine, ScaleTakesNumbersThatLookLikeOptions) {
  const auto scaled = [](ScaleBy by) {
    return Request{.method = Method::Scale, .names = {"web"}, .scale = by};
  };
  EXPECT_EQ(request("scale web 4"), scaled({false, 4}));
  EXPECT_EQ(request("scale web +1"), scaled({true, 1}));
  EXPECT_EQ(request("scale web -2"), scaled({true, -2}));
  EXPECT_EQ(request("scale tail -2").names, std::vector<std::string>{"tail"});
  EXPECT_THAT(error("scale web many"), HasSubstr("\"many\" is not a number of workers"));
  EXPECT_THAT(error("scale web"), HasSubstr("scale: how many workers? reevectl scale POOL N"));
  EXPECT_THAT(error("scale web 1 2"), HasSubstr("unexpected argument \"2\""));
}

TEST(CommandLine, TailTakesAByteCountAsSupervisorctlDoes) {
  EXPECT_EQ(request("tail web:0"), (Request{.method = Method::Tail, .names = {"web:0"}}));
  EXPECT_EQ(request("tail -100 web:0"),
            (Request{.method = Method::Tail, .names = {"web:0"}, .bytes = 100}));
  EXPECT_EQ(request("tail -f -100 web:0"),
            (Request{.method = Method::Tail, .names = {"web:0"}, .more = true, .bytes = 100}));
  for (const char* line : {"tail web:0 stderr", "tail web:0 stdout"}) {
    EXPECT_EQ(request(line), (Request{.method = Method::Tail, .names = {"web:0"}})) << line;
  }
  EXPECT_THAT(error("tail -f"), HasSubstr("tail: which process? reevectl tail NAME…"));
  EXPECT_THAT(error("tail -100"), HasSubstr("which process?"));
  EXPECT_THAT(error("tail web:0 web:1"), HasSubstr("which process?"));
  EXPECT_THAT(error("tail -10x web:0"), HasSubstr("-10x"));
}

TEST(CommandLine, MaintailIsOfTheMaster) {
  EXPECT_EQ(request("maintail"), (Request{.method = Method::Maintail}));
  EXPECT_EQ(request("maintail -f -100"),
            (Request{.method = Method::Maintail, .more = true, .bytes = 100}));
  EXPECT_THAT(error("maintail web:0"), HasSubstr("for a worker use `reevectl tail NAME`"));
}

TEST(CommandLine, DeploymentsAreOfOnePool) {
  using namespace std::chrono_literals;
  EXPECT_EQ(request("deploy web"),
            (Request{.method = Method::Deploy, .names = {"web"}, .more = true}));
  EXPECT_EQ(request("deploy web --canary 2 --watch 1m30s --wait"),
            (Request{.method = Method::Deploy,
                     .names = {"web"},
                     .wait = true,
                     .canary = 2,
                     .watch = 90s,
                     .more = true}));
  EXPECT_EQ(request("deploy --canary 1 web").watch, 30s);
  EXPECT_EQ(request("rollback web --wait"),
            (Request{.method = Method::Rollback, .names = {"web"}, .wait = true, .more = true}));
  EXPECT_EQ(request("rehearse web"),
            (Request{.method = Method::Rehearse, .names = {"web"}, .more = true}));
  EXPECT_EQ(request("upgrade"), (Request{.method = Method::Upgrade, .more = true}));
  for (const char* verb : {"deploy", "rollback", "rehearse"}) {
    EXPECT_EQ(error(verb), fmt::format("{0}: which pool? reevectl {0} POOL", verb));
    EXPECT_THAT(error(std::string(verb) + " web jobs"), HasSubstr("unexpected argument \"jobs\""));
  }
}

TEST(CommandLine, ACanaryIsWatchedForATimeAsTheConfigurationWritesIt) {
  for (const char* time : {"30", "0s", "25h", "soon"}) {
    EXPECT_THAT(error(std::string("deploy web --canary 1 --watch ") + time),
                HasSubstr(std::string("\"") + time + "\" is not a time to watch"));
  }
  EXPECT_THAT(error("deploy web --watch 30s"), HasSubstr("add --canary N"));
  EXPECT_THAT(error("deploy web --canary 0"), HasSubstr("--canary"));
  EXPECT_THAT(error("deploy web --canary many"), HasSubstr("--canary"));
}

TEST(CommandLine, ConfigurationAndWhatHappened) {
  EXPECT_EQ(request("reread"), (Request{.method = Method::Reread}));
  EXPECT_EQ(request("avail"), (Request{.method = Method::Avail}));
  EXPECT_EQ(request("update"), (Request{.method = Method::Update, .more = true}));
  EXPECT_EQ(
      request("update web jobs --wait"),
      (Request{.method = Method::Update, .names = {"web", "jobs"}, .wait = true, .more = true}));
  EXPECT_EQ(request("add web"), (Request{.method = Method::Add, .names = {"web"}}));
  EXPECT_EQ(request("remove web"), (Request{.method = Method::Remove, .names = {"web"}}));
  EXPECT_EQ(request("clear all"), (Request{.method = Method::Clear, .names = {"all"}}));
  EXPECT_EQ(request("why"), (Request{.method = Method::Why}));
  EXPECT_EQ(request("why web:0"), (Request{.method = Method::Why, .names = {"web:0"}}));
  EXPECT_EQ(request("events"), (Request{.method = Method::Events, .more = true}));
  for (const char* verb : {"add", "remove"})
    EXPECT_EQ(error(verb), fmt::format("{0}: which pool? reevectl {0} POOL…", verb));
  EXPECT_THAT(error("clear"), HasSubstr("clear: which process? reevectl clear NAME…"));
  for (const char* verb : {"reread", "avail", "events", "upgrade"}) {
    EXPECT_THAT(error(std::string(verb) + " web"), HasSubstr("unexpected argument \"web\""));
  }
}

TEST(CommandLine, WithoutACommandItIsAShell) {
  EXPECT_EQ(std::get<Shell>(parse("").value()), (Shell{}));
  EXPECT_EQ(std::get<Shell>(parse("-c a.toml -s b.sock --json").value()),
            (Shell{.config_path = "a.toml", .socket = "b.sock", .json = true}));
}

TEST(CommandLine, GlobalOptionsGoAnywhere) {
  for (const char* line : {"-c a.toml -s b.sock --json status", "status --json -c a.toml -s b.sock",
                           "-c a.toml status --json -s b.sock"}) {
    EXPECT_EQ(ask(line), (Ask{.config_path = "a.toml", .socket = "b.sock", .json = true})) << line;
  }
}

TEST(CommandLine, TheWordsOfACommandMayComeInOneArgument) {
  const Ask expected{.request = {.method = Method::Signal, .names = {"web:0"}, .signal = "HUP"},
                     .config_path = "a b.toml"};
  EXPECT_EQ(std::get<Ask>(parse_command_line({"-c", "a b.toml", "signal HUP web:0"}).value()),
            expected);
  EXPECT_EQ(std::get<Ask>(parse_command_line({"signal HUP", "web:0", "-c", "a b.toml"}).value()),
            expected);
  EXPECT_THAT(parse_command_line({"tail 'web:0"}).error(), HasSubstr("no closing '"));
}

TEST(CommandLine, SupervisorctlsOptionsAreTakenOrRefusedInOneLine) {
  EXPECT_EQ(ask("--configuration a.toml --serverurl unix:///b.sock status"),
            (Ask{.config_path = "a.toml", .socket = "unix:///b.sock"}));
  EXPECT_EQ(ask("-i status"), (Ask{.interactive = true}));
  EXPECT_EQ(std::get<Shell>(parse("-i").value()), Shell{});
  for (const char* line : {"-u chris status", "-p secret status", "-r history status",
                           "--username chris status", "status -u"}) {
    EXPECT_THAT(error(line), HasSubstr("only root and the master's user may use it")) << line;
    EXPECT_THAT(error(line), testing::Not(HasSubstr("\n"))) << line;
  }
}

TEST(CommandLine, AnUnknownCommandNamesTheNearest) {
  EXPECT_THAT(error("stauts"), HasSubstr("no command \"stauts\" (did you mean \"status\"?)"));
  EXPECT_THAT(error("-s x restat web"), HasSubstr("did you mean \"restart\"?"));
  EXPECT_THAT(error("rollbak web"), HasSubstr("did you mean \"rollback\"?"));
  EXPECT_THAT(error("help stauts"), HasSubstr("did you mean \"status\"?"));
  EXPECT_THAT(error("stat"), HasSubstr("did you mean \"status\"?")) << "and not start";
  for (const char* line : {"stp web", "sto web", "shutdwn", "shut", "remov web"}) {
    EXPECT_THAT(error(line), testing::Not(testing::ContainsRegex("mean \"(stop|shutdown|remove)")))
        << line;
  }
}

TEST(CommandLine, WhatIsMissingOrTooMuchIsNamed) {
  for (const char* verb : {"start", "stop", "restart"}) {
    EXPECT_EQ(error(verb), fmt::format("{0}: which process? reevectl {0} NAME…", verb));
  }
  EXPECT_EQ(error("signal"), "signal: which signal? reevectl signal SIGNAL NAME…");
  EXPECT_EQ(error("signal HUP"), "signal: which process? reevectl signal SIGNAL NAME…");
  EXPECT_THAT(error("reload web"), HasSubstr("unexpected argument \"web\""));
  EXPECT_THAT(error("start --hard web"), HasSubstr("unexpected argument \"--hard\""));
  EXPECT_THAT(error("--jsn status"), HasSubstr("unexpected argument \"--jsn\""));
  EXPECT_THAT(error("status -c"), HasSubstr("reevectl status --help"));
}

TEST(CommandLine, HelpIsOfReevectlOrOfACommand) {
  EXPECT_THAT(text("help"), HasSubstr("scale"));
  EXPECT_THAT(text("help"), HasSubstr("\nCommands:\n"));
  EXPECT_EQ(text("help"), text("--help"));
  EXPECT_THAT(text("help restart"), HasSubstr("--hard"));
  EXPECT_EQ(text("help restart"), text("restart --help"));
  EXPECT_THAT(text("--version"), testing::StartsWith("reevectl "));
}

}  // namespace
}  // namespace reeve::supervisor::ctl
