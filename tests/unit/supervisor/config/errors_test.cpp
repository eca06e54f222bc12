// Each kind of error, word for word: what the user reads names the place, the thing, the cause and
// the remedy.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/supervisor/config/support.hpp"

namespace reeve::supervisor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ConfigErrors, ComeAllAtOnceInFileOrder) {
  EXPECT_THAT(
      errors_of(R"([pool.web]
grace = 30
command = []
wrokers = 2

[listen.http]
address = "nowhere"

[supervisor]
log = { level = "loud" }
)"),
      ElementsAre("t.toml:2:9: pool.web.grace: expected a duration such as \"250ms\", \"30s\" "
                  "or \"1m30s\", found the number 30",
                  "t.toml:3:11: pool.web.command: the array is empty; its first string is the "
                  "program",
                  "t.toml:4:1: pool.web.wrokers: unknown key (did you mean \"workers\"?)",
                  "t.toml:7:11: listen.http.address: address \"nowhere\": no port; write "
                  "HOST:PORT or unix:/PATH",
                  "t.toml:10:17: supervisor.log.level: expected one of \"debug\", \"info\", "
                  "\"warn\", \"error\", found \"loud\""));
}

TEST(ConfigErrors, SyntaxIsOneError) {
  EXPECT_THAT(errors_of("[pool.web\n"),
              ElementsAre("t.toml:1:10: not valid TOML: Error while parsing table header: expected "
                          "']', saw '\\n'"));
}

TEST(ConfigErrors, NothingToRun) {
  EXPECT_THAT(errors_of(""),
              ElementsAre("t.toml:1:1: there is nothing to run; add a table [pool.NAME]"));
  EXPECT_THAT(errors_of("[pool]"),
              ElementsAre("t.toml:1:1: there is nothing to run; add a table [pool.NAME]"));
}

// Keys

TEST(ConfigErrors, UnknownKeyNamesTheNearest) {
  EXPECT_THAT(pool_errors("gracee = '1s'"),
              ElementsAre("t.toml:3:1: pool.web.gracee: unknown key (did you mean \"grace\"?)"));
  EXPECT_THAT(errors_of("[pools.web]\n" + std::string(kPool)),
              ElementsAre("t.toml:1:2: pools: unknown key (did you mean \"pool\"?)"));
  EXPECT_THAT(
      pool_errors("backoff = { fisrt = '1s' }"),
      ElementsAre("t.toml:3:13: pool.web.backoff.fisrt: unknown key (did you mean \"first\"?)"));
}

TEST(ConfigErrors, UnknownKeyUnlikeAnyListsTheKnownOnes) {
  EXPECT_THAT(
      errors_of(std::string(kPool) + "[listen.http]\naddress = ':1'\ncolour = 'red'"),
      ElementsAre("t.toml:5:1: listen.http.colour: unknown key; known here: address, backlog, "
                  "sockets, mode, owner, group"));
  EXPECT_THAT(
      errors_of("colour = 1\n" + std::string(kPool)),
      ElementsAre("t.toml:1:1: colour: unknown key; known here: include, supervisor, listen.NAME, "
                  "pool.NAME"));
}

TEST(ConfigErrors, QuotedKeyWithADotIsNotThePathItLooksLike) {
  EXPECT_THAT(pool_errors("'give_up.failures' = 3"),
              ElementsAre(::testing::HasSubstr("pool.web.give_up.failures: unknown key")));
}

TEST(ConfigErrors, MissingRequiredKey) {
  EXPECT_THAT(errors_of("\n[pool.web]\nworkers = 1\n"),
              ElementsAre("t.toml:2:1: pool.web: no \"command\", which is required"));
  EXPECT_THAT(errors_of(std::string(kPool) + "[listen.http]\n"),
              ElementsAre("t.toml:3:1: listen.http: no \"address\", which is required"));
}

