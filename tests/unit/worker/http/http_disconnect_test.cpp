// Clients that have left, and clients that only have nothing more to ask.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <string>

#include "reeve/wait.hpp"
#include "tests/unit/worker/http/http_server_fixture.hpp"

namespace reeve::worker {
namespace {

using namespace std::chrono_literals;
using ::testing::ContainsRegex;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

using End = SocketClient::End;

constexpr std::string_view kInterim = "HTTP/1.1 100 Continue\r\n\r\n";

class Disconnect : public ServerFixture {
 protected:
  Disconnect() {
    // Waits until the test lets it go on.
    router.get("/wait/{id}", [this](const Request& request) -> Task<Response> {
      const Counted counted(*this);
      while (!released) co_await sleep_for(1ms);
      ++answered;
      co_return Response::text("answer " + std::string(request.parameter("id")));
    });
  }
  struct Counted {
    explicit Counted(Disconnect& of) : test(of) { ++test.running; }
    ~Counted() { --test.running; }
    Disconnect& test;
  };

  [[nodiscard]] static std::string get(std::string_view path, std::string_view version = "1.1") {
    return "GET " + std::string(path) + " HTTP/" + std::string(version) + "\r\nHost: a\r\n\r\n";
  }
  /// The handler runs, and the server has seen the end of what the client sends.
  [[nodiscard]] bool runs_half_closed(SocketClient& one) {
    if (!run_until([this] { return running == 1; })) return false;
    one.half_close();
    return receives(one, kInterim);
  }
  static void reset(const SocketClient& one) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(one.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }

