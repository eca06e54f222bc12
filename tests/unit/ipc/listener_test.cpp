#include "ipc/listener.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
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

using testing::HasSubstr;
using Kind = Address::Kind;

std::string normalized(std::string_view text) {
  const auto address = parse_address(text);
  return address ? to_string(*address) : "error: " + address.error().text;
}

TEST(Address, ReadsEveryForm) {
  EXPECT_EQ(normalized("127.0.0.1:8000"), "127.0.0.1:8000");
  EXPECT_EQ(normalized("*:8000"), "0.0.0.0:8000");
  EXPECT_EQ(normalized(":8000"), "0.0.0.0:8000");
  EXPECT_EQ(normalized("localhost:0"), "127.0.0.1:0");
  EXPECT_EQ(normalized("[::]:8000"), "[::]:8000");
  EXPECT_EQ(normalized("[0:0:0::1]:65535"), "[::1]:65535");
  EXPECT_EQ(normalized("unix:/run/x.sock"), "unix:/run/x.sock");
  EXPECT_EQ(normalized("unix:@abstract"), "unix:@abstract");
  EXPECT_EQ(normalized("systemd:http"), "systemd:http");
  EXPECT_EQ(parse_address("systemd:http")->kind, Kind::Systemd);
  EXPECT_EQ(parse_address("unix:x")->kind, Kind::Unix);
}

TEST(Address, SaysWhatIsWrong) {
  EXPECT_THAT(normalized("8000"), HasSubstr("write \":8000\""));
  EXPECT_THAT(normalized(""), HasSubstr("no port"));
  EXPECT_THAT(normalized("127.0.0.1:"), HasSubstr("the port is not a number"));
  EXPECT_THAT(normalized("127.0.0.1:65536"), HasSubstr("from 0 to 65535"));
  EXPECT_THAT(normalized("127.0.0.1:-1"), HasSubstr("error"));
  EXPECT_THAT(normalized("::1:8000"), HasSubstr("needs brackets"));
  EXPECT_THAT(normalized("[::g]:8000"), HasSubstr("not an IPv6 address"));
  EXPECT_THAT(normalized("example.org:80"), HasSubstr("names are not looked up"));
  EXPECT_THAT(normalized("300.1.1.1:80"), HasSubstr("error"));
  EXPECT_THAT(normalized("unix:"), HasSubstr("path is empty"));
  EXPECT_THAT(normalized("systemd:"), HasSubstr("FileDescriptorName="));
}

TEST(Address, RefusesAUnixPathThatTheKernelWould) {
  const std::string longest = "/" + std::string(106, 'x');
  EXPECT_TRUE(parse_address("unix:" + longest));
  EXPECT_THAT(normalized("unix:" + longest + "x"), HasSubstr("the kernel allows 107"));
  EXPECT_FALSE(parse_address(std::string_view("unix:/a\0b", 9)));
}

/// An fd that is connected to `listener`, or why it is not.
int connect_errno(const UniqueFd& listener) {
  sockaddr_storage name{};
  socklen_t size = sizeof(name);
  auto* any = reinterpret_cast<sockaddr*>(&name);
  if (::getsockname(listener.get(), any, &size) != 0) return errno;
  const UniqueFd client(::socket(any->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(client.get(), any, size) == 0 ? 0 : errno;
}

Result<UniqueFd> open(std::string_view text) {
  return open_listener(parse_address(text).value(), 16);
}

TEST(Listener, TellsWhichPortTheKernelChose) {
  const auto listener = open("127.0.0.1:0");
  ASSERT_TRUE(listener) << listener.error().text;
  EXPECT_EQ(connect_errno(*listener), 0);
  const auto address = parse_address(local_address(listener->get()));
  ASSERT_TRUE(address);
  EXPECT_EQ(address->host, "127.0.0.1");
  EXPECT_NE(address->port, 0);
}

TEST(Listener, IsCloexecAndNonblocking) {
  const auto listener = open("127.0.0.1:0");
  EXPECT_TRUE(::fcntl(listener->get(), F_GETFD) & FD_CLOEXEC);
  EXPECT_TRUE(::fcntl(listener->get(), F_GETFL) & O_NONBLOCK);
}

/// TCP_NODELAY of a connection that the listener has accepted; -1 when there is none.
int nodelay_of_accepted(const UniqueFd& listener) {
  sockaddr_in name{};
  socklen_t size = sizeof(name);
  ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&name), &size);
  const UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(client.get(), reinterpret_cast<sockaddr*>(&name), size) != 0) return -1;
  const UniqueFd accepted(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  int value = -1;
  size = sizeof(value);
  return ::getsockopt(accepted.get(), IPPROTO_TCP, TCP_NODELAY, &value, &size) == 0 ? value : -1;
}

