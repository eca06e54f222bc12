// Values of request scope, through a real server: made before the handler, closed after the answer.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "reeve/provide.hpp"
#include "reeve/wait.hpp"
#include "tests/unit/worker/http/http_server_fixture.hpp"

namespace reeve::worker {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

struct Accounts {
  std::string name = "db";
};
struct User {
  std::string name;
};
struct Session {
  Session(Accounts& opened_on, std::string of) : database(&opened_on), user(std::move(of)) {}
  virtual ~Session() = default;
  Accounts* database;
  std::string user;
};
struct FakeSession final : Session {
  explicit FakeSession(Accounts& opened_on) : Session(opened_on, "fake") {}
};

std::string get_and_close(std::string_view path) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
}

class RequestScopeTest : public ServerFixture {
 protected:
  RequestScopeTest() {
    state.put(Accounts());
    values.provide<User>(
        [this](const Request& request) {  // Blocks: on a thread.
          if (request.query("user") == "nobody") throw std::runtime_error("no such user");
          on_thread = std::this_thread::get_id() != loop_thread;
          return User{std::string(request.query("user").value_or("anna"))};
        },
        [this](User&) { note("close user"); });
    values.provide<Session>(
        [this](const Request&, Accounts& database, User& user) -> Task<std::unique_ptr<Session>> {
          co_await sleep_for(1ms);
          note("open session");
          co_return std::make_unique<Session>(database, user.name);
        },
        [this](Session& session) -> Task<> {
          co_await sleep_for(1ms);
          note("close session of " + session.user);
        });
  }

  /// Any thread.
  void note(std::string line) {
    const std::lock_guard lock(mutex);
    lines.push_back(std::move(line));
  }
  [[nodiscard]] bool noted(const std::string& line) {
    return run_until([&] {
      const std::lock_guard lock(mutex);
      return std::ranges::find(lines, line) != lines.end();
    });
  }
  [[nodiscard]] bool settled() {
    return run_until([this] { return services->background->idle(); });
  }

  std::thread::id loop_thread = std::this_thread::get_id();
  bool on_thread = false;
  std::mutex mutex;
  std::vector<std::string> lines;  // To be read when all has settled.
};

TEST_F(RequestScopeTest, GivesHandlersWhatTheirParametersName) {
  router.get("/async",
             [](const Request& request, Session& session, Accounts& db) -> Task<Response> {
               const bool same = &request.scoped<Session>() == &session && session.database == &db;
               co_return Response::text(session.user + (same ? " same" : " other"));
             });
  router.get("/blocking", [](Session& session) { return Response::text(session.user); });
  start();
  EXPECT_THAT(whole_answer(get_and_close("/async?user=bert")), EndsWith("bert same"));
  EXPECT_THAT(whole_answer(get_and_close("/blocking")), EndsWith("anna"));
  EXPECT_TRUE(on_thread);
}

TEST_F(RequestScopeTest, ClosesInReverseAfterTheAnswer) {
  router.get("/", [this](Session&) -> Task<Response> {
    note("handle");
    co_return Response::text("done");
  });
  start();
  SocketClient one = client(get_and_close("/"));
  ASSERT_TRUE(receives(one, "done"));
  ASSERT_TRUE(noted("close user") && settled());
  EXPECT_THAT(lines, ElementsAre("open session", "handle", "close session of anna", "close user"));
}

TEST_F(RequestScopeTest, ClosesAfterTheLastByteOfAStream) {
  router.get("/", [this](Session& session) -> Task<Response> {
    co_return Response::stream("text/plain", [this, &session](StreamWriter& out) -> Task<> {
      co_await out.write("first");
      co_await sleep_for(20ms);
      note("last chunk for " + session.user);
      co_await out.write("last");
    });
  });
  start();
  EXPECT_THAT(whole_answer(get_and_close("/")), HasSubstr("last"));
  ASSERT_TRUE(settled());
  EXPECT_THAT(lines, ElementsAre("open session", "last chunk for anna", "close session of anna",
                                 "close user"));
}

