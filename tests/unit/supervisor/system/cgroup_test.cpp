// The cgroup of each worker: where it is looked for, in texts of other machines; what is written,
// in a directory that stands for the hierarchy; that it kills, in the real one where there is one.

#include "supervisor/system/cgroup.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "supervisor/process/spawner.hpp"
#include "supervisor/system/out_of_memory.hpp"
#include "supervisor/system/small_file.hpp"
#include "tests/unit/temp_dir.hpp"

namespace reeve::supervisor {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr std::string_view kSystemd =
    "23 31 0:21 / /proc rw - proc proc rw\n"
    "35 30 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
constexpr std::string_view kHybrid =
    "14 34 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
    "16 34 0:33 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
    "20 41 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";

TEST(FindOwnCgroup, OfASystemdUnit) {
  EXPECT_EQ(find_own_cgroup(kSystemd, "0::/system.slice/shop.service\n").value(),
            "/sys/fs/cgroup/system.slice/shop.service");
}

TEST(FindOwnCgroup, OfTheRootOfANamespace) {
  EXPECT_EQ(find_own_cgroup(kSystemd, "0::/\n").value(), "/sys/fs/cgroup");
}

TEST(FindOwnCgroup, OfAHybridLayout) {
  EXPECT_EQ(find_own_cgroup(kHybrid, "4:memory:/a\n0::/b\n").value(), "/sys/fs/cgroup/unified/b");
}

TEST(FindOwnCgroup, OfAContainerThatSeesAPartOfTheHierarchy) {
  const std::string mounts = "35 30 0:30 /docker/abc /sys/fs/cg\\040roup ro - cgroup2 cgroup rw\n";
  EXPECT_EQ(find_own_cgroup(mounts, "0::/docker/abc/sub\n").value(), "/sys/fs/cg roup/sub");
  EXPECT_EQ(find_own_cgroup(mounts, "0::/docker/abc\n").value(), "/sys/fs/cg roup");
  EXPECT_FALSE(find_own_cgroup(mounts, "0::/docker/abcdef\n").has_value());
}

TEST(FindOwnCgroup, SaysWhyThereIsNone) {
  EXPECT_THAT(find_own_cgroup(kSystemd, "4:memory:/\n").error().text, HasSubstr("no cgroup v2"));
  EXPECT_THAT(find_own_cgroup("", "0::/\n").error().text, HasSubstr("no cgroup v2 hierarchy is"));
  EXPECT_THAT(find_own_cgroup(kSystemd, "0::/../other\n").error().text, HasSubstr("namespace"));
}

TEST(FindMemoryV1, FindsTheControllerAmongOthers) {
  EXPECT_EQ(memory_v1_directory(kHybrid, "9:cpu,cpuacct:/x\n4:memory:/a/b\n0::/\n"),
            "/sys/fs/cgroup/memory/a/b");
  EXPECT_EQ(memory_v1_directory(kHybrid, "4:memory:/\n"), "/sys/fs/cgroup/memory");
  EXPECT_EQ(memory_v1_directory(kSystemd, "0::/\n"), "");
}

/// A directory with the files that the kernel would make.
class FakeTree : public ::testing::Test {
 protected:
  FakeTree() {
    put("cgroup.controllers", "cpu memory pids\n");
    put("cgroup.subtree_control", "");
    fs::create_directories(own() + "/reeve:run/web.0.7");
    put("reeve:run/cgroup.subtree_control", "");
    put("reeve:run/web.0.7/memory.max", "max\n");
    put("reeve:run/web.0.7/memory.events", "low 0\nhigh 0\nmax 3\noom 0\noom_kill 0\n");
    put("reeve:run/web.0.7/cgroup.kill", "");
  }
  [[nodiscard]] std::string own() const { return directory_ / "own"; }
  void put(const std::string& name, const std::string& text) const {
    fs::create_directories(fs::path(own()) / fs::path(name).parent_path());
    std::ofstream(own() + "/" + name) << text;
  }
  [[nodiscard]] std::string get(const std::string& name) const {
    return read_small_file(own() + "/" + name).value_or("");
  }
  [[nodiscard]] std::string worker() const { return own() + "/reeve:run/web.0.7"; }

