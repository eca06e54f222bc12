#include "ipc/notify.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string>

#include "ipc/base/unix_address.hpp"
#include "tests/unit/ipc/support.hpp"
#include "tests/unit/temp_dir.hpp"

namespace reeve::ipc {
namespace {

class NotifyTest : public testing::Test {
 protected:
  // A raw sender, for what notify() would not send.
  ssize_t send_with_fd(const std::string& text) {
    const auto address = unix_address(socket_.path()).value();
    const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    return test::send_with_fd(fd.get(), text, fd.get(), address.get(), address.size);
  }

  unit::TempDir directory_;
  NotifySocket socket_ = NotifySocket::open(directory_ / "notify").value();
};

TEST_F(NotifyTest, TheKernelNamesTheSender) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(notify(socket_.path(), "READY=1\nSTATUS=up\n") ? 0 : 1);
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);

  const auto notification = socket_.receive();
  ASSERT_TRUE(notification);
  EXPECT_EQ(notification->pid, child);
  EXPECT_TRUE(notification->message.ready);
  EXPECT_EQ(notification->message.status, "up");
  EXPECT_FALSE(socket_.receive());
}

TEST_F(NotifyTest, TruncatedDatagramsAreDropped) {
  ASSERT_TRUE(notify(socket_.path(), "READY=1\n" + std::string(kMaxMessageBytes, 'x')));
  ASSERT_TRUE(notify(socket_.path(), "STOPPING=1"));
  const auto notification = socket_.receive();
  ASSERT_TRUE(notification);
  EXPECT_FALSE(notification->message.ready);
  EXPECT_TRUE(notification->message.stopping);
}

TEST_F(NotifyTest, DescriptorsThatComeAlongAreClosed) {
  const std::size_t before = test::count_open_fds();
  ASSERT_GT(send_with_fd("READY=1"), 0);
  EXPECT_TRUE(socket_.receive()->message.ready);
  EXPECT_EQ(test::count_open_fds(), before);
}

TEST_F(NotifyTest, DatagramsWithoutCredentialsAreDropped) {
  const int off = 0;
  ASSERT_EQ(::setsockopt(socket_.fd(), SOL_SOCKET, SO_PASSCRED, &off, sizeof(off)), 0);
  const std::size_t before = test::count_open_fds();
  ASSERT_GT(send_with_fd("READY=1"), 0);  // Now there is room for the descriptor.
  EXPECT_FALSE(socket_.receive());
  EXPECT_EQ(test::count_open_fds(), before);
}

TEST_F(NotifyTest, AnEmptyDatagramIsAnEmptyMessage) {
  ASSERT_TRUE(notify(socket_.path(), ""));
  EXPECT_EQ(socket_.receive()->message, WorkerMessage{});
}

TEST_F(NotifyTest, ALiveSocketIsNotTakenOver) {
  const auto second = NotifySocket::open(socket_.path());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, EADDRINUSE);
  EXPECT_TRUE(notify(socket_.path(), "READY=1"));
}

TEST_F(NotifyTest, AStaleSocketIsTakenOver) {
  const std::string path = socket_.path();
  {
    const NotifySocket gone = std::move(socket_);
  }
  ASSERT_FALSE(notify(path, "READY=1"));
  auto again = NotifySocket::open(path);
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_TRUE(notify(path, "READY=1"));
}

TEST_F(NotifyTest, AFileInTheWayStays) {
  const std::string path = directory_ / "precious";
  std::ofstream(path) << "data";
  EXPECT_FALSE(NotifySocket::open(path));
  struct stat found{};
  EXPECT_EQ(::stat(path.c_str(), &found), 0);
}

TEST(Notify, AbstractSocketsWork) {
  const std::string path = "@reeve-unit-notify-" + std::to_string(::getpid());
  auto socket = NotifySocket::open(path);
  ASSERT_TRUE(socket) << socket.error().text;
  ASSERT_TRUE(notify(path, "WATCHDOG=1"));
  EXPECT_TRUE(socket->receive()->message.watchdog);
}

TEST(Notify, FailsAloudWhenNobodyListens) {
  EXPECT_EQ(notify("/nonexistent/notify", "READY=1").error().code, ENOENT);
  EXPECT_EQ(notify("vsock:2:1234", "READY=1").error().code, EAFNOSUPPORT);
  EXPECT_FALSE(notify("", "READY=1"));
  EXPECT_FALSE(notify("/" + std::string(200, 'x'), "READY=1"));
}

}  // namespace
}  // namespace reeve::ipc
