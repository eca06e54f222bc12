// What is no listener, or none any more, is taken out of the loop: it neither spins nor stops
// others.

#include "worker/http/acceptor.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "ipc/listener.hpp"
#include "tests/unit/worker/runtime_fixture.hpp"

namespace reeve::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class AcceptorTest : public RuntimeFixture {
 protected:
  /// Whatever the loop calls back for within so many turns.
  void turn_around() {
    for (int i = 0; i < 10; ++i) uv_run(loop.get(), UV_RUN_NOWAIT);
  }
  [[nodiscard]] Acceptor accept_from(ipc::UniqueFd fd) {
    return {loop, std::move(fd), [this](ipc::UniqueFd, const Peer&) { ++accepted; },
            [this](const std::string& line) { lines.push_back(line); }};
  }
  [[nodiscard]] auto gives_up_once() const {
    return ElementsAre(HasSubstr("nothing is accepted from this listener any more"));
  }

  int accepted = 0;
  std::vector<std::string> lines;
};

TEST_F(AcceptorTest, ADatagramSocketIsGivenUp) {
  ipc::UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in name{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof name;
  auto* const address = reinterpret_cast<sockaddr*>(&name);
  ASSERT_EQ(::bind(fd.get(), address, size), 0);
  ASSERT_EQ(::getsockname(fd.get(), address, &size), 0);
  ASSERT_EQ(::sendto(fd.get(), "x", 1, 0, address, size), 1);
  Acceptor acceptor = accept_from(std::move(fd));
  turn_around();
  EXPECT_THAT(lines, gives_up_once());
  acceptor.resume();
  turn_around();
  acceptor.empty_queue();
  EXPECT_THAT(lines, gives_up_once()) << "for good";
}

TEST_F(AcceptorTest, APipeIsGivenUp) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  const ipc::UniqueFd writer(ends[1]);
  ASSERT_EQ(::write(writer.get(), "x", 1), 1);
  const Acceptor acceptor = accept_from(ipc::UniqueFd(ends[0]));
  turn_around();
  EXPECT_THAT(lines, gives_up_once());
}

TEST_F(AcceptorTest, AListenerThatWasShutDownIsGivenUp) {
  auto fd = ipc::open_listener(*ipc::parse_address("127.0.0.1:0"), 1);
  ASSERT_TRUE(fd) << fd.error().text;
  const ipc::UniqueFd shared(::dup(fd->get()));
  const Acceptor acceptor = accept_from(std::move(*fd));
  turn_around();
  EXPECT_TRUE(lines.empty());
  ASSERT_EQ(::shutdown(shared.get(), SHUT_RDWR), 0);
  turn_around();
  EXPECT_THAT(lines, gives_up_once());
  EXPECT_EQ(accepted, 0);
}

}  // namespace
}  // namespace reeve::worker