TEST(ConfigErrors, TableWhereAValueBelongsAndTheOtherWayRound) {
  EXPECT_THAT(
      pool_errors("backoff = '1s'"),
      ElementsAre("t.toml:3:11: pool.web.backoff: expected a table, found the string \"1s\""));
  EXPECT_THAT(
      pool_errors("grace = { }"),
      ElementsAre("t.toml:3:9: pool.web.grace: expected a duration such as \"250ms\", \"30s\" or "
                  "\"1m30s\", found a table"));
  EXPECT_THAT(errors_of("supervisor = 1\n" + std::string(kPool)),
              ElementsAre("t.toml:1:14: supervisor: expected a table, found the number 1"));
  EXPECT_THAT(errors_of("pool = 1.5"),
              ElementsAre("t.toml:1:8: pool: expected tables [pool.NAME], found the number 1.5"));
  EXPECT_THAT(errors_of("[[pool]]\ncommand = ['true']"),
              ElementsAre("t.toml:1:1: pool: expected tables [pool.NAME], found an array"));
  EXPECT_THAT(
      errors_of("[pool]\ncommand = ['true']"),
      ElementsAre("t.toml:2:11: pool.command: expected a table [pool.NAME], found an array"));
}

// Names

TEST(ConfigErrors, NamesOfPoolsAndListeners) {
  EXPECT_THAT(errors_of("[pool.'we b']\ncommand = ['true']"),
              ElementsAre("t.toml:1:7: pool.we b: the name \"we b\" may only have letters, digits, "
                          "\"_\" and \"-\""));
  EXPECT_THAT(errors_of("[pool.'']\ncommand = ['true']"),
              ElementsAre("t.toml:1:7: pool.: the name is empty"));
  EXPECT_THAT(errors_of(std::string(kPool) + "[listen.'a:b']\naddress = ':1'"),
              ElementsAre("t.toml:3:9: listen.a:b: the name \"a:b\" may only have letters, digits, "
                          "\"_\" and \"-\""));
  const std::string longest(64, 'x');
  EXPECT_THAT(errors_of("[pool." + longest + "]\ncommand = ['true']"), IsEmpty());
  EXPECT_THAT(
      errors_of("[pool." + longest + "x]\ncommand = ['true']"),
      ElementsAre("t.toml:1:7: pool." + longest + "x: the name is longer than 64 characters"));
}

TEST(ConfigErrors, PoolCannotBeCalledAll) {
  EXPECT_THAT(
      errors_of("[pool.all]\ncommand = ['true']"),
      ElementsAre("t.toml:1:1: pool.all: the name \"all\" means every pool to reevectl; choose "
                  "another"));
}

// Values

TEST(ConfigErrors, Supervisor) {
  EXPECT_THAT(
      errors_of("[supervisor]\nname = 'a b'\nruntime_dir = 'run'\nlog.format = 'jsonl'\n" +
                std::string(kPool)),
      ElementsAre("t.toml:2:8: supervisor.name: the name \"a b\" may only have letters, digits, "
                  "\"_\" and \"-\"",
                  "t.toml:3:15: supervisor.runtime_dir: \"run\" is not an absolute path, as "
                  "\"/run/reeve\" is",
                  "t.toml:4:14: supervisor.log.format: expected one of \"text\", \"json\", found "
                  "\"jsonl\" (did you mean \"json\"?)"));
}

TEST(ConfigErrors, RuntimeDirLeavesRoomForItsSockets) {
  const auto with_dir = [](const std::string& path) {
    return errors_of("[supervisor]\nruntime_dir = '" + path + "'\n" + std::string(kPool));
  };
  const std::string longest = "/" + std::string(93, 'd');
  EXPECT_THAT(with_dir(longest), IsEmpty());
  EXPECT_THAT(with_dir(longest + "d"),
              ElementsAre("t.toml:2:15: supervisor.runtime_dir: \"" + longest +
                          "d\" is too long for the sockets in it; shorten it to 94 bytes"));
}

TEST(ConfigErrors, Address) {
  const auto listen = [](const std::string& line) {
    return errors_of(std::string(kPool) + "[listen.http]\n" + line);
  };
  EXPECT_THAT(listen("address = 8000"),
              ElementsAre("t.toml:4:11: listen.http.address: expected a string such as "
                          "\"127.0.0.1:8000\" or \"unix:/run/app.sock\", found the number 8000"));
  EXPECT_THAT(
      listen("address = '127.0.0.1:65536'"),
      ElementsAre("t.toml:4:11: listen.http.address: address \"127.0.0.1:65536\": the port is "
                  "not a number from 0 to 65535"));
  EXPECT_THAT(listen("address = 'unix:/" + std::string(200, 'x') + "'"),
              ElementsAre(::testing::HasSubstr("the path has 201 bytes, the kernel allows 107")));
  EXPECT_THAT(
      listen("address = ':1'\nbacklog = 0"),
      ElementsAre("t.toml:5:11: listen.http.backlog: expected a whole number from 1 to 1000000, "
                  "found the number 0"));
}

