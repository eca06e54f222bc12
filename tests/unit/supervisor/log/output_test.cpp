// Where lines go, whoever reads them or does not; what they look like; who holds the runtime
// directory.

#include "supervisor/log/output.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>

#include "supervisor/log/log.hpp"
#include "supervisor/system/pipe.hpp"
#include "supervisor/system/runtime_dir.hpp"
#include "supervisor/system/signals.hpp"
#include "tests/unit/supervisor/loop_driver.hpp"
#include "tests/unit/temp_dir.hpp"

namespace reeve::supervisor {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

std::string read_available(int fd) {
  std::string text(1 << 20, '\0');
  const ssize_t size = ::read(fd, text.data(), text.size());
  text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return text;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Output, OfASlowReaderWaitsAndKeepsTheOrder) {
  testing::LoopDriver driver;
  Pipe pipe = *Pipe::open();
  Output output(driver.loop, pipe.write_end.get());
  const int lines = 3000;  // Three times what a pipe holds.
  for (int i = 0; i < lines; ++i) output.write(fmt::format("{:>63}\n", i));

  std::string text;
  EXPECT_TRUE(driver.run_until([&] {
    text += read_available(pipe.read_end.get());
    return text.size() >= lines * 64;
  }));
  for (int i = 0; i < lines; ++i) {
    ASSERT_EQ(text.substr(static_cast<std::size_t>(i) * 64, 64), fmt::format("{:>63}\n", i));
  }
}

TEST(Output, DropsWholeLinesBeyondItsBoundAndSaysHowMany) {
  testing::LoopDriver driver;
  Pipe pipe = *Pipe::open();
  Output output(driver.loop, pipe.write_end.get());
  std::uint64_t dropped = 0;
  output.on_dropped([&dropped](std::uint64_t lines, std::string_view) { dropped = lines; });
  const std::string line = std::string(1023, 'x') + "\n";
  const std::uint64_t written = 2000;  // 2 MB: the queue takes half of it.
  for (std::uint64_t i = 0; i < written; ++i) output.write(line);

  std::size_t bytes = 0;
  EXPECT_TRUE(driver.run_until([&] {
    bytes += read_available(pipe.read_end.get()).size();
    return dropped > 0;
  }));
  bytes += read_available(pipe.read_end.get()).size();
  EXPECT_EQ(bytes, (written - dropped) * line.size());
}

TEST(Output, AtTheEndWaitsForASlowReaderButNotForEver) {
  testing::LoopDriver driver;
  Pipe pipe = *Pipe::open();
  Output output(driver.loop, pipe.write_end.get());
  const std::string line = std::string(1023, 'x') + "\n";
  for (int i = 0; i < 100; ++i) output.write(line);  // A pipe holds 64 of them.
  output.finish(std::chrono::milliseconds(5));
  std::size_t bytes = read_available(pipe.read_end.get()).size();
  output.finish(std::chrono::milliseconds(5));
  bytes += read_available(pipe.read_end.get()).size();
  EXPECT_EQ(bytes, 100 * line.size());
}

TEST(Output, SurvivesAReaderThatHasGone) {
  testing::LoopDriver driver;
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  Pipe pipe = *Pipe::open();
  Output output(driver.loop, pipe.write_end.get());
  pipe.read_end.reset();
  output.write("nobody\n");
  driver.turn();
  std::signal(SIGPIPE, before);
}

TEST(Output, WritesToADeviceThatEpollRefuses) {
  testing::LoopDriver driver;
  const ipc::UniqueFd null_fd(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  Output output(driver.loop, null_fd.get());
  output.write("into the void\n");
}

/// Each write(2) to `fd` fails from now on with EINTR, in this process.
bool interrupt_writes_to(int fd) {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<__u32>(fd), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINTR),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{.len = std::size(program), .filter = program};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

TEST(Output, DropsWhatAFileThatIsInterruptedAgainAndAgainDoesNotTake) {
  const unit::TempDir directory;
  const std::string path = directory / "log";
  const ipc::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  const pid_t child = ::fork();  // The filter stays for good.
  if (child == 0) {
    ipc::uv::Loop loop;
    Output output(loop, file.get());
    if (!interrupt_writes_to(file.get())) ::_exit(1);
    output.write("lost\n");
    ::_exit(output.unwritten().empty() ? 0 : 2);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status)) << "killed by signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(Output, AFileSizeLimitCostsLinesAndNotTheMaster) {
  const unit::TempDir directory;
  const std::string path = directory / "log";
  const pid_t child = ::fork();
  if (child == 0) {
    block_signals();
    const rlimit small{.rlim_cur = 8, .rlim_max = 8};
    auto file = LogFile::open(path, {});
    if (!file || ::setrlimit(RLIMIT_FSIZE, &small) != 0) ::_exit(1);
    if (file->write("1234567\n") != 0) ::_exit(2);
    ::_exit(file->write("too much\n") == EFBIG ? 0 : 3);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status)) << "killed by signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(read_file(path), "1234567\n");
}