  int running = 0;
  int answered = 0;
  bool released = false;
};

TEST_F(Disconnect, ClosingCancelsACoroutine) {
  start();
  SocketClient one = client(get("/wait/1"));
  ASSERT_TRUE(run_until([this] { return running == 1; }));
  one.close();
  ASSERT_TRUE(run_until([this] { return running == 0 && connections() == 0; }));
  EXPECT_EQ(answered, 0);
}

TEST_F(Disconnect, AResetCancelsACoroutine) {
  start();
  SocketClient one = client(get("/wait/1"));
  ASSERT_TRUE(run_until([this] { return running == 1; }));
  reset(one);
  one.close();
  ASSERT_TRUE(run_until([this] { return running == 0 && connections() == 0; }));
}

TEST_F(Disconnect, HalfClosingDoesNot) {
  start();
  SocketClient one = client(get("/wait/1"));
  ASSERT_TRUE(runs_half_closed(one));
  released = true;
  EXPECT_EQ(end_of(one), End::Closed);
  EXPECT_THAT(one.received(), EndsWith("answer 1"));
}

TEST_F(Disconnect, ClosingAfterHalfClosingDoes) {
  start();
  SocketClient one = client(get("/wait/1"));
  ASSERT_TRUE(run_until([this] { return running == 1; }));
  one.half_close();
  for (int i = 0; i < 20; ++i) turn();
  EXPECT_EQ(running, 1);
  one.close();  // With an interim answer unread.
  ASSERT_TRUE(run_until([this] { return running == 0 && connections() == 0; }));
}

TEST_F(Disconnect, Http10GetsNoInterimAnswer) {
  start();
  SocketClient one = client(get("/wait/1", "1.0"));
  ASSERT_TRUE(run_until([this] { return running == 1; }));
  one.half_close();
  for (int i = 0; i < 20; ++i) turn();
  EXPECT_EQ(running, 1);
  released = true;
  EXPECT_EQ(end_of(one), End::Closed);
  EXPECT_THAT(one.received(), EndsWith("answer 1"));
  EXPECT_THAT(one.received(), Not(HasSubstr("100 Continue")));
}

TEST_F(Disconnect, WhatWasPipelinedBeforeTheHalfCloseIsAnswered) {
  start();
  SocketClient one = client(get("/wait/1") + get("/wait/2") + get("/wait/3"));
  ASSERT_TRUE(runs_half_closed(one));
  released = true;
  EXPECT_EQ(end_of(one), End::Closed);
  EXPECT_THAT(one.received(), ContainsRegex("answer 1(.|\n)*answer 2(.|\n)*answer 3$"));
  EXPECT_EQ(answered, 3);
}

TEST_F(Disconnect, HalfARequestBehindTheHalfCloseEndsTheConnection) {
  start();
  SocketClient one = client(get("/wait/1") + "GET /wait/2 HTT");
  ASSERT_TRUE(runs_half_closed(one));
  released = true;
  EXPECT_NE(end_of(one), End::None);
  EXPECT_THAT(one.received(), HasSubstr("answer 1"));
  EXPECT_EQ(answered, 1);
  EXPECT_TRUE(run_until([this] { return connections() == 0; }));
}

TEST_F(Disconnect, AStreamGoesOnForAHalfClosedClient) {
  router.get("/stream", [this]() -> Task<Response> {
    co_return Response::stream("text/plain", [this](StreamWriter& out) -> Task<> {
      const Counted counted(*this);
      co_await out.write("first");
      while (!released) co_await sleep_for(1ms);
      co_await out.write("last");
    });
  });
  start();
  SocketClient one = client(get("/stream"));
  ASSERT_TRUE(receives(one, "first"));
  one.half_close();
  ASSERT_TRUE(receives(one, "first\r\n0"));
  released = true;
  EXPECT_EQ(end_of(one), End::Closed);
  EXPECT_THAT(one.received(), EndsWith("\r\n\r\n5\r\nfirst\r\n04\r\nlast\r\n0\r\n\r\n"));
}

TEST_F(Disconnect, ASilentStreamEndsWhenItsClientCloses) {
  router.get("/stream", [this]() -> Task<Response> {
    co_return Response::stream("text/plain", [this](StreamWriter& out) -> Task<> {
      const Counted counted(*this);
      co_await out.write("first");
      co_await sleep_for(1h);
    });
  });
  start();
  SocketClient one = client(get("/stream"));
  ASSERT_TRUE(receives(one, "first"));
  one.close();
  ASSERT_TRUE(run_until([this] { return running == 0 && connections() == 0; }));
}

TEST_F(Disconnect, ABlockingHandlerMayAsk) {
  std::atomic<bool> begun = false;
  std::atomic<bool> noticed = false;
  router.get("/long", [&](const Request& request) {
    begun = true;
    const auto deadline = ipc::Clock::now() + kPatience;
    while (!request.disconnected() && ipc::Clock::now() < deadline) std::this_thread::yield();
    noticed = request.disconnected();
    return Response::text("late");
  });
  start();
  SocketClient one = client(get("/long"));
  ASSERT_TRUE(run_until([&] { return begun.load(); }));
  one.close();
  ASSERT_TRUE(run_until([this] { return connections() == 0; }));
  EXPECT_TRUE(noticed);
}

TEST_F(Disconnect, AQueuedHandlerOfAClientThatLeftNeverRuns) {
  std::latch release(1);
  std::atomic<int> ran = 0;
  router.get("/occupy", [&] {
    release.wait();
    return Response();
  });
  router.get("/queued", [&] {
    ++ran;
    return Response();
  });
  start();
  SocketClient first = client(get("/occupy"));
  SocketClient second = client(get("/occupy"));
  ASSERT_TRUE(run_until([this] { return threads.running() == 2; }));
  SocketClient queued = client(get("/queued"));
  ASSERT_TRUE(run_until([this] { return recorder.page().in_flight.load() == 3; }));
  reset(queued);
  queued.close();
  SocketClient probe = client(get("/health/live"));
  EXPECT_TRUE(receives(probe, "live")) << "though every thread is taken";
  release.count_down();
  ASSERT_TRUE(receives(first, "200 OK") && receives(second, "200 OK"));
  ASSERT_TRUE(run_until([this] { return connections() == 3; }));
  EXPECT_EQ(ran, 0);
}

}  // namespace
}  // namespace reeve::worker
