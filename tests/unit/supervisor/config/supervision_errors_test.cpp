// The errors of the keys about supervision: logs, watchdog, recycling, rolls, order. Word for word,
// as in errors_test.cpp.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/supervisor/config/support.hpp"

namespace reeve::supervisor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> supervisor_errors(std::string_view line) {
  return errors_of("[supervisor]\n" + std::string(line) + '\n' + std::string(kPool));
}

TEST(SupervisionErrors, LogFile) {
  EXPECT_THAT(supervisor_errors("log.to = 'stdout'"),
              ElementsAre("t.toml:2:10: supervisor.log.to: \"stdout\" is neither \"stderr\" nor an "
                          "absolute path, as \"/var/log/reeve.log\" is"));
  EXPECT_THAT(
      supervisor_errors("log.to = 2"),
      ElementsAre("t.toml:2:10: supervisor.log.to: expected \"stderr\", or a string with an "
                  "absolute path, found the number 2"));
  EXPECT_THAT(
      supervisor_errors("log.max_size = '50M'"),
      ElementsAre("t.toml:2:16: supervisor.log.max_size: expected a size such as \"512MiB\" "
                  "or \"1GB\", found the string \"50M\""));
  EXPECT_THAT(
      supervisor_errors("log.max_size = 100"),
      ElementsAre("t.toml:2:16: supervisor.log.max_size: expected a size from 4KiB to 1TiB, "
                  "found the number 100"));
  EXPECT_THAT(
      supervisor_errors("log.keep = -1"),
      ElementsAre("t.toml:2:12: supervisor.log.keep: expected a whole number from 0 to 1000, "
                  "found the number -1"));
  EXPECT_THAT(supervisor_errors("log.kep = 1"),
              ElementsAre("t.toml:2:5: supervisor.log.kep: unknown key (did you mean \"keep\"?)"));
}

TEST(SupervisionErrors, OnFatal) {
  EXPECT_THAT(supervisor_errors("on_fatal = 'quit'"),
              ElementsAre("t.toml:2:12: supervisor.on_fatal: expected one of \"stay\", \"exit\", "
                          "found \"quit\""));
  EXPECT_THAT(supervisor_errors("on_fatal = true"),
              ElementsAre("t.toml:2:12: supervisor.on_fatal: expected one of \"stay\", \"exit\", "
                          "found true"));
}

TEST(SupervisionErrors, Watchdog) {
  EXPECT_THAT(
      pool_errors("watchdog = 15"),
      ElementsAre("t.toml:3:12: pool.web.watchdog: expected a duration such as \"15s\", or { "
                  "timeout = \"15s\", signal = \"kill\" }, found the number 15"));
  EXPECT_THAT(pool_errors("watchdog = '1ms'"),
              ElementsAre("t.toml:3:12: pool.web.watchdog: expected a duration from 100ms to 24h, "
                          "found the string \"1ms\""));
  EXPECT_THAT(
      pool_errors("watchdog = { signal = 'term' }"),
      ElementsAre(
          "t.toml:3:12: pool.web.watchdog: no \"timeout\", which is required",
          "t.toml:3:23: pool.web.watchdog.signal: expected one of \"abort\", \"kill\", found "
          "\"term\""));
  EXPECT_THAT(
      pool_errors("watchdog = { timeuot = '1s', timeout = '1s' }"),
      ElementsAre(
          "t.toml:3:14: pool.web.watchdog.timeuot: unknown key (did you mean \"timeout\"?)"));
}