TEST(ConfigErrors, ASocketForEachWorkerIsForTcp) {
  EXPECT_THAT(
      errors_of(std::string(kPool) + "[listen.a]\naddress = 'unix:/run/a'\nsockets = 'per-worker'"),
      ElementsAre("t.toml:5:11: listen.a.sockets: unix:/run/a cannot have a socket for each "
                  "worker, only a TCP address can; remove it, or say \"shared\""));
}

TEST(ConfigErrors, OnlyAUnixSocketHasAFileWithAMode) {
  const auto errors = [](std::string_view line) {
    return errors_of(std::string(kPool) + "[listen.a]\naddress = 'unix:/run/a'\n" +
                     std::string(line));
  };
  EXPECT_THAT(errors("mode = '0660'\nowner = 'root'\ngroup = '0'"), ElementsAre());
  EXPECT_THAT(errors("mode = 0o660"), ElementsAre());
  for (const char* wrong : {"mode = 660", "mode = '0680'", "mode = '01777'", "mode = ''"}) {
    EXPECT_THAT(errors(wrong),
                ElementsAre(HasSubstr("listen.a.mode: expected permissions in octal")));
  }
  EXPECT_THAT(errors("owner = 'a:b'"), ElementsAre(HasSubstr("listen.a.owner: expected one name")));
  EXPECT_THAT(errors_of(std::string(kPool) + "[listen.a]\naddress = ':80'\ngroup = 'www'"),
              ElementsAre(HasSubstr("listen.a.group: 0.0.0.0:80 has no file of the master's own")));
}

TEST(ConfigErrors, AListenerOnAPartOfAnother) {
  EXPECT_THAT(errors_of(std::string(kPool) + "[listen.a]\naddress = ':8000'\n"
                                             "[listen.b]\naddress = '[::]:8000'\n"
                                             "[listen.c]\naddress = '[::1]:8001'\n"
                                             "[listen.d]\naddress = ':8001'\n"),
              ElementsAre("t.toml:4:11: listen.a.address: 0.0.0.0:8000 is part of [::]:8000, the "
                          "address of listen.b; remove one of them"));
}

TEST(ConfigErrors, TwoListenersOnOneAddress) {
  EXPECT_THAT(errors_of(std::string(kPool) + "[listen.a]\naddress = ':8000'\n"
                                             "[listen.b]\naddress = '0.0.0.0:8000'\n"),
              ElementsAre("t.toml:6:11: listen.b.address: 0.0.0.0:8000 is the address of listen.a "
                          "already; give it another"));
  EXPECT_THAT(
      errors_of(std::string(kPool) + "[listen.a]\naddress = ':0'\n[listen.b]\naddress = ':0'"),
      IsEmpty());
}

TEST(ConfigErrors, Command) {
  EXPECT_THAT(
      errors_of("[pool.web]\ncommand = 'sleep 60'"),
      ElementsAre("t.toml:2:11: pool.web.command: expected an array of strings, one a word, as "
                  "in [\"sleep\", \"60\"]; no shell reads it"));
  EXPECT_THAT(
      errors_of("[pool.web]\ncommand = 1"),
      ElementsAre("t.toml:2:11: pool.web.command: expected an array of strings, found the number "
                  "1"));
  EXPECT_THAT(errors_of("[pool.web]\ncommand = ['sleep', 60, true]"),
              ElementsAre("t.toml:2:21: pool.web.command: expected a string, found the number 60",
                          "t.toml:2:25: pool.web.command: expected a string, found true"));
  EXPECT_THAT(
      errors_of("[pool.web]\ncommand = ['']"),
      ElementsAre("t.toml:2:11: pool.web.command: the first string, the program, is empty"));
  EXPECT_THAT(
      errors_of("[pool.web]\ncommand = ['a', \"b\\u0000\"]"),
      ElementsAre("t.toml:2:17: pool.web.command: contains a NUL byte, which no system call "
                  "takes; remove it"));
}

TEST(ConfigErrors, Workers) {
  for (const auto& [value, found] :
       std::vector<std::pair<std::string, std::string>>{{"-1", "the number -1"},
                                                        {"10001", "the number 10001"},
                                                        {"'four'", "the string \"four\""},
                                                        {"1.5", "the number 1.5"},
                                                        {"true", "true"},
                                                        {"2020-01-01", "a date or time"}}) {
    EXPECT_THAT(
        pool_errors("workers = " + value),
        ElementsAre("t.toml:3:11: pool.web.workers: expected a whole number from 0 to 10000, or "
                    "\"cores\", found " +
                    found));
  }
}

