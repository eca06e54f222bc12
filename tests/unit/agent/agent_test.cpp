// The example `agent`, tested as a user would test a service of theirs.

#include "worker/examples/agent/agent.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <reeve/testing.hpp>
#include <stdexcept>
#include <string>

namespace agent {
namespace {

using reeve::Task;
using reeve::TestClient;
using ::testing::HasSubstr;
using ::testing::Optional;

/// Answers at once, and counts how often it was asked.
struct FakeModel final : Model {
  std::string name() const override { return "fake"; }
  Task<std::string> complete(std::string prompt) override {
    ++asked;
    co_return "one two " + prompt;
  }
  int asked = 0;
};

/// The network is down.
struct BrokenHttp final : HttpClient {
  Task<std::string> post(std::string url, std::string) override {
    throw std::runtime_error(url + ": no route to host");
    co_return "";
  }
};

TEST(Agent, StartsAnswersAndStops) {
  TestClient client(make_app());
  ASSERT_TRUE(client.start());
  EXPECT_THAT(client.post("/v1/complete", "hello").body, HasSubstr("says: hello"));
  EXPECT_TRUE(client.stop());
}

TEST(Agent, AnswersTheSameQuestionFromItsCache) {
  const auto model = std::make_shared<FakeModel>();
  TestClient client(make_app());
  client.replace<Model>(model);
  ASSERT_TRUE(client.start());
  const auto first = client.post("/v1/complete", "why?");
  const auto second = client.post("/v1/complete", "why?");
  EXPECT_THAT(first.header("X-Model"), Optional(std::string_view("fake")));
  EXPECT_THAT(second.header("X-Model"), Optional(std::string_view("cache")));
  EXPECT_EQ(second.body, first.body);
  EXPECT_EQ(model->asked, 1);
  EXPECT_EQ(client.get("/metrics").body, "asked 2\nfrom_cache 1\n");
  EXPECT_EQ(client.get("/v1/history").body, "why? -> one two why?\n");
  EXPECT_TRUE(client.stop());
}

TEST(Agent, FallsBackToItsOwnModelWhenTheRemoteOneIsDown) {
  TestClient client(make_app());
  client.replace<HttpClient>(std::make_unique<BrokenHttp>());
  ASSERT_TRUE(client.start());
  const auto answer = client.post("/v1/complete", "hello");
  EXPECT_THAT(answer.header("X-Model"), Optional(std::string_view("local")));
  EXPECT_EQ(answer.body, "I heard: hello\n");
  EXPECT_TRUE(client.stop());
}

TEST(Agent, StreamsWordByWord) {
  TestClient client(make_app());
  client.replace<Model>(std::make_shared<FakeModel>());
  ASSERT_TRUE(client.start());
  EXPECT_EQ(client.post("/v1/stream", "three").body, "data: one\n\ndata: two\n\ndata: three\n\n");
  EXPECT_TRUE(client.stop());
}

TEST(Agent, WantsAPrompt) {
  TestClient client(make_app());
  ASSERT_TRUE(client.start());
  EXPECT_EQ(client.post("/v1/complete", "").status, 400);
  EXPECT_TRUE(client.stop());
}

TEST(Agent, ForgetsTheOldest) {
  Store store;
  for (const char* prompt : {"a", "b", "c"}) store.save(prompt, "x");
  EXPECT_EQ(store.keep_newest(2), 1U);
  EXPECT_EQ(store.history(), "b -> x\nc -> x\n");
  EXPECT_EQ(store.keep_newest(2), 0U);
}

}  // namespace
}  // namespace agent
