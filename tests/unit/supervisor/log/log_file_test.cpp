// The log's own file: rotation, and what a full disk does to it.

#include "supervisor/log/log_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
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

}  // namespace
}  // namespace reeve::supervisor
