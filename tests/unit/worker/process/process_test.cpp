// The life of a whole worker process, lived inside the test: the master's end of the channel is in
// the test's hands, and what happens next is ordered from a resource or a handler.

#include "worker/process/process.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "ipc/listener.hpp"
#include "ipc/message.hpp"
#include "reeve/reeve.hpp"

namespace reeve::worker {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Optional;

class ProcessTest : public ::testing::Test {
 protected:
  ProcessTest() {
    auto pair = ipc::Channel::pair();
    master.emplace(std::move(pair->first));
    identity.channel.emplace(std::move(pair->second));
    identity.slot = "web:0";
    identity.generation = 3;
    add("database");
    add("cache");
  }

  /// A resource that notes its life.
  void add(const std::string& name) {
    app.step(
        name, [this, name] { lines.push_back("open " + name); },
        [this, name] { lines.push_back("close " + name); });
  }
  /// Done by the worker itself, once everything before it is open.
  template <class Function>
  void at_the_end_of_the_start(Function function) {
    app.step(
        "trigger",
        [function]() -> Task<> {
          function();
          co_return;
        },
        [] {}, {.phase = Phase::Scheduler});
  }

  int run() {
    Process process(app, std::move(identity), {*ipc::parse_address("unix:" + socket_path)}, log,
                    patience);
    const int code = process.run();
    EXPECT_FALSE(process.thread_left_behind());
    return code;
  }

  /// What the worker told its master.
  std::vector<ipc::WorkerMessage> told() {
    std::vector<ipc::WorkerMessage> messages;
    while (auto text = master->receive()) messages.push_back(ipc::parse_worker_message(*text));
    return messages;
  }
  std::vector<ipc::WorkerState> states() {
    std::vector<ipc::WorkerState> seen;
    for (const auto& message : told()) {
      if (message.state) seen.push_back(*message.state);
    }
    return seen;
  }

  App app;
  Identity identity;
  std::optional<ipc::Channel> master;
  std::vector<std::string> lines;
  Log log{Log::Style::Supervised};
  Patience patience;
  const std::string socket_path = fmt::format("@reeve-process-test-{}", ::getpid());
};

TEST_F(ProcessTest, DrainFromTheMasterClosesInReverseAndExitsWithZero) {
  at_the_end_of_the_start([this] { EXPECT_TRUE(master->send("DRAIN=prompt")); });
  EXPECT_EQ(run(), 0);
  EXPECT_THAT(lines, ElementsAre("open database", "open cache", "close cache", "close database"));
}

TEST_F(ProcessTest, TellsTheMasterEachStateAndReadyOnce) {
  // Read after the listeners accept, so that the whole start is seen.
  at_the_end_of_the_start([] { ::raise(SIGTERM); });
  EXPECT_EQ(run(), 0);
  const auto messages = told();
  using enum ipc::WorkerState;
  std::vector<ipc::WorkerState> seen;
  std::vector<std::string> steps;
  for (const auto& message : messages) {
    if (message.state) seen.push_back(*message.state);
    if (message.step) steps.push_back(*message.step);
  }
  EXPECT_EQ(std::ranges::count(messages, true, &ipc::WorkerMessage::ready), 1);
  EXPECT_EQ(seen.front(), Starting);
  EXPECT_THAT(seen, IsSupersetOf({Ready, Running, Shutdown}));
  EXPECT_EQ(seen.back(), Shutdown);
  EXPECT_THAT(steps, IsSupersetOf({"[1/5] environment", "[2/5] connections: opening cache",
                                   "[5/5] listening", "closing cache"}));
}

TEST_F(ProcessTest, FailedStartSaysWhyInWordsAndByItsExitCode) {
  app.step(
      "broken",
      []() -> Task<> {
        throw std::runtime_error("connection refused");
        co_return;
      },
      [] {});
  EXPECT_EQ(run(), App::ResourceFailed);
  EXPECT_THAT(lines, ElementsAre("open database", "open cache", "close cache", "close database"));
  const auto messages = told();
  const auto failed =
      std::ranges::find(messages, ipc::WorkerState::Failed, &ipc::WorkerMessage::state);
  ASSERT_NE(failed, messages.end());
  EXPECT_THAT(failed->reason, Optional(HasSubstr("broken: connection refused")));
  EXPECT_FALSE(std::ranges::any_of(messages, &ipc::WorkerMessage::ready));
}

/// Waits until the log has `text`, or for long.
Task<> until_logged(std::string text) {
  // The output is captured in a file.
  const auto deadline = ipc::Clock::now() + 20s;
  char buffer[64 * 1024];
  while (ipc::Clock::now() < deadline) {
    const ssize_t size = ::pread(STDERR_FILENO, buffer, sizeof buffer, 0);
    if (size > 0 && std::string_view(buffer, static_cast<std::size_t>(size)).contains(text)) {
      co_return;
    }
    co_await sleep_for(1ms);
  }
}

TEST_F(ProcessTest, WhatOpensOrClosesForLongIsNamedAgainAndAgain) {
  patience = {.name_after = 5ms, .name_again = 10ms};
  app.step(
      "search", [] { return until_logged("still opening search"); },
      [] { return until_logged("still closing search"); },
      {.open_within = 30s, .close_within = 20s});
  at_the_end_of_the_start([] { ::raise(SIGTERM); });
  identity.grace = 200s;
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(run(), 0);
  const std::string logged = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(logged, ContainsRegex("warning: still opening search after .*, of 30 s at most"));
  EXPECT_THAT(logged, ContainsRegex("warning: still closing search after .*, of [0-9]+ s at most"));
}

TEST_F(ProcessTest, AnOrderThatWillHurtIsWarnedOf) {
  const auto nothing = [] {};
  app.step("redis", nothing, nothing, {.kind = Kind::Cache});
  app.step("postgres", nothing, nothing, {.kind = Kind::Database});
  at_the_end_of_the_start([] { ::raise(SIGTERM); });
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(run(), 0);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              HasSubstr("warning: postgres (a database) opens after redis (a cache)"));
}

