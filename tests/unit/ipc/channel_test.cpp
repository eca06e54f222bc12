#include "ipc/channel.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>

#include "ipc/message.hpp"
#include "tests/unit/ipc/support.hpp"

namespace reeve::ipc {
namespace {

class ChannelTest : public testing::Test {
 protected:
  std::pair<Channel, Channel> pair_ = Channel::pair().value();
  Channel& master_ = pair_.first;
  Channel& worker_ = pair_.second;
};

TEST_F(ChannelTest, KeepsMessagesApart) {
  ASSERT_TRUE(worker_.send("READY=1\n"));
  ASSERT_TRUE(worker_.send("STATUS=on\n"));
  EXPECT_EQ(master_.receive(), "READY=1\n");
  EXPECT_EQ(master_.receive(), "STATUS=on\n");
  EXPECT_EQ(master_.receive().error(), Channel::End::Empty);
}

TEST_F(ChannelTest, CarriesBothWays) {
  ASSERT_TRUE(master_.send("DRAIN=prompt\n"));
  EXPECT_EQ(worker_.receive(), "DRAIN=prompt\n");
}

TEST_F(ChannelTest, AGonePeerIsClosedAfterItsLastWords) {
  ASSERT_TRUE(worker_.send("REASON=bye\n"));
  {
    const Channel gone = std::move(worker_);
  }
  EXPECT_EQ(master_.receive(), "REASON=bye\n");
  EXPECT_EQ(master_.receive().error(), Channel::End::Closed);
  EXPECT_EQ(master_.send("x").error().code, EPIPE);  // And no SIGPIPE.
}

TEST_F(ChannelTest, SendRefusesWhatCannotBeOneMessage) {
  EXPECT_EQ(master_.send(std::string(kMaxMessageBytes + 1, 'x')).error().code, EMSGSIZE);
  EXPECT_EQ(master_.send("").error().code, EINVAL);
  EXPECT_TRUE(master_.send(std::string(kMaxMessageBytes, 'x')));
  EXPECT_EQ(worker_.receive()->size(), kMaxMessageBytes);
}

TEST_F(ChannelTest, SendNeverWaitsForAReader) {
  Result<> sent;
  for (int i = 0; sent && i < 100'000; ++i) sent = master_.send(std::string(1000, 'x'));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, EAGAIN);
}

TEST_F(ChannelTest, OversizedMessagesAreDropped) {
  const std::string huge(kMaxMessageBytes + 1, 'x');
  ASSERT_GT(::send(worker_.fd(), huge.data(), huge.size(), 0), 0);
  ASSERT_TRUE(worker_.send("READY=1\n"));
  EXPECT_EQ(master_.receive(), "READY=1\n");
}

TEST_F(ChannelTest, AFloodOfOversizedMessagesYieldsToTheLoop) {
  const std::string huge(kMaxMessageBytes + 1, 'x');
  for (int i = 0; i < 16; ++i) ASSERT_GT(::send(worker_.fd(), huge.data(), huge.size(), 0), 0);
  ASSERT_TRUE(worker_.send("READY=1\n"));
  EXPECT_EQ(master_.receive().error(), Channel::End::Empty);
  EXPECT_EQ(master_.receive(), "READY=1\n");
}

TEST_F(ChannelTest, DescriptorsThatComeAlongNeverArrive) {
  const std::size_t before = test::count_open_fds();
  ASSERT_GT(test::send_with_fd(worker_.fd(), "READY=1\n", worker_.fd()), 0);
  EXPECT_EQ(master_.receive(), "READY=1\n");
  EXPECT_EQ(test::count_open_fds(), before);
}

TEST_F(ChannelTest, BothEndsAreCloexecAndNonblocking) {
  for (const int fd : {master_.fd(), worker_.fd()}) {
    EXPECT_TRUE(::fcntl(fd, F_GETFD) & FD_CLOEXEC);
    EXPECT_TRUE(::fcntl(fd, F_GETFL) & O_NONBLOCK);
  }
}

}  // namespace
}  // namespace reeve::ipc
