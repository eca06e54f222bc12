#include "reeve/app_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

namespace reeve {
namespace {

using ::testing::ElementsAre;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

AppConfig sample() {
  return AppConfig::parse(
      "name = \"shop\"\nverbose = true\nratio = 2\n"
      "[database]\nurl = \"pg://x\"\nsize = 8\ntimeout = \"1m30s\"\nhosts = [\"a\", \"b\"]\n");
}

TEST(AppConfig, ReadsEachTypeByItsDottedKey) {
  const AppConfig config = sample();
  EXPECT_EQ(config.get<std::string>("name"), "shop");
  EXPECT_EQ(config.get<bool>("verbose"), true);
  EXPECT_EQ(config.get<double>("ratio"), 2.0);
  EXPECT_EQ(config.require<int>("database.size"), 8);
  EXPECT_EQ(config.require<std::int64_t>("database.size"), 8);
  EXPECT_EQ(config.require<std::chrono::milliseconds>("database.timeout").count(), 90'000);
  EXPECT_THAT(config.require<std::vector<std::string>>("database.hosts"), ElementsAre("a", "b"));
}

TEST(AppConfig, WhatIsNotThereIsTheFallback) {
  const AppConfig config = sample();
  EXPECT_EQ(config.get<int>("database.port"), std::nullopt);
  EXPECT_EQ(config.get<int>("name.port"), std::nullopt) << "below a value is nothing";
  EXPECT_EQ(config.get_or("database.port", 5432), 5432);
  EXPECT_EQ(config.get_or("database.user", "postgres"), "postgres");
  EXPECT_EQ(config.get_or("database.size", 1), 8);
  EXPECT_TRUE(config.has("database"));
  EXPECT_FALSE(config.has("database.port"));
}

TEST(AppConfig, MistakesNameTheKeyAndWhatIsThere) {
  const AppConfig config = sample();
  EXPECT_THAT(
      [&] { (void)config.get<int>("name"); },
      ThrowsMessage<ConfigError>("app.name: expected a whole number, found the string \"shop\""));
  EXPECT_THAT([&] { (void)config.get<std::string>("database"); },
              ThrowsMessage<ConfigError>("app.database: expected a string, found a table"));
  EXPECT_THAT([&] { (void)config.get<std::chrono::milliseconds>("ratio"); },
              ThrowsMessage<ConfigError>(StartsWith("app.ratio: expected a duration")));
  EXPECT_THAT([&] { (void)config.require<int>("database.port"); },
              ThrowsMessage<ConfigError>(StartsWith("app.database.port: not set; add it")));
  EXPECT_THAT([] { (void)AppConfig::parse("[a").has("x"); },
              ThrowsMessage<ConfigError>(StartsWith("REEVE_APP: line 1")));
}

TEST(AppConfig, ComesFromTheMasterOrIsEmpty) {
  ::setenv("REEVE_APP", "name = \"shop\"\n", 1);
  EXPECT_EQ(AppConfig::from_environment().get<std::string>("name"), "shop");
  ::unsetenv("REEVE_APP");
  EXPECT_FALSE(AppConfig::from_environment().has("name"));
}

}  // namespace
}  // namespace reeve