TEST_F(RequestScopeTest, ClosesWhenTheHandlerThrew) {
  router.get("/", [](Session&) -> Task<Response> {
    throw std::runtime_error("broken");
    co_return Response();
  });
  start();
  EXPECT_THAT(whole_answer(get_and_close("/")), StartsWith("HTTP/1.1 500 "));
  ASSERT_TRUE(settled());
  EXPECT_THAT(lines, ElementsAre("open session", "close session of anna", "close user"));
}

TEST_F(RequestScopeTest, ClosesWhenTheClientHasLeft) {
  router.get("/", [this](Session&) -> Task<Response> {
    note("handle");
    co_await sleep_for(1h);
    co_return Response();
  });
  start();
  SocketClient one = client(get_and_close("/"));
  ASSERT_TRUE(noted("handle"));
  one.close();
  ASSERT_TRUE(noted("close user") && settled());
  EXPECT_THAT(lines, ElementsAre("open session", "handle", "close session of anna", "close user"));
}

TEST_F(RequestScopeTest, WhatAThreadMakesForAClientThatHasLeftIsClosedToo) {
  struct Slow {};
  values.provide<Slow>(
      [&](const Request& request) {
        note("open slow");
        const auto deadline = ipc::Clock::now() + kPatience;
        while (!request.disconnected() && ipc::Clock::now() < deadline) std::this_thread::yield();
        return Slow();
      },
      [&](Slow&) { note("close slow"); });
  router.get("/", [this](Slow&) -> Task<Response> {
    note("handle");
    co_return Response();
  });
  start();
  SocketClient one = client(get_and_close("/"));
  ASSERT_TRUE(noted("open slow"));
  one.close();
  ASSERT_TRUE(noted("close slow") && settled());
  EXPECT_THAT(lines, ElementsAre("open slow", "close slow"));
}

