// What differs between two configurations, pool by pool.

#include "supervisor/deploy/reload.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "ipc/listener.hpp"
#include "supervisor/config/changes.hpp"
#include "supervisor/listen/listeners.hpp"

namespace reeve::supervisor {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

Config config_with(std::vector<PoolConfig> pools) {
  Config config;
  config.listeners.push_back({.name = "http", .address = {.port = 8000}});
  config.pools = std::move(pools);
  return config;
}

PoolConfig pool_named(const std::string& name) {
  PoolConfig pool;
  pool.spec.name = name;
  pool.command = {"/bin/true"};
  pool.listen = {"http"};
  return pool;
}

PoolChanges changes(const Config& before, const Config& after) {
  return compare(versions_in(before), versions_in(after));
}

TEST(Reload, NothingChangedTouchesNothing) {
  const Config config = config_with({pool_named("web")});
  EXPECT_EQ(changes(config, config), PoolChanges{});
}

TEST(Reload, WhatTheUserDatabaseSaysIsNoChangeOfTheFile) {
  PoolConfig before = pool_named("web");
  before.user = "shop";
  before.run_as = User{.uid = 7, .gid = 7, .groups = {7, 8}, .name = "shop", .home = "/"};
  PoolConfig after = before;
  after.run_as->groups = {8, 7};
  EXPECT_EQ(changes(config_with({before}), config_with({after})), PoolChanges{});
}

TEST(Reload, PoolsComeAndGo) {
  const auto seen = changes(config_with({pool_named("a"), pool_named("b")}),
                            config_with({pool_named("b"), pool_named("c")}));
  EXPECT_EQ(seen, (PoolChanges{.added = {"c"}, .removed = {"a"}, .scaled = {}, .rolled = {}}));
}

TEST(Reload, OnlyAnotherNumberOfWorkersScales) {
  PoolConfig more = pool_named("web");
  more.spec.workers = 7;
  const Config before = config_with({pool_named("web")});
  EXPECT_EQ(changes(before, config_with({more})).scaled, std::vector<std::string>{"web"});
  more.env["A"] = "1";
  EXPECT_EQ(changes(before, config_with({more})).rolled, std::vector<std::string>{"web"});
}

TEST(Reload, WhatConcernsTheMasterAloneReplacesNobody) {
  const Config before = config_with({pool_named("web")});
  PoolConfig other = pool_named("web");
  other.spec.grace = std::chrono::seconds(7);
  other.spec.surge = 2;
  other.spec.backoff_max = std::chrono::seconds(3);
  other.spec.give_up_failures = 3;
  other.spec.watchdog = std::chrono::seconds(5);
  other.spec.recycle.age = std::chrono::hours(1);
  other.spec.workers = 3;
  other.health = HealthRule{.probe = {.kind = Probe::Kind::Command, .command = {"/bin/true"}}};
  other.stop.signal = 3;
  other.autostart = false;
  EXPECT_EQ(changes(before, config_with({other})),
            (PoolChanges{
                .added = {}, .removed = {}, .scaled = {}, .reconfigured = {"web"}, .rolled = {}}));
  other.env["A"] = "1";
  EXPECT_EQ(changes(before, config_with({other})).rolled, std::vector<std::string>{"web"});
}

TEST(Reload, AProbeOfAPortOfItsOwnRolls) {
  PoolConfig other = pool_named("web");
  other.health = HealthRule{.probe = {.kind = Probe::Kind::Tcp, .port = 9000}};
  EXPECT_EQ(changes(config_with({pool_named("web")}), config_with({other})).rolled,
            std::vector<std::string>{"web"});
}

TEST(Reload, AnotherAddressRollsThePoolsThatUseIt) {
  PoolConfig lonely = pool_named("jobs");
  lonely.listen = {};
  const Config before = config_with({pool_named("web"), lonely});
  Config after = before;
  after.listeners[0].address.port = 9000;
  EXPECT_EQ(changes(before, after),
            (PoolChanges{.added = {}, .removed = {}, .scaled = {}, .rolled = {"web"}}));
}

TEST(Reload, AnotherBacklogRollsNothing) {
  const Config before = config_with({pool_named("web")});
  Config after = before;
  after.listeners[0].backlog = 1;
  EXPECT_EQ(changes(before, after), PoolChanges{});
}

TEST(Reload, OtherSocketsNeedAnotherAddress) {
  std::vector<ipc::NamedFd> none;
  ListenerConfig listener{.name = "http", .address = ipc::parse_address("127.0.0.1:0").value()};
  listener.sockets = Sockets::Shared;
  const ListenerSet open_now = open_listeners({listener}, {}, none).value();
  listener.backlog = 7;
  EXPECT_EQ(open_listeners({listener}, open_now, none).value(), open_now);
  listener.sockets = Sockets::PerWorker;
  EXPECT_THAT(open_listeners({listener}, open_now, none).error().text,
              AllOf(HasSubstr("listen.http.sockets cannot change"), HasSubstr("\"shared\"")));
}

TEST(Reload, OfTheSupervisorOnlyTheLogLevelChangesInPlace) {
  SupervisorConfig before;
  SupervisorConfig after = before;
  after.log_level = LogLevel::Debug;
  EXPECT_EQ(needs_restart(before, after), "");
  after.runtime_dir = "/elsewhere";
  EXPECT_THAT(needs_restart(before, after), HasSubstr("supervisor.runtime_dir"));
}

}  // namespace
}  // namespace reeve::supervisor