TEST(ConfigErrors, ListenNamesAnExistingListenerOnce) {
  const std::string http = "[listen.http]\naddress = ':1'\n";
  EXPECT_THAT(errors_of(http + "[pool.web]\ncommand = ['true']\nlisten = ['htpp']"),
              ElementsAre("t.toml:5:11: pool.web.listen: no listener named \"htpp\" (did you mean "
                          "\"http\"?)"));
  EXPECT_THAT(pool_errors("listen = ['http']"),
              ElementsAre("t.toml:3:11: pool.web.listen: no listener named \"http\"; add a table "
                          "[listen.http]"));
  EXPECT_THAT(errors_of(http + "[pool.web]\ncommand = ['true']\nlisten = ['http', 'http']"),
              ElementsAre("t.toml:5:19: pool.web.listen: \"http\" is listed twice; remove one"));
  EXPECT_THAT(
      pool_errors("listen = 'http'"),
      ElementsAre("t.toml:3:10: pool.web.listen: expected an array of strings, found the string "
                  "\"http\""));
}

TEST(ConfigErrors, PlaceholderNamesAListenerOfThePool) {
  const std::string listen = "[listen.http]\naddress = ':1'\n[listen.admin]\naddress = ':2'\n";
  const auto command = [&](const std::string& argument) {
    return errors_of(listen + "[pool.web]\nlisten = ['http']\ncommand = ['x', '" + argument + "']");
  };
  EXPECT_THAT(command("--fd=${fd:http},${fd:http} $${HOME} $HOME ${slot}"), IsEmpty());
  EXPECT_THAT(command("${HOME}"),
              ElementsAre("t.toml:7:17: pool.web.command: ${HOME} means nothing here, only "
                          "${fd:NAME}, ${slot} and ${port} do; write $${HOME} to pass it on"));
  EXPECT_THAT(command("${port}"), ElementsAre("t.toml:7:17: pool.web.command: ${port} is of a pool "
                                              "with a `port`; set it"));
  EXPECT_THAT(
      command("${fd:htpp}"),
      ElementsAre("t.toml:7:17: pool.web.command: ${fd:htpp} is not one of the pool's listeners "
                  "(did you mean \"http\"?); add it to \"listen\""));
  EXPECT_THAT(command("${fd:admin}"),
              ElementsAre("t.toml:7:17: pool.web.command: ${fd:admin} is not one of the pool's "
                          "listeners; add it to \"listen\""));
  EXPECT_THAT(command("${fd:http"),
              ElementsAre("t.toml:7:17: pool.web.command: \"${\" without its \"}\"; write "
                          "${fd:NAME}, or $${ to pass it on"));
}

TEST(ConfigErrors, Ready) {
  const std::string wanted =
      "expected \"notify\", \"started\", { after = \"2s\" }, { log = \"regex\" }, { http = "
      "\"/path\" }, { tcp = 8080 } or { command = [\"check\"] }, found ";
  EXPECT_THAT(pool_errors("ready = 'notfy'"), ElementsAre("t.toml:3:9: pool.web.ready: " + wanted +
                                                          "\"notfy\" (did you mean \"notify\"?)"));
  EXPECT_THAT(pool_errors("ready = 2"),
              ElementsAre("t.toml:3:9: pool.web.ready: " + wanted + "the number 2"));
  EXPECT_THAT(pool_errors("ready = {}"),
              ElementsAre("t.toml:3:9: pool.web.ready: " + wanted + "an empty table"));
  EXPECT_THAT(
      pool_errors("ready = { after = '1s', log = 'x' }"),
      ElementsAre("t.toml:3:9: pool.web.ready: has both \"after\" and \"log\"; remove one"));
  EXPECT_THAT(
      pool_errors("ready = { afer = '1s' }"),
      ElementsAre("t.toml:3:11: pool.web.ready.afer: unknown key (did you mean \"after\"?)"));
  EXPECT_THAT(
      pool_errors("ready = { after = '25h' }"),
      ElementsAre("t.toml:3:19: pool.web.ready.after: expected a duration from 0s to 24h, found "
                  "the string \"25h\""));
}

