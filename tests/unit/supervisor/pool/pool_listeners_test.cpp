// The listeners of a pool over stop and start, with real clients.

#include "supervisor/pool/pool_listeners.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <chrono>
#include <memory>
#include <utility>

#include "ipc/address.hpp"
#include "supervisor/log/output.hpp"
#include "tests/unit/supervisor/loop_driver.hpp"

namespace reeve::supervisor {
namespace {

class OpenPool : public ::testing::Test {
 protected:
  OpenPool() { EXPECT_TRUE(listeners_.open(http_).has_value()); }

  /// A client in the queue, whom nobody has accepted.
  [[nodiscard]] ipc::UniqueFd connect() const {
    sockaddr_in name{};
    socklen_t size = sizeof(name);
    ::getsockname(http_[0]->fd(), reinterpret_cast<sockaddr*>(&name), &size);
    ipc::UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&name), size), 0);
    return client;
  }
  void empty(std::chrono::milliseconds longest, bool someone_serves = true) {
    listeners_.empty(http_,
                     {.longest = longest,
                      .settle = Duration::zero(),
                      .someone_left = [someone_serves] { return someone_serves; }},
                     [this] { empty_ = true; });
  }

  testing::LoopDriver driver_;
  ipc::UniqueFd null_fd_{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
  Output output_{driver_.loop, null_fd_.get()};
  Log log_{output_, LogFormat::Text, LineStyle::Plain, LogLevel::Debug};
  ListenerSet http_{std::make_shared<Listener>(
      ListenerConfig{.name = "http", .address = *ipc::parse_address("127.0.0.1:0")})};
  bool used_elsewhere_ = false;
  PoolListeners listeners_{driver_.loop, log_, [this](const Listener&) { return used_elsewhere_; }};
  bool empty_ = false;
};

TEST_F(OpenPool, ClosesItsListenersAndOpensThemAgain) {
  listeners_.close(http_);
  EXPECT_FALSE(http_[0]->is_open());
  EXPECT_TRUE(listeners_.open(http_).has_value());
  EXPECT_TRUE(http_[0]->is_open());
}

TEST_F(OpenPool, LeavesAListenerOpenFromWhichAnotherOneServes) {
  used_elsewhere_ = true;
  listeners_.close(http_);
  EXPECT_TRUE(http_[0]->is_open());
  empty(std::chrono::hours(1));
  EXPECT_TRUE(empty_) << "there is nothing of its own to empty";
}

TEST_F(OpenPool, WaitsForWhoHasConnected) {
  const ipc::UniqueFd client = connect();
  empty(std::chrono::hours(1));
  EXPECT_TRUE(listeners_.emptying());
  driver_.turn();
  EXPECT_FALSE(empty_);
  const ipc::UniqueFd accepted(::accept(http_[0]->fd(), nullptr, nullptr));
  EXPECT_TRUE(driver_.run_until([this] { return empty_; }));
  EXPECT_FALSE(listeners_.emptying());
}

TEST_F(OpenPool, WaitsForNobodyWhereNobodyServes) {
  const ipc::UniqueFd client = connect();
  empty(std::chrono::hours(1), false);
  EXPECT_TRUE(empty_);
}

TEST_F(OpenPool, AHurryEndsTheWait) {
  const ipc::UniqueFd client = connect();
  empty(std::chrono::hours(1));
  listeners_.hurry();
  EXPECT_TRUE(empty_);
  EXPECT_FALSE(listeners_.emptying());
}

TEST_F(OpenPool, AStartEndsTheWait) {
  const ipc::UniqueFd client = connect();
  empty(std::chrono::hours(1));
  EXPECT_TRUE(listeners_.open(http_).has_value());
  EXPECT_TRUE(empty_);
}

}  // namespace
}  // namespace reeve::supervisor
