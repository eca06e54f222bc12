#include "supervisor/core/types.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace reeve::supervisor {
namespace {

using namespace std::chrono_literals;

TEST(Describe, AnExitByItsCode) {
  EXPECT_EQ(describe(Death{.exit_code = 3}), "exited with code 3");
  EXPECT_EQ(describe(Death{.exit_code = 0}), "exited with code 0");
}

TEST(Describe, ASignalByItsName) {
  EXPECT_EQ(describe(Death{.signal = SIGTERM}), "killed by SIGTERM");
  EXPECT_EQ(describe(Death{.signal = SIGSEGV, .core_dumped = true}),
            "killed by SIGSEGV (core dumped)");
}

TEST(Describe, ASignalWithoutANameByItsNumber) {
  EXPECT_EQ(describe(Death{.signal = SIGRTMIN + 3}),
            "killed by signal " + std::to_string(SIGRTMIN + 3));
}

TEST(Describe, AProgramThatNeverRanByTheReason) {
  EXPECT_EQ(
      describe(Death{.exit_code = 127, .exec_error = "exec /bin/x: No such file or directory"}),
      "could not be started: exec /bin/x: No such file or directory");
}

TEST(Describe, OutOfMemoryByItsCauseAndNotByItsSignal) {
  EXPECT_EQ(describe(Death{.signal = SIGKILL, .out_of_memory = true}), "killed: out of memory");
}

TEST(Describe, WhatNeverRanIsToldFirst) {
  EXPECT_EQ(describe(Death{.signal = SIGKILL, .exec_error = "exec /x", .out_of_memory = true}),
            "could not be started: exec /x");
}

TEST(Describe, ExitCodesOfShellsAreExplained) {
  EXPECT_EQ(describe(Death{.exit_code = 3}), "exited with code 3");
  EXPECT_EQ(describe(Death{.exit_code = 137}),
            "exited with code 137 (a shell's code for: child killed by SIGKILL)");
  EXPECT_EQ(describe(Death{.exit_code = 127}),
            "exited with code 127 (a shell's code for: command not found)");
  EXPECT_EQ(describe(Death{.exit_code = 255}), "exited with code 255");
  EXPECT_EQ(describe(Death{.exit_code = 128}), "exited with code 128");
}

TEST(Describe, WhatACodeMeansToItsProgramGoesBeforeWhatAShellMeansByIt) {
  EXPECT_EQ(describe(Death{.exit_code = 69, .meaning = "no database"}),
            "exited with code 69: no database");
}

TEST(Death, IsCleanOnlyWithCodeZeroAndAProgram) {
  EXPECT_TRUE(Death{.exit_code = 0}.clean());
  EXPECT_FALSE(Death{.exit_code = 1}.clean());
  EXPECT_FALSE(Death{.signal = SIGTERM}.clean());
  EXPECT_FALSE((Death{.exit_code = 0, .exec_error = "exec"}.clean()));
  EXPECT_FALSE(Death{}.clean());
}

TEST(SlotState, SpeaksSupervisordsWords) {
  EXPECT_EQ(to_string(SlotState::Stopped), "STOPPED");
  EXPECT_EQ(to_string(SlotState::Starting), "STARTING");
  EXPECT_EQ(to_string(SlotState::Running), "RUNNING");
  EXPECT_EQ(to_string(SlotState::Stopping), "STOPPING");
  EXPECT_EQ(to_string(SlotState::Backoff), "BACKOFF");
  EXPECT_EQ(to_string(SlotState::Exited), "EXITED");
  EXPECT_EQ(to_string(SlotState::Fatal), "FATAL");
}

TEST(ShortDuration, PicksTheUnitForAPerson) {
  EXPECT_EQ(short_duration(0ms), "0 ms");
  EXPECT_EQ(short_duration(350ms), "350 ms");
  EXPECT_EQ(short_duration(999999us), "999 ms");
  EXPECT_EQ(short_duration(1500us), "1.5 ms");
  EXPECT_EQ(short_duration(1s), "1 s");
  EXPECT_EQ(short_duration(1500ms), "1.5 s");
  EXPECT_EQ(short_duration(30s), "30 s");
  EXPECT_EQ(short_duration(119s), "119 s");
  EXPECT_EQ(short_duration(2min), "2 min");
  EXPECT_EQ(short_duration(2h), "2 h");
}

TEST(ShortDuration, DoesNotSayTenPointZero) { EXPECT_EQ(short_duration(9960ms), "9.9 s"); }

}  // namespace
}  // namespace reeve::supervisor
