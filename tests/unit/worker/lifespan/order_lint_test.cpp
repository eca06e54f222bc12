#include "worker/lifespan/order_lint.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace reeve::worker {
namespace {

using enum Kind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// The warnings when these open one after another.
std::vector<std::string> warnings(const std::vector<std::pair<std::string, Kind>>& resources) {
  OrderLint lint;
  std::vector<std::string> said;
  for (const auto& [name, kind] : resources) {
    if (auto warning = lint.opening(name, kind)) said.push_back(*warning);
    lint.opened(name, kind);
  }
  return said;
}

TEST(OrderLint, TheOrderOfTheRuleIsFine) {
  EXPECT_THAT(warnings({{"metrics", Telemetry},
                        {"db", Database},
                        {"replica", Database},
                        {"http", Client},
                        {"cache", Cache}}),
              IsEmpty());
}

TEST(OrderLint, NamesBothAndTheRuleOnce) {
  EXPECT_THAT(warnings({{"redis", Cache}, {"db", Database}, {"metrics", Telemetry}}),
              ElementsAre("db (a database) opens after redis (a cache), so it closes before that "
                          "one: open telemetry first, then databases, then clients, then caches"));
}

TEST(OrderLint, TelemetryComesFirst) {
  EXPECT_THAT(warnings({{"db", Database}, {"metrics", Telemetry}}),
              ElementsAre(HasSubstr("metrics (telemetry) opens after db (a database)")));
}

TEST(OrderLint, OthersHaveNoOrder) {
  EXPECT_THAT(warnings({{"x", Other}, {"db", Database}, {"y", Other}, {"http", Client}}),
              IsEmpty());
}

TEST(OrderLint, NeitherHasWhatOpensAtTheSameTime) {
  OrderLint lint;
  EXPECT_FALSE(lint.opening("cache", Cache));
  EXPECT_FALSE(lint.opening("db", Database));
  lint.opened("cache", Cache);
  lint.opened("db", Database);
  EXPECT_TRUE(lint.opening("metrics", Telemetry));
}

}  // namespace
}  // namespace reeve::worker
