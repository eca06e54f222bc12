// The canary's judge: what makes a canary bad, and what does not.

#include "supervisor/core/canary_judge.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace reeve::supervisor {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

SideFigures side(std::uint64_t requests, std::uint64_t errors, Duration each = 5ms) {
  SideFigures figures{.workers = 1, .requests = requests, .errors = errors};
  figures.latencies.counts.at(ipc::Latencies::bucket_of(each)) = requests;
  return figures;
}

TEST(CanaryJudge, AsGoodAsTheOldOnes) {
  const auto verdict = judge({.canary = side(100, 1), .old = side(400, 4)}, Moment::AtEnd);
  EXPECT_TRUE(verdict.good);
  EXPECT_THAT(verdict.text, HasSubstr("canary is as good as the old ones: canary 100 requests, "
                                      "1 error (1.0 %), p99 5.6 ms, no crash; old ones 400 "));
}

TEST(CanaryJudge, ACrashIsBadAtOnce) {
  CanaryFigures figures{.canary = side(100, 0), .old = side(400, 0)};
  figures.canary.crashes = 1;
  EXPECT_FALSE(judge(figures, Moment::Midway).good);
  EXPECT_THAT(judge(figures, Moment::AtEnd).text, HasSubstr("the canary crashed"));
}

TEST(CanaryJudge, ACrashOfAnOldOneSaysNothingOfTheCanary) {
  CanaryFigures figures{.canary = side(100, 0), .old = side(400, 0)};
  figures.old.crashes = 3;
  EXPECT_TRUE(judge(figures, Moment::AtEnd).good);
}

TEST(CanaryJudge, MoreErrorsAreBadWhenTheyAreNoChance) {
  EXPECT_FALSE(judge({.canary = side(200, 10), .old = side(1000, 5)}, Moment::AtEnd).good);
  EXPECT_TRUE(judge({.canary = side(20, 4), .old = side(1000, 5)}, Moment::AtEnd).good)
      << "four errors are too few";
  EXPECT_TRUE(judge({.canary = side(100, 6), .old = side(100, 4)}, Moment::AtEnd).good)
      << "that may be chance";
  EXPECT_TRUE(judge({.canary = side(10'000, 150), .old = side(10'000, 100)}, Moment::AtEnd).good)
      << "half a percentage point is tolerated";
}

TEST(CanaryJudge, ErrorsWithoutAnythingToCompareWithAreBad) {
  EXPECT_FALSE(judge({.canary = side(50, 25), .old = side(0, 0)}, Moment::AtEnd).good);
}

TEST(CanaryJudge, AStormOfErrorsEndsTheWatch) {
  EXPECT_FALSE(judge({.canary = side(40, 30), .old = side(100, 1)}, Moment::Midway).good);
  EXPECT_TRUE(judge({.canary = side(200, 10), .old = side(1000, 5)}, Moment::Midway).good)
      << "a few errors may still be diluted";
  EXPECT_TRUE(judge({.canary = side(40, 30), .old = side(100, 70)}, Moment::Midway).good)
      << "when all fail, it is not the canary";
}

TEST(CanaryJudge, SlowerIsBadFromFiftyRequestsOn) {
  EXPECT_FALSE(judge({.canary = side(60, 0, 80ms), .old = side(60, 0, 5ms)}, Moment::AtEnd).good);
  EXPECT_TRUE(judge({.canary = side(49, 0, 80ms), .old = side(60, 0, 5ms)}, Moment::AtEnd).good);
  EXPECT_TRUE(judge({.canary = side(60, 0, 9ms), .old = side(60, 0, 1ms)}, Moment::AtEnd).good)
      << "10 ms are tolerated";
}

TEST(CanaryJudge, WithoutTrafficItIsGoodAndSaysSo) {
  const auto verdict = judge({.canary = side(0, 0), .old = side(0, 0)}, Moment::AtEnd);
  EXPECT_TRUE(verdict.good);
  EXPECT_THAT(verdict.text, HasSubstr("got no request"));
}

TEST(CanaryJudge, OfAForeignProgramOnlyCrashesAreKnown) {
  CanaryFigures figures{.canary = {.workers = 1, .silent = 1}, .old = {.workers = 1, .silent = 1}};
  EXPECT_THAT(judge(figures, Moment::AtEnd).text, HasSubstr("keeps no figures"));
  figures.canary.crashes = 1;
  EXPECT_FALSE(judge(figures, Moment::AtEnd).good);
}

ipc::RecorderReading reading(std::uint64_t requests, std::uint64_t errors) {
  ipc::RecorderReading reading;
  reading.requests = requests;
  reading.errors = errors;
  reading.latencies.counts[0] = requests;
  return reading;
}

TEST(CanaryLedger, CountsFromTheFirstReadingOn) {
  CanaryLedger ledger;
  ledger.observe(WorkerId{1}, Side::Old, reading(1000, 50));
  ledger.observe(WorkerId{2}, Side::Canary, reading(1, 0));
  ledger.observe(WorkerId{1}, Side::Old, reading(1100, 51));
  ledger.observe(WorkerId{2}, Side::Canary, reading(31, 2));
  const CanaryFigures figures = ledger.figures();
  EXPECT_EQ(figures.old.requests, 100U);
  EXPECT_EQ(figures.old.errors, 1U);
  EXPECT_EQ(figures.canary.requests, 30U);
  EXPECT_EQ(figures.canary.errors, 2U);
  EXPECT_EQ(figures.canary.latencies.total(), 30U);
}

TEST(CanaryLedger, AWorkerThatCrashedStaysInTheSum) {
  CanaryLedger ledger;
  ledger.observe(WorkerId{1}, Side::Old, reading(0, 0));
  ledger.observe(WorkerId{1}, Side::Old, reading(10, 0));
  ledger.crashed(WorkerId{1});
  ledger.crashed(WorkerId{9});
  ledger.observe(WorkerId{2}, Side::Old, reading(5, 0));
  ledger.observe(WorkerId{2}, Side::Old, reading(7, 0));
  EXPECT_EQ(ledger.figures().old.requests, 12U);
  EXPECT_EQ(ledger.figures().old.crashes, 1);
  EXPECT_EQ(ledger.figures().old.workers, 2);
}

TEST(CanaryLedger, AForeignWorkerIsSilent) {
  CanaryLedger ledger;
  ledger.observe(WorkerId{1}, Side::Canary, std::nullopt);
  EXPECT_EQ(ledger.figures().canary.silent, 1);
}

TEST(CanaryLedger, AWorkerThatCountsBackwardsCountsNothing) {
  CanaryLedger ledger;
  ledger.observe(WorkerId{1}, Side::Canary, reading(100, 100));
  ledger.observe(WorkerId{1}, Side::Canary, reading(5, 5));
  EXPECT_EQ(ledger.figures().canary.requests, 0U);
  EXPECT_EQ(ledger.figures().canary.errors, 0U);
}

TEST(CanaryLedger, AWorkerHasNoMoreErrorsThanRequests) {
  CanaryLedger ledger;
  ledger.observe(WorkerId{1}, Side::Old, reading(0, 0));
  ledger.observe(WorkerId{2}, Side::Canary, reading(0, 0));
  ledger.observe(WorkerId{1}, Side::Old, reading(100, 0));
  ledger.observe(WorkerId{2}, Side::Canary, reading(40, 4000));
  EXPECT_EQ(ledger.figures().canary.errors, 40U);
  EXPECT_FALSE(judge(ledger.figures(), Moment::AtEnd).good);
}

}  // namespace
}  // namespace reeve::supervisor
