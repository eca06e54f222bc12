// The judge is judged first: each way to lose a request is told by its own name.

#include "tests/e2e/harness/http_client.hpp"

#include <gtest/gtest.h>

#include "tests/e2e/harness/sockets.hpp"
#include "tests/e2e/harness_tests/lossy_server.hpp"

namespace reeve::e2e {
namespace {

constexpr char kOk[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// The loss of one GET at a server that does `serve` after it has read the request.
Answer ask_one_that(std::function<void(int)> serve, Milliseconds patience = kPatience) {
  const LossyServer server([&](int connection) {
    if (read_request(connection)) serve(connection);
  });
  return judge(get(server.port(), "/", patience));
}

TEST(HttpClient, AnAnswerIsNoLoss) {
  const Answer answer = ask_one_that([](int c) { write_text(c, kOk); });
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->body, "ok");
}

TEST(HttpClient, NobodyListeningIsRefused) {
  auto listener = listen_on_loopback();
  const auto port = port_of(listener.get());
  listener.reset();
  EXPECT_EQ(get(port, "/").error(), Loss::Refused);
}

TEST(HttpClient, AResetBeforeTheAnswerIsReset) {
  EXPECT_EQ(ask_one_that([](int c) { reset_on_close(c); }).error(), Loss::Reset);
}

TEST(HttpClient, ACloseBeforeTheAnswerIsEmpty) {
  EXPECT_EQ(ask_one_that([](int) {}).error(), Loss::Empty);
}

TEST(HttpClient, ACloseInTheHeadIsIncomplete) {
  EXPECT_EQ(ask_one_that([](int c) { write_text(c, "HTTP/1.1 200 O"); }).error(), Loss::Incomplete);
}

TEST(HttpClient, ACloseInTheBodyIsIncomplete) {
  const auto cut = [](int c) { write_text(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"); };
  EXPECT_EQ(ask_one_that(cut).error(), Loss::Incomplete);
}

TEST(HttpClient, ACloseBetweenChunksIsIncomplete) {
  const auto cut = [](int c) {
    write_text(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n");
  };
  EXPECT_EQ(ask_one_that(cut).error(), Loss::Incomplete);
}

TEST(HttpClient, A503IsAServerError) {
  const auto refuse = [](int c) { write_text(c, "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"); };
  EXPECT_EQ(ask_one_that(refuse).error(), Loss::ServerError);
}

TEST(HttpClient, A404IsUnexpected) {
  const auto deny = [](int c) { write_text(c, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"); };
  EXPECT_EQ(ask_one_that(deny).error(), Loss::Unexpected);
}

TEST(HttpClient, SilenceIsATimeout) {
  const auto wait = [](int c) { read_request(c); };  // Until the client gives up and closes.
  EXPECT_EQ(ask_one_that(wait, 50ms).error(), Loss::Timeout);
}

TEST(HttpClient, AConnectionClosedBetweenTwoRequestsIsSeen) {
  const LossyServer server([](int connection) {
    read_request(connection);
    write_text(connection, kOk);
  });
  auto connection = Connection::open(server.port());
  ASSERT_TRUE(connection.has_value());
  EXPECT_TRUE(connection->get("/").has_value());
  EXPECT_TRUE(connection->closes_within(kPatience));
  EXPECT_TRUE(connection->closed_by_peer());
}

}  // namespace
}  // namespace reeve::e2e
