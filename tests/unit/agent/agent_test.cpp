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

/// Answers at once, and counts how often it was asked.
struct FakeModel final : Model {
  std::string name() const override { return "fake"; }
  Task<std::string> complete(std::string prompt) override {
    ++asked;
    co_return "one two " + prompt;
  }
  int asked = 0;
};

/// Works as often as it is told to.
struct FlakyHttp final : HttpClient {
  explicit FlakyHttp(int times) : works(times) {}
  Task<std::string> post(std::string url, std::string body) override {
    if (works-- <= 0) throw std::runtime_error(url + ": no route to host");
    co_return "remote " + body;
  }
  int works;
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
  EXPECT_EQ(first.body, "one two why?\n");
  EXPECT_EQ(client.post("/v1/complete", "why?").body, first.body);
  EXPECT_EQ(model->asked, 1);
  client.settle();
  EXPECT_EQ(client.get("/metrics").body, "cache 1\nfake 1\n");
  EXPECT_EQ(client.get("/v1/history").body, "why? -> one two why?\n");
  EXPECT_TRUE(client.stop());
}

TEST(Agent, FallsBackToItsOwnModelWhenTheRemoteOneIsDown) {
  TestClient client(make_app());
  client.replace<HttpClient>(std::make_unique<FlakyHttp>(0));
  ASSERT_TRUE(client.start());
  EXPECT_EQ(client.post("/v1/complete", "hello").body, "I heard: hello\n");
  EXPECT_TRUE(client.stop());
}

TEST(Agent, ChoosesAnotherModelWhenOneFailsInUse) {
  TestClient client(make_app());
  client.replace<HttpClient>(std::make_unique<FlakyHttp>(2));  // The trial, and one question.
  ASSERT_TRUE(client.start());
  EXPECT_EQ(client.post("/v1/complete", "a").body, "remote a\n");
  EXPECT_EQ(client.post("/v1/complete", "b").status, 503);
  client.wait_until("the local model", [&] {
    return client.state<reeve::Provider<Model>>().get()->name() == "local";
  });
  EXPECT_EQ(client.post("/v1/complete", "b").body, "I heard: b\n");
  client.settle();
  EXPECT_EQ(client.get("/metrics").body, "local 1\nnobody 1\nremote 1\n");
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

TEST(Agent, ForgetsAllButTheNewest) {
  TestClient client(make_app());
  client.replace<Model>(std::make_shared<FakeModel>());
  ASSERT_TRUE(client.start());
  auto& store = client.state<Store>();
  for (int i = 0; i < 1001; ++i) store.save(std::to_string(i), "x");
  client.run_scheduled("forget");
  EXPECT_TRUE(store.history().starts_with("1 -> x\n2 -> x\n"));
  EXPECT_TRUE(store.history().ends_with("1000 -> x\n"));
  EXPECT_TRUE(client.stop());
}

}  // namespace
}  // namespace agent
