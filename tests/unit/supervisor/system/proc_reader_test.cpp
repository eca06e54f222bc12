// What /proc says: of this very process, and of lines that a hostile name has made.

#include "supervisor/system/proc_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace reeve::supervisor {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kStat =
    "4711 (web) S 1 4711 4711 0 -1 4194560 100 0 0 0 25 15 0 0 20 0 5 0 1000 1 2";

TEST(ParseListening, OfALineOfProcNetTcp) {
  const auto found = parse_listening(
      "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
      "12345 1 0000000000000000 100 0 0 10 0");
  EXPECT_EQ(found, std::pair(std::uint64_t{12345}, 8080));
  EXPECT_FALSE(parse_listening("   1: 0100007F:1F90 0100007F:9 01 0:0 0:0 0 0 0 12345 1"));
  EXPECT_FALSE(parse_listening("  sl  local_address rem_address   st tx_queue"));
  EXPECT_FALSE(parse_listening("   0: nonsense x 0A 0 0 0 0 0 12345"));
}

TEST(ProcReader, AThreadsStat) {
  const auto thread = parse_thread_stat(kStat, 100);
  ASSERT_TRUE(thread);
  EXPECT_EQ(thread->tid, 4711);
  EXPECT_EQ(thread->group, 4711);
  EXPECT_EQ(thread->name, "web");
  EXPECT_EQ(thread->state, 'S');
  EXPECT_EQ(thread->cpu_time, 400ms);
}

TEST(ProcReader, ANameThatLooksLikeTheRest) {
  const auto thread =
      parse_thread_stat("7 (a) R 9 (b\x1b) D 1 1 1 0 -1 0 0 0 0 0 3 4 0 0 20 0 1 0 9 1 2", 100);
  ASSERT_TRUE(thread);
  EXPECT_EQ(thread->state, 'D');
  EXPECT_EQ(thread->cpu_time, 70ms);
  EXPECT_EQ(thread->name, "a) R 9 (b?");
}

TEST(ProcReader, HalfALineIsNone) {
  for (std::size_t size = 0; size < kStat.find(" 0 0 20"); ++size) {
    const auto thread = parse_thread_stat(kStat.substr(0, size), 100);
    // What ends within the last number reads as a smaller one.
    EXPECT_TRUE(!thread || size > kStat.find(" 15")) << kStat.substr(0, size);
  }
  EXPECT_FALSE(parse_thread_stat(kStat, 0));
}

TEST(ProcReader, SizesOfTheStatus) {
  constexpr std::string_view kStatus = "Name:\tweb\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
  EXPECT_EQ(parse_status_size(kStatus, "VmHWM"), 2048U * 1024);
  EXPECT_EQ(parse_status_size(kStatus, "VmRSS"), 1024U * 1024);
  EXPECT_FALSE(parse_status_size(kStatus, "VmSwap"));
  EXPECT_FALSE(parse_status_size("\nVmRSS:", "VmRSS"));
}

TEST(ProcReader, SystemCallsHaveNames) {
  EXPECT_EQ(parse_system_call("running\n"), "");
  EXPECT_EQ(parse_system_call("-1 0x7f 0x7e\n"), "");
  EXPECT_EQ(parse_system_call("99999 0x0\n"), "system call 99999");
  EXPECT_EQ(parse_system_call(""), "");
}

TEST(ProcReader, LooksAtThisProcess) {
  const auto facts = read_proc(::getpid());
  ASSERT_TRUE(facts);
  ASSERT_FALSE(facts->threads.empty());
  EXPECT_EQ(facts->threads.front().tid, ::getpid());
  EXPECT_EQ(facts->threads.front().state, 'R');
  EXPECT_GE(facts->thread_count, 1U);
  EXPECT_GT(facts->resident_bytes.value_or(0), 0U);
  EXPECT_GE(facts->peak_bytes.value_or(0), facts->resident_bytes.value_or(1));
  EXPECT_GE(facts->descriptors.value_or(0), 3U);
  EXPECT_GT(resident_bytes(::getpid()).value_or(0), 0U);
}

TEST(ProcReader, NobodyHasNoFacts) {
  EXPECT_FALSE(read_proc(1 << 30));
  EXPECT_FALSE(resident_bytes(1 << 30));
}

}  // namespace
}  // namespace reeve::supervisor