class LogText : public ::testing::Test {
 protected:
  std::string logged(LogFormat format, LineStyle style, const std::function<void(Log&)>& use) {
    const std::string path = directory_ / "log";
    const ipc::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    Output output(driver_.loop, file.get());
    Log log(output, format, style, LogLevel::Info);
    use(log);
    return read_file(path);
  }

  testing::LoopDriver driver_;
  unit::TempDir directory_;
};

TEST_F(LogText, HasDateLevelAndText) {
  EXPECT_THAT(logged(LogFormat::Text, LineStyle::Plain, [](Log& log) { log.info("hello {}", 1); }),
              MatchesRegex("....-..-.. ..:..:..\\.... info    hello 1\n"));
}

TEST_F(LogText, LeavesOutWhatIsBelowTheLevel) {
  EXPECT_EQ(logged(LogFormat::Text, LineStyle::Plain, [](Log& log) { log.debug("secret"); }), "");
  EXPECT_THAT(logged(LogFormat::Text, LineStyle::Plain,
                     [](Log& log) {
                       log.set_level(LogLevel::Debug);
                       log.debug("shown");
                     }),
              HasSubstr("shown"));
}

TEST_F(LogText, UnderSystemdHasAPriorityAndNoTime) {
  EXPECT_EQ(logged(LogFormat::Text, LineStyle::Journal, [](Log& log) { log.error("ouch"); }),
            "<3>ouch\n");
}

TEST_F(LogText, AWorkersLineIsTakenAsItIs) {
  EXPECT_THAT(logged(LogFormat::Text, LineStyle::Plain,
                     [](Log& log) {
                       log.worker_line({"web:0", "web", 0, Stream::Stdout}, "{} fine");
                       log.worker_line({"web:0", "web", 0, Stream::Stderr}, "%v bad");
                     }),
              MatchesRegex(".* web:0 \\| \\{\\} fine\n.* web:0 \\| %v bad\n"));
}

TEST_F(LogText, AsJsonIsOneObjectALine) {
  const std::string text = logged(LogFormat::Json, LineStyle::Plain, [](Log& log) {
    log.warn("say \"{}\"", "hi");
    log.worker_line({"web:0", "web", 0, Stream::Stderr}, "tab\there");
  });
  EXPECT_THAT(text, HasSubstr(R"("level":"warning","message":"say \"hi\""})"));
  EXPECT_THAT(
      text,
      HasSubstr(
          R"("process":"web:0","pool":"web","slot":0,"stream":"stderr","line":"tab\there"})"));
}

TEST(RuntimeDir, IsHeldByOneMasterAtATime) {
  const unit::TempDir directory;
  const std::string path = directory / "a/b";
  {
    const auto first = RuntimeDir::hold(path);
    ASSERT_TRUE(first.has_value());
    EXPECT_EQ(read_file(path + "/reeve.pid"), fmt::format("{}\n", ::getpid()));
    const auto second = RuntimeDir::hold(path);
    ASSERT_FALSE(second.has_value());
    EXPECT_TRUE(second.error().held_by_another);
    EXPECT_THAT(second.error().text, HasSubstr(fmt::format("(pid {}) holds {}", ::getpid(), path)));
  }
  EXPECT_FALSE(std::filesystem::exists(path + "/reeve.pid"));
  EXPECT_TRUE(RuntimeDir::hold(path).has_value());
}

TEST(RuntimeDir, LetsNobodyElseTakeItsLock) {
  const unit::TempDir directory;
  const std::string path = directory / "run";
  const std::string lock = path + "/reeve.lock";
  std::filesystem::create_directory(path);
  std::ofstream(lock) << "";  // As an older version made it.
  ::chmod(lock.c_str(), 0644);
  ASSERT_TRUE(RuntimeDir::hold(path).has_value());
  EXPECT_EQ(std::filesystem::status(lock).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST(RuntimeDir, ThatCannotBeMadeIsNamed) {
  const unit::TempDir directory;
  std::ofstream(directory / "file") << "x";
  const auto refused = RuntimeDir::hold(directory / "file/run");
  ASSERT_FALSE(refused.has_value());
  EXPECT_FALSE(refused.error().held_by_another);
  EXPECT_THAT(refused.error().text, HasSubstr("supervisor.runtime_dir: cannot make"));
  EXPECT_THAT(refused.error().text, HasSubstr("Not a directory"));
}

}  // namespace
}  // namespace reeve::supervisor
