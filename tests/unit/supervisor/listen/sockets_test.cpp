// The sockets of the master with real peers: accept queues, notifications, control sessions, dead
// children.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ipc/base/unix_address.hpp"
#include "supervisor/control/server.hpp"
#include "supervisor/listen/accept_queue.hpp"
#include "supervisor/listen/listeners.hpp"
#include "supervisor/log/log_pipe.hpp"
#include "supervisor/process/notify_server.hpp"
#include "supervisor/system/pipe.hpp"
#include "supervisor/system/reaper.hpp"
#include "supervisor/system/service_manager.hpp"
#include "tests/unit/supervisor/loop_driver.hpp"
#include "tests/unit/temp_dir.hpp"

namespace reeve::supervisor {
namespace {

using ipc::control::Method;
using ipc::control::Reply;
using ipc::control::Request;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

ListenerConfig on_any_port() {
  return {.name = "http", .address = *ipc::parse_address("127.0.0.1:0"), .backlog = 16};
}

/// A client that has begun to connect; errno of connect in `error`.
struct Caller {
  explicit Caller(const Listener& listener)
      : fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(ipc::parse_address(listener.address())->port);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    error = ::connect(fd.get(), reinterpret_cast<sockaddr*>(&name), sizeof(name)) == 0 ? 0 : errno;
  }
  /// 0 once the connection stands, EINPROGRESS before.
  [[nodiscard]] int outcome() const {
    sockaddr_in peer{};
    socklen_t size = sizeof(peer);
    return ::getpeername(fd.get(), reinterpret_cast<sockaddr*>(&peer), &size) == 0 ? 0
                                                                                   : EINPROGRESS;
  }
  ipc::UniqueFd fd;
  int error = 0;
};

TEST(Listener, AsksForTheSamePortAfterAClose) {
  Listener listener(on_any_port());
  ASSERT_TRUE(listener.open().has_value());
  const std::string address = listener.address();
  listener.close();
  EXPECT_EQ(Caller(listener).outcome(), EINPROGRESS);
  EXPECT_EQ(listener.address(), address);
  ASSERT_TRUE(listener.open().has_value());
  EXPECT_EQ(listener.address(), address);
}

TEST(Listener, ThatIsInUseIsNamedAndLeavesTheOthers) {
  Listener holder(on_any_port());
  ASSERT_TRUE(holder.open().has_value());
  std::vector<ipc::NamedFd> none;
  const auto refused = open_listeners(
      {on_any_port(), {.name = "admin", .address = *ipc::parse_address(holder.address())}}, {},
      none);
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().text, HasSubstr("listen.admin: cannot listen on 127.0.0.1:"));
}

TEST(Listener, OnAnAddressThatThisMasterHasSaysSo) {
  std::vector<ipc::NamedFd> none;
  const auto first = open_listeners({on_any_port()}, {}, none);
  ASSERT_TRUE(first.has_value());
  // A port of its own for each: `first` is known by the address that was asked for.
  ListenerConfig config = on_any_port();
  config.address = *ipc::parse_address(first->front()->address());
  ListenerConfig wide = config;
  wide.address.host = "0.0.0.0";
  const ListenerSet known{std::make_shared<Listener>(config)};
  const auto wider = open_listeners({wide}, known, none);
  ASSERT_FALSE(wider.has_value());
  EXPECT_THAT(wider.error().text, AllOf(HasSubstr("this master itself has " +
                                                  first->front()->address() + ", as listen.http"),
                                        Not(HasSubstr("another process"))));
}

TEST(Listener, FromSystemdSendsAtOnceToo) {
  const ipc::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  std::vector<ipc::NamedFd> passed;
  passed.push_back({"http", ipc::UniqueFd(::dup(socket.get()))});
  const ListenerConfig config{.name = "web", .address = *ipc::parse_address("systemd:http")};
  ASSERT_TRUE(open_listeners({config}, {}, passed).has_value());
  int value = 0;
  socklen_t size = sizeof(value);
  ASSERT_EQ(::getsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &value, &size), 0);
  EXPECT_NE(value, 0);
}

