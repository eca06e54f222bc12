// A pool with real processes: what the core orders happens, and what happens reaches the core.

#include "supervisor/pool/pool_runner.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ipc/base/signals.hpp"
#include "supervisor/control/pending_commands.hpp"
#include "supervisor/log/output.hpp"
#include "supervisor/pool/status.hpp"
#include "supervisor/system/reaper.hpp"
#include "supervisor/system/signals.hpp"
#include "tests/unit/supervisor/loop_driver.hpp"

namespace reeve::supervisor {
namespace {

using ::testing::HasSubstr;

PoolConfig shell_pool(const std::string& script) {
  PoolConfig pool;
  pool.spec.name = "web";
  pool.spec.workers = 1;
  pool.spec.grace = std::chrono::seconds(5);
  pool.spec.backoff_first = std::chrono::milliseconds(1);
  pool.command = {"/bin/sh", "-c", script};
  pool.ready = ReadyLog{"up"};
  return pool;
}

const std::string kWellBehaved = "echo up; exec sleep 1000";

class RunningPool : public ::testing::Test, private PoolObserver {
 protected:
  RunningPool() {
    block_signals();
    become_subreaper();
  }
  ~RunningPool() override {
    if (!runner_) return;
    runner_->stop(pending_.open(1, [](const Verdicts&) {}), {});
    runner_->end_grace();
    EXPECT_TRUE(driver_.run_until([this] { return runner_->pool().quiet(); }));
  }

  PoolRunner& run(PoolConfig config, const ListenerSet& listeners = {}) {
    runner_ =
        std::make_unique<PoolRunner>(PoolRunner::Dependencies{driver_.loop, log_, launcher_, *this},
                                     Deployment::of(std::move(config), listeners), 1);
    return *runner_;
  }

  /// Gives a command and waits for its verdicts.
  Verdicts command(const std::function<void(CommandId)>& give) {
    std::optional<Verdicts> answer;
    give(pending_.open(1, [&answer](Verdicts verdicts) { answer = std::move(verdicts); }));
    EXPECT_TRUE(driver_.run_until([&answer] { return answer.has_value(); }));
    return answer.value_or(Verdicts{});
  }
  Verdicts start() {
    return command([this](CommandId id) { runner_->start(id, {}); });
  }
  Verdicts stop() {
    return command([this](CommandId id) { runner_->stop(id, {}); });
  }

  [[nodiscard]] ipc::control::Process status(std::size_t slot = 0) const {
    return status_of(*runner_, {}, driver_.loop.now()).at(slot);
  }

  void finished(CommandId id, Verdicts verdicts) override {
    pending_.settle(id, std::move(verdicts));
  }
  void changed() override {}
  void killed() override { ++killed_; }
  void read_pending() override {}
  void happened(std::string_view kind, const PoolRunner& /*pool*/, std::optional<int> /*slot*/,
                const std::string& text) override {
    if (kind == "lease") leases_.push_back(text);
  }
  bool used_elsewhere(const PoolRunner&, const Listener&) override { return false; }
  void ask(const ProbeQuestion& question, OnProbeAnswer on_answer) override {
    if (question.probe.kind == Probe::Kind::Command) {
      return probe_commands_.run(question, std::move(on_answer));
    }
    on_answer(answer_);
  }

