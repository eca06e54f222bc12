// When the thread pool counts as exhausted, and when that is over: with a clock of the test's.

#include "worker/diagnosis/exhaustion.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "worker/task/retry_after.hpp"

namespace reeve::worker {
namespace {

using namespace std::chrono_literals;

class ExhaustionTest : public ::testing::Test {
 protected:
  std::optional<Exhaustion::Finding> look() {
    now += 50ms;
    return exhaustion.on(now, pool);
  }

  ipc::TimePoint now{100s};
  PoolLook pool{.threads = 2, .queue = 4};
  Exhaustion exhaustion{1s};
};

TEST_F(ExhaustionTest, AFullPoolWhereNobodyWaitsIsBusyAndNoMore) {
  pool.all_taken = true;
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(look());
}

TEST_F(ExhaustionTest, AShortQueueIsWhatTheQueueIsFor) {
  pool.all_taken = true;
  pool.waiting = 3;
  pool.longest_wait = 999ms;
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(look());
}

TEST_F(ExhaustionTest, ACallThatWaitsTooLongIsToldOnceUntilItIsOver) {
  pool.all_taken = true;
  pool.waiting = 3;
  pool.longest_wait = 1s;
  const auto began = look();
  ASSERT_TRUE(began);
  EXPECT_EQ(began->kind, Exhaustion::Kind::Began);
  EXPECT_EQ(began->lasted, 1s);
  pool.longest_wait = 1200ms;
  EXPECT_FALSE(look());
  pool = {.threads = 2, .queue = 4};
  std::optional<Exhaustion::Finding> ended;
  int looks = 0;
  while (!(ended = look())) ASSERT_LT(++looks, 100);
  EXPECT_EQ(ended->kind, Exhaustion::Kind::Ended);
  EXPECT_EQ(ended->longest_wait, 1200ms);
  EXPECT_EQ(ended->lasted, 1050ms) << "until it was seen for the last time";
  EXPECT_FALSE(exhaustion.lasts());
}

TEST_F(ExhaustionTest, ARefusalIsToldAtOnceHoweverShortTheWait) {
  pool.all_taken = true;
  pool.refused = 3;
  const auto began = look();
  ASSERT_TRUE(began);
  EXPECT_EQ(began->refused, 3U);
  pool.refused = 10;
  for (int i = 0; i < 15; ++i) EXPECT_FALSE(look()) << "one line for all of them";
  std::optional<Exhaustion::Finding> ended;
  int looks = 0;
  while (!(ended = look())) ASSERT_LT(++looks, 100);
  EXPECT_EQ(ended->refused, 10U);
}

TEST_F(ExhaustionTest, ARefusalWaitsAMomentForThreadsThatAreAboutToStart) {
  pool.refused = 3;
  EXPECT_FALSE(look());
  pool.all_taken = true;
  pool.running = {{"GET /block", 10ms}};
  const auto began = look();
  ASSERT_TRUE(began) << "and now it can be said who has them";
  EXPECT_EQ(began->refused, 3U);
}

TEST_F(ExhaustionTest, ABurstThatIsOverIsToldAllTheSame) {
  pool.refused = 3;
  int looks = 1;
  while (!look()) ASSERT_LT(++looks, 100);
  EXPECT_EQ(looks, Exhaustion::kMostRefusingLooks);
}

TEST_F(ExhaustionTest, ItIsNotOverAsLongAsItComesBackWithinASecond) {
  pool.all_taken = true;
  for (int i = 0; i < 100; ++i) {
    pool.longest_wait = i % 10 == 0 ? 1s : 0s;
    const auto found = look();
    EXPECT_EQ(found.has_value(), i == 0) << i;
  }
}

TEST_F(ExhaustionTest, WhatLastsIsToldAgain) {
  pool.all_taken = true;
  pool.longest_wait = 1s;
  std::vector<ipc::Duration> told;
  for (int i = 0; i < 1000; ++i) {
    if (const auto found = look()) told.push_back(found->lasted);
  }
  EXPECT_THAT(told, ::testing::ElementsAre(1s, 10s, 20s, 40s));
}

TEST_F(ExhaustionTest, OccupantsAreTheMostNumerousFirst) {
  pool.running = {{"GET /a", 1s}, {"GET /b", 1s}, {"GET /b", 5s}, {"scheduled c", 9s}};
  const auto all = occupants(pool);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].what, "GET /b");
  EXPECT_EQ(all[0].count, 2U);
  EXPECT_EQ(all[0].oldest, 5s);
  EXPECT_EQ(all[1].what, "scheduled c") << "it has its thread for longer";
}

TEST(RetryAfter, IsTheTimeThatTheQueueTakes) {
  EXPECT_EQ(retry_after(2s, 5, 2), 6s) << "six jobs before two threads";
  EXPECT_EQ(retry_after(100ms, 9, 4), 1s) << "at least a second";
  EXPECT_EQ(retry_after(0s, 0, 0), 1s);
  EXPECT_EQ(retry_after(1100ms, 3, 2), 3s) << "rounded up";
  EXPECT_EQ(retry_after(24h, 1024, 1), kLongestRetryAfter);
}

TEST(RetryAfter, FollowsHowLongCallsTakeOfLate) {
  ServiceTime time;
  time.add(80ms);
  EXPECT_EQ(time.mean(), 80ms);
  for (int i = 0; i < 100; ++i) time.add(8s);
  EXPECT_GT(time.mean(), 7s);
}

}  // namespace
}  // namespace reeve::worker