TEST(SupervisionErrors, Stop) {
  EXPECT_THAT(pool_errors("stop = 'QUITE'"),
              ElementsAre("t.toml:3:8: pool.web.stop: no signal \"QUITE\"; write QUIT or SIGQUIT"));
  EXPECT_THAT(
      pool_errors("stop = { signal = 'KILL' }"),
      ElementsAre("t.toml:3:19: pool.web.stop.signal: \"KILL\" tells nothing: no program can "
                  "act on it"));
  EXPECT_THAT(pool_errors("reload = { signal = 'KILL' }"),
              ElementsAre("t.toml:3:21: pool.web.reload.signal: \"KILL\" tells nothing: no program "
                          "can act on it"));
  EXPECT_THAT(pool_errors("stop = { to = 'all' }"),
              ElementsAre("t.toml:3:15: pool.web.stop.to: expected one of \"leader\", \"group\", "
                          "found \"all\""));
}

TEST(SupervisionErrors, Recycle) {
  EXPECT_THAT(
      pool_errors("recycle = { requests = 0, memory = '1KiB', age = '1ms', jitter = 1.5 }"),
      ElementsAre("t.toml:3:24: pool.web.recycle.requests: expected a whole number from 1 to "
                  "1000000000000, found the number 0",
                  "t.toml:3:36: pool.web.recycle.memory: expected a size from 1MiB to 1024TiB, "
                  "found the string \"1KiB\"",
                  "t.toml:3:50: pool.web.recycle.age: expected a duration from 100ms to 8760h, "
                  "found the string \"1ms\"",
                  "t.toml:3:66: pool.web.recycle.jitter: expected a number from 0 to 1, found the "
                  "number 1.5"));
  EXPECT_THAT(pool_errors("recycle.jitter = nan"),
              ElementsAre("t.toml:3:18: pool.web.recycle.jitter: expected a number from 0 to 1, "
                          "found the number nan"));
  EXPECT_THAT(
      pool_errors("recycle.memory = -1"),
      ElementsAre("t.toml:3:18: pool.web.recycle.memory: expected a size such as \"512MiB\" "
                  "or \"1GB\", found the number -1"));
  EXPECT_THAT(pool_errors("recycle = { request = 5 }"),
              ElementsAre("t.toml:3:13: pool.web.recycle.request: unknown key (did you mean "
                          "\"requests\"?)"));
}

TEST(SupervisionErrors, Rolling) {
  EXPECT_THAT(
      pool_errors("rolling = { soak = 5, on_failure = 'rolback', max_unavailable = -1 }"),
      ElementsAre("t.toml:3:20: pool.web.rolling.soak: expected a duration such as \"250ms\", "
                  "\"30s\" or \"1m30s\", found the number 5",
                  "t.toml:3:36: pool.web.rolling.on_failure: expected one of \"rollback\", "
                  "\"pause\", found \"rolback\" (did you mean \"rollback\"?)",
                  "t.toml:3:65: pool.web.rolling.max_unavailable: expected a whole number from 0 "
                  "to 10000, found the number -1"));
}

TEST(SupervisionErrors, NoSurgeWithoutSlotsThatMayBeEmptied) {
  EXPECT_THAT(
      pool_errors("rolling = { surge = 0 }"),
      ElementsAre("t.toml:3:21: pool.web.rolling.surge: without successors beside the old workers, "
                  "a roll has to empty slots first: set max_unavailable to 1 or more, or surge to "
                  "1"));
  EXPECT_THAT(pool_errors("rolling = { surge = 0, max_unavailable = 1 }"), IsEmpty());
}

TEST(SupervisionErrors, WhatUsersOfSupervisordLookFor) {
  EXPECT_THAT(pool_errors("expected_exit = [0, 256]"),
              ElementsAre("t.toml:3:21: pool.web.expected_exit: expected a whole number from 0 to "
                          "255, found the number 256"));
  EXPECT_THAT(pool_errors("umask = '028'"),
              ElementsAre("t.toml:3:9: pool.web.umask: expected a string of up to four octal "
                          "digits, as \"027\", found the string \"028\""));
  EXPECT_THAT(pool_errors("nice = 20"),
              ElementsAre("t.toml:3:8: pool.web.nice: expected a whole number from -20 to 19, "
                          "found the number 20"));
}

