// A native program without a master: it listens by itself and stops cleanly on TERM.

#include <sys/socket.h>

#include <csignal>
#include <utility>

#include "tests/e2e/harness/programs.hpp"
#include "tests/e2e/harness/reeve_test.hpp"
#include "tests/e2e/harness/sockets.hpp"

namespace reeve::e2e {
namespace {

using Alone = ReeveTest;
using ::testing::HasSubstr;

TEST_F(Alone, ServesAndStopsOnTerm) {
  auto notify = ipc::NotifySocket::open((dir / "notify.sock").string());
  ASSERT_TRUE(notify);
  Process hello({.argv = {binary("hello"), "--listen", "127.0.0.1:0"},
                 .env = {{"NOTIFY_SOCKET", notify->path()}}},
                dir, "hello");
  ASSERT_TRUE(eventually([&] {
    const auto message = notify->receive();
    return message && message->message.ready;
  })) << hello.errors();

  const std::string log = hello.errors() + hello.output();
  const std::string_view before = "127.0.0.1:";
  ASSERT_THAT(log, HasSubstr(before));
  const auto port = std::stoi(log.substr(log.find(before) + before.size()));
  const Answer answer = judge(get(static_cast<std::uint16_t>(port), "/"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "Hello, World!");

  hello.signal(SIGTERM);
  EXPECT_EQ(hello.wait(), Exit{.code = 0});
}

TEST_F(Alone, AdoptsAListenerOfSystemd) {
  auto listener = listen_on_loopback();
  const auto port = port_of(listener.get());
  Command command{.argv = {binary("hello")}};
  command.listeners.push_back({"http", std::move(listener)});
  Process hello(std::move(command), dir, "hello");
  EXPECT_TRUE(judge(get(port, "/"))) << "queued until it accepts";
  hello.signal(SIGTERM);
  EXPECT_EQ(hello.wait(), Exit{.code = 0});
}

TEST_F(Alone, AnswersWhatIsInFlightOnTerm) {
  auto listener = listen_on_loopback();
  const auto port = port_of(listener.get());
  Command command{.argv = {binary("probe")}};
  command.listeners.push_back({"http", std::move(listener)});
  Process probe(std::move(command), dir, "probe");
  ASSERT_TRUE(get(port, "/pid"));
  auto slow = Connection::open(port);
  ASSERT_TRUE(slow);
  slow->send(get_request("/slow?ms=300"));
  // One loop reads in the order of arrival: an answered later request proves that this one is in
  // flight.
  ASSERT_TRUE(get(port, "/pid"));
  probe.signal(SIGTERM);
  EXPECT_TRUE(judge(slow->receive()));
  EXPECT_EQ(probe.wait(), Exit{.code = 0});
}

TEST_F(Alone, WithoutAListenerItSaysWhatToDo) {
  const Finished verdict = run({.argv = {binary("hello")}}, dir, "hello");
  EXPECT_EQ(verdict.code(), 2);
  EXPECT_THAT(verdict.errors + verdict.output, HasSubstr("--listen"));
}

TEST_F(Alone, ASocketThatCannotBeServedIsRefused) {
  Command command{.argv = {binary("hello")}};
  command.listeners.push_back(
      {"http", ipc::UniqueFd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0))});
  const Finished verdict = run(std::move(command), dir, "hello");
  EXPECT_EQ(verdict.code(), 2);
  EXPECT_THAT(verdict.errors + verdict.output,
              HasSubstr("descriptor 3 (http): it is a datagram socket"));
}

TEST_F(Alone, APortInUseIsNamed) {
  const auto taken = listen_on_loopback();
  const std::string address = "127.0.0.1:" + std::to_string(port_of(taken.get()));
  const Finished verdict = run({.argv = {binary("hello"), "--listen", address}}, dir, "hello");
  EXPECT_NE(verdict.code(), 0);
  EXPECT_THAT(verdict.errors + verdict.output, HasSubstr(address));
}

}  // namespace
}  // namespace reeve::e2e
