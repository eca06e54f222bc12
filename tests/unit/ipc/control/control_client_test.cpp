#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include "ipc/control/client.hpp"
#include "ipc/listener.hpp"
#include "tests/unit/ipc/support.hpp"
#include "tests/unit/temp_dir.hpp"

namespace reeve::ipc::control {
namespace {

using testing::HasSubstr;

/// A master that takes one connection, waits for one request and answers with fixed bytes.
class FakeMaster {
 public:
  explicit FakeMaster(std::string answer)
      : listener_(open_listener(parse_address("unix:" + path()).value(), 1).value()) {
    thread_ = std::jthread([this, answer = std::move(answer)] { serve(answer); });
  }

  [[nodiscard]] std::string path() const { return directory_ / "control.sock"; }

  /// What the client sent, once it is through.
  Result<Request> request() {
    thread_.join();
    return decode_request(received_);
  }

 private:
  void serve(std::string_view answer) {
    // The client has connected before it waits, so accept and read may block.
    const int flags = SOCK_CLOEXEC;
    int fd = -1;
    while ((fd = ::accept4(listener_.get(), nullptr, nullptr, flags)) < 0 && errno == EAGAIN) {
      std::this_thread::yield();
    }
    const UniqueFd client(fd);
    char byte = 0;
    while (::recv(client.get(), &byte, 1, 0) == 1 && byte != '\0') received_ += byte;
    // Byte by byte, so that frames arrive in pieces.
    for (const char piece : answer) ::send(client.get(), &piece, 1, MSG_NOSIGNAL);
  }

  unit::TempDir directory_;
  UniqueFd listener_;
  std::string received_;
  std::jthread thread_;
};

std::string frame(const Reply& reply) { return encode(reply) + '\0'; }

TEST(ControlClient, ReturnsTheVerdict) {
  const Reply verdict{.verdicts = {{"web:0", true, "started", ""}}};
  FakeMaster master(frame(verdict));
  const Request request{.method = Method::Start, .names = {"web:0"}};
  auto client = Client::connect(master.path());
  ASSERT_TRUE(client) << client.error().text;
  EXPECT_EQ(client->call(request).value(), verdict);
  EXPECT_EQ(master.request().value(), request);
}

TEST(ControlClient, HandsOverTheRepliesBeforeTheLast) {
  FakeMaster master(frame({.continues = true, .text = "one"}) +
                    frame({.continues = true, .text = "two"}) + frame({.text = "three"}));
  auto client = Client::connect(master.path());
  ASSERT_TRUE(client);
  std::vector<std::string> texts;
  const auto last = client->call({.method = Method::Tail, .more = true},
                                 [&](const Reply& reply) { texts.push_back(reply.text); });
  EXPECT_EQ(texts, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(last->text, "three");
}

TEST(ControlClient, PartsThatItDidNotAskForAreOneReply) {
  FakeMaster master(frame({.continues = true, .processes = {{.name = "web:0"}}}) +
                    frame({.processes = {{.name = "web:1"}}, .master_pid = 7}));
  auto client = Client::connect(master.path());
  ASSERT_TRUE(client);
  const auto reply = client->call({.method = Method::Status}, [](const Reply&) { FAIL(); });
  EXPECT_EQ(reply.value(),
            (Reply{.processes = {{.name = "web:0"}, {.name = "web:1"}}, .master_pid = 7}));
}

TEST(ControlClient, ARefusedRequestIsAReply) {
  FakeMaster master(frame({.error = "no such pool"}));
  auto client = Client::connect(master.path());
  EXPECT_EQ(client->call({})->error, "no such pool");
}

TEST(ControlClient, AMasterThatGoesAwayIsABrokenLine) {
  FakeMaster master("{\"parameters\":");
  auto client = Client::connect(master.path());
  const auto reply = client->call({});
  ASSERT_FALSE(reply);
  EXPECT_THAT(reply.error().text, HasSubstr("closed the connection before its last reply"));
}

TEST(ControlClient, GarbageIsABrokenLine) {
  FakeMaster master(std::string("HTTP/1.1 400\0", 13));
  auto client = Client::connect(master.path());
  EXPECT_FALSE(client->call({}));
}

TEST(ControlClient, SaysWhyItCannotConnect) {
  EXPECT_EQ(Client::connect("/nonexistent/control.sock").error().code, ENOENT);
  EXPECT_THAT(Client::connect("/" + std::string(200, 'x')).error().text, HasSubstr("allows 107"));
  const unit::TempDir directory;
  const std::string path = directory / "stale.sock";
  {
    ASSERT_TRUE(open_listener(parse_address("unix:" + path).value(), 1));
  }
  EXPECT_EQ(Client::connect(path).error().code, ECONNREFUSED);
}

TEST(ControlClient, WaitsNoLongerThanItsLimit) {
  // A server that listens and never accepts.
  const unit::TempDir directory;
  const std::string path = directory / "control.sock";
  const UniqueFd listener = open_listener(parse_address("unix:" + path).value(), 1).value();
  auto client = Client::connect(path);
  ASSERT_TRUE(client) << client.error().text;
  ASSERT_TRUE(client->limit_wait(std::chrono::milliseconds(20)));
  const auto reply = client->call({});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, EAGAIN);
}

}  // namespace
}  // namespace reeve::ipc::control
