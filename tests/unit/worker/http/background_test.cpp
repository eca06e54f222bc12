// Background tasks, through a real server: they run after the answer, within their bounds, and a
// drain waits for them.

#include "worker/http/background.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <stdexcept>
#include <string>
#include <vector>

#include "reeve/wait.hpp"
#include "tests/unit/worker/http/http_server_fixture.hpp"
#include "worker/task/spawn.hpp"

namespace reeve::worker {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

std::string post(std::string_view path) {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
}

class BackgroundTest : public ServerFixture {
 protected:
  BackgroundTest() {
    // Ends when `released`.
    router.post("/orders/{id}", [this](const Request& request) -> Task<Response> {
      request.background("mail", [this]() -> Task<> {
        const Leaves leaves(ended);
        began = true;
        while (!released) co_await sleep_for(1ms);
        finished = true;
      });
      co_return Response::text("accepted", 202);
    });
  }
  struct Leaves {
    explicit Leaves(bool& flag) : flag_(flag) {}
    ~Leaves() { flag_ = true; }
    bool& flag_;
  };

  [[nodiscard]] std::uint64_t running() const { return recorder.page().tasks_running.load(); }

  bool began = false;
  bool released = false;
  bool finished = false;
  bool ended = false;
};

TEST_F(BackgroundTest, RunsAfterTheAnswerAndIsCounted) {
  start();
  EXPECT_THAT(whole_answer(post("/orders/7")), EndsWith("accepted"));
  ASSERT_TRUE(run_until([this] { return began; }));
  EXPECT_FALSE(finished);
  EXPECT_EQ(running(), 1U);
  EXPECT_THAT(services->background->describe(),
              StartsWith("1 background task: mail of POST /orders/{id} for "));
  released = true;
  ASSERT_TRUE(run_until([this] { return finished && services->background->idle(); }));
  EXPECT_EQ(running(), 0U);
  EXPECT_EQ(services->background->describe(), "");
}

TEST_F(BackgroundTest, ABlockingOneRunsOnAThreadAlsoFromABlockingHandler) {
  const auto loop_thread = std::this_thread::get_id();
  std::atomic<bool> on_thread = false;
  router.post("/", [&](const Request& request) {
    request.background("report", [&] { on_thread = std::this_thread::get_id() != loop_thread; });
    return Response::text("ok");
  });
  start();
  EXPECT_THAT(whole_answer(post("/")), EndsWith("ok"));
  EXPECT_TRUE(run_until([&] { return on_thread.load(); }));
}

TEST_F(BackgroundTest, ComesAfterTheValuesOfTheRequestWereClosed) {
  struct Session {};
  std::vector<std::string> lines;
  values.provide<Session>([] { return Session(); },
                          [&](Session&) -> Task<> {
                            lines.emplace_back("close");
                            co_return;
                          });
  router.post("/", [&](const Request& request, Session&) -> Task<Response> {
    request.background("mail", [&]() -> Task<> {
      lines.emplace_back("mail");
      co_return;
    });
    co_return Response();
  });
  start();
  (void)whole_answer(post("/"));
  ASSERT_TRUE(run_until([&] { return lines.size() == 2; }));
  EXPECT_THAT(lines, ElementsAre("close", "mail"));
}

TEST_F(BackgroundTest, ErrorsAreLoggedWithNameAndRoute) {
  router.post("/x/{id}", [](const Request& request) -> Task<Response> {
    request.background("sync", []() -> Task<> {
      throw std::runtime_error("no route to host");
      co_return;
    });
    request.background("report", [] { throw std::runtime_error("disk full"); });
    co_return Response();
  });
  start();
  (void)whole_answer(post("/x/7"));
  ASSERT_TRUE(run_until([this] { return log.size() == 2; }));
  EXPECT_THAT(log, Contains("background task sync of POST /x/{id}: no route to host"));
  EXPECT_THAT(log, Contains("background task report of POST /x/{id}: disk full"));
}

TEST_F(BackgroundTest, AHandlerThatFailsPromisesNothing) {
  router.post("/", [this](const Request& request) -> Task<Response> {
    request.background("mail", [this]() -> Task<> {
      began = true;
      co_return;
    });
    throw std::runtime_error("out of stock");
  });
  start();
  EXPECT_THAT(whole_answer(post("/")), StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(log, Contains(HasSubstr("background task mail is dropped")));
  EXPECT_TRUE(services->background->idle());
  EXPECT_FALSE(began);
}

class StreamedBackground : public BackgroundTest {
 protected:
  /// Promises "mail", then streams with `producer`.
  void serve(const Response::Producer& producer) {
    router.get("/stream", [this, producer](const Request& request) -> Task<Response> {
      request.background("mail", [this]() -> Task<> {
        began = true;
        co_return;
      });
      co_return Response::stream("text/plain", producer);
    });
    start();
  }
  static constexpr std::string_view kGet = "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n";
};

TEST_F(StreamedBackground, RunsWhenTheClientLeavesBeforeTheEndOfTheResponse) {
  serve([](StreamWriter& out) -> Task<> {
    co_await out.write("first");
    co_await sleep_for(1h);
  });
  SocketClient one = client(kGet);
  ASSERT_TRUE(receives(one, "first"));
  EXPECT_FALSE(began) << "the response goes on";
  one.close();
  EXPECT_TRUE(run_until([this] { return began; }));
  EXPECT_THAT(log, IsEmpty());
}

TEST_F(StreamedBackground, RunsWhenTheProducerFailsBecauseTheClientHasLeft) {
  serve([](StreamWriter& out) -> Task<> {
    co_await out.write("first");
    try {
      co_await sleep_for(1h);
    } catch (const Cancelled&) {
      throw std::runtime_error("broken pipe");
    }
  });
  SocketClient one = client(kGet);
  ASSERT_TRUE(receives(one, "first"));
  one.close();
  EXPECT_TRUE(run_until([this] { return began; }));
}

TEST_F(StreamedBackground, IsDroppedWhenTheProducerFails) {
  serve([](StreamWriter& out) -> Task<> {
    co_await out.write("first");
    throw std::runtime_error("the table is gone");
  });
  SocketClient one = client(kGet);
  EXPECT_NE(end_of(one), SocketClient::End::None);
  EXPECT_THAT(log, Contains("GET /stream: background task mail is dropped: the producer of its "
                            "response failed"));
  EXPECT_THAT(log, Contains(HasSubstr("the table is gone")));
  EXPECT_FALSE(began);
  EXPECT_TRUE(services->background->idle());
}

TEST_F(BackgroundTest, BeyondTheBoundIs503) {
  background = {.at_most = 1};
  start();
  EXPECT_THAT(whole_answer(post("/orders/1")), StartsWith("HTTP/1.1 202 "));
  const std::string answer = whole_answer(post("/orders/2"));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(answer, HasSubstr("Retry-After: "));
  EXPECT_THAT(log, Contains(HasSubstr("too many background tasks are under way")));
  released = true;
  ASSERT_TRUE(run_until([this] { return services->background->idle(); }));
  EXPECT_THAT(whole_answer(post("/orders/3")), StartsWith("HTTP/1.1 202 "));
}

TEST_F(BackgroundTest, BlockingOnesLeaveThreadsToRequests) {
  std::latch release(1);
  std::atomic<int> ran = 0;
  router.post("/", [&](const Request& request) -> Task<Response> {
    for (int i = 0; i < 5; ++i) {  // More than the pool and its queue take.
      request.background("report", [&] {
        release.wait();
        ++ran;
      });
    }
    co_return Response();
  });
  router.post("/blocking", [] { return Response::text("served"); });
  start();
  (void)whole_answer(post("/"));
  EXPECT_EQ(running(), 5U);
  EXPECT_THAT(whole_answer(post("/blocking")), EndsWith("served"));
  release.count_down();
  ASSERT_TRUE(run_until([this] { return services->background->idle(); }));
  EXPECT_EQ(ran, 5);
}

TEST_F(BackgroundTest, ADrainWaitsForThem) {
  start();
  (void)whole_answer(post("/orders/7"));
  drain(ipc::DrainKind::Prompt);
  for (int i = 0; i < 20; ++i) turn();
  EXPECT_FALSE(drained);
  released = true;
  ASSERT_TRUE(run_until_drained());
  EXPECT_TRUE(finished);
}

TEST_F(BackgroundTest, CancelEndsAndNamesThem) {
  start();
  (void)whole_answer(post("/orders/7"));
  ASSERT_TRUE(run_until([this] { return began; }));
  drain(ipc::DrainKind::Prompt);
  const std::vector<std::string> names = services->background->cancel();
  ASSERT_EQ(names.size(), 1U);
  EXPECT_THAT(names[0], StartsWith("background task mail of POST /orders/{id} ("));
  EXPECT_TRUE(ended);
  EXPECT_FALSE(finished);
  ASSERT_TRUE(run_until_drained());
  EXPECT_THAT(log, IsEmpty());
  EXPECT_EQ(running(), 0U);
}

TEST_F(BackgroundTest, CancelNamesThoseThatNeverBegan) {
  std::latch release(1);
  router.post("/", [&](const Request& request) -> Task<Response> {
    request.background("first", [&] { release.wait(); });
    request.background("second", [this] { finished = true; });
    co_return Response();
  });
  start();
  (void)whole_answer(post("/"));
  EXPECT_EQ(services->background->cancel().size(), 2U);
  release.count_down();
  ASSERT_TRUE(run_until([this] { return services->background->idle(); }));
  EXPECT_FALSE(finished);
  EXPECT_EQ(running(), 0U);
}

TEST_F(BackgroundTest, ACancelFromWithinOneEndsAndCountsEachOnce) {
  start();
  Background& tasks = *services->background;
  std::vector<std::string> names;
  const auto add = [&](std::string name, auto function) {
    tasks.start({detail::make_background(std::move(name), std::move(function)), tasks.reserve()},
                "POST /");
  };
  const auto sleeps = []() -> Task<> { co_await sleep_for(1h); };
  add("first", sleeps);
  add("cancels", [&]() -> Task<> {  // start() has not returned yet.
    names = tasks.cancel();
    co_await sleep_for(1h);
  });
  add("late", sleeps);
  ASSERT_TRUE(run_until([&] { return tasks.idle(); }));
  EXPECT_EQ(names.size(), 2U);
  EXPECT_THAT(log, ElementsAre(HasSubstr("cancelled background task late of POST /")));
  EXPECT_EQ(running(), 0U);
}

TEST_F(BackgroundTest, SettledWaitsForCleanUpsAndEndsThemAtItsLimit) {
  start();
  Background& tasks = *services->background;
  const auto settles = [&](ipc::Duration limit) {
    bool settled = false;
    const auto wait = [](Background& all, ipc::Duration most) -> Task<> {
      co_await all.settled(most);
    };
    const Spawned waiting =
        spawn(context, wait(tasks, limit), [&](const auto&) { settled = true; });
    return run_until([&] { return settled; });
  };
  EXPECT_TRUE(settles(1h)) << "there is nothing";
  const auto clean_up = [](bool& done, ipc::Duration takes) -> Task<> {
    co_await sleep_for(takes);
    done = true;
  };
  bool quick = false;
  tasks.clean_up("quick", clean_up(quick, 5ms), {});
  EXPECT_TRUE(settles(1h));
  EXPECT_TRUE(quick);
  bool slow = false;
  tasks.clean_up("slow", clean_up(slow, 1h), {});
  EXPECT_TRUE(settles(10ms));
  EXPECT_FALSE(slow);
  EXPECT_TRUE(tasks.idle());
}

}  // namespace
}  // namespace reeve::worker