TEST_F(ProcessTest, AProviderSaysItsChoice) {
  app.provider<int>("answers")
      .candidate("far", []() -> std::unique_ptr<int> { throw std::runtime_error("refused"); })
      .candidate("near", [] { return 42; });
  at_the_end_of_the_start([] { ::raise(SIGTERM); });
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(run(), 0);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("choice: near (far: refused)"));
}

TEST_F(ProcessTest, ASecretInAReasonIsNotTold) {
  ::setenv("REEVE_TEST_URL", "db://shop:hunter2@db", 1);
  app.environment({.secrets = {"REEVE_TEST_URL"}});
  app.step(
      "vault",
      []() -> Task<> {
        throw std::runtime_error("login of shop:hunter2 at db://shop:hunter2@db refused");
        co_return;
      },
      [] {});
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(run(), App::ResourceFailed);
  const std::string logged = ::testing::internal::GetCapturedStderr();
  ::unsetenv("REEVE_TEST_URL");
  EXPECT_THAT(logged, HasSubstr("vault: login of shop:*** at *** refused"));
  const auto messages = told();
  EXPECT_TRUE(std::ranges::any_of(messages, [](const ipc::WorkerMessage& message) {
    return message.reason && message.reason->contains("login of shop:*** at *** refused");
  }));
}

TEST_F(ProcessTest, StartThatFailsInItsFirstStepEndsToo) {
  app.environment({.file = "", .defaults = {}, .required = {"REEVE_TEST_NOT_SET"}});
  EXPECT_EQ(run(), App::BadConfiguration);
  EXPECT_TRUE(lines.empty());
}

TEST_F(ProcessTest, AddressInUseIsAFailedStart) {
  const auto taken = ipc::open_listener(*ipc::parse_address("unix:" + socket_path), 1);
  ASSERT_TRUE(taken);
  EXPECT_EQ(run(), App::SystemError);
  EXPECT_THAT(lines, Contains("close database"));
}

TEST_F(ProcessTest, MasterThatIsGoneStopsIt) {
  at_the_end_of_the_start([this] { master.reset(); });
  EXPECT_EQ(run(), 0);
  EXPECT_THAT(lines, Contains("close database"));
}

TEST_F(ProcessTest, StopWhileStartingClosesWhatWasOpenAndExitsWithZero) {
  app.step(
      "slow",
      [this]() -> Task<> {
        EXPECT_TRUE(master->send("DRAIN=prompt"));
        co_await sleep_for(1h);
      },
      [] {});
  EXPECT_EQ(run(), 0);
  EXPECT_THAT(lines, ElementsAre("open database", "open cache", "close cache", "close database"));
  EXPECT_THAT(states(), ::testing::Not(Contains(Eq(ipc::WorkerState::Failed))));
}

/// An optional resource that is down.
void add_refused_metrics(App& app) {
  app.step(
      "metrics",
      []() -> Task<> {
        throw std::runtime_error("refused");
        co_return;
      },
      [] {}, {.need = Need::Optional});
}

TEST_F(ProcessTest, OptionalResourceThatFailsLetsItServe) {
  add_refused_metrics(app);
  at_the_end_of_the_start([] { ::raise(SIGTERM); });
  EXPECT_EQ(run(), 0);
  EXPECT_THAT(states(), Contains(ipc::WorkerState::Running));
}

