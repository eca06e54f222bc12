// What a real child sees after fork and exec, and what a failed exec says.

#include "supervisor/process/spawner.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "supervisor/process/launch_plan.hpp"
#include "supervisor/system/pipe.hpp"
#include "supervisor/system/socket_access.hpp"
#include "tests/unit/temp_dir.hpp"

namespace reeve::supervisor {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

PoolConfig script_pool(const std::string& script) {
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
  return run(plan_launch(script_pool(script), {{"PATH", "/usr/bin:/bin"}}, kIdentity));
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
      script_pool("echo $LISTEN_PID $LISTEN_FDS $LISTEN_FDNAMES ${fd:admin}; cat <&3; cat <&4");
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
      plan_launch(script_pool("cat <&3; cat <&4"), {{"PATH", "/usr/bin:/bin"}}, kIdentity);
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
  PoolConfig pool = script_pool("");
  pool.command = {"/nowhere/program"};
  const Ran ran = run(plan_launch(pool, {}, kIdentity));
  EXPECT_EQ(ran.exec.status, ExecStatus::Failed);
  EXPECT_EQ(ran.exec.error, "exec /nowhere/program: No such file or directory");
  EXPECT_EQ(WEXITSTATUS(ran.status), 127);
}

TEST(Spawner, BringsAMissingDirectoryBack) {
  PoolConfig pool = script_pool("true");
  pool.directory = "/nowhere";
  const Ran ran = run(plan_launch(pool, {}, kIdentity));
  EXPECT_EQ(ran.exec.error, "change to directory /nowhere: No such file or directory");
}

TEST(Spawner, StartsInTheDirectory) {
  PoolConfig pool = script_pool("pwd");
  pool.directory = "/usr";
  EXPECT_EQ(run(plan_launch(pool, {{"PATH", "/usr/bin:/bin"}}, kIdentity)).out, "/usr\n");
}

User nobody() {
  return *find_user("nobody");  // Every Linux has one.
}

TEST(Spawner, BecomesAnotherUserForGood) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may become another user";
  WorkerIdentity identity = kIdentity;
  identity.user = nobody();
  const Ran ran = run(plan_launch(
      script_pool("grep -E '^(Uid|Gid|Groups):' /proc/self/status; echo $HOME $USER $LOGNAME"),
      {{"PATH", "/usr/bin:/bin"}, {"HOME", "/root"}, {"USER", "root"}}, identity));
  const std::string uid = std::to_string(identity.user->uid);
  const std::string gid = std::to_string(identity.user->gid);
  EXPECT_THAT(words(ran.out), ElementsAre("Uid:", uid, uid, uid, uid, "Gid:", gid, gid, gid, gid,
                                          "Groups:", gid, identity.user->home, "nobody", "nobody"));
}

/// A process of another user, while it lives.
class ProcessOf {
 public:
  explicit ProcessOf(uid_t user) {
    int is_there[2];
    if (::pipe2(is_there, O_CLOEXEC) != 0) return;
    pid_ = ::fork();
    if (pid_ == 0) {
      if (::setuid(user) != 0 || ::write(is_there[1], "x", 1) != 1) ::_exit(1);
      while (true) ::pause();
    }
    char byte = 0;
    EXPECT_EQ(::read(is_there[0], &byte, 1), 1);
    ::close(is_there[0]);
    ::close(is_there[1]);
  }
  ~ProcessOf() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ProcessOf(const ProcessOf&) = delete;
  ProcessOf& operator=(const ProcessOf&) = delete;

 private:
  pid_t pid_ = -1;
};

/// A child that spawns a worker and dies; true when the worker, another user by then, gets TERM.
TEST(Spawner, DiesWithTheMasterAsAnotherUserToo) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may become another user";
  Pipe out = *Pipe::open();
  const pid_t master = ::fork();
  if (master == 0) {
    WorkerIdentity identity = kIdentity;
    identity.user = nobody();
    LaunchPlan plan = plan_launch(
        script_pool("trap 'echo TERM; exit' TERM; echo up; while :; do read x < /proc/$PPID/comm; "
                    "sleep 0.01; done"),
        {{"PATH", "/usr/bin:/bin"}}, identity);
    plan.stdout_fd = plan.stderr_fd = out.write_end.get();
    const auto spawned = spawn(plan);
    char byte = 0;
    ::fcntl(out.read_end.get(), F_SETFL, 0);
    ::_exit(spawned && ::read(out.read_end.get(), &byte, 1) == 1 ? 0 : 1);
  }
  int status = 0;
  ::waitpid(master, &status, 0);
  ASSERT_EQ(WEXITSTATUS(status), 0);
  out.write_end.reset();
  EXPECT_THAT(read_all(out.read_end.get()), ::testing::HasSubstr("TERM"));
}

