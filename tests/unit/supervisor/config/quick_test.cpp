// `reeve run --listen ADDR --workers N -- COMMAND` means the same as a file.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/supervisor/config/support.hpp"

namespace reeve::supervisor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

QuickOptions quick() { return {.listen = {":0"}, .command = {"true"}}; }

TEST(QuickConfig, IsOnePoolOnItsListeners) {
  QuickOptions options = quick();
  options.listen = {"127.0.0.1:8000", "unix:/run/x.sock"};
  options.workers = "3";
  options.command = {"true", "--fd", "${fd:listen1}"};
  const LoadResult config = quick_config(options);
  ASSERT_THAT(texts_of(config), IsEmpty());

  ASSERT_EQ(config->listeners.size(), 2u);
  EXPECT_EQ(config->listeners[0].name, "listen1");
  EXPECT_EQ(to_string(config->listeners[1].address), "unix:/run/x.sock");
  ASSERT_EQ(config->pools.size(), 1u);
  const PoolConfig& pool = config->pools[0];
  EXPECT_EQ(pool.spec.name, "main");
  EXPECT_EQ(pool.spec.workers, 3);
  EXPECT_EQ(pool.spec.ready_after, std::chrono::seconds(1));
  EXPECT_THAT(pool.listen, ElementsAre("listen1", "listen2"));
  EXPECT_THAT(pool.command, ElementsAre("true", "--fd", "${fd:listen1}"));
}

TEST(QuickConfig, TakesEveryReadyRule) {
  using namespace std::chrono_literals;
  const auto ready = [](const std::string& rule) {
    QuickOptions options = quick();
    options.ready = rule;
    const LoadResult config = quick_config(options);
    EXPECT_THAT(texts_of(config), IsEmpty());
    return config ? config->pools.front().ready : ReadyRule{};
  };
  EXPECT_EQ(ready("started"), ReadyRule(ReadyAfter{1s}));
  EXPECT_EQ(ready("notify"), ReadyRule(ReadyNotify{}));
  EXPECT_EQ(ready("after=2s"), ReadyRule(ReadyAfter{2s}));
  EXPECT_EQ(ready("log=a=b"), ReadyRule(ReadyLog{"a=b"}));
}

TEST(QuickConfig, ComplainsInTheWordsOfTheCommandLine) {
  EXPECT_THAT(
      texts_of(quick_config({.listen = {":80x", ":9"},
                             .workers = "four",
                             .ready = "sometimes",
                             .command = {"/nowhere/web", "${fd:http}"}})),
      ElementsAre("--ready: expected started, notify, after=2s or log=REGEX, found "
                  "\"sometimes\"",
                  "--listen: address \":80x\": the port is not a number from 0 to 65535",
                  "COMMAND: ${fd:http} is not one of the pool's listeners; add it to \"listen\"",
                  "COMMAND: no such program \"/nowhere/web\"",
                  "--workers: expected a whole number from 0 to 10000, or \"cores\", found the "
                  "string \"four\""));
  QuickOptions options = quick();
  options.ready = "after=soon";
  EXPECT_THAT(
      texts_of(quick_config(options)),
      ElementsAre("--ready: expected a duration such as \"250ms\", \"30s\" or \"1m30s\", found the "
                  "string \"soon\""));
}

}  // namespace
}  // namespace reeve::supervisor
