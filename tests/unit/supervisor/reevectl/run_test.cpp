#include "supervisor/reevectl/run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <functional>
#include <thread>
#include <vector>

#include "ipc/listener.hpp"
#include "tests/unit/temp_dir.hpp"

namespace reeve::supervisor::ctl {
namespace {

using ipc::control::Client;
using ipc::control::Method;
using ipc::control::Reply;
using ipc::control::Request;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::internal::CaptureStdout;
using ::testing::internal::GetCapturedStdout;

Reply version(int pid, const std::string& text) { return {.text = text, .master_pid = pid}; }

/// A master that answers each connection by a script, request by request, and then closes it.
class FakeMaster {
 public:
  using Script = std::vector<std::vector<Reply>>;  // A connection's replies.

  explicit FakeMaster(Script script)
      : listener_(ipc::open_listener(ipc::parse_address("unix:" + path()).value(), 5).value()) {
    thread_ = std::jthread([this, script = std::move(script)] {
      for (const auto& replies : script) serve(replies);
      listener_.reset();
    });
  }

  [[nodiscard]] std::string path() const { return directory_ / "control.sock"; }

  /// The requests that were made, once the script is through.
  std::vector<Method> asked() {
    thread_.join();
    return asked_;
  }

 private:
  void serve(const std::vector<Reply>& replies) {
    pollfd waits{.fd = listener_.get(), .events = POLLIN, .revents = 0};
    ASSERT_EQ(::poll(&waits, 1, 10'000), 1);
    const ipc::UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    for (std::size_t i = 0; i < replies.size(); ++i) {
      // What follows a reply that goes on answers the same request.
      if (i == 0 || !replies[i - 1].continues) receive(client.get());
      const std::string frame = encode(replies[i]) + '\0';
      ::send(client.get(), frame.data(), frame.size(), MSG_NOSIGNAL);
    }
    if (replies.empty() || !replies.back().continues) receive(client.get());
  }

  void receive(int fd) {
    std::string frame;
    char byte = 0;
    while (::recv(fd, &byte, 1, 0) == 1 && byte != '\0') frame += byte;
    if (const auto request = ipc::control::decode_request(frame)) asked_.push_back(request->method);
  }

  unit::TempDir directory_;
  ipc::UniqueFd listener_;
  std::vector<Method> asked_;
  std::jthread thread_;
};

struct Outcome {
  int exit_code;
  std::string output;
};

Outcome upgrade_of(const FakeMaster& master) {
  auto client = Client::connect(master.path());
  EXPECT_TRUE(client);
  CaptureStdout();
  const Ask ask{.request = {.method = Method::Upgrade, .more = true}};
  const int exit_code = upgrade(ask, *client, master.path());
  return {exit_code, GetCapturedStdout()};
}

TEST(Upgrade, TakesTheVerdictWhenThereIsOne) {
  const Reply upgraded{.verdicts = {{.name = "", .ok = true, .code = "upgraded", .text = "to 2"}}};
  FakeMaster master({{version(7, "1"), {.continues = true, .text = "tried in a child"}, upgraded}});
  const Outcome outcome = upgrade_of(master);
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.output, "tried in a child\nupgraded; to 2\n");
}

TEST(Upgrade, ARefusalIsAFailure) {
  const Reply failed{.verdicts = {{.code = "upgrade_failed", .text = "the new one crashed"}}};
  FakeMaster master({{version(7, "1"), failed}});
  const Outcome outcome = upgrade_of(master);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.output, "ERROR (upgrade failed): the new one crashed\n");
}

TEST(Upgrade, WithoutAVerdictTheSamePidHasToAnswer) {
  FakeMaster master({{version(7, "1")}, {version(7, "2")}});
  const Outcome outcome = upgrade_of(master);
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.output, "upgraded; from version 1 to 2, pid 7\n");
  EXPECT_THAT(master.asked(), ElementsAre(Method::Version, Method::Upgrade, Method::Version));
}

TEST(Upgrade, AnotherPidIsNoUpgrade) {
  FakeMaster master(
      {{version(7, "1"), {.continues = true, .text = "handing over"}}, {version(8, "2")}});
  const Outcome outcome = upgrade_of(master);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.output, HasSubstr("the master, pid 7, has ended, and another one, pid 8"));
}

}  // namespace
}  // namespace reeve::supervisor::ctl
