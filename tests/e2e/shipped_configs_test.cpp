// The configurations that are shipped in configs/ run as they are, except for the port and the
// paths of this build; FastAPI under the real uvicorn among them.

#include <regex>

#include "tests/e2e/harness/programs.hpp"
#include "tests/e2e/harness/reeve_test.hpp"
#include "tests/e2e/harness/shipped_config.hpp"

namespace reeve::e2e {
namespace {

using ShippedConfigs = ReeveTest;

TEST_F(ShippedConfigs, HelloServes) {
  Reeve& reeve = start_ready(shipped_config("hello.toml"));
  const Answer answer = judge(reeve.get("/"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "Hello, World!");
  EXPECT_EQ(reeve.count("RUNNING"), 2);
}

TEST_F(ShippedConfigs, AgentServesWithTheFirstOfItsModels) {
  Reeve& reeve = start_ready(shipped_config("agent.toml"));
  const Answer health = judge(reeve.get("/health/ready"));
  ASSERT_TRUE(health);
  EXPECT_THAT(health->body, ::testing::HasSubstr("choice: remote"));
  EXPECT_EQ(reeve.count("RUNNING"), 2);
  EXPECT_EQ(reeve.stop(), Exit{.code = 0});
}

TEST_F(ShippedConfigs, ShopRunsBothItsPools) {
  // The file's own place is where its env_file is.
  std::string text = shipped_config("shop.toml");
  text = std::regex_replace(text, std::regex("\"shop.env\""), "\"@sources@/configs/shop.env\"");
  Reeve& reeve = start_ready(text);
  EXPECT_TRUE(judge(reeve.get("/")));
  EXPECT_TRUE(reeve.becomes("jobs:0", "RUNNING"));
  EXPECT_EQ(reeve.count("RUNNING"), 3);
  EXPECT_EQ(reeve.stop(), Exit{.code = 0});
}

class FastApi : public ShippedConfigs {
 protected:
  void SetUp() override {
    if (run({.argv = {"/usr/bin/python3", "-c", "import uvicorn, fastapi"}}, dir, "import")
            .code() != 0) {
      GTEST_SKIP() << "packages uvicorn and python3-fastapi are not installed";
    }
  }
};

TEST_F(FastApi, RunsFromItsConfiguration) {
  Reeve& reeve = start_ready(shipped_config("fastapi.toml"));
  EXPECT_TRUE(judge(reeve.get("/")));
  EXPECT_EQ(reeve.stop(), Exit{.code = 0});
}

}  // namespace
}  // namespace reeve::e2e
