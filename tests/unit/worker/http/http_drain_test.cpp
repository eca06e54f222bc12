// HttpServer's drain, in the order of a stop and of a rolling restart: what is answered, what is
// closed, when.

#include <gmock/gmock.h>

#include <latch>

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
using ipc::DrainKind;

constexpr char kGetRoot[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

class Drain : public ServerFixture {
 protected:
  Drain() {
    router.get("/", []() -> Task<Response> { co_return Response::text("hello"); });
    router.get("/gate", [this]() -> Task<Response> {
      while (!gate_open) co_await sleep_for(std::chrono::milliseconds(1));
      co_return Response::text("through");
    });
    router.get("/never", []() -> Task<Response> {
      co_await sleep_for(std::chrono::hours(1));
      co_return Response();
    });
  }

  SocketClient idle_client() {
    SocketClient idle = client(kGetRoot);
    EXPECT_TRUE(receives(idle, "hello"));
    idle.forget();
    return idle;
  }

  bool gate_open = false;
};

TEST_F(Drain, WithoutConnectionsEndsOnALaterTurn) {
  start();
  drain(DrainKind::Patient);
  EXPECT_FALSE(drained);
  EXPECT_TRUE(run_until_drained());
}

TEST_F(Drain, RefusesNewConnections) {
  start();
  drain(DrainKind::Patient);
  EXPECT_FALSE(client().connected());
}

TEST_F(Drain, PromptClosesIdleConnectionsAtOnce) {
  timing.first_byte = timing.idle = std::chrono::hours(1);
  start();
  SocketClient idle = idle_client();
  drain(DrainKind::Prompt);
  EXPECT_EQ(end_of(idle), End::Closed);
  EXPECT_TRUE(run_until_drained());
}

TEST_F(Drain, PromptServesWhatHasJustArrived) {
  start();
  SocketClient idle = idle_client();
  idle.send(kGetRoot);
  drain(DrainKind::Prompt);
  EXPECT_EQ(end_of(idle), End::Closed);
  EXPECT_THAT(idle.received(), HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(idle.received(), EndsWith("hello"));
}

TEST_F(Drain, PromptEmptiesTheAcceptQueue) {
  start();
  std::vector<SocketClient> queued;
  for (int i = 0; i < 40; ++i) queued.push_back(client(kGetRoot));
  drain(DrainKind::Prompt);
  for (SocketClient& one : queued) {
    EXPECT_EQ(end_of(one), End::Closed);
    EXPECT_THAT(one.received(), EndsWith("hello"));
  }
  EXPECT_TRUE(run_until_drained());
}

TEST_F(Drain, GivesSilentNewConnectionsTheirFirstByteGrace) {
  for (const DrainKind kind : {DrainKind::Patient, DrainKind::Prompt}) {
    timing.first_byte = timing.idle = kPatience;
    start();
    SocketClient silent = client();
    ASSERT_TRUE(accepted(1));
    drain(kind);
    turn();
    silent.send(kGetRoot);
    EXPECT_EQ(end_of(silent), End::Closed);
    EXPECT_THAT(silent.received(), EndsWith("hello"));
    EXPECT_THAT(silent.received(), HasSubstr("Connection: close\r\n"));
  }
}

TEST_F(Drain, EndsSilentNewConnectionsAfterTheirGrace) {
  timing.idle = std::chrono::hours(1);
  start();
  SocketClient silent = client();
  ASSERT_TRUE(accepted(1));
  drain(DrainKind::Prompt);
  EXPECT_EQ(end_of(silent), End::Closed);
  EXPECT_TRUE(run_until_drained());
}

TEST_F(Drain, PatientAnswersTheNextRequestOfAnIdleConnection) {
  timing.idle = kPatience;
  start();
  SocketClient idle = idle_client();
  drain(DrainKind::Patient);
  turn();
  turn();
  idle.send(kGetRoot);
  EXPECT_EQ(end_of(idle), End::Closed);
  EXPECT_THAT(idle.received(), HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(idle.received(), EndsWith("hello"));
}

TEST_F(Drain, PatientHalfClosesIdleConnectionsAfterSilence) {
  start();
  SocketClient idle = idle_client();
  const auto began = ipc::Clock::now();
  drain(DrainKind::Patient);
  EXPECT_EQ(end_of(idle), End::Closed);
  EXPECT_GE(ipc::Clock::now() - began, timing.idle - std::chrono::milliseconds(1));
  EXPECT_FALSE(drained) << "it still listens for a request that crosses";
  idle.close();
  EXPECT_TRUE(run_until_drained());
}

TEST_F(Drain, PatientTurnsPrompt) {
  timing.idle = std::chrono::hours(1);
  start();
  SocketClient idle = idle_client();
  bool first = false;
  server->drain(DrainKind::Patient, [&] { first = true; });
  turn();
  drain(DrainKind::Prompt);
  EXPECT_EQ(end_of(idle), End::Closed);
  EXPECT_TRUE(run_until_drained());
  EXPECT_FALSE(first) << "the last callback counts";
}

TEST_F(Drain, FinishesWhatIsInFlight) {
  start();
  SocketClient one = client("GET /gate HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(run_until([&] { return recorder.page().in_flight.load() == 1; }));
  drain(DrainKind::Prompt);
  turn();
  EXPECT_FALSE(drained);
  gate_open = true;
  EXPECT_EQ(end_of(one), End::Closed);
  EXPECT_THAT(one.received(), HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(one.received(), EndsWith("through"));
  one.close();
  EXPECT_TRUE(run_until_drained());
}

TEST_F(Drain, AnswersAllThatIsPipelinedAndClosesWithTheLast) {
  start();
  SocketClient one =
      client("GET /gate HTTP/1.1\r\nHost: a\r\n\r\n" + std::string(kGetRoot) + kGetRoot);
  ASSERT_TRUE(run_until([&] { return recorder.page().in_flight.load() == 1; }));
  drain(DrainKind::Prompt);
  gate_open = true;
  EXPECT_EQ(end_of(one), End::Closed);
  const auto& all = one.received();
  EXPECT_THAT(all, EndsWith("hello"));
  EXPECT_EQ(all.find("Connection: close"), all.rfind("Connection: close"));
  EXPECT_GT(all.find("Connection: close"), all.find("hello")) << "in the last answer";
}

TEST_F(Drain, TellsStreams) {
  router.get("/ticks", []() -> Task<Response> {
    co_return Response::stream("text/plain", [](StreamWriter& out) -> Task<> {
      while (!out.draining()) {
        co_await out.write("tick\n");
        co_await sleep_for(std::chrono::milliseconds(1));
      }
      co_await out.write("bye\n");
    });
  });
  start();
  SocketClient one = client("GET /ticks HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(receives(one, "tick"));
  drain(DrainKind::Prompt);
  EXPECT_EQ(end_of(one), End::Closed);
  EXPECT_THAT(one.received(), EndsWith("bye\n\r\n0\r\n\r\n"));
}

TEST_F(Drain, CancelNamesAndEndsWhatStillRuns) {
  start();
  SocketClient one = client("GET /never?a=1 HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(run_until([&] { return recorder.page().in_flight.load() == 1; }));
  drain(DrainKind::Prompt);
  EXPECT_THAT(server->cancel(), ElementsAre("GET /never?a=1 (0.0 s)"));
  EXPECT_TRUE(run_until_drained());
  EXPECT_NE(end_of(one), End::None);
  EXPECT_EQ(one.received(), "");
}

TEST_F(Drain, WaitsForAThreadThatCannotBeCancelled) {
  std::latch open(1);
  router.get("/wait", [&] {
    open.wait();
    return Response();
  });
  start();
  SocketClient one = client("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(run_until([&] { return threads.running() == 1; }));
  drain(DrainKind::Prompt);
  EXPECT_THAT(server->cancel(), ElementsAre(StartsWith("GET /wait (")));
  turn();
  EXPECT_FALSE(drained);
  open.count_down();
  EXPECT_TRUE(run_until_drained());
}

TEST_F(Drain, MayBeDestroyedWhileRequestsRun) {
  std::latch open(1);
  bool entered = false;
  router.get("/wait", [&] {
    open.wait();
    return Response();
  });
  router.get("/ticks", [&]() -> Task<Response> {
    co_return Response::stream("text/plain", [&](StreamWriter& out) -> Task<> {
      co_await out.write("tick\n");
      entered = true;
      co_await sleep_for(std::chrono::hours(1));
    });
  });
  start();
  SocketClient waiting = client("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
  SocketClient streaming = client("GET /ticks HTTP/1.1\r\nHost: a\r\n\r\n");
  SocketClient sleeping = client("GET /never HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(run_until(
      [&] { return entered && threads.running() == 1 && recorder.page().in_flight.load() == 3; }));
  server.reset();
  open.count_down();
  EXPECT_TRUE(run_until([&] { return threads.running() == 0; }));
  turn();
}

TEST_F(Drain, HealthSaysSoUntilTheEnd) {
  timing.idle = kPatience;
  start();
  SocketClient idle = idle_client();
  drain(DrainKind::Patient);
  services->health.set_phase(HealthPhase::Draining);
  idle.send("GET /health/ready HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(end_of(idle), End::Closed);
  EXPECT_THAT(idle.received(), StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(idle.received(), HasSubstr("draining"));
}

}  // namespace
}  // namespace reeve::worker