  unit::TempDir directory_;
};

TEST_F(FakeTree, LimitsTheMemoryOfAWorker) {
  const auto tree = CgroupTree::open(own(), "reeve:run").value();
  WorkerCgroup cgroup(*tree, worker());
  ASSERT_TRUE(cgroup.limit_memory(1 << 20).has_value());
  EXPECT_EQ(get("cgroup.subtree_control"), "+memory");
  EXPECT_EQ(get("reeve:run/cgroup.subtree_control"), "+memory");
  EXPECT_EQ(get("reeve:run/web.0.7/memory.max").substr(0, 7), "1048576");
  EXPECT_EQ(cgroup.memory_limit(), 1 << 20);
}

TEST_F(FakeTree, AnAdoptedWorkerKeepsItsLimit) {
  put("reeve:run/web.0.7/memory.max", "4096\n");
  const auto tree = CgroupTree::open(own(), "reeve:run").value();
  EXPECT_EQ(WorkerCgroup(*tree, worker()).memory_limit(), 4096);
}

TEST_F(FakeTree, WithoutTheMemoryControllerSaysSo) {
  put("cgroup.controllers", "cpu pids\n");
  const auto tree = CgroupTree::open(own(), "reeve:run").value();
  WorkerCgroup cgroup(*tree, worker());
  const auto limited = cgroup.limit_memory(1 << 20);
  ASSERT_FALSE(limited.has_value());
  EXPECT_THAT(limited.error().text, HasSubstr("the memory controller is not enabled in"));
  EXPECT_FALSE(cgroup.memory_limit().has_value());
}

TEST_F(FakeTree, AWorkersOwnEventsSayWhetherItRanOutOfMemory) {
  const auto tree = CgroupTree::open(own(), "reeve:run").value();
  WorkerCgroup cgroup(*tree, worker());
  EXPECT_EQ(cgroup.ran_out_of_memory(), false);
  put("reeve:run/web.0.7/memory.events", "oom 1\noom_kill 1\noom_group_kill 0\n");
  EXPECT_EQ(cgroup.ran_out_of_memory(), true);
  fs::remove(worker() + "/memory.events");
  EXPECT_EQ(cgroup.ran_out_of_memory(), std::nullopt);
}

TEST_F(FakeTree, SaysWhoLivesInIt) {
  const auto tree = CgroupTree::open(own(), "reeve:run").value();
  const WorkerCgroup cgroup(*tree, worker());
  EXPECT_FALSE(cgroup.populated()) << "there is no such file";
  put("reeve:run/web.0.7/cgroup.events", "populated 1\nfrozen 0\n");
  put("reeve:run/web.0.7/cgroup.procs", "12\n34\n");
  EXPECT_TRUE(cgroup.populated());
  EXPECT_THAT(cgroup.pids(), ::testing::ElementsAre(12, 34));
  put("reeve:run/web.0.7/cgroup.events", "populated 0\nfrozen 0\n");
  EXPECT_FALSE(cgroup.populated());
}

TEST_F(FakeTree, AKillOfLongAgoDoesNotExplainAWorkersDeath) {
  put("reeve:run/web.0.7/memory.events", "oom_kill 3\n");
  const auto tree = CgroupTree::open(own(), "reeve:run").value();
  WorkerCgroup cgroup(*tree, worker());
  EXPECT_EQ(cgroup.ran_out_of_memory(), false) << "it was before this worker";
  put("reeve:run/web.0.7/memory.events", "oom_kill 4\n");
  EXPECT_EQ(cgroup.ran_out_of_memory(), true);
  tree->age_kills();
  tree->age_kills();
  EXPECT_EQ(cgroup.ran_out_of_memory(), false) << "a grandchild, which the worker has survived";
}

TEST_F(FakeTree, KillsByTheKernelsSwitch) {
  const auto tree = CgroupTree::open(own(), "reeve:run").value();
  const WorkerCgroup cgroup(*tree, worker());
  cgroup.kill();
  EXPECT_EQ(get("reeve:run/web.0.7/cgroup.kill"), "1");
}

TEST_F(FakeTree, AReplacedMasterFindsItsPlaceAgain) {
  fs::create_directories(own() + "/reeve:run/supervisor");
  const auto tree = CgroupTree::open(own() + "/reeve:run/supervisor", "reeve:run").value();
  EXPECT_EQ(tree->base(), own() + "/reeve:run");
}

TEST_F(FakeTree, WhatIsNotEmptyYetIsRemovedLater) {
  const auto tree = CgroupTree::open(own(), "reeve:run").value();
  {
    const auto cgroup = tree->add("web.1.8").value();
    put("reeve:run/web.1.8/busy", "");
  }
  EXPECT_EQ(tree->waiting(), 1U);
  tree->sweep();
  EXPECT_EQ(tree->waiting(), 1U);
  fs::remove(own() + "/reeve:run/web.1.8/busy");
  tree->sweep();
  EXPECT_EQ(tree->waiting(), 0U);
  EXPECT_FALSE(fs::exists(own() + "/reeve:run/web.1.8"));
}

TEST_F(FakeTree, NamesakesGetOneEach) {
  const auto tree = CgroupTree::open(own(), "reeve:run").value();
  const auto first = tree->add("web.2.9").value();
  const auto second = tree->add("web.2.9").value();
  EXPECT_EQ(first->path(), own() + "/reeve:run/web.2.9");
  EXPECT_EQ(second->path(), own() + "/reeve:run/web.2.9.2");
  EXPECT_EQ(tree->add("web.0.7").value()->path(), own() + "/reeve:run/web.0.7.2");
  EXPECT_THAT(tree->add("no/such").error().text, HasSubstr("make cgroup"));
}

TEST(CgroupName, IsThatOfTheRuntimeDirectory) {
  EXPECT_EQ(cgroup_name("/run/reeve"), "reeve:run:reeve");
}

TEST(OutOfMemoryWatch, NoticesThatTheCounterGrew) {
  const unit::TempDir directory;
  const std::string file = directory / "memory.events";
  const auto count = [&file](int kills) {
    std::ofstream(file) << "oom 1\noom_kill " << kills << "\n";
  };
  count(3);
  OutOfMemoryWatch watch(file);
  EXPECT_EQ(watch.has_killed(), false) << "what was before is not about our workers";
  count(4);
  EXPECT_EQ(watch.has_killed(), true);
  EXPECT_EQ(watch.has_killed(), true) << "it holds for every dead child of the batch";
  watch.settle();
  EXPECT_EQ(watch.has_killed(), false);
  fs::remove(file);
  EXPECT_EQ(watch.has_killed(), std::nullopt);
}

TEST(OutOfMemoryWatch, ForgetsAKillThatNoDeathWasToldOf) {
  const unit::TempDir directory;
  const std::string file = directory / "memory.events";
  std::ofstream(file) << "oom_kill 0\n";
  OutOfMemoryWatch watch(file);
  std::ofstream(file) << "oom_kill 1\n";
  watch.age();
  watch.settle();
  EXPECT_EQ(watch.has_killed(), true) << "it may have been a moment ago, and nobody was told of it";
  watch.age();
  EXPECT_EQ(watch.has_killed(), false);
}

TEST(OutOfMemoryWatch, FindsACounterOnThisMachine) {
  EXPECT_NE(find_oom_counter(""), "") << "/proc/vmstat at least";
}

/// The kernel's own, where this process may make cgroups.
class RealTree : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = open_cgroup_tree(directory_.path());
    if (!opened) GTEST_SKIP() << "no cgroup is delegated: " << opened.error().text;
    tree_ = std::move(*opened);
  }

  unit::TempDir directory_;
  std::unique_ptr<CgroupTree> tree_;
};

