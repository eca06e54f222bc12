// The log's own file: rotation, and what a full disk does to it.

#include "supervisor/log/log_file.hpp"

#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <string>

#include "supervisor/log/log.hpp"
#include "supervisor/log/output.hpp"
#include "supervisor/system/small_file.hpp"
#include "tests/unit/supervisor/loop_driver.hpp"
#include "tests/unit/temp_dir.hpp"

namespace reeve::supervisor {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class LogFileTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::string path() const { return directory_ / "log"; }
  [[nodiscard]] std::string text(const std::string& suffix = "") const {
    return read_small_file(path() + suffix).value_or("(none)");
  }
  unit::TempDir directory_;
};

/// No file of this process may become longer, as on a full disk.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit full{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &full);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

TEST_F(LogFileTest, RotatesBySizeAndKeepsSoMany) {
  auto file = LogFile::open(path(), {.max_size = 4, .keep = 2}).value();
  for (const char* line : {"1\n", "2\n", "3\n", "4\n", "5\n", "6\n", "7\n"}) {
    EXPECT_EQ(file.write(line), 0);
  }
  EXPECT_EQ(text(), "7\n");
  EXPECT_EQ(text(".1"), "5\n6\n");
  EXPECT_EQ(text(".2"), "3\n4\n");
  EXPECT_EQ(text(".3"), "(none)");
}

TEST_F(LogFileTest, GoesOnWithWhatIsThere) {
  {
    EXPECT_EQ(LogFile::open(path(), {.max_size = 4, .keep = 1}).value().write("1\n"), 0);
  }
  auto file = LogFile::open(path(), {.max_size = 4, .keep = 1}).value();
  EXPECT_EQ(file.write("2\n"), 0);
  EXPECT_EQ(file.write("3\n"), 0);
  EXPECT_EQ(text(".1"), "1\n2\n");
  EXPECT_EQ(text(), "3\n");
}

TEST_F(LogFileTest, ThatCannotBePutAsideGrowsOnAndLosesNoOlderOne) {
  auto file = LogFile::open(path(), {.max_size = 4, .keep = 3}).value();
  for (const char* line : {"1\n", "2\n", "3\n", "4\n"}) EXPECT_EQ(file.write(line), 0);
  fs::create_directories(path() + ".2/busy");  // FILE.1 cannot take its place,
  fs::create_directories(path() + ".3/busy");  // and it cannot give way.
  for (const char* line : {"5\n", "6\n", "7\n"}) EXPECT_EQ(file.write(line), 0);
  EXPECT_EQ(text(), "3\n4\n5\n6\n7\n");
  EXPECT_EQ(text(".1"), "1\n2\n");
  fs::remove_all(path() + ".3");
  EXPECT_EQ(file.take_rotation_error(), ENOTEMPTY);
  EXPECT_EQ(file.take_rotation_error(), 0) << "once";
  for (const char* line : {"8\n", "9\n"}) EXPECT_EQ(file.write(line), 0);
  EXPECT_EQ(text(), "9\n") << "tried again, a whole file later";
  EXPECT_EQ(text(".1"), "3\n4\n5\n6\n7\n8\n");
  EXPECT_TRUE(fs::is_directory(path() + ".3"));
}

TEST_F(LogFileTest, KeepsNoneWhenToldSo) {
  auto file = LogFile::open(path(), {.max_size = 2, .keep = 0}).value();
  EXPECT_EQ(file.write("1\n"), 0);
  EXPECT_EQ(file.write("2\n"), 0);
  EXPECT_EQ(text(), "2\n");
  EXPECT_EQ(text(".1"), "(none)");
}

TEST_F(LogFileTest, ThatSomeoneElseRenamedIsMadeAnew) {
  auto file = LogFile::open(path(), {}).value();
  EXPECT_EQ(file.write("old\n"), 0);
  fs::rename(path(), path() + ".old");
  EXPECT_TRUE(file.reopen().has_value());
  EXPECT_EQ(file.write("new\n"), 0);
  EXPECT_EQ(text(".old"), "old\n");
  EXPECT_EQ(text(), "new\n");
}

TEST_F(LogFileTest, ThatCannotBeOpenedIsNamed) {
  EXPECT_THAT(LogFile::open(directory_ / "no/log", {}).error().text,
              HasSubstr("no/log: No such file or directory"));
  EXPECT_THAT(LogFile::open("/dev/null", {}).error().text, HasSubstr("not a regular file"));
}

TEST_F(LogFileTest, AFullDiskCostsLinesAndIsToldAfterwards) {
  testing::LoopDriver driver;
  Output output(driver.loop, STDERR_FILENO);
  Log log(output, LogFormat::Text, LineStyle::Plain, LogLevel::Info);
  SupervisorConfig config;
  config.log_to = path();
  ASSERT_TRUE(log.follow(config).has_value());
  log.info("before");
  {
    const FullDisk full(fs::file_size(path()) + 10);
    log.info("torn in the middle");
    log.info("lost as a whole");
  }
  log.info("after");
  EXPECT_THAT(text(), HasSubstr("before\n"));
  EXPECT_THAT(text(), HasSubstr("after\n"));
  EXPECT_THAT(text(), HasSubstr("2 lines of the log were dropped: "));
  EXPECT_THAT(text(), ::testing::Not(HasSubstr("lost as a whole")));
  EXPECT_THAT(text(), ::testing::ContainsRegex("\n[^\n]{1,10}\n[^\n]* after\n"))
      << "the torn line has an end";
}

