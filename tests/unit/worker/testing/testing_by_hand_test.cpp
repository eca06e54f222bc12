// What a TestClient replaces, runs by hand, and waits for.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>

#include "reeve/reeve.hpp"
#include "reeve/testing.hpp"

namespace reeve {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

struct Llm {
  virtual ~Llm() = default;
  [[nodiscard]] virtual std::string name() const { return "real"; }
};
struct FakeLlm : Llm {
  [[nodiscard]] std::string name() const override { return "fake"; }
};
struct Session {
  std::string user = "from the network";
};
struct Catalog {
  int cleaned = 0;
};

TEST(TestClientReplace, StandsForTheChoiceOfAProvider) {
  App app;
  bool touched = false;
  app.provider<Llm>("model").candidate("real", [&touched] {
    touched = true;
    return Llm();
  });
  app.get("/", [](Provider<Llm>& model) { return Response::text(model.get()->name()); });
  TestClient client(app);
  client.replace<Llm>(std::make_unique<FakeLlm>());
  ASSERT_TRUE(client.start());
  EXPECT_EQ(client.get("/").body, "fake");
  EXPECT_EQ(client.get("/health/ready").status, 200);
  EXPECT_TRUE(client.stop());
  EXPECT_FALSE(touched);
}

TEST(TestClientReplace, TakesAWholeProviderToo) {
  App app;
  app.provider<Llm>("model").candidate("real", [] { return Llm(); });
  app.get("/", [](Provider<Llm>& model) { return Response::text(model.get()->name()); });
  TestClient client(app);
  client.replace<Provider<Llm>>(Provider<Llm>(std::make_shared<FakeLlm>()));
  ASSERT_TRUE(client.start());
  EXPECT_EQ(client.get("/").body, "fake");
  EXPECT_TRUE(client.stop());
}

TEST(TestClientReplace, OfATypeThatNobodyAsksForFailsTheStartAndNamesIt) {
  App app;
  app.resource<Catalog>("database", [] { return Catalog(); });
  TestClient client(app);
  client.replace<FakeLlm>(FakeLlm());  // A Llm was meant.
  client.replace<Catalog>(Catalog{.cleaned = 7});
  const TestResult started = client.start();
  EXPECT_FALSE(started);
  EXPECT_THAT(started.why(), AllOf(HasSubstr("FakeLlm"), Not(HasSubstr("Catalog"))));
  EXPECT_THAT(client.events(), Contains(StartsWith("closed database")));
}

TEST(TestClientReplace, OfAValueOfEachRequestNeedsNoRouteThatWantsIt) {
  App app;
  app.provide<Session>([] { return Session(); });
  app.get("/",
          [](const Request& request) { return Response::text(std::string(request.target())); });
  TestClient client(app);
  client.replace<Session>(Session{"ada"});
  EXPECT_TRUE(client.start());
  EXPECT_TRUE(client.stop());
}

TEST(TestClientScheduled, RunOnceWhenTheTestSaysSo) {
  App app;
  app.resource<Catalog>("database", [] { return Catalog(); });
  app.schedule("yearly", cron("0 0 1 1 *", "UTC"),
               [](ScheduledRun& run, Catalog& database) -> Task<> {
                 co_await sleep_for(1ms);
                 database.cleaned += run.name() == "yearly" ? 1 : 100;
               });
  app.schedule("blocks", every(1h), [](Catalog& database) { database.cleaned += 10; });
  app.schedule("broken", every(1h), [] { throw std::runtime_error("no such table"); });
  TestClient client(app);
  EXPECT_THROW(client.run_scheduled("yearly"), std::logic_error);
  ASSERT_TRUE(client.start());
  client.run_scheduled("yearly");
  client.run_scheduled("blocks");
  EXPECT_EQ(client.state<Catalog>().cleaned, 11);
  EXPECT_THROW(client.run_scheduled("broken"), std::runtime_error);
  EXPECT_THROW(client.run_scheduled("monthly"), std::out_of_range);
  EXPECT_TRUE(client.stop());
}

TEST(TestClientScheduled, OneThatHangsIsNamedAndCancelled) {
  App app;
  app.schedule("hangs", every(1h), []() -> Task<> { co_await sleep_for(1h); });
  TestClient client(app, {.within = 50ms});
  ASSERT_TRUE(client.start());
  try {
    client.run_scheduled("hangs");
    FAIL() << "it has ended";
  } catch (const TestTimeout& late) {
    EXPECT_THAT(late.what(), AllOf(HasSubstr("scheduled hangs"), HasSubstr("50 ms")));
  }
  EXPECT_TRUE(client.stop());
}

TEST(TestClientSettle, WaitsForWhatTheAnswersHaveLeftBehind) {
  App app;
  std::atomic<int> done = 0;
  app.post("/mail", [&done](const Request& request) -> Task<Response> {
    request.background("mail", [&done]() -> Task<> {
      co_await sleep_for(20ms);
      ++done;
    });
    request.background("audit", [&done] { ++done; });
    co_return Response::text("accepted", 202);
  });
  TestClient client(app);
  ASSERT_TRUE(client.start());
  client.settle();
  EXPECT_EQ(client.post("/mail", "").status, 202);
  EXPECT_LT(done.load(), 2);
  client.settle();
  EXPECT_EQ(done.load(), 2);
  EXPECT_TRUE(client.stop());
}

TEST(TestClientSettle, NamesWhatDoesNotEnd) {
  App app;
  app.post("/mail", [](const Request& request) -> Task<Response> {
    request.background("mail", []() -> Task<> { co_await sleep_for(1h); });
    co_return Response();
  });
  TestClient client(app, {.within = 50ms, .grace = 50ms});
  ASSERT_TRUE(client.start());
  (void)client.post("/mail", "");
  try {
    client.settle();
    FAIL() << "it has ended";
  } catch (const TestTimeout& late) {
    EXPECT_THAT(late.what(), AllOf(HasSubstr("mail of POST /mail"), HasSubstr("50 ms")));
  }
  EXPECT_THAT(client.stop().why(), HasSubstr("mail of POST /mail"));
}

}  // namespace
}  // namespace reeve
