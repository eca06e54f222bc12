// Workers with sockets of their own that stand still: new connections go to the others, those that
// wait are answered in the end.

#include <chrono>
#include <csignal>
#include <string>
#include <string_view>
#include <vector>

#include "tests/e2e/harness/reeve_test.hpp"

namespace reeve::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// Answers one connection at a time with its pid, and shows that it lives.
constexpr std::string_view kOneAtATime = R"(#!/usr/bin/python3
import os, socket
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
def say(text): notify.sendto(text, os.environ["NOTIFY_SOCKET"])
listener = socket.socket(fileno=3)
listener.settimeout(0.1)
say(b"READY=1")
while True:
    say(b"WATCHDOG=1")
    try:
        client, _ = listener.accept()
    except TimeoutError:
        continue
    client.settimeout(5)
    client.recv(4096)
    client.sendall(b"HTTP/1.1 200 OK\r\nX-Pid: %d\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok" % os.getpid())
    client.close()
)";

class Standstill : public ReeveTest {
 protected:
  Reeve& start_two(std::string_view more = "") {
    (void)dir.write_program("server", kOneAtATime);
    return start_ready("[listen.http]\naddress = \"127.0.0.1:0\"\nsockets = \"per-worker\"\n" +
                       pool("web", R"(["@dir@/server"])",
                            "workers = 2\nlisten = [\"http\"]\n" + std::string(more)));
  }
  static std::vector<Connection> ask(const Reeve& reeve, int count) {
    std::vector<Connection> asked;
    for (int i = 0; i < count; ++i) {
      auto connection = Connection::open(reeve.port_in_log());
      EXPECT_TRUE(connection);
      if (!connection) break;
      connection->send(get_request("/"));
      asked.push_back(std::move(*connection));
    }
    return asked;
  }
  static void expect_answers(std::vector<Connection> asked) {
    for (Connection& each : asked) {
      const Answer answer = judge(each.receive());
      EXPECT_TRUE(answer) << to_string(answer.error());
    }
  }
};

TEST_F(Standstill, NewConnectionsGoToTheOthersUntilItAcceptsAgain) {
  Reeve& reeve = start_two();
  const int stuck = reeve.pid("web:0");
  Watch(stuck).signal(SIGSTOP);
  auto early = ask(reeve, 20);  // Some come to the one, some to the other.
  ASSERT_TRUE(eventually([&] { return !reeve.slot("web:0").trouble.empty(); }));
  EXPECT_THAT(reeve.slot("web:0").trouble, HasSubstr("accepts nothing, and "));
  EXPECT_THAT(reeve.ctl({"status"}).output, HasSubstr(" wait"));
  EXPECT_THAT(reeve.log(), HasSubstr("accepts nothing; "));
  for (int i = 0; i < 20; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    const Answer answer = judge(e2e::get(reeve.port_in_log(), "/"));
    ASSERT_TRUE(answer);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 500ms);
    EXPECT_EQ(answering_pid(answer), reeve.pid("web:1"));
  }
  Watch(stuck).signal(SIGCONT);
  expect_answers(std::move(early));
  EXPECT_TRUE(eventually([&] { return reeve.slot("web:0").trouble.empty(); }));
  EXPECT_TRUE(reeve.logs("accepts again"));
  const auto by_it = [&] { return answering_pid(e2e::get(reeve.port_in_log(), "/")) == stuck; };
  EXPECT_TRUE(eventually(by_it)) << "it gets its share again";
}

TEST_F(Standstill, WhoWaitsIsAnsweredByTheSuccessorOfAHungOne) {
  Reeve& reeve = start_two("watchdog = { timeout = \"2s\", signal = \"kill\" }\n");
  const int stuck = reeve.pid("web:0");
  Watch(stuck).signal(SIGSTOP);
  expect_answers(ask(reeve, 20));
  EXPECT_TRUE(reeve.logs("no sign of life"));
  EXPECT_NE(reeve.pid("web:0"), stuck);
}

TEST_F(Standstill, NothingIsSaidOfOneThatIsBusy) {
  Reeve& reeve = start_two();
  const auto end = std::chrono::steady_clock::now() + 2500ms;
  while (std::chrono::steady_clock::now() < end) expect_answers(ask(reeve, 30));
  EXPECT_THAT(reeve.log(), Not(HasSubstr("accepts nothing")));
}

}  // namespace
}  // namespace reeve::e2e
