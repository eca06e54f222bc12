// The native worker's HTTP server as a client sees it, behind the real master.

#include <fmt/format.h>

#include "tests/e2e/harness/reeve_test.hpp"

namespace reeve::e2e {
namespace {

using ::testing::HasSubstr;

class Http : public ReeveTest {
 protected:
  void SetUp() override { reeve_ = &start_ready(probe_pool(1)); }

  /// The answer to raw bytes on a connection of their own.
  Answer send(std::string_view bytes) {
    Connection connection = reeve_->connect();
    connection.send(bytes);
    return connection.receive();
  }
  /// The status of the answer, or 0 when there was none.
  int status_of(std::string_view bytes) {
    const Answer answer = send(bytes);
    return answer ? answer->status : 0;
  }

  Reeve* reeve_ = nullptr;
};

TEST_F(Http, PidTellsWhoAnswers) {
  const Answer answer = judge(reeve_->get("/pid"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answering_pid(answer), reeve_->pid("web:0"));
  EXPECT_THAT(answer->body, HasSubstr("web:0"));
}

TEST_F(Http, EchoReturnsTheBody) {
  const std::string body(100'000, 'e');
  const Answer answer = send(fmt::format(
      "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: {}\r\n\r\n{}", body.size(), body));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, body);
}

TEST_F(Http, AChunkedBodyIsRead) {
  const Answer answer = send(
      "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "abcdefg");
}

TEST_F(Http, ExpectContinueIsAnswered) {
  const Answer answer =
      send("POST /echo HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "ok");
}

TEST_F(Http, AStreamArrivesWhole) {
  const Answer answer = judge(reeve_->get("/stream?ticks=5&ms=10"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->header("transfer-encoding"), "chunked");
  EXPECT_FALSE(answer->body.empty());
}

TEST_F(Http, PipelinedRequestsAreAnsweredInOrder) {
  Connection connection = reeve_->connect();
  connection.send(get_request("/slow?ms=50", Reuse::KeepAlive) +
                  get_request("/nowhere", Reuse::KeepAlive) + get_request("/pid"));
  EXPECT_EQ(connection.receive()->status, 200);
  EXPECT_EQ(connection.receive()->status, 404);
  EXPECT_EQ(connection.receive()->status, 200);
  EXPECT_TRUE(connection.closes_within(kPatience));
}

TEST_F(Http, HeadHasNoBody) {
  Connection connection = reeve_->connect();
  connection.send("HEAD /pid HTTP/1.1\r\nHost: t\r\n\r\n");
  const Answer head = connection.receive(true);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->status, 200);
  EXPECT_NE(head->header("content-length"), "0");
  EXPECT_TRUE(judge(connection.get("/pid"))) << "no stray bytes before the next answer";
}

TEST_F(Http, Http10ClosesUnlessAskedNotTo) {
  Connection connection = reeve_->connect();
  connection.send("GET /pid HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(judge(connection.receive()));
  EXPECT_TRUE(connection.closes_within(kPatience));
}

TEST_F(Http, RefusesWithTheRightStatus) {
  const std::string long_path(20'000, 'p');
  const std::string long_header(200'000, 'h');
  EXPECT_EQ(status_of("GARBAGE\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET /pid HTTP/1.1\r\n\r\n"), 400) << "no Host";
  EXPECT_EQ(status_of("GET /pid HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET /nowhere HTTP/1.1\r\nHost: t\r\n\r\n"), 404);
  EXPECT_EQ(status_of("DELETE /pid HTTP/1.1\r\nHost: t\r\n\r\n"), 405);
  EXPECT_EQ(status_of("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 99999999999\r\n\r\n"),
            413);
  EXPECT_EQ(status_of("GET /" + long_path + " HTTP/1.1\r\nHost: t\r\n\r\n"), 414);
  EXPECT_EQ(status_of("GET /pid HTTP/1.1\r\nHost: t\r\nX: " + long_header + "\r\n\r\n"), 431);
  EXPECT_EQ(status_of("BREW /pid HTTP/1.1\r\nHost: t\r\n\r\n"), 501);
  EXPECT_EQ(status_of("GET /pid HTTP/2.0\r\nHost: t\r\n\r\n"), 505);
  EXPECT_TRUE(judge(reeve_->get("/pid"))) << "and serves on";
}

TEST_F(Http, RefusesWhatCouldSmuggleARequest) {
  EXPECT_EQ(status_of("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n"
                      "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            400);
  EXPECT_EQ(status_of("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\n"
                      "Content-Length: 2\r\n\r\nab"),
            400);
  EXPECT_EQ(status_of("POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
                      "0\r\n\r\n"),
            400);
  EXPECT_EQ(status_of("GET /pid HTTP/1.1\r\nHost: t\r\nX: a\r\n folded\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET /pid HTTP/1.1\r\nHost : t\r\n\r\n"), 400);
}

TEST_F(Http, HealthTellsReadiness) {
  for (const char* path : {"/health", "/health/live", "/health/ready"}) {
    const Answer answer = reeve_->get(path);
    ASSERT_TRUE(answer) << path;
    EXPECT_EQ(answer->status, 200) << path;
  }
}

TEST_F(Http, ReadinessEndsWhenTheDrainBegins) {
  Connection watcher = reeve_->connect();
  ASSERT_EQ(watcher.get("/health/ready")->status, 200);
  Connection slow = reeve_->connect();
  slow.send(get_request("/slow?ms=300"));
  ASSERT_TRUE(eventually([&] { return reeve_->slot("web:0").in_flight == 1; }));
  ASSERT_EQ(reeve_->ctl({"restart", "web"}).code(), 0);
  EXPECT_EQ(watcher.get("/health/ready")->status, 503) << "the old worker on its kept connection";
  EXPECT_EQ(reeve_->get("/health/ready")->status, 200) << "its successor";
  EXPECT_TRUE(judge(slow.receive()));
}

}  // namespace
}  // namespace reeve::e2e