TEST_F(LogFileTest, AReloadThatCannotOpenItChangesNothing) {
  testing::LoopDriver driver;
  Output output(driver.loop, STDERR_FILENO);
  Log log(output, LogFormat::Text, LineStyle::Plain, LogLevel::Info);
  SupervisorConfig config;
  config.log_to = path();
  ASSERT_TRUE(log.follow(config).has_value());
  config.log_to = directory_ / "no/log";
  EXPECT_THAT(log.follow(config).error().text, HasSubstr("supervisor.log.to: cannot open "));
  log.info("still here");
  EXPECT_THAT(text(), HasSubstr("still here"));
}

TEST(LogFileInDev, IsNeverRotated) {
  const std::string path = "/dev/shm/reeve-unit-" + std::to_string(::getpid()) + ".log";
  auto file = LogFile::open(path, {.max_size = 16, .keep = 2});
  if (!file) GTEST_SKIP() << file.error().text;
  for (int i = 0; i < 4; ++i) EXPECT_EQ(file->write("0123456789\n"), 0);
  EXPECT_FALSE(std::filesystem::exists(path + ".1"));
  EXPECT_EQ(std::filesystem::file_size(path), 44U);
  std::filesystem::remove(path);
}

/// Links to a file of ours, some of them put there by somebody else, a real process of theirs.
class LinkToLog : public LogFileTest {
 protected:
  void SetUp() override {
    fs::permissions(directory_.path(), fs::perms(0755));
    fs::create_directory(directory_ / "target");
  }
  [[nodiscard]] std::string target() const { return directory_ / "target/log"; }
  static bool opens(const std::string& path) {
    return LogFile::open(path, {.max_size = 4, .keep = 2}).has_value();
  }
  void make(const std::string& name, mode_t mode, uid_t owner = ::geteuid()) const {
    const std::string path = directory_ / name;
    ASSERT_EQ(::mkdir(path.c_str(), 0700), 0);
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    ASSERT_EQ(::chown(path.c_str(), owner, static_cast<gid_t>(-1)), 0);
  }
  /// As another user, in a process that is one.
  static void link_by_another(const std::string& to, const std::string& path) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      const bool linked = ::setgroups(0, nullptr) == 0 && ::setgid(kAnother) == 0 &&
                          ::setuid(kAnother) == 0 && ::symlink(to.c_str(), path.c_str()) == 0;
      ::_exit(linked ? 0 : 1);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    ASSERT_EQ(status, 0) << "cannot link " << path;
  }
  static constexpr uid_t kAnother = 65534;
};

TEST_F(LinkToLog, OfOursIsFollowedAndItsTargetIsRotated) {
  make("ours", 0755);
  make("sticky", 01777);
  for (const std::string name : {"ours", "sticky"}) {
    const std::string link = directory_ / name + "/log";
    fs::create_symlink("../target/log", link);
    auto file = LogFile::open(link, {.max_size = 4, .keep = 2}).value();
    for (const char* line : {"1\n", "2\n", "3\n"}) EXPECT_EQ(file.write(line), 0);
    EXPECT_TRUE(fs::is_symlink(link));
    EXPECT_FALSE(fs::exists(link + ".1"));
  }
  EXPECT_EQ(read_small_file(target()).value_or(""), "2\n3\n");
  EXPECT_EQ(read_small_file(target() + ".1").value_or(""), "3\n1\n");
}

TEST_F(LinkToLog, ThatAnyoneCouldHavePutThereIsNotFollowed) {
  make("open", 0777);
  fs::create_symlink(directory_ / "target", directory_ / "open/way");
  EXPECT_FALSE(opens(directory_ / "open/way/log"));
  EXPECT_TRUE(opens(directory_ / "open/log")) << "no link";
  fs::create_symlink(directory_ / "open", directory_ / "detour");
  EXPECT_TRUE(opens(directory_ / "detour/log")) << "a link above is ours";
  EXPECT_FALSE(opens(directory_ / "detour/way/log"));
}

TEST_F(LinkToLog, OfAnotherUserIsNotFollowed) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be somebody else";
  make("sticky", 01777);
  make("theirs", 0755, kAnother);
  for (const std::string name : {"sticky", "theirs"}) {
    const std::string link = directory_ / name + "/log";
    link_by_another(target(), link);
    const auto opened = LogFile::open(link, {});
    ASSERT_FALSE(opened.has_value());
    EXPECT_THAT(opened.error().text, HasSubstr("a symbolic link that another user"));
    EXPECT_FALSE(fs::exists(target()));
  }
}

TEST_F(LinkToLog, OfAnotherUserIsNotFollowedByAReopenEither) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be somebody else";
  make("theirs", 0755, kAnother);
  const std::string log = directory_ / "theirs/log";
  auto file = LogFile::open(log, {}).value();
  fs::remove(log);
  link_by_another(target(), log);
  EXPECT_FALSE(file.reopen().has_value());
  EXPECT_EQ(file.write("goes on in the old one\n"), 0);
  EXPECT_FALSE(fs::exists(target()));
}

TEST_F(LinkToLog, InACircleIsAnError) {
  fs::create_symlink("b", directory_ / "a");
  fs::create_symlink("a", directory_ / "b");
  EXPECT_FALSE(opens(directory_ / "a"));
  EXPECT_FALSE(opens(directory_.path()));
  EXPECT_FALSE(opens(directory_ / "none/log"));
}

}  // namespace
}  // namespace reeve::supervisor
