// How a worker hangs, from two looks at it.

#include "supervisor/postmortem/findings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reeve::supervisor {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

ThreadFacts thread(char state, std::chrono::milliseconds cpu_time = 0ms) {
  return {.tid = 7, .name = "web", .state = state, .cpu_time = cpu_time};
}

std::string hang(char before, char after, std::chrono::milliseconds cpu) {
  return how_it_hangs(thread(before), thread(after, cpu), 150ms);
}

TEST(HowItHangs, SpinsWhenItRunsAllTheTime) {
  EXPECT_EQ(hang('R', 'R', 150ms), "spins: 100 % CPU");
  EXPECT_EQ(hang('R', 'R', 40ms), "spins: 26 % CPU") << "on a machine that is busy otherwise";
  EXPECT_EQ(hang('S', 'R', 140ms), "spins: 93 % CPU");
  EXPECT_EQ(hang('S', 'R', 10ms), "runs: 6 % CPU") << "it was only met awake";
  EXPECT_EQ(hang('S', 'S', 140ms), "is busy: 93 % CPU") << "it was only met asleep";
}

TEST(HowItHangs, StoppedIsNotBlocked) {
  EXPECT_EQ(hang('S', 'T', 0ms), "is stopped (SIGSTOP)");
  EXPECT_EQ(hang('S', 't', 0ms), "is stopped by a debugger");
}

TEST(HowItHangs, NamesWhereItSleeps) {
  ThreadFacts after = thread('S');
  EXPECT_EQ(how_it_hangs(thread('S'), after, 150ms),
            "is blocked in an unknown place (the kernel does not say)");
  after.wait_channel = "futex_wait_queue";
  EXPECT_EQ(how_it_hangs(thread('S'), after, 150ms), "is blocked in futex_wait_queue");
  after.system_call = "futex";
  EXPECT_EQ(how_it_hangs(thread('S'), after, 150ms),
            "is blocked in futex_wait_queue (system call futex)");
  after.wait_channel = "ep_poll";
  EXPECT_THAT(how_it_hangs(thread('S'), after, 150ms), HasSubstr("waits for events"));
  after.state = 'D';
  EXPECT_THAT(how_it_hangs(thread('S'), after, 150ms), HasSubstr("uninterruptible"));
}

TEST(HowItHangs, NoTimeBetweenTheLooksIsNoDivisionByZero) {
  EXPECT_EQ(how_it_hangs(thread('R'), thread('R', 10ms), 0ms), "runs: 0 % CPU");
}

TEST(Findings, OfANativeWorkerHaveItsStacks) {
  Looks looks{
      .first = {}, .second = {.threads = {thread('S')}, .thread_count = 40}, .between = 150ms};
  looks.second.resident_bytes = 3 << 20;
  looks.second.descriptors = ProcFacts::kMostDescriptors;
  looks.second.threads[0].kernel_stack = {"futex_wait"};
  ipc::BlackBoxReading box{.answers = true, .dumped = false, .stacks = {"thread 7 (web):"}};
  const auto [first, lines] = findings(looks, box, true);
  EXPECT_THAT(first, ElementsAre(HasSubstr("the loop thread is blocked"), "thread 7 (web):"));
  EXPECT_EQ(lines.at(0), "it uses 3 MiB resident, 4096 or more open descriptors, 40 threads");
  EXPECT_THAT(lines, Contains("and 39 further threads"));
  EXPECT_THAT(lines, Contains("thread 7 (web):"));
  EXPECT_EQ(lines.back(), "(incomplete: there was no time for more)");
  EXPECT_THAT(lines, Not(Contains(HasSubstr("kernel's stack")))) << "its own say more";
}

TEST(Findings, WithoutStacksOfItsOwnTheKernelsAreShown) {
  Looks looks{
      .first = {}, .second = {.threads = {thread('S')}, .thread_count = 1}, .between = 150ms};
  looks.second.threads[0].kernel_stack = {"futex_wait"};
  const auto foreign = findings(looks, {}, false);
  EXPECT_THAT(foreign.first, ElementsAre(HasSubstr("its first thread"))) << "and no kernel's stack";
  EXPECT_EQ(foreign.rest.back(), "  futex_wait");
  looks.second.threads[0].state = 'T';
  EXPECT_TRUE(is_stopped(looks.second));
  EXPECT_THAT(findings(looks, {.answers = true}, true).first,
              Contains("no stacks: a stopped process runs no handler"));
}

TEST(Findings, TheStackThatMattersComesFirst) {
  Looks looks{
      .first = {}, .second = {.threads = {thread('S')}, .thread_count = 3}, .between = 150ms};
  looks.second.threads[0].wait_channel = "ep_poll";
  ipc::BlackBoxReading box{.answers = true, .dumped = true};
  box.stacks = {"thread 7 (web):",   "  #0 epoll_wait (libc)",
                "thread 8 (watch):", "  #0 read (libc)",
                "thread 9 (web):",   "  #0 pthread_cond_wait (libc)",
                "thread 10 (web):",  "  #0 pthread_mutex_lock (libc)",
                "  #1 report (web)"};
  EXPECT_THAT(findings(looks, box, true).first,
              ElementsAre(HasSubstr("the loop thread waits for events"), "thread 10 (web):",
                          "  #0 pthread_mutex_lock (libc)", "  #1 report (web)"));
  looks.second.threads[0].wait_channel = "futex_wait";
  EXPECT_THAT(findings(looks, box, true).first,
              ElementsAre(HasSubstr("the loop thread is blocked"),
                          "thread 7 (web):", "  #0 epoll_wait (libc)"));
}

TEST(Findings, OfAProcessThatHasGoneAreNone) {
  EXPECT_FALSE(is_stopped({}));
  EXPECT_EQ(findings({}, {}, false), Findings{});
}

}  // namespace
}  // namespace reeve::supervisor