TEST_F(RealTree, AGrandchildInASessionOfItsOwnIsKilled) {
  auto cgroup = tree_->add("web.0.1").value();
  const auto cgroup_fd = cgroup->open().value();
  LaunchPlan plan;
  plan.program = "/bin/sh";
  plan.arguments = {"/bin/sh", "-c", "setsid sleep 1000 & exec sleep 1000"};
  plan.environment = {"PATH=/usr/bin:/bin"};
  plan.stdout_fd = STDOUT_FILENO;
  plan.stderr_fd = STDERR_FILENO;
  plan.cgroup_fd = cgroup_fd.get();
  const auto spawned = spawn(plan);
  ASSERT_TRUE(spawned.has_value());
  const auto members = [&cgroup] {
    const std::string text = read_small_file(cgroup->path() + "/cgroup.procs").value_or("");
    return std::ranges::count(text, '\n');
  };
  const auto deadline = ipc::Clock::now() + std::chrono::seconds(10);
  while (members() < 2 && ipc::Clock::now() < deadline) ::usleep(1000);
  ASSERT_EQ(members(), 2) << "both started where they should";
  EXPECT_NE(tree_->adopt(spawned->pid), nullptr);

  ::kill(-spawned->pid, SIGKILL);
  EXPECT_GE(members(), 1) << "the group's kill does not reach it";
  cgroup->kill();
  int status = 0;
  ::waitpid(spawned->pid, &status, 0);
  while (members() > 0 && ipc::Clock::now() < deadline) ::usleep(1000);
  EXPECT_EQ(members(), 0);
  const std::string path = cgroup->path();
  cgroup.reset();
  while (fs::exists(path) && ipc::Clock::now() < deadline) tree_->sweep();
  EXPECT_FALSE(fs::exists(path));
  const std::string base = tree_->base();
  tree_.reset();
  EXPECT_FALSE(fs::exists(base)) << "a master leaves nothing";
}

}  // namespace
}  // namespace reeve::supervisor
