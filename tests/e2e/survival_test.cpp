// What outlives what: grandchildren their worker, zombies their parents in a container, workers a
// master that was killed. And shortages, which the master has to outlive itself.

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "tests/e2e/harness/process_tree.hpp"
#include "tests/e2e/harness/programs.hpp"
#include "tests/e2e/harness/reeve_test.hpp"

namespace reeve::e2e {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

class Survival : public ReeveTest {
 protected:
  /// The pid that a worker has written to a file of the test's directory.
  [[nodiscard]] int pid_in(std::string_view file) const {
    const bool there = eventually([&] { return read_file(dir / file).ends_with('\n'); });
    return there ? std::stoi(read_file(dir / file)) : 0;
  }
  /// The cgroup that the master has made for its workers; empty: none was delegated to it.
  [[nodiscard]] static std::string cgroup_of(int pid) {
    const std::string text = read_file("/proc/" + std::to_string(pid) + "/cgroup");
    const auto at = text.find("0::/");
    if (at == std::string::npos) return "";
    const std::string path = text.substr(at + 3, text.find('\n', at) - at - 3);
    return path.contains("/reeve:") ? path : "";
  }
};

TEST_F(Survival, ARuntimeDirectoryThatWasCleanedIsMadeAnew) {
  Reeve& reeve = start_ready(hello_pool(1));
  fs::remove_all(dir / "run");
  EXPECT_TRUE(eventually([&] { return reeve.ctl({"status"}).code() == 0; }, 2 * kPatience));
  EXPECT_TRUE(reeve.logs("are made anew"));
  for (const char* file : {"run/reeve.lock", "run/reeve.pid", "run/notify.sock"}) {
    EXPECT_TRUE(fs::exists(dir / file)) << file;
  }
  EXPECT_EQ(reeve.ctl({"restart", "web"}).code(), 0);
  EXPECT_TRUE(judge(reeve.get("/")));
  EXPECT_EQ(reeve.stop(), Exit{.code = 0});
}

TEST_F(Survival, ARemovedRuntimeDirectoryLetsNoSecondMasterIn) {
  Reeve& reeve = start_ready(hello_pool(1));
  const std::string config = dir / "reeve.toml";
  const auto second = [&](const std::string& name) {
    return run({.argv = {binary("reeve"), "run", "-c", config}}, dir, name);
  };
  EXPECT_EQ(second("present").code(), 4);
  fs::remove_all(dir / "run");
  const Finished refused = second("removed");
  EXPECT_EQ(refused.code(), 4) << refused.errors;
  EXPECT_THAT(refused.errors,
              HasSubstr(fmt::format("another master (pid {}) holds", reeve.master().pid())));
  EXPECT_TRUE(eventually([&] { return reeve.ctl({"status"}).code() == 0; }, 2 * kPatience));
  EXPECT_EQ(reeve.stop(), Exit{.code = 0});
}

TEST_F(Survival, ARuntimeDirectoryThatCannotBeMadeAnewNamesTheRemedy) {
  Reeve& reeve = start_ready(hello_pool(1));
  fs::rename(dir / "run", dir / "old");
  std::ofstream(dir / "run") << "in the way";
  EXPECT_TRUE(reeve.logs("under systemd set RuntimeDirectory=", 2 * kPatience));
  EXPECT_TRUE(judge(reeve.get("/")));
  EXPECT_EQ(reeve.stop(), Exit{.code = 0});
}

constexpr char kDaemon[] =
    R"(["/bin/sh", "-c", "setsid sh -c 'echo $$ > @dir@/daemon; exec sleep 1000' & exec sleep 1000"])";

TEST_F(Survival, AGrandchildInASessionOfItsOwnDiesWithItsWorker) {
  Reeve& reeve = start_ready(pool("jobs", kDaemon, "ready = { after = \"0ms\" }"));
  const int worker = reeve.pid("jobs:0");
  if (cgroup_of(worker).empty()) GTEST_SKIP() << "no cgroup was delegated to this test";
  const int daemon = pid_in("daemon");
  const Watch watch(daemon);
  ASSERT_FALSE(watch.ended());
  ASSERT_NE(::getpgid(daemon), worker) << "it has left the worker's group";
  Watch(worker).signal(SIGKILL);
  EXPECT_TRUE(watch.ended_within(kPatience));
  EXPECT_TRUE(reeve.becomes("jobs:0", "RUNNING"));
}

TEST_F(Survival, AStopLeavesNoGrandchildAndNoCgroup) {
  Reeve& reeve = start_ready(pool("jobs", kDaemon, "ready = { after = \"0ms\" }"));
  const std::string cgroup = cgroup_of(reeve.pid("jobs:0"));
  if (cgroup.empty()) GTEST_SKIP() << "no cgroup was delegated to this test";
  const Watch watch(pid_in("daemon"));
  EXPECT_EQ(reeve.stop(), Exit{.code = 0});
  EXPECT_TRUE(watch.ended_within(kPatience));
  const auto base = cgroup.substr(0, cgroup.rfind('/'));
  for (const char* root : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
    EXPECT_FALSE(fs::exists(root + base)) << root << base;
  }
}

TEST_F(Survival, ASigkillFromOutsideIsSaidToBeThat) {
  Reeve& reeve = start_ready(hello_pool(1));
  Watch(reeve.pid("web:0")).signal(SIGKILL);
  EXPECT_TRUE(reeve.logs("killed by SIGKILL, which Reeve did not send"));
}

TEST_F(Survival, ASigkillOfAnOperatorIsSaidToBeOurs) {
  Reeve& reeve = start_ready(hello_pool(1));
  EXPECT_EQ(reeve.ctl({"signal", "KILL", "web:0"}).code(), 0);
  EXPECT_TRUE(reeve.logs("killed by SIGKILL"));
  EXPECT_THAT(reeve.log(), Not(HasSubstr("did not send")));
}

TEST_F(Survival, AWorkerOfAnotherUserSaysThatItIsReady) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can start workers as somebody else";
  fs::permissions(dir.path(), fs::perms(0755));
  (void)dir.write_program("script", R"sh(#!/bin/sh
id -un > /dev/stderr
exec python3 -c "
import os, socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.sendto(b'READY=1', os.environ['NOTIFY_SOCKET'])
os.execvp('sleep', ['sleep', '1000'])"
)sh");
  fs::permissions(dir / "script", fs::perms(0755));
  Reeve& reeve = start(pool("jobs", R"(["@dir@/script"])", "user = \"nobody\""));
  EXPECT_TRUE(reeve.ready()) << "its notification got through";
  EXPECT_TRUE(reeve.logs("| nobody"));
}