TEST(ConfigErrors, ReadyPattern) {
  EXPECT_THAT(
      pool_errors("ready = { log = '(' }"),
      ElementsAre(::testing::StartsWith(
          "t.toml:3:17: pool.web.ready.log: \"(\" is not a regular expression (ECMAScript): ")));
  EXPECT_THAT(pool_errors("ready = { log = '' }"),
              ElementsAre("t.toml:3:17: pool.web.ready.log: the pattern is empty; every line would "
                          "match"));
  EXPECT_THAT(pool_errors("ready = { log = '" + std::string(1001, 'x') + "' }"),
              ElementsAre("t.toml:3:17: pool.web.ready.log: the pattern is longer than 1000 "
                          "characters"));
}

TEST(ConfigErrors, RangesOfDurations) {
  for (const char* key : {"grace", "start_timeout"}) {
    EXPECT_THAT(
        pool_errors(std::string(key) + " = '0s'"),
        ElementsAre(::testing::HasSubstr(
            std::string(key) + ": expected a duration from 1ms to 24h, found the string \"0s\"")));
  }
  EXPECT_THAT(pool_errors("idle_drain = '0s'"), IsEmpty());
  EXPECT_THAT(
      pool_errors("idle_drain = '24h1ms'"),
      ElementsAre("t.toml:3:14: pool.web.idle_drain: expected a duration from 0s to 24h, found "
                  "the string \"24h1ms\""));
}

TEST(ConfigErrors, RangesOfNumbers) {
  EXPECT_THAT(
      pool_errors("rolling = { surge = -1, max_draining = 0 }"),
      ElementsAre("t.toml:3:21: pool.web.rolling.surge: expected a whole number from 0 to "
                  "10000, found the number -1",
                  "t.toml:3:40: pool.web.rolling.max_draining: expected a whole number from 1 "
                  "to 10000, found the number 0"));
  EXPECT_THAT(
      pool_errors("give_up = { failures = 0, within = '1h' }"),
      ElementsAre("t.toml:3:24: pool.web.give_up.failures: expected a whole number from 1 to "
                  "1000, found the number 0"));
}

TEST(ConfigErrors, Restart) {
  EXPECT_THAT(
      pool_errors("restart = 'on_failure'"),
      ElementsAre("t.toml:3:11: pool.web.restart: expected one of \"always\", \"on-failure\", "
                  "\"never\", found \"on_failure\" (did you mean \"on-failure\"?)"));
}

TEST(ConfigErrors, TimesThatContradictEachOther) {
  EXPECT_THAT(
      pool_errors("ready = { after = '2m' }"),
      ElementsAre("t.toml:3:9: pool.web.ready: ready after 2m, but killed at the start_timeout "
                  "of 1m: it would never serve; raise start_timeout"));
  EXPECT_THAT(
      pool_errors("backoff = { first = '1m' }"),
      ElementsAre("t.toml:3:11: pool.web.backoff: first, 1m, is longer than max, 30s; raise "
                  "max"));
}

TEST(ConfigErrors, Env) {
  EXPECT_THAT(pool_errors("env = { PORT = 8000 }"),
              ElementsAre("t.toml:3:16: pool.web.env.PORT: expected a string, in quotes, found the "
                          "number 8000"));
  EXPECT_THAT(
      pool_errors("env = 'A=b'"),
      ElementsAre("t.toml:3:7: pool.web.env: expected a table such as { LOG_LEVEL = \"info\" }, "
                  "found the string \"A=b\""));
  EXPECT_THAT(
      pool_errors("env = { 'A=' = 'b', '' = 'c' }"),
      ElementsAre("t.toml:3:9: pool.web.env.A=: the name of a variable cannot contain \"=\"",
                  "t.toml:3:21: pool.web.env.: the name of a variable is empty"));
}

TEST(ConfigErrors, EnvCannotHoldWhatTheMasterSets) {
  for (const char* name :
       {"NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "REEVE_SLOT", "WATCHDOG_USEC"}) {
    EXPECT_THAT(pool_errors("env = { " + std::string(name) + " = '1' }"),
                ElementsAre("t.toml:3:9: pool.web.env." + std::string(name) +
                            ": reeve sets this variable itself, for each worker; remove it"));
  }
}

TEST(ConfigErrors, ShowForeignTextAsOneHarmlessLine) {
  EXPECT_THAT(
      pool_errors("restart = \"a\\u001b[2J\\nb\""),
      ElementsAre("t.toml:3:11: pool.web.restart: expected one of \"always\", \"on-failure\", "
                  "\"never\", found \"a?[2J b\""));
}

}  // namespace
}  // namespace reeve::supervisor
