// The lock on the configuration file, against a master that is another process.

#include "supervisor/system/config_lock.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include "supervisor/system/runtime_dir.hpp"
#include "tests/unit/temp_dir.hpp"

namespace reeve::supervisor {
namespace {

namespace fs = std::filesystem;

class LockedConfig : public ::testing::Test {
 protected:
  LockedConfig() { std::ofstream(config_) << "# a configuration\n"; }
  ~LockedConfig() override {
    if (other_ <= 0) return;
    ::kill(other_, SIGKILL);
    ::waitpid(other_, nullptr, 0);
  }
  /// Returns once the other master has both locks.
  void start_another_in(const std::string& runtime_dir) {
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    other_ = ::fork();
    if (other_ == 0) {
      const auto held = RuntimeDir::hold(runtime_dir);
      ConfigLock lock(config_, runtime_dir);
      const bool took = held.has_value() && !lock.take();
      if (took) [[maybe_unused]]
        const ssize_t told = ::write(ready[1], "x", 1);
      for (;;) ::pause();
    }
    ::close(ready[1]);
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    ::close(ready[0]);
  }

  unit::TempDir directory_;
  const std::string config_ = directory_ / "reeve.toml";
  const std::string run_ = directory_ / "run";
  pid_t other_ = 0;
};

TEST_F(LockedConfig, KeepsASecondMasterOutOfARemovedDirectory) {
  start_another_in(run_);
  fs::remove_all(run_);
  EXPECT_EQ(ConfigLock(config_, run_).take(), other_);
}

TEST_F(LockedConfig, IsNoMatterForOneWithADirectoryOfItsOwn) {
  start_another_in(run_);
  EXPECT_EQ(ConfigLock(config_, directory_ / "other").take(), std::nullopt);
}

TEST_F(LockedConfig, IsThatOfTheFileThatIsThereNow) {
  start_another_in(run_);
  fs::rename(config_, config_ + "~");
  std::ofstream(config_) << "# another\n";
  ConfigLock lock(config_, run_);
  EXPECT_EQ(lock.take(), std::nullopt);
  EXPECT_EQ(lock.take(), std::nullopt) << "its own";
}

TEST_F(LockedConfig, ThatIsNotThereLocksNothing) {
  EXPECT_EQ(ConfigLock("", run_).take(), std::nullopt);
  EXPECT_EQ(ConfigLock(directory_ / "none", run_).take(), std::nullopt);
}

}  // namespace
}  // namespace reeve::supervisor