TEST_F(Survival, ANotificationOfAChildThatHasGoneIsNotLostInSilence) {
  (void)dir.write_program("script", R"sh(#!/bin/sh
kill -STOP $PPID  # So the master reads it only when its sender has gone.
python3 -c "
import os, socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.sendto(b'READY=1', os.environ['NOTIFY_SOCKET'])"
kill -CONT $PPID
exec sleep 1000
)sh");
  Reeve& reeve = start(pool("jobs", R"(["@dir@/script"])", ""));
  EXPECT_TRUE(reeve.logs("a notification (READY=1) is lost: pid"));
}

TEST_F(Survival, AMemoryLimitThatDoesNotHoldIsSaidOnce) {
  Reeve& reeve = start_ready(
      pool("jobs", R"(["/bin/sleep", "1000"])",
           "ready = { after = \"0ms\" }\nworkers = 2\nlimits = { memory = \"64MiB\" }"));
  const std::string log = reeve.log();
  const auto said = log.find("the limit of 64 MiB does not hold: ");
  if (said == std::string::npos) GTEST_SKIP() << "a memory controller was delegated to this test";
  EXPECT_EQ(log.find("does not hold", said + 40), std::string::npos) << "for the second worker too";
}

TEST_F(Survival, TheNextMasterEndsWhatAKilledOneLeft) {
  const std::string toml =
      pool("jobs", R"(["/bin/sh", "-c", "trap '' TERM; echo armed; while :; do sleep 1; done"])",
           "ready = { log = \"armed\" }\ngrace = \"300ms\"");
  Reeve& first = start_ready(toml);
  const Watch worker(first.pid("jobs:0"));
  first.master().signal(SIGKILL);
  ASSERT_TRUE(first.master().wait());
  EXPECT_FALSE(worker.ended_within(50ms)) << "it ignores that its master is gone";
  fs::remove(dir / "notify.sock");
  Reeve& second = start_ready(toml);
  EXPECT_TRUE(worker.ended());
  EXPECT_THAT(second.log(), HasSubstr("was killed, and its workers still run: ending pid"));
  EXPECT_THAT(second.log(), HasSubstr("(jobs:0)"));
}

