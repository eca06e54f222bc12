// Whatever a new binary is, its trial ends with a verdict, and soon.

#include "supervisor/upgrade/upgrade_trial.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <vector>

#include "supervisor/system/reaper.hpp"
#include "supervisor/upgrade/own_binary.hpp"
#include "supervisor/upgrade/sealed_memory.hpp"
#include "tests/unit/supervisor/loop_driver.hpp"
#include "tests/unit/temp_dir.hpp"

namespace reeve::supervisor {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;

class UpgradeTrialTest : public ::testing::Test {
 protected:
  /// The verdict on a shell script.
  UpgradeTrial::Verdict verdict_on(const std::string& script, Duration longest = 10s) {
    const std::string path = dir_ / "program";
    std::ofstream(path) << "#!/bin/sh\n" << script;
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    const auto binary = open_binary(path);
    const auto state = seal("state");
    std::optional<UpgradeTrial::Verdict> verdict;
    UpgradeTrial trial(driver_.loop, longest, [&](UpgradeTrial::Verdict said) { verdict = said; });
    EXPECT_TRUE(trial.start(
        {.binary = binary->get(), .name = "reeve", .state = state->get(), .descriptors = handed_}));
    EXPECT_TRUE(driver_.run_until([&] {
      siginfo_t zombie{};
      if (::waitid(P_ALL, 0, &zombie, WEXITED | WNOHANG | WNOWAIT) != 0 || zombie.si_pid == 0) {
        return false;
      }
      trial.conclude(zombie.si_pid);
      int status = 0;
      ::waitpid(zombie.si_pid, &status, 0);
      trial.exited(zombie.si_pid, death_of(status));
      return verdict.has_value();
    }));
    EXPECT_TRUE(trial.ended());
    return verdict.value_or(std::unexpected("none"));
  }

  std::string refusal(const std::string& script, Duration longest = 10s) {
    const auto verdict = verdict_on(script, longest);
    return verdict ? "passed" : verdict.error();
  }

  testing::LoopDriver driver_;
  unit::TempDir dir_;
  std::vector<int> handed_;
};

TEST_F(UpgradeTrialTest, PassesWithTheVersionThatWasAnswered) {
  const auto verdict = verdict_on("echo 'could take over: 7.8.9'");
  ASSERT_TRUE(verdict) << verdict.error();
  EXPECT_EQ(*verdict, "7.8.9");
}

TEST_F(UpgradeTrialTest, TheChildReadsTheStateAtTheDescriptorItIsTold) {
  const auto verdict = verdict_on("echo could take over: $1 `cat /proc/self/fd/$2`");
  ASSERT_TRUE(verdict) << verdict.error();
  EXPECT_EQ(*verdict, "adopt state");
}

TEST_F(UpgradeTrialTest, AnAnswerWithoutSuccessDoesNotCount) {
  EXPECT_THAT(refusal("echo 'could take over: 1'; exit 1"), HasSubstr("exited with code 1"));
  EXPECT_THAT(refusal("echo 'could take over: 1'; kill -9 $$"), HasSubstr("SIGKILL"));
}

TEST_F(UpgradeTrialTest, SuccessWithoutAnAnswerDoesNotCount) {
  EXPECT_THAT(refusal("echo hello"),
              AllOf(HasSubstr("does not know how to take over"), HasSubstr("it said: hello")));
}

TEST_F(UpgradeTrialTest, WhatItSaysIsQuotedLineByLineAndMadePrintable) {
  EXPECT_THAT(refusal(R"(printf 'one\ntwo \033[31m\n' >&2; exit 2)"),
              HasSubstr("it said:\n  one\n  two ?[31m"));
}

TEST_F(UpgradeTrialTest, OneThatHangsIsKilledWithItsChildren) {
  EXPECT_THAT(refusal("echo thinking; sleep 1000 & wait", 100ms),
              AllOf(HasSubstr("did not answer within 100 ms"), HasSubstr("thinking")));
}

TEST_F(UpgradeTrialTest, NobodyThatItStartedOutlivesIt) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const ipc::UniqueFd held(ends[0]);
  ipc::UniqueFd handed(ends[1]);
  handed_ = {handed.get()};
  EXPECT_TRUE(verdict_on("sleep 1000 & echo 'could take over: 1'"));
  handed.reset();
  char nothing = 0;
  EXPECT_EQ(::read(held.get(), &nothing, 1), 0) << "the last writer is gone";
}

TEST_F(UpgradeTrialTest, AFloodIsReadAndCut) {
  const std::string said = refusal("head -c 1000000 /dev/zero | tr '\\0' x; exit 4");
  EXPECT_THAT(said, HasSubstr("exited with code 4"));
  EXPECT_LT(said.size(), 5000U);
}

TEST(HandoverMemory, CannotBeWrittenAndReadsAsSealed) {
  const auto memory = seal("the state");
  ASSERT_TRUE(memory) << memory.error().text;
  EXPECT_LT(::write(memory->get(), "x", 1), 0);
  EXPECT_EQ(read_sealed(memory->get()).value_or(""), "the state");
}

TEST(HandoverMemory, WhatIsNotSealedIsRefused) {
  const ipc::UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_FALSE(read_sealed(null.get()));
  EXPECT_FALSE(read_sealed(-1));
}

}  // namespace
}  // namespace reeve::supervisor
