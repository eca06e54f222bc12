// What a process writes into its black box, in children of this test that end badly.

#include "worker/diagnosis/crash_handlers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <latch>
#include <stdexcept>
#include <string>
#include <thread>

#include "ipc/recorder/reader.hpp"
#include "worker/process/signals.hpp"

namespace reeve::worker {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class LastWordsTest : public ::testing::Test {
 protected:
  /// Runs `what` in a child that has last words; returns its wait status.
  int in_a_child(const std::function<void()>& what) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      const rlimit no_core{.rlim_cur = 0, .rlim_max = 0};
      ::setrlimit(RLIMIT_CORE, &no_core);
      {
        const CrashHandlers words(recorder_);
        what();
      }
      ::_exit(0);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(pid, &status, 0), pid);
    return status;
  }
  [[nodiscard]] ipc::BlackBoxReading reading() const { return ipc::read(recorder_.black_box()); }

  ipc::Recorder recorder_ = ipc::Recorder::create().value();
};

[[gnu::noinline]] void fall_into_a_hole() {
  const volatile int* volatile nowhere = nullptr;
  std::exit(*nowhere);
}

[[gnu::noinline]] int overflow(volatile int* below) {
  volatile char frame[4096];
  frame[0] = static_cast<char>(*below);
  if (*below != 0) return 0;  // Never.
  return overflow(below) + frame[0];
}

std::atomic<bool> released = false;
[[gnu::noinline]] void wait_here(std::latch& arrived) {
  arrived.count_down();
  while (!released) ::usleep(1000);
}

TEST_F(LastWordsTest, ACrashNamesTheFunctionAndKeepsItsExitStatus) {
  if (is_sanitized()) GTEST_SKIP() << "the sanitizer reports crashes";
  const int status = in_a_child(fall_into_a_hole);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGSEGV);
  EXPECT_THAT(reading().crash.front(), HasSubstr("SIGSEGV at address 0x0, in thread"));
  EXPECT_THAT(reading().crash.at(1), HasSubstr("::fall_into_a_hole")) << "the handler is left out";
}

TEST_F(LastWordsTest, AnOverflownStackIsNoObstacle) {
  if (is_sanitized()) GTEST_SKIP() << "the sanitizer reports crashes";
  volatile int zero = 0;
  const int status = in_a_child([&] { std::exit(overflow(&zero)); });
  EXPECT_EQ(WTERMSIG(status), SIGSEGV);
  EXPECT_THAT(reading().crash, Contains(HasSubstr("::overflow")));
}

TEST_F(LastWordsTest, ASignalSentByAnotherIsNamedAndStillDeadly) {
  if (is_sanitized()) GTEST_SKIP() << "the sanitizer reports crashes";
  const int status = in_a_child([] { ::kill(::getpid(), SIGBUS); });
  EXPECT_EQ(WTERMSIG(status), SIGBUS);
  EXPECT_THAT(reading().crash.front(), HasSubstr("SIGBUS"));
}

TEST_F(LastWordsTest, AnExceptionThatNobodyCaughtIsQuoted) {
  const int status =
      in_a_child([] { std::thread([] { throw std::runtime_error("no more"); }).join(); });
  EXPECT_EQ(WTERMSIG(status), SIGABRT);
  EXPECT_THAT(reading().exception, ElementsAre("nobody caught std::runtime_error : no more"));
}

TEST_F(LastWordsTest, AllThreadsShowTheirStacksAndGoOn) {
  const int status = in_a_child([this] {
    std::latch arrived(2);
    std::thread one([&] { wait_here(arrived); });
    std::thread other([&] { wait_here(arrived); });
    arrived.wait();
    ::syscall(SYS_tgkill, ::getpid(), ::getpid(), ipc::stack_signal());
    const bool done = ipc::dumped(recorder_.black_box());  // The handler has run before this.
    released = true;
    one.join();
    other.join();
    ::_exit(done ? 7 : 8);
  });
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 7);
  EXPECT_TRUE(reading().answers);
  EXPECT_EQ(
      std::ranges::count_if(reading().stacks,
                            [](const std::string& line) { return line.contains("::wait_here"); }),
      2);
}

TEST_F(LastWordsTest, AThreadThatBlocksTheSignalIsNotWaitedFor) {
  const int status = in_a_child([this] {
    std::latch arrived(1);
    std::thread deaf([&] {
      sigset_t all;
      sigfillset(&all);
      ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
      wait_here(arrived);
    });
    arrived.wait();
    ::syscall(SYS_tgkill, ::getpid(), ::getpid(), ipc::stack_signal());
    ::_exit(ipc::dumped(recorder_.black_box()) ? 7 : 8);
  });
  EXPECT_EQ(WEXITSTATUS(status), 7);
  EXPECT_THAT(reading().stacks, Contains(HasSubstr("blocks the signal")));
}

TEST_F(LastWordsTest, AHandlerOfTheApplicationStays) {
  ::signal(SIGFPE, [](int) { ::_exit(9); });
  const int status = in_a_child([] { ::raise(SIGFPE); });
  ::signal(SIGFPE, SIG_DFL);
  EXPECT_EQ(WEXITSTATUS(status), 9);
  EXPECT_THAT(reading().crash, IsEmpty());
}

TEST_F(LastWordsTest, AfterwardsEverythingIsAsItWas) {
  struct sigaction before{};
  ::sigaction(SIGSEGV, nullptr, &before);
  const std::terminate_handler terminate = std::get_terminate();
  {
    const CrashHandlers words(recorder_);
  }
  struct sigaction after{};
  ::sigaction(SIGSEGV, nullptr, &after);
  EXPECT_EQ(after.sa_handler, before.sa_handler);
  EXPECT_EQ(std::get_terminate(), terminate);
  EXPECT_FALSE(reading().answers);
}

TEST_F(LastWordsTest, AfterwardsTheStackSignalIsWhatItWasAndCanBeHandledAgain) {
  struct sigaction action{};
  for (const sighandler_t before : {SIG_DFL, SIG_IGN}) {
    ::signal(ipc::stack_signal(), before);
    for (int times = 0; times < 2; ++times) {
      {
        const CrashHandlers words(recorder_);
        EXPECT_TRUE(reading().answers);
        ::sigaction(ipc::stack_signal(), nullptr, &action);
        EXPECT_NE(action.sa_flags & SA_RESTART, 0) << "or every blocking call sees EINTR";
      }
      ::sigaction(ipc::stack_signal(), nullptr, &action);
      EXPECT_EQ(action.sa_handler, before);
    }
  }
  ::signal(ipc::stack_signal(), SIG_DFL);
}

TEST_F(LastWordsTest, ARequestForStacksDoesNotEndAWorkerThatEndsWell) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ignore_stray_signals();
    {
      const CrashHandlers words(recorder_);
    }
    ::raise(ipc::stack_signal());
    ::_exit(7);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFEXITED(status));
}

TEST_F(LastWordsTest, WithoutAMasterNothingIsTouched) {
  const ipc::Recorder alone = ipc::Recorder::detached();
  const CrashHandlers words(alone);
  EXPECT_FALSE(ipc::answers(alone.black_box()));
}

}  // namespace
}  // namespace reeve::worker