TEST_F(RequestScopeTest, AProviderThatFailsIsAnsweredAndWhatWasMadeIsClosed) {
  struct Broken {};
  values.provide<Broken>([](User&) -> Broken { throw std::runtime_error("cannot"); });
  router.get("/", [](Broken&) -> Task<Response> { co_return Response(); });
  router.get("/user", [](User&) -> Task<Response> { co_return Response(); });
  start();
  EXPECT_THAT(whole_answer(get_and_close("/")), StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(log, ElementsAre("GET / failed: cannot"));
  ASSERT_TRUE(settled());
  EXPECT_THAT(lines, ElementsAre("close user"));
  EXPECT_THAT(whole_answer(get_and_close("/user?user=nobody")), StartsWith("HTTP/1.1 500 "));
  ASSERT_TRUE(settled());
  EXPECT_THAT(lines, ElementsAre("close user")) << "it was never made";
}

TEST_F(RequestScopeTest, ACloseThatFailsOrHangsIsLoggedAndSkipsNoOther) {
  struct Failing {};
  struct Hanging {};
  values.provide<Hanging>([](User&) { return Hanging(); },
                          [](Hanging&) -> Task<> { co_await sleep_for(1h); },
                          {.close_within = 20ms});
  values.provide<Failing>([](Hanging&) { return Failing(); },
                          [](Failing&) { throw std::runtime_error("cannot commit"); });
  router.get("/x/{id}", [](Failing&) -> Task<Response> { co_return Response::text("fine"); });
  start();
  EXPECT_THAT(whole_answer(get_and_close("/x/7")), EndsWith("fine"));
  ASSERT_TRUE(noted("close user") && settled());
  ASSERT_EQ(log.size(), 2U);
  EXPECT_THAT(log[0], StartsWith("GET /x/{id}: closing "));
  EXPECT_THAT(log[0], EndsWith("Failing: cannot commit"));
  EXPECT_THAT(log[1], EndsWith("Hanging: not done within 20 ms"));
}

TEST_F(RequestScopeTest, KeepAliveRequestsEachHaveTheirOwn) {
  router.get("/", [](Session& session) -> Task<Response> {
    co_return Response::text("[" + session.user + "]");
  });
  start();
  SocketClient one = client(
      "GET /?user=a HTTP/1.1\r\nHost: a\r\n\r\n"
      "GET /?user=b HTTP/1.1\r\nHost: a\r\n\r\n" +
      get_and_close("/?user=c"));
  EXPECT_EQ(end_of(one), SocketClient::End::Closed);
  EXPECT_THAT(one.received(), ::testing::ContainsRegex("\\[a\\](.|\n)*\\[b\\](.|\n)*\\[c\\]"));
  ASSERT_TRUE(settled());
  for (const char* name : {"a", "b", "c"}) {
    EXPECT_EQ(std::ranges::count(lines, std::string("close session of ") + name), 1) << name;
  }
}

TEST_F(RequestScopeTest, ReplacementsAreUsedAndNeverClosed) {
  overrides.replace<Session>(std::make_unique<FakeSession>(state.get<Accounts>()));
  router.get("/", [](Session& session) { return Response::text(session.user); });
  start();
  EXPECT_THAT(whole_answer(get_and_close("/")), EndsWith("fake"));
  EXPECT_THAT(whole_answer(get_and_close("/")), EndsWith("fake"));
  ASSERT_TRUE(settled());
  EXPECT_THAT(lines, IsEmpty());
}

TEST_F(RequestScopeTest, AResourceThatIsDownIs503) {
  router.get("/",
             [](Accounts& database) -> Task<Response> { co_return Response::text(database.name); });
  router.get("/copes", [](Accounts* database) -> Task<Response> {
    co_return Response::text(database != nullptr ? "there" : "without");
  });
  start();
  EXPECT_THAT(whole_answer(get_and_close("/")), EndsWith("db"));
  state.erase<Accounts>();
  const std::string answer = whole_answer(get_and_close("/"));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(answer, HasSubstr("Retry-After: 1\r\n"));
  EXPECT_THAT(whole_answer(get_and_close("/copes")), EndsWith("without"));
}

TEST_F(RequestScopeTest, AskingForWhatWasNotMadeNamesTheType) {
  router.get("/", [](const Request& request) -> Task<Response> {
    co_return Response::text(request.scoped<Session>().user);
  });
  start();
  EXPECT_THAT(whole_answer(get_and_close("/")), StartsWith("HTTP/1.1 500 "));
  ASSERT_EQ(log.size(), 1U);
  EXPECT_THAT(log[0], HasSubstr("Session was made for this request; give the handler a parameter"));
}

TEST_F(RequestScopeTest, ADrainWaitsForTheCloses) {
  router.get("/", [](Session&) -> Task<Response> { co_return Response::text("done"); });
  start();
  SocketClient one = client(get_and_close("/"));
  ASSERT_TRUE(noted("open session"));
  drain(ipc::DrainKind::Prompt);
  ASSERT_TRUE(run_until_drained());
  EXPECT_THAT(lines, Contains("close user"));
}

TEST_F(RequestScopeTest, CancelledRequestsStillCloseTheirValues) {
  router.get("/", [this](Session&) -> Task<Response> {
    note("handle");
    co_await sleep_for(1h);
    co_return Response();
  });
  start();
  SocketClient one = client(get_and_close("/"));
  ASSERT_TRUE(noted("handle"));
  drain(ipc::DrainKind::Prompt);
  EXPECT_EQ(server->cancel().size(), 1U);
  ASSERT_TRUE(run_until_drained());
  EXPECT_THAT(lines, ElementsAre("open session", "handle", "close session of anna", "close user"));
}

}  // namespace
}  // namespace reeve::worker
