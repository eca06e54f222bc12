// Deaths: what is told of them, and what is kept.

#include "supervisor/postmortem/death_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reeve::supervisor {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

DeathFacts crash() {
  DeathFacts facts{.name = "web:1",
                   .when = "2026-11-22 10:00:00",
                   .pid = 4711,
                   .generation = Generation{3},
                   .phase = WorkerPhase::Serving,
                   .lived = 90s,
                   .cause = "killed by SIGSEGV (core dumped)"};
  facts.recorder.emplace();
  facts.recorder->in_flight = 1;
  facts.recorder->oldest = {{"GET /slow", 31s}};
  facts.box.crash = {"SIGSEGV at address 0x0, in thread 4711 (web):", "  #0 oops"};
  facts.output = {"farewell"};
  return facts;
}

TEST(DeathReport, SaysWhoWhenWhyAndWhatWasLost) {
  const DeathReport report = death_report(crash());
  EXPECT_THAT(report.summary,
              ElementsAre("web:1: pid 4711 (generation 3) killed by SIGSEGV (core dumped)",
                          "at 2026-11-22 10:00:00, after 90 s, while it served"));
  EXPECT_THAT(report.main, ElementsAre("requests in flight:", "  GET /slow for 31 s", "the crash:",
                                       "  SIGSEGV at address 0x0, in thread 4711 (web):",
                                       "    #0 oops", "its last lines:", "  farewell"));
}

TEST(DeathReport, NamesWhoBlockedTheLoopOrHadTheThreads) {
  DeathFacts facts = crash();
  facts.recorder->starvations = 1;
  facts.recorder->starvation = 2100ms;
  facts.recorder->blamed = "GET /slow";
  facts.recorder->loop_blocked = true;
  EXPECT_THAT(death_report(facts).main,
              Contains("GET /slow was blocking its event loop, for 2.1 s"));
}

TEST(DeathReport, TheLogGetsWhatItHasNotYet) {
  EXPECT_THAT(log_of_death(crash()),
              ElementsAre("requests that were in flight:", "  GET /slow for 31 s",
                          "SIGSEGV at address 0x0, in thread 4711 (web):", "  #0 oops"));
  DeathFacts plain;
  plain.output = {"its output is in the log already"};
  EXPECT_THAT(log_of_death(plain), IsEmpty());
}

TEST(DeathReport, AKillTellsWhatItFoundAndNotTheSignalThatEndedIt) {
  DeathFacts facts = crash();
  facts.kill = {.first = {"the loop thread spins: 98 % CPU"}, .rest = {"it uses 3 MiB"}};
  EXPECT_THAT(death_report(facts).main, Contains("  the loop thread spins: 98 % CPU"));
  EXPECT_THAT(death_report(facts).main, Not(Contains("    #0 oops")));
  EXPECT_THAT(death_report(facts).main, Not(Contains("  it uses 3 MiB")));
  EXPECT_THAT(death_report(facts).details, Contains("  it uses 3 MiB"));
  EXPECT_THAT(log_of_death(facts), IsEmpty()) << "the kill has logged it";
}

TEST(DeathReport, ALongCrashIsShortInTheLog) {
  DeathFacts facts = crash();
  for (int i = 1; i < 100; ++i) facts.box.crash.emplace_back("  #n more");
  for (int i = 1; i < 38; ++i) facts.recorder->oldest.push_back({"GET /slow", 1s});
  EXPECT_THAT(log_of_death(facts), SizeIs(15));
  EXPECT_THAT(log_of_death(facts), Contains("  and 34 more"));
}

TEST(DeathReport, RunningOutOfMemoryIsItsCause) {
  DeathFacts facts = crash();
  facts.cause = describe(Death{.signal = 9, .out_of_memory = true});
  EXPECT_THAT(death_report(facts).summary.front(), HasSubstr("killed: out of memory"));
}

TEST(DeathReports, HasTheLastOneOfEachSlot) {
  DeathReports pending;
  EXPECT_EQ(pending.last(0), nullptr);
  pending.keep(0, {.summary = {"first"}, .main = {}, .details = {}});
  pending.keep(0, {.summary = {"second"}, .main = {}, .details = {}});
  EXPECT_THAT(pending.last(0)->summary, ElementsAre("second"));
  EXPECT_EQ(pending.last(1), nullptr);
}

TEST(DeathReports, KeepsTheDetailsOfAFewAndForgetsTheOldest) {
  DeathReports pending;
  const int all = static_cast<int>(DeathReports::kSlots) + 1;
  for (int slot = 0; slot < all; ++slot) {
    pending.keep(slot, {.summary = {"died"}, .main = {}, .details = {"a", "b"}});
  }
  EXPECT_EQ(pending.last(0), nullptr);
  EXPECT_THAT(pending.last(1)->details, ElementsAre(HasSubstr("not kept")));
  EXPECT_THAT(pending.last(all - 11)->details, SizeIs(1));
  EXPECT_THAT(pending.last(all - 10)->details, SizeIs(2));
}

TEST(DeathReports, AnEndlessReportIsCut) {
  DeathReports pending;
  pending.keep(0, {.summary = {}, .main = {}, .details = std::vector<std::string>(100'000, "x")});
  EXPECT_THAT(pending.last(0)->details, SizeIs(DeathReports::kMostDetails + 1));
}

TEST(Why, SaysHowTheSlotFaresAndHowItsLastWorkerDied) {
  const DeathReport death{
      .summary = {"pid 7 exited"}, .main = {"GET /slow for 3 s"}, .details = {"every thread"}};
  const ipc::control::Process slot{
      .name = "web:0", .state = "BACKOFF", .detail = "next try in 3 s"};
  EXPECT_EQ(why(slot, {}, nullptr, Depth::Full),
            "web:0 is BACKOFF (next try in 3 s)\n  none of its workers has died unexpectedly\n");
  EXPECT_EQ(why(slot, {}, &death, Depth::Summary),
            "web:0 is BACKOFF (next try in 3 s)\nits last death:\n  pid 7 exited\n");
  EXPECT_THAT(why(slot, {}, &death, Depth::Main),
              ::testing::EndsWith("\n  GET /slow for 3 s\n  more: `reevectl why --full web:0`\n"));
  EXPECT_THAT(why(slot, {}, &death, Depth::Full),
              ::testing::EndsWith("\n  GET /slow for 3 s\n  every thread\n"));
}

TEST(Why, SaysWhatTheLivingWorkerSuffersFrom) {
  const ipc::control::Process slot{.name = "web:0", .state = "RUNNING", .pid = 7};
  EXPECT_EQ(
      why(slot, {"its event loop was blocked once, by GET /slow for 2.1 s"}, nullptr, Depth::Full),
      "web:0 is RUNNING, pid 7\n  its event loop was blocked once, by GET /slow for 2.1 s\n"
      "  none of its workers has died unexpectedly\n");
}

}  // namespace
}  // namespace reeve::supervisor
