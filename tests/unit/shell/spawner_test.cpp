// What a real child sees after fork and exec, and what a failed exec says.

#include "supervisor/shell/spawner.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "supervisor/shell/launch_plan.hpp"
#include "supervisor/shell/log_pipe.hpp"

namespace reeve::supervisor {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

PoolConfig shell_pool(const std::string& script) {
  PoolConfig pool;
  pool.spec.name = "web";
  pool.command = {"/bin/sh", "-c", script};
  return pool;
}

const WorkerIdentity kIdentity{
    .slot = "web:0", .generation = Generation{7}, .notify_socket = "/n.sock"};

std::string read_all(int fd) {
  ::fcntl(fd, F_SETFL, 0);
  std::string text;
  char chunk[4096];
  for (ssize_t size = 0; (size = ::read(fd, chunk, sizeof(chunk))) > 0;) {
    text.append(chunk, static_cast<std::size_t>(size));
  }
  return text;
}

struct Ran {
  std::string out;
  std::string error;
  ExecResult exec;
  int status = 0;
  pid_t pid = 0;
};

/// Runs the plan to its end.
Ran run(LaunchPlan plan) {
  Pipe out = *Pipe::open();
  Pipe error = *Pipe::open();
  plan.stdout_fd = out.write_end.get();
  plan.stderr_fd = error.write_end.get();
  auto spawned = spawn(plan);
  EXPECT_TRUE(spawned.has_value());
  out.write_end.reset();
  error.write_end.reset();
  Ran ran{.out = read_all(out.read_end.get()), .error = read_all(error.read_end.get()), .exec = {}};
  ran.pid = spawned->pid;
  ::waitpid(spawned->pid, &ran.status, 0);
  ran.exec = read_exec_status(spawned->exec_status.get(), plan);
  return ran;
}

Ran run_shell(const std::string& script) {
  return run(plan_launch(shell_pool(script), {{"PATH", "/usr/bin:/bin"}}, kIdentity));
}

std::vector<std::string> words(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

TEST(Spawner, ConnectsTheOutputAndAnEmptyInput) {
  const Ran ran = run_shell("cat; echo out; echo error >&2");
  EXPECT_EQ(ran.out, "out\n");
  EXPECT_EQ(ran.error, "error\n");
  EXPECT_EQ(ran.exec.status, ExecStatus::Succeeded);
}

TEST(Spawner, TellsTheWorkerWhoItIs) {
  const Ran ran = run_shell("echo $REEVE_SLOT $REEVE_GENERATION $NOTIFY_SOCKET $REEVE_GRACE_MS");
  EXPECT_EQ(ran.out, "web:0 7 /n.sock 30000\n");
}

TEST(Spawner, GivesListenersFromThreeUpWithTheChildsOwnPid) {
  PoolConfig pool =
      shell_pool("echo $LISTEN_PID $LISTEN_FDS $LISTEN_FDNAMES ${fd:admin}; cat <&3; cat <&4");
  pool.listen = {"http", "admin"};
  LaunchPlan plan = plan_launch(pool, {{"PATH", "/usr/bin:/bin"}}, kIdentity);
  Pipe first = *Pipe::open();
  Pipe second = *Pipe::open();
  for (Pipe* pipe : {&first, &second}) ::fcntl(pipe->read_end.get(), F_SETFL, 0);
  ASSERT_EQ(::write(first.write_end.get(), "1", 1), 1);
  ASSERT_EQ(::write(second.write_end.get(), "2", 1), 1);
  first.write_end.reset();
  second.write_end.reset();
  plan.descriptors = {first.read_end.get(), second.read_end.get()};
  const Ran ran = run(plan);
  EXPECT_EQ(ran.out, std::to_string(ran.pid) + " 2 http:admin 4\n12");
}

TEST(Spawner, PlacesDescriptorsThatHaveEachOthersNumbers) {
  LaunchPlan plan =
      plan_launch(shell_pool("cat <&3; cat <&4"), {{"PATH", "/usr/bin:/bin"}}, kIdentity);
  Pipe a = *Pipe::open();
  Pipe b = *Pipe::open();
  for (Pipe* pipe : {&a, &b}) ::fcntl(pipe->read_end.get(), F_SETFL, 0);
  ASSERT_EQ(::write(a.write_end.get(), "a", 1), 1);
  ASSERT_EQ(::write(b.write_end.get(), "b", 1), 1);
  a.write_end.reset();
  b.write_end.reset();
  // The pipes of the test have the lowest free numbers, 3 and above; given in reverse, they must
  // swap.
  plan.descriptors = {b.read_end.get(), a.read_end.get()};
  EXPECT_EQ(run(plan).out, "ba");
}

TEST(Spawner, LeaksNoDescriptor) {
  const ipc::UniqueFd careless(::open("/dev/null", O_RDONLY));  // No CLOEXEC.
  const Ran ran = run_shell("ls /proc/self/fd");
  EXPECT_THAT(words(ran.out), ElementsAre("0", "1", "2", "3"));  // 3: the directory that ls reads.
}

TEST(Spawner, GivesBackDefaultSignals) {
  sigset_t blocked;
  sigset_t before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &blocked, &before);
  const auto pipe_before = std::signal(SIGPIPE, SIG_IGN);
  const Ran ran = run_shell("grep -E 'SigBlk|SigIgn' /proc/self/status");
  std::signal(SIGPIPE, pipe_before);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  EXPECT_THAT(words(ran.out),
              ElementsAre("SigBlk:", "0000000000000000", "SigIgn:", "0000000000000000"));
}

TEST(Spawner, MakesTheWorkerLeadItsOwnGroup) {
  const Ran ran = run_shell("cut -d' ' -f5 /proc/$$/stat");
  EXPECT_EQ(ran.out, std::to_string(ran.pid) + "\n");
}

TEST(Spawner, BringsAFailedExecBack) {
  PoolConfig pool = shell_pool("");
  pool.command = {"/nowhere/program"};
  const Ran ran = run(plan_launch(pool, {}, kIdentity));
  EXPECT_EQ(ran.exec.status, ExecStatus::Failed);
  EXPECT_EQ(ran.exec.error, "exec /nowhere/program: No such file or directory");
  EXPECT_EQ(WEXITSTATUS(ran.status), 127);
}

TEST(Spawner, BringsAMissingDirectoryBack) {
  PoolConfig pool = shell_pool("true");
  pool.directory = "/nowhere";
  const Ran ran = run(plan_launch(pool, {}, kIdentity));
  EXPECT_EQ(ran.exec.error, "change to directory /nowhere: No such file or directory");
}

TEST(Spawner, StartsInTheDirectory) {
  PoolConfig pool = shell_pool("pwd");
  pool.directory = "/usr";
  EXPECT_EQ(run(plan_launch(pool, {{"PATH", "/usr/bin:/bin"}}, kIdentity)).out, "/usr\n");
}

TEST(LaunchPlan, KeepsTheMastersOwnVariablesFromWorkers) {
  const char* const environment[] = {"PATH=/bin",       "NOTIFY_SOCKET=/run/systemd/notify",
                                     "LISTEN_PID=1",    "WATCHDOG_USEC=1",
                                     "REEVE_CHANNEL=9", "TERM=xterm=1",
                                     "nonsense",        nullptr};
  EXPECT_EQ(inheritable_environment(environment),
            (Environment{{"PATH", "/bin"}, {"TERM", "xterm=1"}}));
}

TEST(LaunchPlan, ThePoolsVariablesWinOverInheritedOnes) {
  PoolConfig pool = shell_pool("true");
  pool.env = {{"A", "pool"}};
  const LaunchPlan plan = plan_launch(pool, {{"A", "inherited"}, {"B", "kept"}}, kIdentity);
  EXPECT_THAT(plan.environment, Contains("A=pool"));
  EXPECT_THAT(plan.environment, Contains("B=kept"));
  EXPECT_THAT(plan.environment, Not(Contains("A=inherited")));
}

TEST(LaunchPlan, SaysNothingOfListenersWhenThereAreNone) {
  const LaunchPlan plan = plan_launch(shell_pool("true"), {}, kIdentity);
  EXPECT_THAT(plan.environment, Not(Contains(::testing::StartsWith("LISTEN_"))));
  EXPECT_THAT(plan.environment, Contains("REEVE_CHANNEL=3"));
  EXPECT_THAT(plan.environment, Contains("REEVE_RECORDER=4"));
}

TEST(LaunchPlan, ReplacesListenersInTheCommand) {
  EXPECT_THAT(expand_command({"uvicorn", "--fd", "${fd:http}", "${fd:http}/${fd:admin}", "${fd:x}"},
                             {"admin", "http"}),
              ElementsAre("uvicorn", "--fd", "4", "4/3", "${fd:x}"));
}

}  // namespace
}  // namespace reeve::supervisor
