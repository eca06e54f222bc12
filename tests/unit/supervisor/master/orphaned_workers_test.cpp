#include "supervisor/master/orphaned_workers.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <string>

#include "supervisor/process/launch_plan.hpp"
#include "supervisor/process/spawner.hpp"
#include "supervisor/system/pipe.hpp"
#include "tests/unit/temp_dir.hpp"

namespace reeve::supervisor {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

TEST(OrphanedWorkers, AreKnownByTheirEnvironment) {
  const std::string environment = "A=1\0REEVE_SLOT=web:3\0NOTIFY_SOCKET=/run/x/notify.sock\0Z=\0"s;
  EXPECT_EQ(slot_in_environment(environment, "/run/x/notify.sock"), "web:3");
  EXPECT_EQ(slot_in_environment(environment, "/run/x/notify.soc"), std::nullopt);
  EXPECT_EQ(slot_in_environment("NOTIFY_SOCKET=/n"s, "/n"), std::nullopt) << "of somebody else";
  EXPECT_EQ(slot_in_environment("", "/n"), std::nullopt);
}

class LeftoverProcess : public ::testing::Test {
 protected:
  /// A worker of a master that is gone; returns once it runs.
  pid_t start(const std::string& script) {
    PoolConfig pool;
    pool.spec.name = "web";
    pool.command = {"/bin/sh", "-c", script + "; echo up; while :; do sleep 1; done"};
    LaunchPlan plan = plan_launch(
        pool, {{"PATH", "/usr/bin:/bin"}},
        {.slot = "web:0", .generation = Generation{1}, .notify_socket = socket(), .user = {}});
    Pipe out = *Pipe::open();
    ::fcntl(out.read_end.get(), F_SETFL, 0);
    plan.stdout_fd = plan.stderr_fd = out.write_end.get();
    const auto spawned = spawn(plan);
    char byte = 0;
    EXPECT_EQ(::read(out.read_end.get(), &byte, 1), 1);
    return spawned->pid;
  }
  [[nodiscard]] std::string socket() const { return directory_ / "notify.sock"; }
  static int status_of(pid_t pid) {
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WTERMSIG(status);
  }

  unit::TempDir directory_;
};

TEST_F(LeftoverProcess, IsFoundAndEndsByTerm) {
  const pid_t pid = start("true");
  const auto found = find_orphaned_workers({.notify_socket = socket(), .cgroup_base = ""});
  ASSERT_GE(found.size(), 1U);
  EXPECT_EQ(found.front().pid, pid);
  EXPECT_EQ(found.front().slot, "web:0");
  EXPECT_EQ(end_orphaned_workers(found, 10s, [] { return false; }), 0);
  EXPECT_EQ(status_of(pid), SIGTERM);
}

TEST_F(LeftoverProcess, HearsTheStopSignalOfItsPool) {
  const pid_t pid = start("trap '' TERM; ulimit -c 0");
  auto found = find_orphaned_workers({.notify_socket = socket(), .cgroup_base = ""});
  for (OrphanedWorker& each : found) each.stop_signal = SIGQUIT;
  EXPECT_EQ(end_orphaned_workers(found, 10s, [] { return false; }), 0);
  EXPECT_EQ(status_of(pid), SIGQUIT);
}

TEST_F(LeftoverProcess, ThatIgnoresTermIsKilledAfterTheGrace) {
  const pid_t pid = start("trap '' TERM");
  const auto found = find_orphaned_workers({.notify_socket = socket(), .cgroup_base = ""});
  EXPECT_GE(end_orphaned_workers(found, 50ms, [] { return false; }), 1);
  EXPECT_EQ(status_of(pid), SIGKILL);
}

TEST_F(LeftoverProcess, IsKilledAtOnceWhenThereIsHurry) {
  const pid_t pid = start("trap '' TERM");
  const auto found = find_orphaned_workers({.notify_socket = socket(), .cgroup_base = ""});
  const auto begin = ipc::Clock::now();
  EXPECT_GE(end_orphaned_workers(found, 60s, [] { return true; }), 1);
  EXPECT_LT(ipc::Clock::now() - begin, 10s);
  EXPECT_EQ(status_of(pid), SIGKILL);
}

TEST_F(LeftoverProcess, OfAnotherRuntimeDirectoryIsNotOurs) {
  const pid_t pid = start("true");
  EXPECT_TRUE(find_orphaned_workers({.notify_socket = socket() + "x", .cgroup_base = ""}).empty());
  ::kill(-pid, SIGKILL);
  EXPECT_EQ(status_of(pid), SIGKILL);
}

}  // namespace
}  // namespace reeve::supervisor
