// The load that must find every loss: against servers that lose, and against one that does not.

#include "tests/e2e/harness/load.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>

#include "tests/e2e/harness_tests/lossy_server.hpp"

namespace reeve::e2e {
namespace {

constexpr char kOkAnswer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

TEST(Load, LosesNothingAtAServerThatAnswers) {
  const LossyServer server([](int connection) {
    if (read_request(connection)) write_text(connection, kOkAnswer);
  });
  Load load({.port = server.port(), .per_request = 3});
  EXPECT_TRUE(load.goes_on(50));
  const LoadReport report = load.stop();
  EXPECT_EQ(report.lost_in_all(), 0U) << ::testing::PrintToString(report);
  EXPECT_GE(report.answered, 50U);
  EXPECT_EQ(report.on_kept_connections, 0U);
}

TEST(Load, CountsEachLossByItsKind) {
  std::atomic<int> served = 0;
  const LossyServer server([&](int connection) {
    if (!read_request(connection)) return;
    const int turn = served++ % 3;
    if (turn == 0) reset_on_close(connection);
    if (turn == 1) write_text(connection, "HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n");
    if (turn == 2) write_text(connection, kOkAnswer);
  });
  Load load({.port = server.port(), .per_request = 1});
  EXPECT_TRUE(load.goes_on(5));
  const LoadReport report = load.stop();
  EXPECT_GE(report.lost.at(Loss::Reset), 4U);
  EXPECT_GE(report.lost.at(Loss::ServerError), 4U);
}

TEST(Load, AKeptConnectionClosedBetweenTwoRequestsIsNoLoss) {
  // Closes in answering, without having said so; a client that sends at once may still lose, so
  // this one announces its close by the end of the stream that comes along with the answer.
  const LossyServer server([](int connection) {
    if (!read_request(connection)) return;
    ::send(connection, kOkAnswer, sizeof kOkAnswer - 1, MSG_MORE | MSG_NOSIGNAL);
    ::shutdown(connection, SHUT_WR);
  });
  Load load({.port = server.port(), .keep_alive = 1});
  EXPECT_TRUE(load.goes_on(20));
  const LoadReport report = load.stop();
  EXPECT_EQ(report.lost_in_all(), 0U) << ::testing::PrintToString(report);
  EXPECT_GE(report.closed_between, 19U);
}

TEST(Load, ClientsThatLeaveLoseNothing) {
  std::atomic<int> served = 0;
  const LossyServer server([&](int connection) {
    if (!read_request(connection)) return;
    ++served;
    write_text(connection, "HTTP/1.1 200 OK\r\n");  // The rest never comes.
    read_request(connection);                       // They wait for less than that.
  });
  Load load({.port = server.port(), .leaving = 2});
  EXPECT_TRUE(eventually([&] { return served >= 20; }));
  const LoadReport report = load.stop();
  EXPECT_EQ(report.lost_in_all(), 0U) << ::testing::PrintToString(report);
  EXPECT_EQ(report.answered, 0U);
  EXPECT_GE(report.left, 20U);
}

TEST(Load, AKeptConnectionClosedAfterTheRequestIsALoss) {
  const LossyServer server([](int connection) {
    if (!read_request(connection)) return;
    write_text(connection, kOkAnswer);
    read_request(connection);  // The second request is read, and never answered.
  });
  Load load({.port = server.port(), .keep_alive = 1});
  EXPECT_TRUE(load.goes_on(5));
  const LoadReport report = load.stop();
  EXPECT_GE(report.lost.at(Loss::Empty), 4U);
}

}  // namespace
}  // namespace reeve::e2e