  testing::LoopDriver driver_;
  PendingCommands pending_;
  int killed_ = 0;
  std::vector<std::string> leases_;  // What was told of it.
  ipc::UniqueFd null_fd_{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
  Output output_{driver_.loop, null_fd_.get()};
  Log log_{output_, LogFormat::Text, LineStyle::Plain, LogLevel::Debug};
  Launcher launcher_{
      driver_.loop,
      {.environment = {{"PATH", "/usr/bin:/bin"}}, .notify_socket = "/none", .nofile = {}}};
  ProbeAnswer answer_;
  std::unique_ptr<PoolRunner> runner_;
  ProbeCommands probe_commands_{driver_.loop, launcher_};
  Reaper reaper_{[this](pid_t pid) {
                   runner_->conclude(pid);
                   probe_commands_.conclude(pid);
                 },
                 [this](pid_t pid, const Death& death) {
                   runner_->exited(pid, death);
                   probe_commands_.exited(pid, death);
                 }};
  ipc::uv::Signals signals_{driver_.loop, kHandledSignals, [this](int signal) {
                              if (signal == SIGCHLD) reaper_.child_changed();
                            }};
  ipc::uv::Check check_{driver_.loop, [this] { reaper_.reap_if_pending([] {}); }};
};

TEST_F(RunningPool, StartsAndStops) {
  run(shell_pool(kWellBehaved));
  EXPECT_EQ(start().at(0).code, "started");
  EXPECT_EQ(status().state, "RUNNING");
  const int pid = status().pid;
  EXPECT_EQ(::kill(pid, 0), 0);
  EXPECT_EQ(stop().at(0).code, "stopped");
  EXPECT_EQ(status().state, "STOPPED");
  EXPECT_NE(::kill(pid, 0), 0);
  EXPECT_EQ(killed_, 0);
}

/// Speaks over its channel, as a native worker that schedules something of scope `one` does.
const std::string kWantsTheLease =
    "printf 'STATE=Running\nLEASE=wanted\n' >&$REEVE_CHANNEL; " + kWellBehaved;

TEST_F(RunningPool, OneWorkerHoldsTheLeaseUntilItIsGone) {
  PoolConfig config = shell_pool(kWantsTheLease);
  config.spec.workers = 2;
  run(config);
  start();
  ASSERT_TRUE(driver_.run_until([this] { return !leases_.empty(); }));
  const std::size_t first = leases_[0].starts_with("web:0") ? 0 : 1;
  ASSERT_TRUE(driver_.run_until([this] { return status(0).worker_state == "Running"; }));
  ASSERT_TRUE(driver_.run_until([this] { return status(1).worker_state == "Running"; }));
  EXPECT_EQ(leases_.size(), 1U) << "the other one waits";
  ::kill(status(first).pid, SIGKILL);
  ASSERT_TRUE(driver_.run_until([this] { return leases_.size() > 1; }));
  EXPECT_TRUE(leases_[1].starts_with(first == 0 ? "web:1" : "web:0"));
  EXPECT_THAT(leases_[1], HasSubstr(first == 0 ? "web:0 has ended" : "web:1 has ended"));
}

TEST_F(RunningPool, WhoGivesTheLeaseBackIsFollowed) {
  run(
      shell_pool("trap 'printf \"LEASE=released\\n\" >&$REEVE_CHANNEL; "
                 "exec sleep 1000' TERM; "
                 "printf 'LEASE=wanted\n' >&$REEVE_CHANNEL; echo up; "
                 "while :; do sleep 0.01; done"));
  start();
  ASSERT_TRUE(driver_.run_until([this] { return !leases_.empty(); }));
  command([this](CommandId id) { runner_->roll(id, {}); });
  ASSERT_TRUE(driver_.run_until([this] { return leases_.size() > 2; }));
  EXPECT_EQ(leases_[1], "web has released the lease");
  EXPECT_THAT(leases_[2], HasSubstr("generation 2) holds the lease"));
}

TEST_F(RunningPool, WhoGaveTheLeaseBackIsNotGivenItAgain) {
  PoolRunner& pool =
      run(shell_pool("trap 'for i in 1 2 3 4 5; do printf \"LEASE=released\\n\" >&$REEVE_CHANNEL; "
                     "printf \"LEASE=wanted\\n\" >&$REEVE_CHANNEL; done; "
                     "printf \"STATUS=looped\\n\" >&$REEVE_CHANNEL' USR1; "
                     "printf 'LEASE=wanted\n' >&$REEVE_CHANNEL; echo up; "
                     "while :; do sleep 0.01; done"));
  start();
  ASSERT_TRUE(driver_.run_until([this] { return !leases_.empty(); }));
  ASSERT_EQ(::kill(status().pid, SIGUSR1), 0);
  ASSERT_TRUE(
      driver_.run_until([&] { return pool.find(status().pid)->status_text() == "looped"; }));
  ASSERT_EQ(leases_.size(), 2U);
  EXPECT_THAT(leases_[0], HasSubstr("holds the lease"));
  EXPECT_EQ(leases_[1], "web has released the lease");
}

TEST_F(RunningPool, ARehearsalNeverHoldsTheLease) {
  run(shell_pool(kWantsTheLease)).tell_steps([](const std::string&) {});
  start();
  ASSERT_TRUE(driver_.run_until([this] { return status().worker_state == "Running"; }));
  EXPECT_TRUE(leases_.empty());
}

TEST_F(RunningPool, TheLeaseIsNothingToAskForByNotification) {
  PoolRunner& pool = run(shell_pool(kWellBehaved));
  start();
  pool.find(status().pid)
      ->on_notification({.scheduled = ipc::ScheduledReport{}, .lease = ipc::LeaseWish::Wanted});
  EXPECT_TRUE(leases_.empty());
  EXPECT_TRUE(pool.find(status().pid)->reports().scheduled.empty());
}

TEST_F(RunningPool, ANotificationHasTheKeysOfSdNotifyAndNoOthers) {
  PoolRunner& pool = run(shell_pool(kWellBehaved));
  start();
  Process& process = *pool.find(status().pid);
  process.on_notification({.status = "fine",
                           .state = ipc::WorkerState::Failed,
                           .step = "[2/5] connections",
                           .reason = "forged"});
  EXPECT_EQ(process.status_text(), "fine");
  EXPECT_FALSE(process.is_native()) << "a foreign program does not become native by a word";
  EXPECT_TRUE(process.steps().empty());
  EXPECT_EQ(process.reason(), "");
  EXPECT_TRUE(process.reports().phases.empty());
}

TEST_F(RunningPool, StatusShowsWhatAWorkerToldOfItsInside) {
  run(shell_pool(
      "printf 'STEP=[2/5] connections\nRESOURCE=db\nRESOURCE_STATE=closing\n' "
      ">&$REEVE_CHANNEL; "
      "printf 'STATE=Running\nSCHEDULED=beat\nSCHEDULED_RUNNING=1\n' >&$REEVE_CHANNEL; " +
      kWellBehaved));
  start();
  ASSERT_TRUE(driver_.run_until([this] { return status().worker_state == "Running"; }));
  ipc::control::Reply reply;
  reply.processes = {status()};
  add_lifespan(reply, *runner_, {}, driver_.loop.now() + std::chrono::hours(1));
  add_scheduled(reply, *runner_, {});
  EXPECT_EQ(reply.processes.size(), 1U) << "its slot shows it already";
  ASSERT_EQ(reply.resources.size(), 1U);
  EXPECT_EQ(reply.resources[0].process, "web");
  EXPECT_EQ(reply.resources[0].pid, status().pid);
  EXPECT_EQ(reply.resources[0].report.state, ipc::ResourceState::Closing);
  EXPECT_GE(reply.resources[0].since, std::chrono::hours(1)) << "it goes on";
  ASSERT_EQ(reply.schedule.size(), 1U);
  EXPECT_EQ(reply.schedule[0].report.running, 1);
  ASSERT_EQ(reply.phases.size(), 1U);
  EXPECT_EQ(reply.phases[0].name, "[2/5] connections");
}

TEST_F(RunningPool, ReplacesAWorkerThatWasKilled) {
  run(shell_pool(kWellBehaved));
  start();
  const int pid = status().pid;
  ::kill(pid, SIGKILL);
  EXPECT_TRUE(
      driver_.run_until([&] { return status().state == "RUNNING" && status().pid != pid; }));
}

TEST_F(RunningPool, AFailedStartIsAnsweredWithTheLastLines) {
  run(shell_pool("echo no redis; echo farewell >&2; exit 3"));
  const auto verdict = start().at(0);
  EXPECT_EQ(verdict.code, "spawn_error");
  EXPECT_THAT(verdict.text, HasSubstr("exited with code 3; its last lines:"));
  EXPECT_THAT(verdict.text, HasSubstr("\n  no redis"));
  EXPECT_THAT(verdict.text, HasSubstr("\n  farewell"));
}

TEST_F(RunningPool, AMissingProgramIsNamed) {
  PoolConfig pool = shell_pool("");
  pool.command = {"/nowhere/program"};
  run(pool);
  EXPECT_THAT(start().at(0).text, HasSubstr("exec /nowhere/program: No such file or directory"));
}

TEST_F(RunningPool, KillsTheGroupOfAWorkerThatIgnoresTerm) {
  PoolConfig pool = shell_pool("trap '' TERM; sleep 1000 & echo up $!; while :; do wait; done");
  pool.spec.grace = std::chrono::milliseconds(20);
  run(pool);
  start();
  const std::string line = runner_->tail(0).last(100);
  const int grandchild = std::stoi(line.substr(line.find(' ')));
  EXPECT_THAT(stop().at(0).text, HasSubstr("killed"));
  EXPECT_EQ(killed_, 1);
  EXPECT_TRUE(driver_.run_until([&] { return ::kill(grandchild, 0) != 0; }));
}

TEST_F(RunningPool, RollsToANewGenerationWithoutAGap) {
  PoolConfig pool = shell_pool(kWellBehaved);
  pool.spec.workers = 2;
  run(pool);
  start();
  const auto verdict = command([this](CommandId id) { runner_->roll(id, {}); }).at(0);
  EXPECT_EQ(verdict.code, "rolled");
  EXPECT_EQ(status(0).generation, 2U);
  EXPECT_EQ(status(1).generation, 2U);
}

TEST_F(RunningPool, ADeploymentThatFailsLeavesTheOldOneInForce) {
  run(shell_pool(kWellBehaved));
  start();
  const int pid = status().pid;
  const auto verdict = command([this](CommandId id) {
                         runner_->deploy(id, Deployment::of(shell_pool("echo broken; exit 1"), {}));
                       }).at(0);
  EXPECT_EQ(verdict.code, "aborted");
  EXPECT_THAT(verdict.text, HasSubstr("broken"));
  EXPECT_EQ(status().pid, pid);
  EXPECT_EQ(runner_->deployment().config.command.back(), kWellBehaved);
}

TEST_F(RunningPool, ADeploymentThatSucceedsIsInForce) {
  run(shell_pool(kWellBehaved));
  start();
  const std::string next = "echo up again; exec sleep 1000";
  EXPECT_EQ(
      command([&](CommandId id) { runner_->deploy(id, Deployment::of(shell_pool(next), {})); })
          .at(0)
          .code,
      "rolled");
  EXPECT_EQ(runner_->deployment().config.command.back(), next);
}

TEST_F(RunningPool, WhatWasDeployedBeforeIsKeptForARollback) {
  run(shell_pool(kWellBehaved));
  start();
  EXPECT_EQ(runner_->previous(), nullptr);
  command([this](CommandId id) { runner_->roll(id, {}); });
  EXPECT_EQ(runner_->previous(), nullptr) << "a restart changes nothing";
  const std::string next = "echo up again; exec sleep 1000";
  command([&](CommandId id) { runner_->deploy(id, Deployment::of(shell_pool(next), {})); });
  ASSERT_NE(runner_->previous(), nullptr);
  EXPECT_EQ(runner_->previous()->config.command.back(), kWellBehaved);
  command([&](CommandId id) { runner_->deploy(id, *runner_->previous()); });
  EXPECT_EQ(runner_->deployment().config.command.back(), kWellBehaved);
  EXPECT_EQ(runner_->previous()->config.command.back(), next);
}

TEST_F(RunningPool, ADeploymentThatFailsIsNoPreviousOne) {
  run(shell_pool(kWellBehaved));
  start();
  command([this](CommandId id) {
    runner_->deploy(id, Deployment::of(shell_pool("echo broken; exit 1"), {}));
  });
  EXPECT_EQ(runner_->previous(), nullptr);
}

TEST_F(RunningPool, AStoppedPoolAdoptsAnotherVersionAndStartsNothing) {
  run(shell_pool(kWellBehaved));
  start();
  stop();
  PoolConfig next = shell_pool("echo up again; exec sleep 1000");
  next.spec.workers = 2;
  runner_->adopt(Deployment::of(next, {}));
  EXPECT_EQ(status(1).state, "STOPPED");
  EXPECT_EQ(status(1).pid, 0);
  EXPECT_EQ(start().size(), 2U);
  EXPECT_EQ(status(1).state, "RUNNING");
  EXPECT_THAT(runner_->tail(1).last(100), HasSubstr("up again"));
}

TEST_F(RunningPool, APoolThatStillStopsAdoptsWhenItIsDown) {
  run(shell_pool(kWellBehaved));
  start();
  bool stopped = false;
  runner_->stop(pending_.open(1, [&](const Verdicts&) { stopped = true; }), {});
  runner_->adopt(Deployment::of(shell_pool("echo up again; exec sleep 1000"), {}));
  EXPECT_TRUE(driver_.run_until([&] { return stopped; }));
  EXPECT_EQ(status().state, "STOPPED");
  EXPECT_EQ(runner_->deployment().config.command.back(), "echo up again; exec sleep 1000");
}

TEST_F(RunningPool, AStartThatOvertakesAnAdoptionStartsTheNewVersion) {
  run(shell_pool(kWellBehaved));
  start();
  runner_->stop(pending_.open(1, [](const Verdicts&) {}), {});
  runner_->adopt(Deployment::of(shell_pool("echo up again; exec sleep 1000"), {}));
  (void)start();
  EXPECT_EQ(status().state, "RUNNING");
  EXPECT_EQ(runner_->deployment().config.command.back(), "echo up again; exec sleep 1000");
}

TEST_F(RunningPool, ADeploymentTellsItsProgress) {
  run(shell_pool(kWellBehaved));
  start();
  std::vector<std::string> lines;
  command([&](CommandId id) {
    runner_->deploy(id, Deployment::of(shell_pool(kWellBehaved), {}), {},
                    [&](const std::string& line) { lines.push_back(line); });
  });
  EXPECT_THAT(lines, ::testing::ElementsAre(HasSubstr("generation 2: web started as pid"),
                                            HasSubstr("web: pid")));
}

TEST_F(RunningPool, WhenNoSlotCanServeTheListenerIsClosed) {
  auto listener = std::make_shared<Listener>(
      ListenerConfig{.name = "http", .address = *ipc::parse_address("127.0.0.1:0"), .backlog = 16});
  ASSERT_TRUE(listener->open().has_value());
  PoolConfig pool = shell_pool("exit 1");
  pool.listen = {"http"};
  pool.spec.give_up_failures = 1;
  run(pool, {listener});
  start();
  EXPECT_EQ(status().state, "FATAL");
  EXPECT_FALSE(listener->is_open()) << "clients are refused and do not wait";
  EXPECT_EQ(start().at(0).code, "spawn_error") << "a start opens it again, and this one fails too";
  EXPECT_FALSE(listener->is_open());
}

TEST_F(RunningPool, AnOperatorsScaleIsNoPartOfTheDeployment) {
  run(shell_pool(kWellBehaved));
  start();
  EXPECT_EQ(command([this](CommandId id) { runner_->scale(id, 2); }).at(0).code, "scaled");
  EXPECT_EQ(runner_->deployment().config.spec.workers, 1);
  EXPECT_EQ(command([this](CommandId id) { runner_->reconfigure_workers(id, 3); }).at(0).code,
            "scaled");
  EXPECT_EQ(runner_->deployment().config.spec.workers, 3);
}

TEST_F(RunningPool, ClosesItsListenerWhileStoppedAndOpensItAgain) {
  auto listener = std::make_shared<Listener>(
      ListenerConfig{.name = "http", .address = *ipc::parse_address("127.0.0.1:0"), .backlog = 16});
  ASSERT_TRUE(listener->open().has_value());
  const std::string address = listener->address();
  PoolConfig pool = shell_pool(kWellBehaved);
  pool.listen = {"http"};
  run(pool, {listener});
  start();
  stop();
  EXPECT_FALSE(listener->is_open());

  Listener thief({.name = "x", .address = *ipc::parse_address(address), .backlog = 1});
  ASSERT_TRUE(thief.open().has_value());
  const auto refused = start().at(0);
  EXPECT_EQ(refused.code, "spawn_error");
  EXPECT_THAT(refused.text, HasSubstr("listen.http: cannot listen on " + address));
  EXPECT_EQ(status().state, "STOPPED");

  thief.close();
  EXPECT_EQ(start().at(0).code, "started");
  EXPECT_EQ(listener->address(), address);
}

TEST_F(RunningPool, ClosesItsListenerWhenItIsScaledToNone) {
  auto listener = std::make_shared<Listener>(
      ListenerConfig{.name = "http", .address = *ipc::parse_address("127.0.0.1:0"), .backlog = 16});
  ASSERT_TRUE(listener->open().has_value());
  PoolConfig pool = shell_pool(kWellBehaved);
  pool.listen = {"http"};
  run(pool, {listener});
  start();
  command([this](CommandId id) { runner_->scale(id, 0); });
  EXPECT_TRUE(driver_.run_until([&] { return runner_->pool().quiet(); }));
  EXPECT_FALSE(listener->is_open());
  command([this](CommandId id) { runner_->scale(id, 1); });
  EXPECT_TRUE(listener->is_open());
}

TEST_F(RunningPool, WhileItsStopWaitsForTheQueueItIsGoingDownAndNotGone) {
  auto listener = std::make_shared<Listener>(
      ListenerConfig{.name = "http", .address = *ipc::parse_address("127.0.0.1:0"), .backlog = 16});
  ASSERT_TRUE(listener->open().has_value());
  PoolConfig pool = shell_pool(kWellBehaved);
  pool.listen = {"http"};
  run(pool, {listener});
  start();
  std::optional<Verdicts> answer;
  runner_->stop(pending_.open(1, [&answer](Verdicts verdicts) { answer = std::move(verdicts); }),
                {});
  EXPECT_FALSE(runner_->is_down());
  EXPECT_TRUE(runner_->is_going_down());
  EXPECT_FALSE(runner_->is_gone());
  runner_->hurry_quiesce();
  EXPECT_TRUE(runner_->is_down());
  EXPECT_TRUE(driver_.run_until([&] { return answer.has_value() && runner_->is_gone(); }));
}

TEST_F(RunningPool, AVersionThatWaitsToBeAdoptedGetsTheNewNumberOfWorkers) {
  PoolConfig pool =
      shell_pool("trap 'sleep 0.2; exit' TERM; echo up; while :; do sleep 0.02; done");
  run(pool);
  start();
  runner_->stop(pending_.open(1, [](const Verdicts&) {}), {});
  pool.env["A"] = "1";
  runner_->adopt(Deployment::of(pool, {}));
  runner_->reconfigure_workers(pending_.open(1, [](const Verdicts&) {}), 3);
  EXPECT_EQ(runner_->intended().config.spec.workers, 3);
  EXPECT_TRUE(driver_.run_until([&] { return runner_->is_gone(); }));
  EXPECT_EQ(runner_->pool().slots().size(), 3U);
}

TEST_F(RunningPool, AStartThatOvertakesAStopHurriesIt) {
  run(shell_pool(kWellBehaved));
  start();
  Verdicts stopped;
  runner_->stop(pending_.open(1, [&](Verdicts verdicts) { stopped = std::move(verdicts); }), {});
  EXPECT_EQ(start().at(0).code, "started");
  EXPECT_FALSE(stopped.empty());
  EXPECT_EQ(status().state, "RUNNING");
}

TEST_F(RunningPool, ACommandThatEndsWithZeroMakesItReady) {
  PoolConfig config = shell_pool("exec sleep 1000");
  config.ready = ReadyProbe{{.kind = Probe::Kind::Command,
                             .command = {"/bin/sh", "-c",
                                         "test \"$REEVE_SLOT\" = web:0 && test -z "
                                         "\"$NOTIFY_SOCKET$REEVE_CHANNEL\" && kill -0 $MAINPID"}}};
  run(std::move(config));
  EXPECT_EQ(start().at(0).code, "started");
}

TEST_F(RunningPool, ACommandHasALimitAndIsKilledWithItsGroup) {
  PoolConfig config = shell_pool("exec sleep 1000");
  config.spec.start_timeout = std::chrono::milliseconds(600);
  config.ready = ReadyProbe{{.kind = Probe::Kind::Command,
                             .command = {"/bin/sh", "-c", "echo asking; sleep 1000 & wait"},
                             .timeout = std::chrono::milliseconds(50)}};
  run(std::move(config));
  const Verdicts verdicts = start();
  EXPECT_EQ(verdicts.at(0).code, "spawn_error");
  EXPECT_THAT(
      verdicts.at(0).text,
      HasSubstr("no exit code 0 from \"/bin/sh\" within 600 ms; last: it did not end within "
                "50 ms: asking"));
}

TEST_F(RunningPool, OneThatIsNotWellIsReplacedAsHung) {
  PoolConfig config = shell_pool(kWellBehaved);
  config.port = 9000;
  config.health = HealthRule{.probe = {.kind = Probe::Kind::Http, .path = "/healthz"},
                             .interval = std::chrono::milliseconds(1),
                             .failures = 3};
  run(std::move(config));
  start();
  const int first = status().pid;
  answer_ = {ProbeAnswer::Kind::Bad, "status 503"};
  ASSERT_TRUE(driver_.run_until([this] { return killed_ > 0; }));
  answer_ = {ProbeAnswer::Kind::Good, ""};
  ASSERT_TRUE(
      driver_.run_until([&] { return status().state == "RUNNING" && status().pid != first; }));
  EXPECT_THAT(status().last_death,
              HasSubstr("no 200 from http://127.0.0.1:9000/healthz, 3 times in a row; last: status "
                        "503"));
}

}  // namespace
}  // namespace reeve::supervisor