TEST(SupervisionErrors, PortsOfTwoPoolsDoNotOverlap) {
  const auto two = [](const std::string& more) {
    return errors_of(
        "[pool.a]\ncommand = ['true']\nworkers = 3\nport = 9000\n"
        "[pool.b]\ncommand = ['true']\n" +
        more);
  };
  EXPECT_THAT(two("port = 9003"), IsEmpty());
  EXPECT_THAT(
      two("port = 9002"),
      ElementsAre("t.toml:7:8: pool.b.port: 9002 to 9002 overlap with those of pool.a, 9000 "
                  "to 9002"));
  EXPECT_THAT(two("port = 65535\nworkers = 2"),
              ElementsAre("t.toml:7:8: pool.b.port: 2 workers from 65535 on need ports beyond "
                          "65535"));
  EXPECT_THAT(
      two("port = 9003\nrolling = { surge = 1 }"),
      ElementsAre("t.toml:8:21: pool.b.rolling.surge: two workers of a slot cannot have one "
                  "port; remove it"));
}

TEST(SupervisionErrors, AProbeCanChooseItsWorker) {
  const auto on = [](std::string_view pool) {
    return errors_of("[listen.http]\naddress = ':8000'\n[pool.web]\ncommand = ['true']\n" +
                     std::string(pool));
  };
  EXPECT_THAT(on("port = 9000\nworkers = 4\nready = { http = '/' }"), IsEmpty());
  EXPECT_THAT(on("listen = ['http']\nport = 9000\nready = { tcp = '${port}' }"), IsEmpty());
  EXPECT_THAT(on("listen = ['http']\nready = { command = ['true', '${slot}'] }"), IsEmpty());
  EXPECT_THAT(on("ready = { tcp = 8080 }\nhealth = { http = '/', port = 8080, host = '::1', "
                 "status = [200, 204], interval = '1s', timeout = '1s', failures = 1 }"),
              IsEmpty());
  for (const std::string_view ready :
       {"{ http = '/' }", "{ http = '/', port = 8000 }", "{ tcp = 8000 }"}) {
    EXPECT_THAT(on("listen = ['http']\nready = " + std::string(ready)),
                ElementsAre("t.toml:6:9: pool.web.ready: the workers share listen.http, where a "
                            "probe cannot choose which one it asks; use \"notify\", { log = "
                            "\"regex\" } or { command = [\"check\"] }, or give each a port of its "
                            "own with `port`"))
        << ready;
  }
  EXPECT_THAT(on("health = { http = '/' }"),
              ElementsAre("t.toml:5:10: pool.web.health: it is not said at which port; add port = "
                          "8080, or set the `port` of the pool"));
  EXPECT_THAT(on("workers = 2\nready = { tcp = 8080 }"),
              ElementsAre(HasSubstr("2 workers and one port, 8080: a probe cannot choose which")));
}

TEST(SupervisionErrors, ProbeSaysOneThing) {
  const auto error = [](std::string_view line) {
    std::string all;
    for (const auto& each : pool_errors("port = 9000\n" + std::string(line))) all += each + "\n";
    return all;
  };
  EXPECT_THAT(error("ready = { http = '/', tcp = 80 }"), HasSubstr("has both"));
  EXPECT_THAT(error("ready = { http = '/', log = 'x' }"), HasSubstr("has both"));
  EXPECT_THAT(error("ready = { port = 80 }"), HasSubstr("is of { http ="));
  EXPECT_THAT(error("ready = { command = ['true'], status = 200 }"),
              HasSubstr("pool.web.ready.status: means nothing beside \"command\"; remove it"));
  EXPECT_THAT(error("ready = { log = 'x', timeout = '1s' }"), HasSubstr("means nothing beside"));
  EXPECT_THAT(error("ready = { http = 'healthz' }"), HasSubstr("is no path of HTTP"));
  EXPECT_THAT(error("ready = { http = '/a b' }"), HasSubstr("is no path of HTTP"));
  EXPECT_THAT(error("ready = { http = '/', host = 'a b' }"), HasSubstr("neither an address"));
  EXPECT_THAT(error("ready = { http = '/', status = 99 }"), HasSubstr("from 100 to 599"));
  EXPECT_THAT(error("ready = { tcp = 'x' }"), HasSubstr("or \"${port}\""));
  EXPECT_THAT(error("ready = { command = ['${fd:x}'] }"), HasSubstr("a probe gets no listeners"));
  EXPECT_THAT(error("health = {}"), HasSubstr("has no \"http\", \"tcp\" or \"command\""));
  EXPECT_THAT(error("health = '/healthz'"), HasSubstr("expected a table such as"));
  EXPECT_THAT(error("health = { htp = '/' }"), HasSubstr("did you mean \"http\"?"));
  EXPECT_THAT(error("ready = { http = '/' }\nrolling = { surge = 1 }"),
              HasSubstr("two workers of a slot cannot have one port"));
}