TEST(Listener, WithTheSameNameAndAddressIsKept) {
  std::vector<ipc::NamedFd> none;
  const auto first = open_listeners({on_any_port()}, {}, none);
  ASSERT_TRUE(first.has_value());
  const auto again = open_listeners({on_any_port()}, *first, none);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->front(), first->front());
}

TEST(Listener, FromSystemdIsFoundByNameAndNeverClosed) {
  Listener holder(on_any_port());
  ASSERT_TRUE(holder.open().has_value());
  std::vector<ipc::NamedFd> passed;
  passed.push_back({"http", ipc::UniqueFd(::dup(holder.fd()))});
  ListenerConfig config{.name = "web", .address = *ipc::parse_address("systemd:http")};
  const auto adopted = open_listeners({config}, {}, passed);
  ASSERT_TRUE(adopted.has_value());
  adopted->front()->close();
  EXPECT_TRUE(adopted->front()->is_open());
  EXPECT_EQ(adopted->front()->address(), holder.address());

  config.address.path = "missing";
  EXPECT_THAT(open_listeners({config}, {}, passed).error().text,
              HasSubstr("listen.web: systemd passed no socket named \"missing\""));
}

TEST(AcceptQueue, WithNewConnectionsKeptOutWaitingOnesGetIn) {
  testing::LoopDriver driver;
  auto listener = std::make_shared<Listener>(on_any_port());
  ASSERT_TRUE(listener->open().has_value());
  const Caller waiting(*listener);
  EXPECT_EQ(accept_queue_length(listener->fd()), 1);

  ASSERT_TRUE(refuse_new_connections(listener->fd()).has_value());
  bool done = false;
  AcceptQueueWait wait(driver.loop, {listener->fd()},
                       {.longest = std::chrono::seconds(9), .someone_left = [] { return true; }},
                       [&done] { done = true; });
  const Caller late(*listener);
  driver.turn();
  driver.turn();
  EXPECT_FALSE(done);
  EXPECT_EQ(late.outcome(), EINPROGRESS);
  EXPECT_EQ(accept_queue_length(listener->fd()), 1);

  const ipc::UniqueFd accepted(::accept(listener->fd(), nullptr, nullptr));
  EXPECT_TRUE(driver.run_until([&] { return done; }));
}

TEST(AcceptQueueWait, EndsAtItsLimitWhenNobodyAccepts) {
  testing::LoopDriver driver;
  auto listener = std::make_shared<Listener>(on_any_port());
  ASSERT_TRUE(listener->open().has_value());
  const Caller waiting(*listener);
  bool done = false;
  AcceptQueueWait wait(
      driver.loop, {listener->fd()},
      {.longest = std::chrono::milliseconds(5), .someone_left = [] { return true; }},
      [&done] { done = true; });
  EXPECT_TRUE(driver.run_until([&] { return done; }));
  EXPECT_EQ(accept_queue_length(listener->fd()), 1);
}

TEST(AcceptQueueWait, SettlesOnceNothingWaits) {
  testing::LoopDriver driver;
  bool done = false;
  const auto start = ipc::Clock::now();
  AcceptQueueWait wait(driver.loop, {},
                       {.longest = std::chrono::hours(1),
                        .settle = std::chrono::milliseconds(20),
                        .someone_left = [] { return true; }},
                       [&done] { done = true; });
  EXPECT_TRUE(driver.run_until([&] { return done; }));
  EXPECT_GE(ipc::Clock::now() - start, std::chrono::milliseconds(19));
}

TEST(AcceptQueueWait, DoesNotWaitWhenNoWorkerIsLeft) {
  testing::LoopDriver driver;
  auto listener = std::make_shared<Listener>(on_any_port());
  ASSERT_TRUE(listener->open().has_value());
  const Caller waiting(*listener);
  bool done = false;
  AcceptQueueWait wait(driver.loop, {listener->fd()},
                       {.longest = std::chrono::hours(1), .someone_left = [] { return false; }},
                       [&done] { done = true; });
  EXPECT_TRUE(driver.run_until([&] { return done; }));
}