TEST(Listener, AcceptedConnectionsAnswerAtOnce) {
  EXPECT_NE(nodelay_of_accepted(open("127.0.0.1:0").value()), 0);
  const UniqueFd passed(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));  // As systemd has it.
  ASSERT_EQ(::listen(passed.get(), 1), 0);
  EXPECT_EQ(nodelay_of_accepted(passed), 0);
  EXPECT_TRUE(send_at_once(passed.get()));
  EXPECT_NE(nodelay_of_accepted(passed), 0);
}

TEST(Listener, OnlyTcpHasADelay) {
  const auto listener = open("unix:@reeve-unit-nodelay-" + std::to_string(::getpid()));
  EXPECT_FALSE(send_at_once(listener->get()));
}

TEST(Address, AWildcardCoversItsFamilyAndTheOneOfIpv6Both) {
  const auto covered = [](std::string_view wide, std::string_view other) {
    return covers(*parse_address(wide), *parse_address(other));
  };
  EXPECT_TRUE(covered(":8000", "127.0.0.1:8000"));
  EXPECT_TRUE(covered("[::]:8000", ":8000"));
  EXPECT_TRUE(covered("[::]:8000", "[::1]:8000"));
  EXPECT_FALSE(covered(":8000", "[::1]:8000"));
  EXPECT_FALSE(covered(":8000", "127.0.0.1:8001"));
  EXPECT_FALSE(covered("127.0.0.1:8000", ":8000"));
  EXPECT_FALSE(covered("unix:/a", "unix:/a"));
}

TEST(Listener, APortInUseNamesThePortAndTheRemedy) {
  const auto first = open("127.0.0.1:0");
  const std::string address = local_address(first->get());
  const auto second = open(address);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, EADDRINUSE);
  EXPECT_THAT(second.error().text, HasSubstr("cannot listen on " + address));
  EXPECT_THAT(second.error().text,
              HasSubstr("Address already in use; another process has the port"));
  EXPECT_THAT(second.error().text, HasSubstr("ss -ltnp"));
}

TEST(Listener, AForeignAddressNamesTheCause) {
  const auto listener = open("192.0.2.1:0");  // TEST-NET-1: nobody's.
  ASSERT_FALSE(listener);
  EXPECT_THAT(listener.error().text, HasSubstr("no interface of this machine"));
}

TEST(Listener, BindsIpv6) {
  const auto listener = open("[::1]:0");
  if (!listener && listener.error().code == EADDRNOTAVAIL) GTEST_SKIP() << "no IPv6 here";
  if (!listener && listener.error().code == EAFNOSUPPORT) GTEST_SKIP() << "no IPv6 here";
  ASSERT_TRUE(listener) << listener.error().text;
  EXPECT_THAT(local_address(listener->get()), testing::StartsWith("[::1]:"));
  EXPECT_EQ(connect_errno(*listener), 0);
}

TEST(Listener, TheIpv6WildcardTakesIpv4Too) {
  const auto listener = open("[::]:0");
  if (!listener && listener.error().code == EAFNOSUPPORT) GTEST_SKIP() << "no IPv6 here";
  ASSERT_TRUE(listener) << listener.error().text;
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(parse_address(local_address(listener->get()))->port);
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&name), sizeof(name)), 0);
}

TEST(Listener, AbstractSocketsWork) {
  const std::string address = "unix:@reeve-unit-listener-" + std::to_string(::getpid());
  const auto listener = open(address);
  ASSERT_TRUE(listener) << listener.error().text;
  EXPECT_EQ(local_address(listener->get()), address);
  EXPECT_EQ(connect_errno(*listener), 0);
}