TEST(SupervisionErrors, StartedAfterIsForStartedOnly) {
  const std::string wrong =
      "pool.web.started_after: is for ready = \"started\" only; set that, or remove this";
  EXPECT_THAT(pool_errors("started_after = '2s'"), ElementsAre("t.toml:3:17: " + wrong));
  EXPECT_THAT(pool_errors("started_after = '2s'\nready = { after = '1s' }"),
              ElementsAre("t.toml:3:17: " + wrong));
  EXPECT_THAT(pool_errors("started_after = '2s'\nready = 'started'"), IsEmpty());
}

// After

/// Pools named by the letters of `edges`: "ab" is a pool a that comes after b.
std::vector<std::string> order_errors(const std::vector<std::string>& edges) {
  std::string toml;
  for (const std::string& edge : edges) {
    toml += "[pool." + edge.substr(0, 1) + "]\ncommand = ['true']\nafter = [";
    for (const char other : edge.substr(1)) toml += "'" + std::string(1, other) + "',";
    toml += "]\n";
  }
  return errors_of(toml);
}

TEST(SupervisionErrors, AfterNamesOtherPoolsOnce) {
  EXPECT_THAT(order_errors({"ab", "b"}), IsEmpty());
  EXPECT_THAT(order_errors({"aa"}),
              ElementsAre("t.toml:3:10: pool.a.after: a pool cannot wait for itself; remove it"));
  EXPECT_THAT(order_errors({"az"}),
              ElementsAre("t.toml:3:10: pool.a.after: no pool named \"z\"; add a table [pool.z]"));
  EXPECT_THAT(order_errors({"abb", "b"}),
              ElementsAre("t.toml:3:14: pool.a.after: \"b\" is listed twice; remove one"));
  EXPECT_THAT(errors_of("[pool.web]\ncommand = ['true']\nafter = ['bd']\n[pool.db]\ncommand = "
                        "['true']"),
              ElementsAre("t.toml:3:10: pool.web.after: no pool named \"bd\" (did you mean "
                          "\"db\"?)"));
  EXPECT_THAT(pool_errors("after = 'db'"),
              ElementsAre("t.toml:3:9: pool.web.after: expected an array of strings, found the "
                          "string \"db\""));
}

TEST(SupervisionErrors, ACycleIsShownWhole) {
  EXPECT_THAT(
      order_errors({"xa", "ab", "bc", "ca"}),
      ElementsAre("t.toml:6:9: pool.a.after: each of these pools waits for the next, so none would "
                  "start: a after b after c after a; remove one"));
  EXPECT_THAT(order_errors({"abc", "bd", "cd", "d"}), IsEmpty());  // A diamond is none.
}

TEST(SupervisionErrors, EachCycleIsNamed) {
  EXPECT_EQ(order_errors({"ab", "ba", "cd", "dc"}).size(), 2u);
}

}  // namespace
}  // namespace reeve::supervisor