TEST(NotifyServer, GivesTheSendersPid) {
  testing::LoopDriver driver;
  const unit::TempDir directory;
  std::vector<ipc::Notification> seen;
  auto server = NotifyServer::open(driver.loop, directory / "notify.sock",
                                   [&seen](const auto& message) { seen.push_back(message); });
  ASSERT_TRUE(server.has_value());
  ASSERT_TRUE(ipc::notify((*server)->path(), "READY=1").has_value());
  EXPECT_TRUE(driver.run_until([&] { return !seen.empty(); }));
  EXPECT_EQ(seen.front().pid, ::getpid());
  EXPECT_TRUE(seen.front().message.ready);
}

class UpstreamSocket : public ::testing::Test {
 protected:
  UpstreamSocket() : socket_(*ipc::NotifySocket::open(directory_ / "systemd.sock")) {
    ::setenv("NOTIFY_SOCKET", socket_.path().c_str(), 1);
  }
  ~UpstreamSocket() override {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(name);
  }

  testing::LoopDriver driver_;
  unit::TempDir directory_;
  ipc::NotifySocket socket_;
};

TEST_F(UpstreamSocket, HearsOfAStatusOnlyWhenItChanges) {
  ServiceManager service_manager(driver_.loop);
  service_manager.status("web 0/2 running");
  service_manager.status("web 0/2 running");
  service_manager.ready();
  EXPECT_EQ(socket_.receive()->message.status, "web 0/2 running");
  EXPECT_TRUE(socket_.receive()->message.ready);
  EXPECT_FALSE(socket_.receive().has_value());
}

TEST_F(UpstreamSocket, GetsPingsWhenAskedFor) {
  ::setenv("WATCHDOG_USEC", "4000", 1);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  const ServiceManager service_manager(driver_.loop);
  for (int pings = 0; pings < 3;) {
    ASSERT_TRUE(driver_.run_until([&] {
      const auto message = socket_.receive();
      return message && message->message.watchdog;
    }));
    ++pings;
  }
}

TEST_F(UpstreamSocket, GetsNoPingsThatAreForAnotherProcess) {
  ::setenv("WATCHDOG_USEC", "1", 1);
  ::setenv("WATCHDOG_PID", "1", 1);
  const ServiceManager service_manager(driver_.loop);
  EXPECT_EQ(uv_loop_alive(driver_.loop.get()), 0);
}

TEST(LogPipe, GivesLinesAsTheyComeAndTheRestAtTheEnd) {
  testing::LoopDriver driver;
  Pipe pipe = *Pipe::open();
  std::vector<std::string> lines;
  LogPipe log(driver.loop, {.fd = pipe.read_end.release()},
              {.on_line = [&lines](std::string_view line) { lines.emplace_back(line); },
               .on_part = [](std::string_view) {}});
  ASSERT_EQ(::write(pipe.write_end.get(), "one\ntw", 6), 6);
  EXPECT_TRUE(driver.run_until([&] { return !lines.empty(); }));
  ASSERT_EQ(::write(pipe.write_end.get(), "o", 1), 1);
  log.finish();  // The pipe is still open on the other side.
  EXPECT_THAT(lines, ElementsAre("one", "two"));
}

TEST(LogPipe, GivesAPartOfALineOnceItsWriterIsSilent) {
  testing::LoopDriver driver;
  Pipe pipe = *Pipe::open();
  std::vector<std::string> lines;
  std::vector<std::string> parts;
  LogPipe log(driver.loop, {.fd = pipe.read_end.release()},
              {.on_line = [&lines](std::string_view line) { lines.emplace_back(line); },
               .on_part = [&parts](std::string_view part) { parts.emplace_back(part); }});
  ASSERT_EQ(::write(pipe.write_end.get(), "whole\nPassword: ", 16), 16);
  EXPECT_TRUE(driver.run_until([&] { return parts.size() == 1; }));
  ASSERT_EQ(::write(pipe.write_end.get(), "again: ", 7), 7);
  EXPECT_TRUE(driver.run_until([&] { return parts.size() == 2; }));
  ASSERT_EQ(::write(pipe.write_end.get(), "\n", 1), 1);
  EXPECT_TRUE(driver.run_until([&] { return lines.size() == 2; }));
  EXPECT_THAT(parts, ElementsAre("Password: ", "Password: again: "));
  EXPECT_THAT(lines, ElementsAre("whole", "Password: again: "));
}