TEST(Spawner, BringsARefusedChangeOfUserBack) {
  if (::geteuid() != 0) GTEST_SKIP() << "becomes nobody first";
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setresuid(65534, 65534, 65534) != 0) ::_exit(2);
    WorkerIdentity identity = kIdentity;
    identity.user = User{.uid = 1, .gid = 1, .groups = {1}, .name = "daemon", .home = ""};
    const Ran ran = run(plan_launch(script_pool("true"), {{"PATH", "/bin"}}, identity));
    ::_exit(ran.exec.error == "become user daemon: Operation not permitted" ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(Spawner, SetsLimitsHardAndSoft) {
  PoolConfig pool = script_pool("ulimit -Sn; ulimit -Hn; ulimit -c");
  pool.limits.resources = {{"nofile", 123}, {"core", 0}};
  EXPECT_EQ(run(plan_launch(pool, {{"PATH", "/bin"}}, kIdentity)).out, "123\n123\n0\n");
}

TEST(Spawner, SetsUmaskAndPriority) {
  PoolConfig pool = script_pool("umask; cut -d' ' -f19 /proc/self/stat");
  pool.umask = 027;
  pool.nice = 7;
  EXPECT_EQ(run(plan_launch(pool, {{"PATH", "/usr/bin:/bin"}}, kIdentity)).out, "0027\n7\n");
}

TEST(Spawner, NamesALimitThatCannotBeSet) {
  PoolConfig pool = script_pool("true");
  pool.limits.resources = {{"core", 0}, {"nofile", 1ULL << 40}};  // Above fs.nr_open, for root too.
  EXPECT_EQ(run(plan_launch(pool, {{"PATH", "/bin"}}, kIdentity)).exec.error,
            "set limits.nofile to 1099511627776: Operation not permitted");
}

TEST(Spawner, AShortageBetweenForkAndExecIsToldFromAMistake) {
  const Ran missing = run(plan_launch(
      [] {
        PoolConfig pool = script_pool("true");
        pool.command = {"/nowhere/web"};
        return pool;
      }(),
      {{"PATH", "/bin"}}, kIdentity));
  EXPECT_FALSE(is_shortage(missing.exec.code)) << missing.exec.error;

  if (::geteuid() != 0) GTEST_SKIP() << "only root may become a user that has too many processes";
  PoolConfig pool = script_pool("true");
  pool.limits.resources = {{"nproc", 0}};
  WorkerIdentity identity = kIdentity;
  identity.user = nobody();
  const ProcessOf one_too_many(identity.user->uid);
  const Ran busy = run(plan_launch(pool, {{"PATH", "/bin"}}, identity));
  EXPECT_EQ(busy.exec.error, "exec /bin/sh: Resource temporarily unavailable");
  EXPECT_TRUE(is_shortage(busy.exec.code));
}

TEST(Spawner, TellsTheWorkerOfItsWatchdog) {
  PoolConfig pool = script_pool("echo $WATCHDOG_USEC $WATCHDOG_PID");
  pool.spec.watchdog = std::chrono::milliseconds(1500);
  const Ran ran = run(plan_launch(pool, {{"PATH", "/bin"}}, kIdentity));
  EXPECT_EQ(ran.out, "1500000 " + std::to_string(ran.pid) + "\n");
}

TEST(LaunchPlan, TakesAVariableFromTheStrongestThatHasIt) {
  PoolConfig pool = script_pool("true");
  pool.env_from_file = {{"A", "file"}, {"B", "file"}, {"HOME", "/file"}, {"REEVE_SLOT", "forged"}};
  pool.env = {{"A", "pool"}};
  pool.app = "[database]\nurl = \"x\"\n";
  WorkerIdentity identity = kIdentity;
  identity.user = User{.uid = 1, .gid = 1, .groups = {}, .name = "shop", .home = "/srv/shop"};
  const LaunchPlan plan =
      plan_launch(pool, {{"A", "master"}, {"B", "master"}, {"USER", "root"}}, identity);
  for (const char* expected : {"A=pool", "B=file", "HOME=/file", "USER=shop", "LOGNAME=shop",
                               "REEVE_SLOT=web:0", "REEVE_APP=[database]\nurl = \"x\"\n"}) {
    EXPECT_THAT(plan.environment, Contains(expected));
  }
}

TEST(LaunchPlan, NamesRequiredVariablesThatAreMissingOrEmpty) {
  PoolConfig pool = script_pool("true");
  pool.required_env = {"THERE", "EMPTY", "GONE"};
  const auto checked =
      check_required(pool, plan_launch(pool, {{"THERE", "1"}, {"EMPTY", ""}}, kIdentity));
  ASSERT_FALSE(checked.has_value());
  EXPECT_THAT(checked.error(), ::testing::StartsWith("pool.web.required_env: EMPTY, GONE are not "
                                                     "set; set them in env"));
  pool.required_env = {"THERE"};
  EXPECT_TRUE(check_required(pool, plan_launch(pool, {{"THERE", "1"}}, kIdentity)).has_value());
}

TEST(SocketAccess, OpensTheWayToASocketOfOurs) {
  const unit::TempDir directory;
  const std::string run = directory / "run";
  const std::string socket = run + "/notify.sock";
  std::filesystem::create_directory(run);
  std::ofstream(socket) << "";
  ::chmod(std::string(directory.path()).c_str(), 0755);
  ::chmod(run.c_str(), 0750);
  const User who{.uid = 4242, .gid = 4242, .groups = {}, .name = "", .home = ""};
  EXPECT_FALSE(can_reach(who, socket));
  const Access access = make_reachable(who, socket);
  EXPECT_TRUE(access.reaches);
  EXPECT_EQ(access.opened, run + " had mode 0750 and has 0751") << "it is said";
  EXPECT_EQ(make_reachable(who, socket).opened, "") << "once";
  ::chmod(std::string(directory.path()).c_str(), 0700);
  EXPECT_FALSE(make_reachable(who, socket).reaches) << "what is further up is not ours to open";

  ::chmod(std::string(directory.path()).c_str(), 0755);
  ::chmod(run.c_str(), 0700);
  const User member{.uid = 4242, .gid = ::getegid(), .groups = {}, .name = "", .home = ""};
  EXPECT_EQ(make_reachable(member, socket).opened, run + " had mode 0700 and has 0710")
      << "nobody else than the group of the directory";
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
  PoolConfig pool = script_pool("true");
  pool.env = {{"A", "pool"}};
  const LaunchPlan plan = plan_launch(pool, {{"A", "inherited"}, {"B", "kept"}}, kIdentity);
  EXPECT_THAT(plan.environment, Contains("A=pool"));
  EXPECT_THAT(plan.environment, Contains("B=kept"));
  EXPECT_THAT(plan.environment, Not(Contains("A=inherited")));
}

TEST(LaunchPlan, SaysNothingOfListenersWhenThereAreNone) {
  const LaunchPlan plan = plan_launch(script_pool("true"), {}, kIdentity);
  EXPECT_THAT(plan.environment, Not(Contains(::testing::StartsWith("LISTEN_"))));
  EXPECT_THAT(plan.environment, Contains("REEVE_CHANNEL=3"));
  EXPECT_THAT(plan.environment, Contains("REEVE_RECORDER=4"));
}

TEST(LaunchPlan, ReplacesListenersInTheCommand) {
  PoolConfig pool;
  pool.command = {"uvicorn", "--fd", "${fd:http}", "${fd:http}/${fd:admin}", "${fd:x}"};
  pool.listen = {"admin", "http"};
  EXPECT_THAT(expand_command(pool, 0), ElementsAre("uvicorn", "--fd", "4", "4/3", "${fd:x}"));
}

TEST(LaunchPlan, ReplacesSlotAndPortAndLeavesWhatIsEscaped) {
  PoolConfig pool;
  pool.command = {"node", "--port=${port}", "${slot}", "$${port} $${HOME:-/}"};
  pool.port = 9000;
  EXPECT_THAT(expand_command(pool, 2),
              ElementsAre("node", "--port=9002", "2", "${port} ${HOME:-/}"));
}

}  // namespace
}  // namespace reeve::supervisor
