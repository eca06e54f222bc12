// What outlives what: grandchildren their worker, zombies their parents in a container, workers a
// master that was killed. And shortages, which the master has to outlive itself.

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>

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

constexpr char kDaemon[] =
    R"(["/bin/sh", "-c", "setsid sh -c 'echo $$ > @dir@/daemon; exec sleep 1000' & exec sleep 1000"])";

TEST_F(Survival, AGrandchildInASessionOfItsOwnDiesWithItsWorker) {
  Reeve& reeve = start_ready(pool("jobs", kDaemon, "ready = \"started\""));
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
  Reeve& reeve = start_ready(pool("jobs", kDaemon, "ready = \"started\""));
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
python3 -c "
import os, socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.sendto(b'READY=1', os.environ['NOTIFY_SOCKET'])"
exec sleep 1000
)sh");
  Reeve& reeve = start(pool("jobs", R"(["@dir@/script"])", "user = \"nobody\""));
  EXPECT_TRUE(reeve.ready()) << "its notification got through";
  EXPECT_TRUE(reeve.logs("| nobody"));
}

TEST_F(Survival, AMemoryLimitThatDoesNotHoldIsSaidOnce) {
  Reeve& reeve =
      start_ready(pool("jobs", R"(["/bin/sleep", "1000"])",
                       "ready = \"started\"\nworkers = 2\nlimits = { memory = \"64MiB\" }"));
  const std::string log = reeve.log();
  const auto said = log.find("the limit of 64 MiB does not hold: ");
  if (said == std::string::npos) GTEST_SKIP() << "a memory controller was delegated to this test";
  EXPECT_EQ(log.find("does not hold", said + 40), std::string::npos) << "for the second worker too";
}

}  // namespace
}  // namespace reeve::e2e
