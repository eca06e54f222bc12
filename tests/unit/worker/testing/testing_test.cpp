// A whole service inside a test, as its author would test it.

#include "reeve/testing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <barrier>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

#include "reeve/reeve.hpp"

namespace reeve {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::StartsWith;

struct Notebook {
  std::string name = "real";
};

App shop() {
  App app;
  app.resource<Notebook>("database", [] { return std::make_unique<Notebook>(); });
  app.get("/database",
          [](const Request& request) { return Response::text(request.state<Notebook>().name); });
  app.get("/users/{id}", [](const Request& request) -> Task<Response> {
    co_await sleep_for(1ms);
    co_return Response::text(std::string(request.parameter("id")) + " " +
                             std::string(request.query("full").value_or("-")))
        .header("X-Client", request.header("X-Client").value_or("none"));
  });
  app.post("/echo",
           [](const Request& request) { return Response::text(std::string(request.body()), 201); });
  return app;
}

TEST(TestClient, StartsAnswersAndStopsInFiveLines) {
  TestClient client(shop());
  ASSERT_TRUE(client.start());
  EXPECT_EQ(client.get("/users/7").body, "7 -");
  EXPECT_TRUE(client.stop());
}

TEST(TestClient, EachMethodHasItsRoute) {
  const auto named = [](const Request& request) {
    return Response::text(std::string(to_string(request.method())));
  };
  App app;
  app.get("/", named).post("/", named).put("/", named).patch("/", named).del("/", named);
  app.route(Method::Options, "/", named);
  TestClient client(app);
  ASSERT_TRUE(client.start());
  for (const Method method :
       {Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete, Method::Options}) {
    EXPECT_EQ(client.request({.method = method}).body, to_string(method));
  }
  EXPECT_TRUE(client.stop());
}

TEST(TestClient, RequestsAreParsedRoutedAndAnsweredAsThoseOfASocket) {
  TestClient client(shop());
  ASSERT_TRUE(client.start());
  EXPECT_EQ(client.get("/users/J%C3%B6rg?full=a+b").body, "Jörg a b");
  EXPECT_EQ(client.get("/database").body, "real");
  EXPECT_EQ(client.post("/echo", "body").body, "body");
  EXPECT_EQ(client.post("/echo", "").status, 201);
  EXPECT_EQ(client.get("/nothing").status, 404);
  const TestResponse wrong_method = client.del("/database");
  EXPECT_EQ(wrong_method.status, 405);
  EXPECT_THAT(wrong_method.header("allow"), Optional(std::string_view("GET, HEAD, OPTIONS")));
  const TestResponse head = client.head("/database");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(client.get("/health/ready").status, 200);
  EXPECT_EQ(client.get("/with blank").status, 400);
  EXPECT_EQ(client.get("/" + std::string(10'000, 'x')).status, 414);
  const TestResponse named =
      client.request({.target = "/users/1", .headers = {{"X-Client", "test"}}});
  EXPECT_THAT(named.header("x-client"), Optional(std::string_view("test")));
  EXPECT_TRUE(client.stop());
}

TEST(TestClient, ARequestWithoutAnEndIsTheTestsMistake) {
  TestClient client(shop());
  ASSERT_TRUE(client.start());
  EXPECT_THROW((void)client.request({.method = Method::Post,
                                     .target = "/echo",
                                     .body = "1",
                                     .headers = {{"Content-Length", "2"}}}),
               std::invalid_argument);
  EXPECT_TRUE(client.stop());
}

TEST(TestClient, AHandlerThatThrowsIsA500AndInTheLog) {
  App app;
  app.get("/", []() -> Response { throw std::runtime_error("no such table"); });
  TestClient client(app);
  ASSERT_TRUE(client.start());
  EXPECT_EQ(client.get("/").status, 500);
  EXPECT_THAT(client.log(), ElementsAre(AllOf(HasSubstr("GET /"), HasSubstr("no such table"))));
  EXPECT_TRUE(client.stop());
}

TEST(TestClient, AFailedStartSaysWhyAndClosesWhatWasOpen) {
  App app = shop();
  app.step("cache", []() { throw std::runtime_error("connection refused"); }, [] {});
  TestClient client(app);
  const TestResult started = client.start();
  EXPECT_FALSE(started);
  EXPECT_THAT(started.why(), AllOf(HasSubstr("cache"), HasSubstr("connection refused")));
  EXPECT_THAT(client.events(), Contains(StartsWith("closed database")));
  EXPECT_THROW((void)client.get("/"), std::logic_error);
  EXPECT_FALSE(client.stop());
}

TEST(TestClient, AStartThatHangsNamesWhatItWaitsFor) {
  App app = shop();
  app.step("search", []() -> Task<> { co_await sleep_for(1h); }, [] {});
  TestClient client(app, {.within = 50ms});
  const TestResult started = client.start();
  EXPECT_FALSE(started);
  EXPECT_THAT(started.why(), AllOf(HasSubstr("50 ms"), HasSubstr("opening search")));
  EXPECT_THAT(client.events(), Contains(StartsWith("closed database")));
}

TEST(TestClient, ARequestThatHangsIsNamedAndCancelled) {
  bool cancelled = false;
  App app;
  app.get("/slow", [&cancelled]() -> Task<Response> {
    try {
      co_await sleep_for(1h);
    } catch (const Cancelled&) {
      cancelled = true;
      throw;
    }
    co_return Response();
  });
  TestClient client(app, {.within = 50ms});
  ASSERT_TRUE(client.start());
  try {
    (void)client.get("/slow");
    FAIL() << "it was answered";
  } catch (const TestTimeout& late) {
    EXPECT_THAT(late.what(), AllOf(HasSubstr("GET /slow"), HasSubstr("50 ms")));
  }
  EXPECT_TRUE(cancelled);
  EXPECT_TRUE(client.stop());
}

TEST(TestClient, StopCancelsAndNamesWhatDoesNotEndWithinTheGrace) {
  App app;
  app.get("/slow", []() -> Task<Response> {
    co_await sleep_for(1h);
    co_return Response();
  });
  TestClient client(app, {.grace = 50ms});
  ASSERT_TRUE(client.start());
  TestCall call = client.send({.target = "/slow"});
  EXPECT_FALSE(call.done());
  EXPECT_THAT(client.stop().why(), HasSubstr("GET /slow"));
  EXPECT_TRUE(call.done());
  EXPECT_EQ(call.wait().status, 0);
}

TEST(TestClient, StopWaitsForWhatIsInFlight) {
  App app;
  app.get("/slow", []() -> Task<Response> {
    co_await sleep_for(20ms);
    co_return Response::text("done");
  });
  TestClient client(app);
  ASSERT_TRUE(client.start());
  TestCall call = client.send({.target = "/slow"});
  EXPECT_TRUE(client.stop());
  EXPECT_EQ(call.wait().body, "done");
}

TEST(TestClient, StopNamesAResourceThatCannotBeClosed) {
  App app;
  app.step("queue", [] {}, [] { throw std::runtime_error("not flushed"); });
  TestClient client(app);
  ASSERT_TRUE(client.start());
  EXPECT_THAT(client.stop().why(), AllOf(HasSubstr("queue"), HasSubstr("not flushed")));
}

TEST(TestClient, ReplacesAResourceThatIsThenNeitherOpenedNorClosed) {
  struct Fake : Notebook {
    explicit Fake(std::string as) : Notebook{std::move(as)} {}
  };
  App app;
  bool touched = false;
  app.resource<Notebook>(
      "database",
      [&touched] {
        touched = true;
        return Notebook();
      },
      [&touched](Notebook&) { touched = true; });
  app.get("/",
          [](const Request& request) { return Response::text(request.state<Notebook>().name); });

  TestClient client(app);
  client.replace<Notebook>(std::make_unique<Fake>("pointer"));
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(client.start());
    EXPECT_EQ(client.get("/").body, "pointer");
    EXPECT_THROW(client.replace<Notebook>(Notebook()), std::logic_error);
    EXPECT_TRUE(client.stop());
  }
  client.replace<Notebook>(Notebook{"value"});
  ASSERT_TRUE(client.start());
  EXPECT_EQ(client.get("/").body, "value");
  EXPECT_TRUE(client.stop());
  client.replace<Notebook>([made = 0]() mutable { return Notebook{std::to_string(++made)}; });
  ASSERT_TRUE(client.start());
  EXPECT_EQ(client.get("/").body, "1");
  EXPECT_TRUE(client.stop());
  EXPECT_FALSE(touched);
}

TEST(TestClient, ResourcesCloseInReverse) {
  App app;
  for (const char* name : {"a", "b"}) app.step(name, [] {}, [] {});
  TestClient client(app);
  ASSERT_TRUE(client.start());
  ASSERT_TRUE(client.stop());
  std::vector<std::string> closing;
  for (const std::string& event : client.events()) {
    if (event.starts_with("closing ")) closing.push_back(event);
  }
  EXPECT_THAT(closing, ElementsAre("closing b", "closing a"));
}

TEST(TestClient, AStreamIsCollectedAndAnEndlessOneCanBeLeft) {
  App app;
  app.get("/count", []() -> Task<Response> {
    co_return Response::stream("text/plain", [](StreamWriter& out) -> Task<> {
      for (int i = 0; i < 3; ++i) co_await out.write(std::to_string(i));
    });
  });
  int left = 0;
  app.get("/ticks", [&left]() -> Task<Response> {
    co_return Response::stream("text/plain", [&left](StreamWriter& out) -> Task<> {
      try {
        while (true) co_await out.write("tick");
      } catch (const Cancelled&) {
        ++left;
        throw;
      }
    });
  });
  TestClient client(app);
  ASSERT_TRUE(client.start());
  EXPECT_EQ(client.get("/count").body, "012");
  EXPECT_TRUE(client.get("/count").complete);
  TestCall ticks = client.send({.target = "/ticks"});
  client.wait_until("two ticks", [&] { return ticks.received().size() >= 8; });
  ticks.leave();
  EXPECT_EQ(left, 1);
  EXPECT_THROW((void)ticks.wait(), std::logic_error);
  EXPECT_TRUE(client.stop());
}

TEST(TestClient, AStreamThatThrowsIsNotComplete) {
  App app;
  app.get("/", []() -> Task<Response> {
    co_return Response::stream("text/plain", [](StreamWriter& out) -> Task<> {
      co_await out.write("half");
      throw std::runtime_error("source lost");
    });
  });
  TestClient client(app);
  ASSERT_TRUE(client.start());
  const TestResponse response = client.get("/");
  EXPECT_EQ(response.body, "half");
  EXPECT_FALSE(response.complete);
  EXPECT_TRUE(client.stop());
}

TEST(TestClient, ManyRequestsRunAtOnce) {
  App app;
  int running = 0;
  int most = 0;
  app.get("/", [&]() -> Task<Response> {
    most = std::max(most, ++running);
    co_await sleep_for(10ms);
    --running;
    co_return Response();
  });
  TestClient client(app);
  ASSERT_TRUE(client.start());
  std::vector<TestCall> calls;
  for (int i = 0; i < 100; ++i) calls.push_back(client.send({}));
  for (TestCall& call : calls) EXPECT_EQ(call.wait().status, 200);
  EXPECT_EQ(most, 100);
  EXPECT_TRUE(client.stop());
}

TEST(TestClient, RunsTasksOnItsLoop) {
  App app = shop();
  TestClient client(app, {.within = 100ms});
  ASSERT_TRUE(client.start());
  const auto name = [](Notebook& database) -> Task<std::string> {
    co_await sleep_for(1ms);
    co_return co_await offload([&database] { return database.name; });
  };
  EXPECT_EQ(client.run(name(client.state<Notebook>())), "real");
  const auto fail = []() -> Task<> {
    co_await sleep_for(1ms);
    throw std::runtime_error("failed");
  };
  EXPECT_THROW(client.run(fail()), std::runtime_error);
  const auto hang = []() -> Task<int> {
    co_await sleep_for(1h);
    co_return 1;
  };
  EXPECT_THROW((void)client.run(hang()), TestTimeout);
  EXPECT_THROW(client.wait_until("never", [] { return false; }), TestTimeout);
  EXPECT_TRUE(client.stop());
}

TEST(TestClient, MayStartAgainAndBesideAnother) {
  const App app = shop();
  TestClient one(app);
  TestClient two(app);
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(one.start());
    EXPECT_FALSE(one.start());
    ASSERT_TRUE(two.start());
    one.state<Notebook>().name = "first";
    EXPECT_EQ(one.get("/database").body, "first");
    EXPECT_EQ(two.get("/database").body, "real");
    EXPECT_TRUE(one.stop());
    EXPECT_TRUE(two.stop());
  }
}

TEST(TestClient, MayLiveOnAnotherThreadEach) {
  const App app = shop();
  std::vector<std::thread> threads;
  // None ends before all have begun: libuv closes descriptors by a bare system call, which TSan
  // does not see, so that the next owner of a number looks as if it raced.
  std::barrier all_live(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&app, &all_live] {
      TestClient client(app);
      EXPECT_TRUE(client.start());
      EXPECT_EQ(client.get("/users/1").status, 200);
      all_live.arrive_and_wait();
      EXPECT_TRUE(client.stop());
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(TestClient, ADestructorStops) {
  App app;
  bool closed = false;
  app.step("queue", [] {}, [&closed] { closed = true; });
  {
    TestClient client(app);
    ASSERT_TRUE(client.start());
  }
  EXPECT_TRUE(closed);
}

TEST(TestClient, AThreadThatNeverReturnsIsLeftBehindAndNamed) {
  // Outlives the test, as the thread does, unless it is let go in time.
  struct Gate {
    std::mutex mutex;
    std::condition_variable changed;
    bool open = false;
    bool passed = false;
  };
  const auto gate = std::make_shared<Gate>();
  App app;
  app.get("/stuck", [gate] {
    std::unique_lock lock(gate->mutex);
    gate->changed.wait(lock, [&] { return gate->open; });
    gate->passed = true;
    gate->changed.notify_all();
    return Response();
  });
  TestClient client(app, {.grace = 20ms});
  ASSERT_TRUE(client.start());
  TestCall call = client.send({.target = "/stuck"});
  EXPECT_THAT(client.stop().why(), AllOf(HasSubstr("GET /stuck"), HasSubstr("thread pool")));
  std::unique_lock lock(gate->mutex);
  gate->open = true;
  gate->changed.notify_all();
  EXPECT_TRUE(gate->changed.wait_for(lock, 20s, [&] { return gate->passed; }));
}

TEST(TestResult, BecomesAnAssertionWithItsReason) {
  const testing::AssertionResult good = TestResult();
  EXPECT_TRUE(good);
  const testing::AssertionResult bad = TestResult("the database is down");
  EXPECT_FALSE(bad);
  EXPECT_STREQ(bad.message(), "the database is down");
}

}  // namespace
}  // namespace reeve
