// Probes over the network: what crosses to the helper and back, the status in an answer, and the
// helper's side against programs that are slow, hostile or not there.

#include "supervisor/helper/probe.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <vector>

#include "supervisor/helper/prober.hpp"

namespace reeve::supervisor {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

NetworkAnswer status_of(std::string_view bytes) {
  HttpStatusReader reader;
  if (const auto answer = reader.take(bytes)) return *answer;
  return reader.end();
}

TEST(HttpStatus, IsFoundInAnAnswer) {
  EXPECT_EQ(status_of("HTTP/1.1 200 OK\r\n"), 200);
  EXPECT_EQ(status_of("HTTP/1.0 503\n"), 503);
  EXPECT_EQ(status_of("HTTP/1.1 101 Switching Protocols\r\n"), 101);
  EXPECT_EQ(status_of("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 \r\n"), 204);
}

TEST(HttpStatus, IsFoundHoweverTheBytesCome) {
  HttpStatusReader reader;
  std::optional<NetworkAnswer> answer;
  for (const char c : std::string("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\n")) {
    ASSERT_FALSE(answer);
    answer = reader.take({&c, 1});
  }
  EXPECT_EQ(answer, std::optional<NetworkAnswer>(404));
}

TEST(HttpStatus, OfWhatIsNoHttpIsAnErrorThatQuotesIt) {
  EXPECT_EQ(status_of("SSH-2.0-OpenSSH\r\n").error(),
            "its answer is no HTTP/1: \"SSH-2.0-OpenSSH \"");
  for (const std::string_view bad :
       {"HTTP/2 200\r\n", "HTTP/1.1 20 OK\r\n", "HTTP/1.1 2000\r\n", "HTTP/1.1 -20\r\n",
        "HTTP/1.1 099\r\n", "HTTP/1.x 200\r\n", "HTTP/1.1\t200\r\n", "\r\n"}) {
    EXPECT_THAT(status_of(bad).error(), HasSubstr("no HTTP/1")) << bad;
  }
}

TEST(HttpStatus, IsBoundedInBytes) {
  EXPECT_THAT(status_of("HTTP/1.1 200 " + std::string(2000, 'x')).error(), HasSubstr("no HTTP/1"));
  HttpStatusReader reader;
  EXPECT_FALSE(reader.take("HTTP/1.1 100 Continue\r\n"));
  std::optional<NetworkAnswer> answer;
  for (int lines = 0; !answer && lines < 10'000; ++lines) answer = reader.take("X: endless\r\n");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->error(), "its answer has an endless head");
}

TEST(HttpStatus, OfAConnectionThatEndsBefore) {
  EXPECT_EQ(status_of("").error(), "it closed the connection without an answer");
  EXPECT_EQ(status_of("HTTP/1.1 2").error(),
            "it closed the connection in the middle of its answer");
}

TEST(ProbeMessages, AreReadAsTheyWereWritten) {
  const NetworkProbe probe{.path = "/healthz", .host = "::1", .port = 9000, .timeout = 1500ms};
  EXPECT_EQ(parse_network_probe(format(probe)), probe);
  const NetworkProbe bare{.path = "", .host = "", .port = 1, .timeout = 10ms};
  EXPECT_EQ(parse_network_probe(format(bare)), bare);
  for (const NetworkAnswer& answer :
       {NetworkAnswer(0), NetworkAnswer(503), NetworkAnswer(std::unexpected("refused"))}) {
    EXPECT_EQ(parse_network_answer(format(answer)), answer);
  }
}

TEST(ProbeMessages, WhatIsOutOfRangeOrNoTextIsRefused) {
  for (const std::string_view bad : {"", "0 5\n\n/", "65536 5\n\n/", "1\n\n/", "1 5\nh\n/a b",
                                     "1 5\nh\r\n/", "1 99999999\n\n/", "1 5\nh\n/\nHost: x"}) {
    EXPECT_FALSE(parse_network_probe(bad)) << bad;
  }
  for (const std::string_view bad :
       {"", "status=", "status=-1", "status=1000", "error=\x1b[2J", "still", "good"}) {
    EXPECT_FALSE(parse_network_answer(bad)) << bad;
  }
}

/// A program at the other end, by hand.
class ProbedPort : public ::testing::Test {
 protected:
  ProbedPort() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  void listen() const { ASSERT_EQ(::listen(listener_.get(), 8), 0); }
  void begin(std::string path, ipc::Duration timeout = 10s) {
    prober_.begin(7,
                  {.path = std::move(path), .host = "127.0.0.1", .port = port_, .timeout = timeout},
                  ipc::Clock::now());
  }
  /// Turns until the condition holds, or 10 s are over.
  template <class Condition>
  bool turn_until(Condition holds) {
    const auto end = ipc::Clock::now() + 10s;
    while (!holds()) {
      if (ipc::Clock::now() > end) return false;
      std::vector<pollfd> watched;
      prober_.add_to(watched);
      const int wait = prober_.wait(ipc::Clock::now());
      ::poll(watched.data(), watched.size(), wait < 0 ? 1 : std::min(wait, 1));
      prober_.advance(watched, ipc::Clock::now());
    }
    return true;
  }
  bool accepts() {
    return turn_until([this] {
      connection_.reset(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      return static_cast<bool>(connection_);
    });
  }
  void say(std::string_view text) const {
    (void)::send(connection_.get(), text.data(), text.size(), MSG_NOSIGNAL);
  }
  bool is_answered() {
    return turn_until([this] { return !answers_.empty(); });
  }

  ipc::UniqueFd listener_;
  ipc::UniqueFd connection_;
  std::uint16_t port_ = 0;
  std::vector<std::string> answers_;
  Prober prober_{[this](std::uint64_t id, const std::string& text) {
    EXPECT_EQ(id, 7U);
    answers_.push_back(text);
  }};
};

TEST_F(ProbedPort, NobodyListens) {
  begin("/");
  ASSERT_TRUE(is_answered());
  EXPECT_EQ(answers_[0], "error=connection refused");
}

TEST_F(ProbedPort, AConnectionIsEnoughForTcp) {
  listen();
  begin("");
  ASSERT_TRUE(is_answered());
  EXPECT_EQ(answers_[0], "status=0");
  EXPECT_EQ(prober_.wait(ipc::Clock::now()), -1);
}

TEST_F(ProbedPort, AsksAndReadsOnUntilTheProgramIsDone) {
  listen();
  begin("/healthz");
  ASSERT_TRUE(accepts());
  std::string request;
  ASSERT_TRUE(turn_until([&] {
    char bytes[2048];
    const ssize_t size = ::recv(connection_.get(), bytes, sizeof(bytes), 0);
    if (size > 0) request.assign(bytes, static_cast<std::size_t>(size));
    return size > 0;
  }));
  EXPECT_THAT(request, HasSubstr("GET /healthz HTTP/1.1\r\n"));
  EXPECT_THAT(request, HasSubstr(fmt::format("Host: 127.0.0.1:{}\r\n", port_)));
  say("HTTP/1.1 200 OK\r\n");
  ASSERT_TRUE(is_answered());
  EXPECT_EQ(answers_[0], "status=200");
  say("Content-Length: 2\r\n\r\nok");
  EXPECT_GE(prober_.wait(ipc::Clock::now()), 0) << "it is not reset in the middle of its answer";
  connection_.reset();
  EXPECT_TRUE(turn_until([this] { return prober_.wait(ipc::Clock::now()) == -1; }));
  EXPECT_EQ(answers_.size(), 1U);
}

TEST_F(ProbedPort, NoAnswerIsOneWhenTheTimeIsOver) {
  listen();
  begin("/", 50ms);
  ASSERT_TRUE(is_answered());
  EXPECT_EQ(answers_[0], "error=no answer within 50 ms");
}

TEST_F(ProbedPort, AnEndlessHeadIsBoundedAndADribblingOneIsLate) {
  listen();
  begin("/");
  ASSERT_TRUE(accepts());
  say("HTTP/1.1 100 Continue\r\n");
  ASSERT_TRUE(turn_until([this] {
    say("X: endless, endless, endless, endless, endless, endless\r\n");
    return !answers_.empty();
  }));
  EXPECT_EQ(answers_[0], "error=its answer has an endless head");
  answers_.clear();
  begin("/", 100ms);
  ASSERT_TRUE(accepts());
  say("H");
  ASSERT_TRUE(is_answered());
  EXPECT_EQ(answers_[0], "error=no answer within 100 ms");
}

TEST_F(ProbedPort, AnEndlessBodyEndsTheConnectionAfterTheAnswer) {
  listen();
  begin("/");
  ASSERT_TRUE(accepts());
  say("HTTP/1.1 200 OK\r\n\r\n");
  const std::string much(4096, 'x');
  EXPECT_TRUE(turn_until([&] {
    say(much);
    return prober_.wait(ipc::Clock::now()) == -1;
  }));
  EXPECT_EQ(answers_.at(0), "status=200");
}

TEST_F(ProbedPort, OneThatClosesSaysSo) {
  listen();
  begin("/");
  ASSERT_TRUE(accepts());
  ASSERT_TRUE(turn_until([this] {
    char bytes[2048];
    return ::recv(connection_.get(), bytes, sizeof(bytes), 0) > 0;
  }));
  connection_.reset();
  ASSERT_TRUE(is_answered());
  EXPECT_EQ(answers_[0], "error=it closed the connection without an answer");
}

TEST_F(ProbedPort, AHelperThatStoodStillSaysNothingOfTheProgram) {
  listen();
  begin("/", 50ms);
  std::vector<pollfd> watched;
  prober_.add_to(watched);
  prober_.advance(watched, ipc::Clock::now() + 10s);
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(answers_[0], kStoodStill);
}

}  // namespace
}  // namespace reeve::supervisor
