// Starts that fail: each says why in one line, has its own exit code, and the master tells what it
// means.

#include <fmt/format.h>

#include <csignal>
#include <filesystem>

#include "tests/e2e/harness/programs.hpp"
#include "tests/e2e/harness/reeve_test.hpp"

namespace reeve::e2e {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class FailedStart : public ReeveTest {
 protected:
  /// How a program ends that runs without a master, and what it says on the way.
  Exit run_alone(const std::string& program, Environment env) {
    Process process({.argv = {binary(program), "--listen", "127.0.0.1:0"}, .env = std::move(env)},
                    dir, program);
    const auto exit = process.wait();
    said = process.errors() + process.output();
    return exit.value_or(Exit{});
  }

  /// What the master says of a pool of which no worker starts.
  std::string why(std::string_view toml) {
    Reeve& reeve = start(toml);
    EXPECT_TRUE(reeve.becomes("web:0", "EXITED") || reeve.becomes("web:0", "FATAL")) << reeve.log();
    return reeve.ctl({"why", "web:0"}).output;
  }

  std::string said;
};

TEST_F(FailedStart, AResourceThatCannotBeOpened) {
  EXPECT_EQ(run_alone("probe", {{"PROBE_FAIL_RESOURCE", "cache"}}), Exit{.code = 69});
  EXPECT_THAT(said, HasSubstr("the start failed: "));
  EXPECT_THAT(said, HasSubstr("cache: told to fail"));
}

TEST_F(FailedStart, TheMasterSaysWhatTheCodeMeans) {
  const std::string told = why(probe_pool(1, R"(env = { PROBE_FAIL_RESOURCE = "cache" }
restart = "never"
)"));
  EXPECT_THAT(told, AllOf(HasSubstr("exited with code 69: a required resource could not be opened"),
                          HasSubstr("cache: told to fail")));
}

TEST_F(FailedStart, AForeignProgramsCodeMeansWhatItMakesOfIt) {
  const std::string told =
      why(pool("web", R"(["/bin/sh", "-c", "exit 69"])", "restart = \"never\"\n"));
  EXPECT_THAT(told, AllOf(HasSubstr("exited with code 69"), Not(HasSubstr("resource"))));
}

TEST_F(FailedStart, AThreadOfAStaticInitialiserIsNamedAndRefused) {
  EXPECT_EQ(run_alone("early", {{"EARLY", "owned"}}), Exit{.code = 79}) << "not its destructor's";
  EXPECT_EQ(run_alone("early", {{"EARLY", "thread"}}), Exit{.code = 79});
  EXPECT_THAT(said, HasSubstr("1 thread (\"early-client\") existed before the lifespan"));
}

TEST_F(FailedStart, ASocketOfAStaticInitialiserIsNamedAndRefused) {
  EXPECT_EQ(run_alone("early", {{"EARLY", "socket"}}), Exit{.code = 79});
  EXPECT_THAT(said, HasSubstr("UDP socket"));
}

TEST_F(FailedStart, TheMasterNamesWhatWasThereTooEarly) {
  const std::string told = why(pool("web", "[\"" + binary("early") + "\"]",
                                    "listen = [\"http\"]\nenv = { EARLY = \"left_open\" }\n"
                                    "restart = \"never\"\n"));
  EXPECT_THAT(told, AllOf(HasSubstr("exited with code 79: it had threads or sockets before"),
                          HasSubstr("UDP socket")));
}

class Early : public FailedStart {
 protected:
  /// Runs until it serves, and stops it.
  void expect_serves(const std::string& how) {
    Process process({.argv = {binary("early"), "--listen", "127.0.0.1:0"}, .env = {{"EARLY", how}}},
                    dir, "early");
    EXPECT_TRUE(eventually([&] {
      said = process.errors() + process.output();
      return said.contains("ready after");
    })) << said;
    process.signal(SIGTERM);
    // A thread that was there before run() takes the signal, and the process with it.
    EXPECT_TRUE(process.wait());
  }
};

TEST_F(Early, ASocketThatAShellLeftOpenIsOnlyWarnedOf) {
  expect_serves("left_open");
  EXPECT_THAT(said, HasSubstr("inherited from whoever started this program"));
}

TEST_F(Early, AnAppMayTolerateWhatItHas) {
  expect_serves("warn");
  EXPECT_THAT(said, AllOf(HasSubstr("early-client"), HasSubstr("as told by fork_safety()")));
}

TEST_F(FailedStart, ClosedStandardDescriptorsDoNoHarm) {
  const std::string program = dir.write_program(
      "closed", "#!/bin/sh\nexec '" + binary("reeve") + "' \"$@\" <&- >&- 2>&-\n");
  Reeve& reeve = start(hello_pool(1), {}, program);
  ASSERT_TRUE(reeve.ready());
  EXPECT_TRUE(judge(reeve.get("/")));
  for (int fd = 0; fd <= 2; ++fd) {
    const auto link = fmt::format("/proc/{}/fd/{}", reeve.master().pid(), fd);
    EXPECT_EQ(std::filesystem::read_symlink(link), "/dev/null");
  }
  EXPECT_EQ(reeve.stop(), Exit{.code = 0});
}

}  // namespace
}  // namespace reeve::e2e
