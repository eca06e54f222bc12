// One client of the control socket, at the other end of a socketpair.
#include "supervisor/control/session.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "tests/unit/supervisor/loop_driver.hpp"

namespace reeve::supervisor {
namespace {

class SessionTest : public ::testing::Test {
 protected:
  SessionTest() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    client_.reset(ends[0]);
    session_.emplace(driver_.loop, ControlSession::State{.fd = ends[1]},
                     ControlSession::Callbacks{.on_request =
                                                   [this](const auto&) {
                                                     ++served_;
                                                     ipc::control::Reply reply;
                                                     reply.text = std::string(answer_bytes_, 'x');
                                                     session_->reply(reply);
                                                   },
                                               .on_gone = [this] { gone_ = true; }});
  }

  void ask(int times) {
    std::string frames;
    for (int i = 0; i < times; ++i) {
      frames += ipc::control::encode(ipc::control::Request{});
      frames += '\0';
    }
    EXPECT_EQ(::write(client_.get(), frames.data(), frames.size()),
              static_cast<ssize_t>(frames.size()));
  }

  /// How many answers have come.
  std::size_t answers() {
    std::array<char, 4096> chunk;
    ssize_t size = 0;
    while ((size = ::read(client_.get(), chunk.data(), chunk.size())) > 0) {
      answers_ += static_cast<std::size_t>(std::count(chunk.data(), chunk.data() + size, '\0'));
    }
    return answers_;
  }

  testing::LoopDriver driver_;
  ipc::UniqueFd client_;
  std::optional<ControlSession> session_;
  std::size_t answer_bytes_ = 1;
  std::size_t answers_ = 0;
  int served_ = 0;
  bool gone_ = false;
};

TEST_F(SessionTest, ManyRequestsAtOnceAreServedAFewATurn) {
  ask(200);
  driver_.turn();
  EXPECT_LT(served_, 100) << "one client must not hold the loop";
  EXPECT_TRUE(driver_.run_until([this] { return answers() == 200; }));
  EXPECT_EQ(served_, 200);
}

TEST_F(SessionTest, AClientThatClosesItsHalfGetsAllItsAnswers) {
  ask(200);
  ::shutdown(client_.get(), SHUT_WR);
  EXPECT_TRUE(driver_.run_until([this] { return answers() == 200 && gone_; }));
}

TEST_F(SessionTest, WhatAClientThatHasLeftAskedForIsNotBegun) {
  ask(3);
  client_.reset();
  EXPECT_TRUE(driver_.run_until([this] { return gone_; }));
  EXPECT_EQ(served_, 0);
}

TEST_F(SessionTest, AnswersWaitForAClientThatReadsSlowly) {
  answer_bytes_ = 64UL * 1024;
  ask(20);
  EXPECT_TRUE(driver_.run_until([this] { return answers() == 20; }));
  EXPECT_FALSE(gone_);
}

}  // namespace
}  // namespace reeve::supervisor
