// HttpServer over loopback: what goes over the wire while it serves.

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <atomic>
#include <latch>
#include <stdexcept>
#include <thread>

#include "http_server_fixture.hpp"
#include "reeve/wait.hpp"

namespace reeve::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using End = SocketClient::End;

constexpr char kGet[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr char kGetAndClose[] = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

std::string get(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++found;
  return found;
}

class Server : public ServerFixture {
 protected:
  Server() {
    router.get("/", []() -> Task<Response> { co_return Response::text("hello"); });
    router.get("/thread", [] { return Response::text("thread"); });
    router.post("/echo", [](const Request& request) -> Task<Response> {
      co_return Response::text(std::string(request.body()));
    });
    router.get("/never", [this]() -> Task<Response> {
      const Ended ended(cancelled);
      co_await sleep_for(std::chrono::hours(1));
      co_return Response();
    });
  }

  struct Ended {
    explicit Ended(bool& sets) : flag(sets) {}
    ~Ended() { flag = true; }
    bool& flag;
  };
  bool cancelled = false;
};

TEST_F(Server, KeepsConnectionsAlive) {
  start();
  SocketClient one = client(kGet);
  ASSERT_TRUE(receives(one, "hello"));
  EXPECT_THAT(one.received(), StartsWith("HTTP/1.1 200 OK\r\nDate: "));
  EXPECT_THAT(one.received(), Not(HasSubstr("Connection:")));
  one.forget();
  one.send(kGetAndClose);
  EXPECT_EQ(end_of(one), End::Closed);
  EXPECT_THAT(one.received(), HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_EQ(recorder.page().requests.load(), 2U);
  EXPECT_EQ(connections(), 0U);
}

TEST_F(Server, SpeaksHttp10) {
  start();
  EXPECT_THAT(whole_answer("GET / HTTP/1.0\r\n\r\n"), HasSubstr("Connection: close"));
  SocketClient one = client("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  ASSERT_TRUE(receives(one, "hello"));
  EXPECT_THAT(one.received(), HasSubstr("Connection: keep-alive"));
  EXPECT_EQ(one.end(), End::None);
}

TEST_F(Server, AnswersPipelinedRequestsInOrder) {
  router.get("/{n}", [](const Request& request) -> Task<Response> {
    const std::string n(request.parameter("n"));
    if (n == "1") co_await sleep_for(std::chrono::milliseconds(5));
    co_return Response::text("<" + n + ">");
  });
  start();
  std::string requests;
  for (const char* n : {"1", "2", "3"}) {
    requests += std::string("GET /") + n + " HTTP/1.1\r\nHost: a\r\n\r\n";
  }
  SocketClient one = client(requests + get("/4"));
  EXPECT_EQ(end_of(one), End::Closed);
  const std::string& all = one.received();
  EXPECT_EQ(count(all, "HTTP/1.1 200"), 4U);
  EXPECT_LT(all.find("<1>"), all.find("<2>"));
  EXPECT_LT(all.find("<2>"), all.find("<3>"));
  EXPECT_LT(all.find("<3>"), all.find("<4>"));
}

TEST_F(Server, AnswersALongPipelineWhoseInputIsHeldBack) {
  limits.buffered_input_bytes = 64;
  start();
  std::string requests;
  for (int i = 0; i < 500; ++i) requests += kGet;
  SocketClient one = client(requests + kGetAndClose);
  EXPECT_EQ(end_of(one), End::Closed);
  EXPECT_EQ(count(one.received(), "hello"), 501U);
}

TEST_F(Server, SendsNoBodyToHead) {
  start();
  const std::string answer = whole_answer("HEAD / HTTP/1.0\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Content-Length: 5\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST_F(Server, TellsMissingPathsFromMissingMethods) {
  start();
  EXPECT_THAT(whole_answer(get("/nothing")), StartsWith("HTTP/1.1 404 "));
  const std::string answer = whole_answer("PUT / HTTP/1.0\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(answer, HasSubstr("Allow: GET, HEAD, OPTIONS\r\n"));
  EXPECT_THAT(whole_answer("OPTIONS / HTTP/1.0\r\n\r\n"), StartsWith("HTTP/1.1 204 "));
  EXPECT_THAT(whole_answer("OPTIONS * HTTP/1.0\r\n\r\n"), StartsWith("HTTP/1.1 204 "));
}

TEST_F(Server, TakesBodiesOfBothKinds) {
  start();
  EXPECT_THAT(whole_answer("POST /echo HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc"),
              EndsWith("\r\n\r\nabc"));
  EXPECT_THAT(whole_answer("POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                           "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"),
              EndsWith("\r\n\r\nabc"));
}

TEST_F(Server, InvitesABodyThatIsExpected) {
  start();
  SocketClient one =
      client("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  ASSERT_TRUE(receives(one, "HTTP/1.1 100 Continue\r\n\r\n"));
  one.send("abc");
  EXPECT_TRUE(receives(one, "\r\n\r\nabc"));
}

TEST_F(Server, SendsLargeBodiesWhole) {
  router.get("/large",
             []() -> Task<Response> { co_return Response::text(std::string(8 << 20, 'x')); });
  start();
  const std::string answer = whole_answer(get("/large"));
  EXPECT_EQ(answer.size() - answer.find("\r\n\r\n") - 4, std::size_t{8} << 20);
}

TEST_F(Server, RunsBlockingHandlersOnThreads) {
  const auto loop_thread = std::this_thread::get_id();
  std::atomic<bool> elsewhere = false;
  router.get("/where", [&] {
    elsewhere = std::this_thread::get_id() != loop_thread;
    return Response();
  });
  start();
  EXPECT_THAT(whole_answer(get("/where")), StartsWith("HTTP/1.1 200 "));
  EXPECT_TRUE(elsewhere);
}

TEST_F(Server, RefusesWorkBeyondTheQueue) {
  std::latch open(1);
  router.get("/wait", [&] {
    open.wait();
    return Response::text("waited");
  });
  start();
  std::vector<SocketClient> busy;
  for (int i = 0; i < 4; ++i) {  // Two threads, then two in the queue.
    busy.push_back(client(get("/wait")));
    ASSERT_TRUE(run_until([&] { return recorder.page().in_flight.load() == busy.size(); }));
    if (i < 2) {
      ASSERT_TRUE(run_until([&] { return threads.running() == busy.size(); }));
    }
  }
  const std::string answer = whole_answer(get("/wait"));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(answer, HasSubstr("Retry-After: 1\r\n"));
  EXPECT_THAT(whole_answer(get("/health")), StartsWith("HTTP/1.1 200 ")) << "needs no thread";
  open.count_down();
  for (SocketClient& one : busy) EXPECT_TRUE(receives(one, "waited"));
}

TEST_F(Server, TurnsExceptionsInto500AndOneLine) {
  router.get("/a", []() -> Task<Response> {
    throw std::runtime_error("broken");
    co_return Response();
  });
  router.get("/b", []() -> Response { throw std::runtime_error("broken too"); });
  start();
  EXPECT_THAT(whole_answer(get("/a")), StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(whole_answer(get("/b")), StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(log, ElementsAre("GET /a failed: broken", "GET /b failed: broken too"));
  EXPECT_EQ(recorder.page().errors.load(), 2U);
}

TEST_F(Server, AnswersBeforeItClosesOnBadRequests) {
  limits.body_bytes = 1000;
  start();
  // More input than is read: a plain close would reset the connection and destroy the answer.
  SocketClient one =
      client("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n" + std::string(5000, 'x'));
  EXPECT_TRUE(receives(one, "HTTP/1.1 413 "));
  one.send(std::string(5000, 'y'));
  EXPECT_EQ(end_of(one), End::Closed);
  EXPECT_THAT(one.received(), HasSubstr("Connection: close\r\n"));
}

TEST_F(Server, TimesOutSlowRequests) {
  limits.header_time = std::chrono::milliseconds(30);
  limits.body_time = std::chrono::milliseconds(30);
  start();
  EXPECT_THAT(whole_answer("GET / HT"), StartsWith("HTTP/1.1 408 "));
  EXPECT_THAT(whole_answer("POST /echo HTTP/1.0\r\nContent-Length: 3\r\n\r\na"),
              StartsWith("HTTP/1.1 408 "));
}

TEST_F(Server, ClosesIdleConnectionsWithoutAWord) {
  limits.keep_alive_time = std::chrono::milliseconds(30);
  start();
  SocketClient silent = client();
  SocketClient idle = client(kGet);
  EXPECT_EQ(end_of(idle), End::Closed);
  EXPECT_EQ(count(idle.received(), "HTTP/1.1"), 1U);
  EXPECT_EQ(end_of(silent), End::Closed);
  EXPECT_EQ(silent.received(), "");
}

TEST_F(Server, PunishesNoClientWhenTheLoopWasBlocked) {
  limits.keep_alive_time = limits.header_time = std::chrono::milliseconds(250);
  start();
  SocketClient idle = client(kGet);
  SocketClient slow = client("GET / HTTP/1.1\r\n");
  ASSERT_TRUE(receives(idle, "hello") && accepted(2));
  idle.forget();
  idle.send(kGetAndClose);
  slow.send("Host: a\r\nConnection: close\r\n\r\n");
  ::poll(nullptr, 0, 300);  // What a handler that blocks the loop does.
  EXPECT_EQ(end_of(idle), End::Closed);
  EXPECT_EQ(end_of(slow), End::Closed);
  EXPECT_THAT(idle.received(), EndsWith("hello"));
  EXPECT_THAT(slow.received(), EndsWith("hello"));
}

TEST_F(Server, CancelsTheCoroutineOfAClientThatLeft) {
  start();
  SocketClient one = client("GET /never HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(run_until([&] { return recorder.page().in_flight.load() == 1; }));
  one.close();
  EXPECT_TRUE(run_until([&] { return cancelled && connections() == 0; }));
  EXPECT_EQ(recorder.page().in_flight.load(), 0U);
}

TEST_F(Server, AnswersAClientThatHalfClosed) {
  start();
  SocketClient one = client("GET /thread HTTP/1.1\r\nHost: a\r\n\r\n");
  one.half_close();
  EXPECT_EQ(end_of(one), End::Closed);
  EXPECT_THAT(one.received(), EndsWith("thread"));
}

TEST_F(Server, StreamsChunksWithBackPressure) {
  std::size_t written = 0;
  router.get("/stream", [&]() -> Task<Response> {
    co_return Response::stream("text/plain", [&](StreamWriter& out) -> Task<> {
      const std::string chunk(64 << 10, 'x');
      for (int i = 0; i < 512; ++i) {
        co_await out.write(chunk);
        written += chunk.size();
      }
    });
  });
  start();
  SocketClient one = client(get("/stream"));
  ASSERT_TRUE(run_until([&] { return written > 0; }));
  std::size_t before = 0;
  ASSERT_TRUE(run_until([&] { return std::exchange(before, written) == written; }));
  EXPECT_LT(written, std::size_t{32} << 20) << "nobody has read yet";
  EXPECT_EQ(end_of(one), End::Closed);
  EXPECT_EQ(written, std::size_t{32} << 20);
  EXPECT_THAT(one.received(), EndsWith("\r\n0\r\n\r\n"));
  EXPECT_EQ(count(one.received(), "10000\r\n"), 512U);
}

TEST_F(Server, CutsAStreamWhoseProducerThrew) {
  router.get("/stream", [] {
    return Response::stream("text/plain", [](StreamWriter& out) -> Task<> {
      co_await out.write("some");
      throw std::runtime_error("no more");
    });
  });
  start();
  const std::string answer = whole_answer(get("/stream"));
  EXPECT_THAT(answer, EndsWith("4\r\nsome\r\n"));
  EXPECT_THAT(log, ElementsAre("GET /stream failed: no more"));
}

TEST_F(Server, EndsAStreamByClosingForHttp10) {
  router.get("/stream", [] {
    return Response::stream("text/plain",
                            [](StreamWriter& out) -> Task<> { co_await out.write("some"); });
  });
  start();
  const std::string answer = whole_answer("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_THAT(answer, EndsWith("\r\n\r\nsome"));
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
}

TEST_F(Server, CancelsTheStreamOfAClientThatLeft) {
  router.get("/ticks", [this]() -> Task<Response> {
    co_return Response::stream("text/plain", [this](StreamWriter& out) -> Task<> {
      const Ended ended(cancelled);
      while (true) {
        co_await out.write("tick\n");
        co_await sleep_for(std::chrono::milliseconds(1));
      }
    });
  });
  start();
  SocketClient one = client("GET /ticks HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(receives(one, "tick"));
  one.close();
  EXPECT_TRUE(run_until([&] { return cancelled && connections() == 0; }));
}

TEST_F(Server, ShowsHealth) {
  start();
  EXPECT_THAT(whole_answer(get("/health/ready")), StartsWith("HTTP/1.1 200 "));
  services->health.set_check({.name = "redis",
                              .passing = false,
                              .detail = "connection \"refused\"",
                              .latency = std::chrono::microseconds(1500)});
  const std::string answer = whole_answer(get("/health"));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(answer,
              EndsWith(R"({"phase":"failing","checks":[{"name":"redis","ok":false,"required":true,)"
                       R"("latency_ms":1.500,"detail":"connection \"refused\""}]})"
                       "\n"));
  EXPECT_THAT(whole_answer(get("/health/live")), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(services->health.failing(), "redis: connection \"refused\"");
  services->health.set_check({.name = "redis", .passing = false, .required = false});
  services->health.set_check({.name = "disk", .passing = true});
  EXPECT_EQ(services->health.failing(), "redis");
  const std::string degraded = whole_answer(get("/health"));
  EXPECT_THAT(degraded, StartsWith("HTTP/1.1 200 ")) << "optional";
  EXPECT_THAT(degraded, HasSubstr(R"("phase":"degraded")"));
}

TEST_F(Server, LeavesHealthToTheApp) {
  router.get("/health", []() -> Task<Response> { co_return Response::text("mine"); });
  start();
  EXPECT_THAT(whole_answer(get("/health")), EndsWith("mine"));
}

TEST_F(Server, WaitsWithoutSpinningWhenDescriptorsRunOut) {
  start();
  SocketClient one = client(kGet);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{.rlim_cur = 3, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  EXPECT_TRUE(run_until([&] { return !log.empty(); }));
  int turns = 0;
  EXPECT_TRUE(run_until([&] { return ++turns == 5; }));
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(receives(one, "hello"));
  EXPECT_THAT(log, ElementsAre("accept: Too many open files; trying again every 100 ms"));
}

TEST_F(Server, LeavesConnectionsBeyondItsLimitInTheQueue) {
  limits.connections = 1;
  start();
  SocketClient first = client(kGet);
  ASSERT_TRUE(receives(first, "hello"));
  SocketClient second = client(kGetAndClose);
  EXPECT_EQ(connections(), 1U);
  first.close();
  EXPECT_EQ(end_of(second), End::Closed);
  EXPECT_THAT(second.received(), EndsWith("hello"));
}

}  // namespace
}  // namespace reeve::worker
