// What a right configuration means.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <filesystem>

#include "supervisor/config/limits.hpp"
#include "tests/unit/supervisor/config/support.hpp"

namespace reeve::supervisor {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

Config parsed(std::string_view toml) {
  LoadResult config = parse_config(toml, "t.toml");
  EXPECT_THAT(texts_of(config), IsEmpty());
  return config.value_or(Config{});
}

PoolConfig pool_with(std::string_view line) {
  const Config config = parsed(std::string(kPool) + std::string(line));
  return config.pools.empty() ? PoolConfig{} : config.pools.front();
}

TEST(ConfigValues, EveryKeyArrives) {
  const Config config = parsed(R"(
[supervisor]
name        = "shop"
runtime_dir = "/run/shop"
log         = { level = "warn", format = "json", to = "/var/log/shop.log", max_size = "1GB", keep = 3 }
on_fatal    = "exit"
stop_delay  = "15s"

[listen.http]
address = "[::1]:8000"
backlog = 128
sockets = "per-worker"

[pool.web]
command  = ["/usr/libexec/shop/web", "--fd", "${fd:http}"]
workers  = 4
listen   = ["http"]
ready    = "notify"
grace    = "31s"
start_timeout = "61s"
restart  = "on-failure"
backoff  = { first = "200ms", max = "40s" }
give_up  = { failures = 6, within = "2m" }
rolling  = { surge = 2, max_draining = 3, soak = "7s", max_unavailable = 1, on_failure = "pause" }
watchdog = { timeout = "15s", signal = "kill" }
recycle  = { requests = 10000, memory = "512MiB", age = "24h", jitter = 0.3 }
after    = ["db"]
idle_drain = "6s"
directory = "/srv/shop"
env  = { LOG_LEVEL = "info", EMPTY = "" }
env_file = "conf/../.env"
required_env = ["REDIS_HOST"]
user = "shop:www"
limits = { nofile = 65536, core = "unlimited", stack = "8MiB", memory = "1GiB" }
[pool.web.app]
cache = { size = 5 }

[pool.db]
command = ["db"]
)");
  EXPECT_EQ(config.supervisor, (SupervisorConfig{.name = "shop",
                                                 .runtime_dir = "/run/shop",
                                                 .log_level = LogLevel::Warn,
                                                 .log_format = LogFormat::Json,
                                                 .log_to = "/var/log/shop.log",
                                                 .log_max_size = 1'000'000'000,
                                                 .log_keep = 3,
                                                 .on_fatal = OnFatal::Exit,
                                                 .stop_delay = std::chrono::seconds(15)}));
  ASSERT_EQ(config.listeners.size(), 1u);
  EXPECT_EQ(config.listeners[0].name, "http");
  EXPECT_EQ(to_string(config.listeners[0].address), "[::1]:8000");
  EXPECT_EQ(config.listeners[0].backlog, 128);
  EXPECT_EQ(config.listeners[0].sockets, Sockets::PerWorker);

  ASSERT_EQ(config.pools.size(), 2u);
  const PoolConfig& pool = config.pools[0];
  EXPECT_EQ(
      pool.spec,
      (PoolSpec{.name = "web",
                .workers = 4,
                .start_timeout = 61s,
                .grace = 31s,
                .ready_after = std::nullopt,
                .restart = RestartRule::OnFailure,
                .backoff_first = 200ms,
                .backoff_max = 40s,
                .give_up_failures = 6,
                .give_up_within = 2min,
                .surge = 2,
                .max_draining = 3,
                .max_unavailable = 1,
                .soak = 7s,
                .on_failure = RollFailure::Pause,
                .watchdog = 15s,
                .recycle = {
                    .requests = 10'000, .memory_bytes = 512ULL << 20, .age = 24h, .jitter = 0.3}}));
  EXPECT_THAT(pool.command, ElementsAre("/usr/libexec/shop/web", "--fd", "${fd:http}"));
  EXPECT_THAT(pool.listen, ElementsAre("http"));
  EXPECT_EQ(pool.ready, ReadyRule(ReadyNotify{}));
  EXPECT_EQ(pool.idle_drain, 6s);
  EXPECT_EQ(pool.directory, "/srv/shop");
  EXPECT_THAT(pool.env, ElementsAre(Pair("EMPTY", ""), Pair("LOG_LEVEL", "info")));
  EXPECT_EQ(pool.env_file, std::filesystem::current_path() / ".env");
  EXPECT_THAT(pool.env_from_file, IsEmpty());  // Text is checked without looking at the machine.
  EXPECT_THAT(pool.required_env, ElementsAre("REDIS_HOST"));
  EXPECT_EQ(pool.user, "shop:www");
  EXPECT_THAT(pool.limits.resources, ElementsAre(Pair("core", RLIM_INFINITY),
                                                 Pair("nofile", 65536u), Pair("stack", 8u << 20)));
  EXPECT_EQ(pool.limits.memory, 1u << 30);
  EXPECT_THAT(pool.after, ElementsAre("db"));
  EXPECT_EQ(pool.watchdog_signal, SIGKILL);
  EXPECT_EQ(pool.app, "cache = { size = 5 }\n");
}

TEST(ConfigValues, WatchdogIsADurationOrATable) {
  EXPECT_EQ(pool_with("").spec.watchdog, std::nullopt);
  const PoolConfig plain = pool_with("watchdog = '3s'");
  EXPECT_EQ(plain.spec.watchdog, 3s);
  EXPECT_EQ(plain.watchdog_signal, SIGABRT);
  EXPECT_EQ(pool_with("watchdog = { timeout = '3s', signal = 'abort' }").watchdog_signal, SIGABRT);
}

TEST(ConfigValues, TheSummaryWarnsOfSu) {
  const auto of = [](const char* command) {
    return summary(parsed(fmt::format("[pool.web]\ncommand = {}\n", command)));
  };
  EXPECT_THAT(of("['/bin/su', 'www', '-c', 'web']"), testing::HasSubstr("write user = \"USER\""));
  EXPECT_THAT(of("['/usr/bin/sudo', '-u', 'www', 'web', '-c', 'x']"),
              testing::Not(testing::HasSubstr("warning")));
  EXPECT_THAT(of("['suit', '-c', 'web']"), testing::Not(testing::HasSubstr("warning")));
}

TEST(ConfigValues, StopIsASignalOrATable) {
  EXPECT_EQ(pool_with("").stop, StopRule{});
  EXPECT_EQ(pool_with("stop = 'QUIT'").stop, (StopRule{.signal = SIGQUIT}));
  EXPECT_EQ(pool_with("reload = { signal = 'HUP' }").reload_signal, SIGHUP);
  EXPECT_TRUE(pool_with("reload = 'USR2'").spec.reloads);
  EXPECT_EQ(pool_with("stop = { signal = 'SIGINT', to = 'group' }").stop,
            (StopRule{.signal = SIGINT, .to = StopRule::To::Group}));
}

TEST(ConfigValues, RecyclingIsOffUntilALimitIsSet) {
  EXPECT_FALSE(pool_with("").spec.recycle.any());
  EXPECT_FALSE(pool_with("recycle = { jitter = 1 }").spec.recycle.any());
  EXPECT_TRUE(pool_with("recycle.age = '1h'").spec.recycle.any());
}

TEST(ConfigValues, SurgeMayBeNoneWhenSlotsMayBeEmptied) {
  const PoolSpec spec = pool_with("rolling = { surge = 0, max_unavailable = 2 }").spec;
  EXPECT_EQ(spec.surge, 0);
  EXPECT_EQ(spec.max_unavailable, 2);
}

TEST(ConfigValues, LogToStderrIsNoFile) {
  EXPECT_EQ(parsed("supervisor.log.to = 'stderr'\n" + std::string(kPool)).supervisor.log_to, "");
}

TEST(ConfigValues, AppIsHandedOnAsItIs) {
  const PoolConfig pool = pool_with(
      "[pool.web.app]\nwhen = 1979-05-27T07:32:00-08:00\nrate = 1.0\n'a b' = [\"x\\n\"]\n"
      "[[pool.web.app.hosts]]\nname = 'a'\n[[pool.web.app.hosts]]\nname = 'b'\n");
  EXPECT_EQ(pool.app,
            "when = 1979-05-27T07:32:00-08:00\nrate = 1.0\n\"a b\" = [\"x\\u000A\"]\n"
            "hosts = [{ name = \"a\" }, { name = \"b\" }]\n");
  EXPECT_EQ(pool_with("app = {}").app, "");
}

TEST(ConfigValues, EveryLimitIsOneOfSetrlimit) {
  const PoolConfig pool = pool_with(
      "limits = { as = 1, core = 1, cpu = 1, data = 1, fsize = 1, memlock = 1, msgqueue = 1, "
      "nofile = 16, nproc = 1, rtprio = 1, rttime = 1, sigpending = 1, stack = 1 }");
  EXPECT_EQ(pool.limits.resources.size(), 13u);
  for (const auto& [name, value] : pool.limits.resources) {
    EXPECT_NE(resource_number(name), std::nullopt) << name;
  }
  EXPECT_EQ(resource_number("nofile"), RLIMIT_NOFILE);
  EXPECT_EQ(resource_number("memory"), std::nullopt);
}

TEST(ConfigValues, PoolsAndListenersKeepTheOrderOfTheFile) {
  const Config config = parsed(
      "[pool.z]\ncommand=['true']\n[pool.a]\ncommand=['true']\n"
      "[listen.y]\naddress=':1'\n[listen.b]\naddress=':2'\n");
  ASSERT_EQ(config.pools.size(), 2u);
  EXPECT_EQ(config.pools[0].spec.name, "z");
  EXPECT_EQ(config.pools[1].spec.name, "a");
  ASSERT_EQ(config.listeners.size(), 2u);
  EXPECT_EQ(config.listeners[0].name, "y");
  EXPECT_EQ(config.listeners[1].name, "b");
}

TEST(ConfigValues, WhatUsersOfSupervisordLookFor) {
  const PoolConfig bare = pool_with("");
  EXPECT_THAT(bare.spec.expected_exit, ElementsAre(0));
  EXPECT_TRUE(bare.autostart);
  const PoolConfig pool =
      pool_with("expected_exit = [0, 3]\nautostart = false\numask = '027'\nnice = -5");
  EXPECT_THAT(pool.spec.expected_exit, ElementsAre(0, 3));
  EXPECT_FALSE(pool.autostart);
  EXPECT_EQ(pool.umask, 027);
  EXPECT_EQ(pool.nice, -5);
}

TEST(ConfigValues, GiveUpIsWhatIsWrittenOrWhatAnExitWaitsFor) {
  EXPECT_EQ(pool_with("").spec.give_up_failures, std::nullopt);
  EXPECT_EQ(pool_with("give_up = { within = '1s' }").spec.give_up_failures, 5);
  EXPECT_EQ(pool_with("give_up = { failures = 2 }").spec.give_up_failures, 2);
  const auto exits = parse_config(
      "supervisor.on_fatal = 'exit'\npool.a.command = ['true']\n"
      "pool.b = { command = ['true'], give_up = { failures = 7, within = '1h' } }",
      "t.toml");
  ASSERT_TRUE(exits.has_value());
  EXPECT_EQ(exits->pools[0].spec.give_up_failures, 5);
  EXPECT_EQ(exits->pools[0].spec.give_up_within, 60s);
  EXPECT_EQ(exits->pools[1].spec.give_up_failures, 7);
}

TEST(ConfigValues, ReadyRuleTellsTheCoreItsHalf) {
  const PoolConfig notify = pool_with("ready = 'notify'");
  EXPECT_EQ(notify.ready, ReadyRule(ReadyNotify{}));
  EXPECT_EQ(notify.spec.ready_after, std::nullopt);

  const PoolConfig started = pool_with("ready = 'started'");
  EXPECT_EQ(started.ready, ReadyRule(ReadyAfter{1s}));
  EXPECT_EQ(started.spec.ready_after, 1s);
  EXPECT_EQ(pool_with("started_after = '0ms'\nready = 'started'").spec.ready_after, 0s);

  const PoolConfig after = pool_with("ready = { after = '2s' }");
  EXPECT_EQ(after.ready, ReadyRule(ReadyAfter{2s}));
  EXPECT_EQ(after.spec.ready_after, 2s);

  const PoolConfig log = pool_with("ready = { log = 'startup (complete|done)' }");
  EXPECT_EQ(log.ready, ReadyRule(ReadyLog{"startup (complete|done)"}));
  EXPECT_EQ(log.spec.ready_after, std::nullopt);
}

TEST(ConfigValues, CoresAreThoseThatThisProcessMayUse) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  EXPECT_EQ(pool_with("workers = 'cores'").spec.workers, CPU_COUNT(&before));

  cpu_set_t one;
  CPU_ZERO(&one);
  for (std::size_t core = 0; CPU_COUNT(&one) == 0; ++core) {
    if (CPU_ISSET(core, &before)) CPU_SET(core, &one);
  }
  ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
  EXPECT_EQ(pool_with("workers = 'cores'").spec.workers, 1);
  EXPECT_EQ(sched_setaffinity(0, sizeof(before), &before), 0);
}

TEST(ConfigValues, PoolMayBeginWithoutWorkers) {
  EXPECT_EQ(pool_with("workers = 0").spec.workers, 0);
}

TEST(ConfigValues, TextIsCheckedWithoutLookingAtTheMachine) {
  const Config config = parsed("[pool.web]\ncommand=['/nowhere/x']\ndirectory='/nowhere'\n");
  EXPECT_EQ(config.pools.size(), 1u);
}

TEST(ConfigValues, SummaryNamesWhatRunsAndWhatNobodyServes) {
  EXPECT_EQ(
      summary(parsed("[listen.http]\naddress=':80'\n[listen.admin]\naddress='unix:/run/a.sock'\n"
                     "[pool.web]\ncommand=['web','--fd','3']\nlisten=['http']\nworkers=2\n"
                     "[pool.jobs]\ncommand=['jobs']\n")),
      "  listen.http: 0.0.0.0:80\n"
      "  listen.admin: unix:/run/a.sock, but no pool accepts its connections\n"
      "  pool.web: 2 workers of web --fd 3\n"
      "  pool.jobs: 1 worker of jobs\n");
}

Sockets sockets_of(std::string_view address, std::string_view ready) {
  const Config config =
      parsed(std::string("[listen.http]\naddress = '") + std::string(address) +
             "'\n[pool.web]\ncommand = ['web']\nlisten = ['http']\nready = " + std::string(ready));
  return config.listeners.empty() ? Sockets::Auto : config.listeners.front().sockets;
}

TEST(ConfigValues, ForeignProgramsGetSocketsOfTheirOwn) {
  EXPECT_EQ(sockets_of(":8000", "'started'"), Sockets::PerWorker);
  EXPECT_EQ(sockets_of(":8000", "{ log = 'up' }"), Sockets::PerWorker);
  EXPECT_EQ(sockets_of(":8000", "'notify'"), Sockets::Shared);
  EXPECT_EQ(sockets_of("unix:/run/x.sock", "'started'"), Sockets::Shared);
  EXPECT_EQ(sockets_of("systemd:http", "'started'"), Sockets::Shared);
}

}  // namespace
}  // namespace reeve::supervisor