TEST(Reaper, ReadsThenReapsEachOfItsChildrenAndStrangers) {
  const pid_t quick = ::fork();
  if (quick == 0) ::_exit(3);
  const pid_t killed = ::fork();
  if (killed == 0) {
    ::raise(SIGKILL);
    ::_exit(0);
  }
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(quick), &info, WEXITED | WNOWAIT), 0);
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(killed), &info, WEXITED | WNOWAIT), 0);

  std::vector<std::string> order;
  Reaper reaper([&](pid_t pid) { order.push_back(::kill(pid, 0) == 0 ? "zombie" : "gone"); },
                [&](pid_t, const Death& death) { order.push_back(describe(death)); });
  reaper.reap_if_pending([&] { order.emplace_back("not asked for"); });
  reaper.child_changed();
  reaper.reap_if_pending([&] { order.emplace_back("read"); });
  ASSERT_EQ(order.size(), 6U);
  EXPECT_EQ(order[0], "read");
  EXPECT_EQ(order[1], "zombie");
  EXPECT_EQ(order[3], "read");
  EXPECT_EQ(order[4], "zombie");
  EXPECT_THAT((std::vector{order[2], order[5]}),
              ::testing::UnorderedElementsAre("exited with code 3", "killed by SIGKILL"));
}

TEST(Reaper, LeavesWhatIsBeyondItsBoundToTheNextTurn) {
  constexpr int kChildren = Reaper::kMostATurn + 3;
  std::vector<pid_t> children;
  for (int i = 0; i < kChildren; ++i) {
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(0);
    children.push_back(pid);
  }
  for (const pid_t pid : children) {
    siginfo_t info{};
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT), 0);
  }
  int reaped = 0;
  Reaper reaper([](pid_t) {}, [&](pid_t, const Death&) { ++reaped; });
  reaper.child_changed();
  reaper.reap_if_pending([] {});
  EXPECT_EQ(reaped, Reaper::kMostATurn);
  EXPECT_TRUE(reaper.pending());
  reaper.reap_if_pending([] {});
  EXPECT_EQ(reaped, kChildren);
  EXPECT_FALSE(reaper.pending());
}

class ControlSocket : public ::testing::Test {
 protected:
  ControlSocket() {
    auto opened = ControlServer::open(
        driver_.loop, path_,
        {.on_request = [this](SessionId id, const Request& request) { take(id, request); },
         .on_gone = [this](SessionId) { ++gone_; }});
    server_ = std::move(*opened);
  }

  void take(SessionId id, const Request& request) {
    last_ = id;
    ++requests_;
    Reply reply;
    reply.text = std::string(ipc::control::to_string(request.method));
    if (request.method != Method::Shutdown) server_->reply(id, reply);
  }

  [[nodiscard]] ipc::UniqueFd connect() const {
    ipc::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto address = ipc::unix_address(path_);
    EXPECT_EQ(::connect(fd.get(), address->get(), address->size), 0);
    return fd;
  }

  static void send(int fd, Method method) {
    Request request;
    request.method = method;
    std::string frame = ipc::control::encode(request);
    frame += '\0';
    EXPECT_EQ(::send(fd, frame.data(), frame.size(), 0), static_cast<ssize_t>(frame.size()));
  }