TEST_F(ProcessTest, TellsTheMasterOfEachResourceAndThatSomethingIsDown) {
  add_refused_metrics(app);
  at_the_end_of_the_start([] { ::raise(SIGTERM); });
  EXPECT_EQ(run(), 0);
  std::vector<std::string> reports;
  std::vector<ipc::WorkerState> seen;
  for (const auto& message : told()) {
    if (message.state) seen.push_back(*message.state);
    if (!message.resource || message.resource->name == "trigger") continue;
    const ipc::ResourceReport& report = *message.resource;
    reports.push_back(fmt::format("{} {}{}", report.name, to_string(report.state),
                                  report.detail.empty() ? "" : ": " + report.detail));
  }
  EXPECT_THAT(reports,
              ElementsAre("database opening", "database open", "cache opening", "cache open",
                          "metrics opening", "metrics down: refused (attempt 1)", "cache closing",
                          "cache closed", "database closing", "database closed"));
  EXPECT_THAT(seen, Contains(ipc::WorkerState::Error));
}

/// One request over the test's socket; all that came back.
std::string request(const std::string& abstract_name, std::string_view text) {
  const ipc::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::ranges::copy(abstract_name.substr(1), address.sun_path + 1);
  const auto length =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + abstract_name.size());
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), length) != 0)
    return "no connection";
  if (::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL) < 0) return "not sent";
  std::string answer;
  char buffer[1024];
  for (ssize_t count; (count = ::recv(fd.get(), buffer, sizeof buffer, 0)) > 0;) {
    answer.append(buffer, static_cast<std::size_t>(count));
  }
  return answer;
}

/// A worker with a client in a thread, which starts when the worker is ready.
class ServingTest : public ProcessTest {
 protected:
  void TearDown() override {
    if (client_.joinable()) client_.join();
  }
  int run_with_client(std::string path) {
    client_ = std::thread([this, path = std::move(path)] {
      wait_until_ready();
      answer =
          request(socket_path, "GET " + path + " HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
    });
    const int code = run();
    client_.join();
    return code;
  }
  std::string answer;

 private:
  void wait_until_ready() {
    const auto deadline = ipc::Clock::now() + 20s;
    while (ipc::Clock::now() < deadline) {
      const auto text = master->receive();
      if (text && ipc::parse_worker_message(*text).ready) return;
      std::this_thread::yield();
    }
  }
  std::thread client_;
};

TEST_F(ServingTest, RequestInFlightIsAnsweredBeforeResourcesClose) {
  app.get("/", [this](const Request& request) -> Task<Response> {
    ::raise(SIGTERM);
    co_await sleep_for(20ms);
    lines.push_back("answered");
    co_return Response::text(request.state<WorkerInfo>().slot);
  });
  EXPECT_EQ(run_with_client("/"), 0);
  EXPECT_THAT(answer, HasSubstr("web:0"));
  EXPECT_THAT(lines, ElementsAre("open database", "open cache", "answered", "close cache",
                                 "close database"));
}

TEST_F(ServingTest, ADrainThatLastsSaysWhatItWaitsFor) {
  patience = {.drain_report = 5ms};
  app.get("/report", []() -> Task<Response> {
    ::raise(SIGTERM);
    co_await until_logged("draining for ");
    co_return Response::text("done");
  });
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(run_with_client("/report"), 0);
  const std::string logged = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(answer, HasSubstr("done"));
  EXPECT_THAT(logged, ContainsRegex("draining for .*: waiting for GET /report \\("));
}

TEST_F(ServingTest, RequestThatOutlivesTheGraceIsCancelledAndResourcesStillClose) {
  identity.grace = 50ms;
  app.get("/", [this]() -> Task<Response> {
    ::raise(SIGTERM);
    try {
      co_await sleep_for(1h);
    } catch (const Cancelled&) {
      lines.push_back("cancelled");
      throw;
    }
    co_return Response::text("too late");
  });
  EXPECT_EQ(run_with_client("/"), 0);
  EXPECT_THAT(lines, ElementsAre("open database", "open cache", "cancelled", "close cache",
                                 "close database"));
}

TEST_F(ServingTest, QuitDoesNotWaitForRequests) {
  app.get("/", []() -> Task<Response> {
    ::raise(SIGQUIT);
    co_await sleep_for(1h);
    co_return Response::text("too late");
  });
  EXPECT_EQ(run_with_client("/"), 0);
  EXPECT_THAT(lines, Contains("close database"));
}

}  // namespace
}  // namespace reeve::worker