TEST(Listener, AStaleUnixSocketIsTakenOver) {
  const unit::TempDir directory;
  const std::string address = "unix:" + directory / "x.sock";
  {
    ASSERT_TRUE(open(address));
  }
  const auto again = open(address);
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_EQ(local_address(again->get()), address);
  EXPECT_EQ(connect_errno(*again), 0);
}

TEST(Listener, ALiveUnixSocketIsRefused) {
  const unit::TempDir directory;
  const std::string address = "unix:" + directory / "x.sock";
  const auto first = open(address);
  const auto second = open(address);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, EADDRINUSE);
  EXPECT_THAT(second.error().text, HasSubstr("another process listens on it"));
  EXPECT_EQ(connect_errno(*first), 0);
}

TEST(Listener, ALiveUnixSocketWithAFullQueueIsRefused) {
  const unit::TempDir directory;
  const auto address = parse_address("unix:" + directory / "x.sock").value();
  const auto first = open_listener(address, 0);
  ASSERT_EQ(connect_errno(*first), 0);  // Fills the queue: nobody accepts.
  EXPECT_FALSE(open_listener(address, 0));
}

TEST(Listener, AFileInTheWayStays) {
  const unit::TempDir directory;
  std::ofstream(directory / "precious") << "data";
  EXPECT_FALSE(open("unix:" + directory / "precious"));
  EXPECT_TRUE(std::filesystem::exists(directory / "precious"));
}

TEST(Listener, AMissingDirectoryIsNamed) {
  const auto listener = open("unix:/nonexistent/x.sock");
  ASSERT_FALSE(listener);
  EXPECT_THAT(listener.error().text, HasSubstr("unix:/nonexistent/x.sock: No such file"));
}

TEST(Listener, DoesNotBindWhatSystemdBound) { EXPECT_FALSE(open("systemd:http")); }

Result<UniqueFd> open_shared(std::string_view text) {
  return open_listener(parse_address(text).value(), 16, PortSharing::Group);
}

class ReservedPort : public testing::Test {
 protected:
  UniqueFd anchor_ = reserve_address(parse_address("127.0.0.1:0").value()).value();
  std::string address_ = local_address(anchor_.get());
};

TEST_F(ReservedPort, IsHadByItsGroupAndNobodyElse) {
  const auto first = open_shared(address_);
  const auto second = open_shared(address_);
  ASSERT_TRUE(first) << first.error().text;
  ASSERT_TRUE(second) << second.error().text;
  EXPECT_EQ(connect_errno(*first), 0);
  EXPECT_EQ(open(address_).error().code, EADDRINUSE);
}

TEST_F(ReservedPort, AcceptsNothingItself) { EXPECT_EQ(connect_errno(anchor_), ECONNREFUSED); }

TEST_F(ReservedPort, IsNotForAnotherReservation) {
  EXPECT_FALSE(reserve_address(parse_address(address_).value()));
}

TEST_F(ReservedPort, IsNotForAnotherUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become another user";
  const pid_t child = ::fork();
  if (child == 0) {
    constexpr uid_t kNobody = 65534;
    ::_exit(::setresuid(kNobody, kNobody, kNobody) == 0 && !open_shared(address_) ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(CheckListener, SaysWhatElseItIs) {
  const auto verdict = [](int fd) {
    const auto checked = check_listener(fd);
    return checked ? "" : checked.error().text;
  };
  EXPECT_EQ(verdict(open("127.0.0.1:0")->get()), "");
  EXPECT_EQ(verdict(open("unix:@check_listener")->get()), "");
  const auto made = [](int type) { return UniqueFd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0)); };
  EXPECT_EQ(verdict(made(SOCK_DGRAM).get()), "it is a datagram socket");
  EXPECT_EQ(verdict(made(SOCK_SEQPACKET).get()), "it is no stream socket");
  EXPECT_EQ(verdict(made(SOCK_STREAM).get()), "it does not listen");
  EXPECT_EQ(verdict(UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)).get()), "it is no socket");
  EXPECT_EQ(verdict(-1), "Bad file descriptor");
}

TEST(LocalAddress, IsEmptyForWhatIsNoSocket) {
  EXPECT_EQ(local_address(-1), "");
  const UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(local_address(file.get()), "");
}

}  // namespace
}  // namespace reeve::ipc