TEST_F(Survival, AWorkerOfAKilledMasterHearsTheStopSignalOfItsPool) {
  Reeve& reeve = start_ready(pool(
      "jobs",
      R"(["/bin/sh", "-c", "trap 'echo QUIT > @dir@/heard; exit' QUIT; trap 'echo TERM > @dir@/heard; exit' TERM; echo armed; while :; do sleep 0.01; done"])",
      "ready = { log = \"armed\" }\nstop = \"QUIT\""));
  const Watch worker(reeve.pid("jobs:0"));
  reeve.master().signal(SIGKILL);
  EXPECT_TRUE(worker.ended_within(kPatience));
  EXPECT_EQ(read_file(dir / "heard"), "QUIT\n");
}

TEST_F(Survival, AMasterWithoutDescriptorsServesOnAndRecovers) {
  Reeve& reeve = start_ready(hello_pool(1,
                                        "backoff = { first = \"10ms\", max = \"50ms\" }\n"
                                        "give_up = { failures = 2, within = \"60s\" }"));
  const int master = reeve.master().pid();
  const auto open_files = std::distance(
      fs::directory_iterator("/proc/" + std::to_string(master) + "/fd"), fs::directory_iterator());
  rlimit before{};
  ASSERT_EQ(::prlimit(master, RLIMIT_NOFILE, nullptr, &before), 0);
  // Room for reevectl and no more: a worker needs a dozen.
  const rlimit few{static_cast<rlim_t>(open_files) + 3, before.rlim_max};
  ASSERT_EQ(::prlimit(master, RLIMIT_NOFILE, &few, nullptr), 0);
  EXPECT_EQ(reeve.ctl({"scale", "web", "2"}).exit.has_value(), true);
  EXPECT_TRUE(reeve.logs("Too many open files"));
  EXPECT_TRUE(reeve.becomes("web:1", "BACKOFF")) << "not FATAL, however often";
  EXPECT_TRUE(judge(reeve.get("/")));
  ASSERT_EQ(::prlimit(master, RLIMIT_NOFILE, &before, nullptr), 0);
  EXPECT_TRUE(reeve.becomes("web:1", "RUNNING"));
}

/// The master as the first process of a container.
class Container : public Survival {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can make a namespace of processes";
    // Neither in a chroot, whose root is no mount point.
    const Finished tried = unshared({"true"});
    if (tried.exit != Exit{.code = 0}) GTEST_SKIP() << tried.errors;
  }
  /// Runs to its end; a script in the container says when that comes.
  Finished run_as_pid_1(std::string_view toml) {
    dir.write("reeve.toml",
              expand("[supervisor]\nruntime_dir = \"@dir@/run\"\n" + std::string(toml), dir));
    return unshared({binary("reeve"), "run", "-c", (dir / "reeve.toml").string()});
  }

 private:
  Finished unshared(std::vector<std::string> command) {
    std::vector<std::string> argv = {"unshare", "--pid", "--fork", "--mount-proc"};
    std::ranges::move(command, std::back_inserter(argv));
    return run({.argv = std::move(argv)}, dir, "container");
  }
};

TEST_F(Container, OrphansAreReapedAndTermEndsItWellAsPid1) {
  (void)dir.write_program("script", R"sh(#!/bin/sh
for i in 1 2 3 4 5; do (setsid true &) ; done
until ! grep -l 'State:.Z' /proc/[0-9]*/status > /dev/null 2>&1; do sleep 0.01; done
echo master $PPID, no zombie is left
kill -TERM 1
exec sleep 1000
)sh");
  const Finished ended =
      run_as_pid_1(pool("jobs", expand(R"(["@dir@/script"])", dir), "ready = { after = \"0ms\" }"));
  EXPECT_EQ(ended.exit, Exit{.code = 0}) << ended.errors;
  EXPECT_THAT(ended.errors, HasSubstr("master 1, no zombie is left"));
}

TEST_F(Container, AFatalPoolEndsItWith3) {
  const Finished ended = run_as_pid_1("on_fatal = \"exit\"\n" + pool("jobs", R"(["/bin/false"])",
                                                                     R"(ready = "notify"
backoff = { first = "1ms", max = "1ms" }
give_up = { failures = 2, within = "10s" })"));
  EXPECT_EQ(ended.exit, Exit{.code = 3}) << ended.errors;
}

}  // namespace
}  // namespace reeve::e2e