  /// The next reply, while the loop turns.
  std::optional<Reply> receive(int fd) {
    std::optional<std::string> frame;
    const bool came = driver_.run_until([&] {
      char chunk[4096];
      const ssize_t size = ::recv(fd, chunk, sizeof(chunk), MSG_DONTWAIT);
      if (size > 0) (void)frames_.feed({chunk, static_cast<std::size_t>(size)}).has_value();
      frame = frames_.next();
      return frame.has_value() || size == 0;
    });
    if (!came || !frame) return std::nullopt;
    return *ipc::control::decode_reply(*frame);
  }

  testing::LoopDriver driver_;
  unit::TempDir directory_;
  std::string path_ = directory_ / "control.sock";
  std::unique_ptr<ControlServer> server_;
  ipc::control::FrameReader frames_;
  SessionId last_{};
  int requests_ = 0;
  int gone_ = 0;
};

TEST_F(ControlSocket, IsForItsOwnerOnly) {
  struct stat info{};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST_F(ControlSocket, AnswersRequestsInOrder) {
  const ipc::UniqueFd client = connect();
  send(client.get(), Method::Status);
  send(client.get(), Method::Version);
  EXPECT_EQ(receive(client.get())->text, "Status");
  EXPECT_EQ(receive(client.get())->text, "Version");
}

TEST_F(ControlSocket, ServesTheNextRequestOnlyAfterTheVerdict) {
  const ipc::UniqueFd client = connect();
  send(client.get(), Method::Shutdown);
  send(client.get(), Method::Version);
  ASSERT_TRUE(driver_.run_until([&] { return requests_ == 1; }));
  driver_.turn();
  driver_.turn();
  EXPECT_EQ(requests_, 1);
  Reply verdict;
  verdict.text = "at last";
  server_->reply(last_, verdict);
  EXPECT_EQ(receive(client.get())->text, "at last");
  EXPECT_EQ(receive(client.get())->text, "Version");
}

TEST_F(ControlSocket, AnswersAClientThatHasClosedItsHalf) {
  const ipc::UniqueFd client = connect();
  send(client.get(), Method::Shutdown);
  ::shutdown(client.get(), SHUT_WR);
  ASSERT_TRUE(driver_.run_until([&] { return requests_ == 1; }));
  driver_.turn();
  server_->reply(last_, {});
  EXPECT_TRUE(receive(client.get()).has_value());
  EXPECT_TRUE(driver_.run_until([&] { return gone_ == 1; }));
}

TEST_F(ControlSocket, IgnoresTheVerdictOfAClientThatHasGone) {
  {
    const ipc::UniqueFd client = connect();
    send(client.get(), Method::Shutdown);
    ASSERT_TRUE(driver_.run_until([&] { return requests_ == 1; }));
  }
  server_->reply(last_, {});
  EXPECT_TRUE(driver_.run_until([&] { return gone_ == 1; }));
  server_->reply(last_, {});
}

TEST_F(ControlSocket, RefusesWhatIsNoRequest) {
  const ipc::UniqueFd client = connect();
  ASSERT_EQ(::send(client.get(), "hello", 6, 0), 6);
  const auto reply = receive(client.get());
  ASSERT_TRUE(reply.has_value());
  EXPECT_TRUE(reply->error.has_value());
  send(client.get(), Method::Version);
  EXPECT_EQ(receive(client.get())->text, "Version");
}

TEST_F(ControlSocket, DropsAFollowerThatReadsNothing) {
  const ipc::UniqueFd client = connect();
  Request follow;
  follow.method = Method::Tail;
  follow.more = true;
  std::string frame = ipc::control::encode(follow);
  frame += '\0';
  ASSERT_GT(::send(client.get(), frame.data(), frame.size(), 0), 0);
  ASSERT_TRUE(driver_.run_until([&] { return requests_ == 1; }));
  Reply more;
  more.continues = true;
  more.text = std::string(64 * 1024, 'x');
  for (int i = 0; i < 200 && gone_ == 0; ++i) {
    server_->reply(last_, more);
    driver_.turn();
  }
  EXPECT_EQ(gone_, 1);
}

}  // namespace
}  // namespace reeve::supervisor
