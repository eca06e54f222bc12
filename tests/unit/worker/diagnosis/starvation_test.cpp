// When the loop counts as starved, by which work, and for how long: with a clock of the test's.

#include "worker/diagnosis/starvation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "worker/diagnosis/repeats.hpp"

namespace reeve::worker {
namespace {

using namespace std::chrono_literals;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class StarvationTest : public ::testing::Test {
 protected:
  std::vector<Starvation::Finding> idle() { return look(false, {}); }
  /// A callback of the runtime.
  std::vector<Starvation::Finding> callback() { return look(true, {}); }
  /// A task that has the loop since `since`.
  std::vector<Starvation::Finding> task(const std::string& name, std::uint64_t scope,
                                        ipc::TimePoint since) {
    return look(true,
                LoopActivity::Seen{
                    .activity = {ActivityKind::Request, name}, .since = since, .scope = scope});
  }

  ipc::TimePoint now{100s};
  std::uint64_t step = 1;
  Starvation starvation{250ms};

 private:
  std::vector<Starvation::Finding> look(bool busy, std::optional<LoopActivity::Seen> seen) {
    now += 50ms;
    return starvation.on({now, {step, busy}, std::move(seen)});
  }
};

TEST_F(StarvationTest, AnIdleLoopIsNotBlocked) {
  for (int i = 0; i < 100; ++i) EXPECT_THAT(idle(), IsEmpty());
  EXPECT_FALSE(starvation.suspected());
}

TEST_F(StarvationTest, OneTaskForLongerThanTheLimitIsToldOnceAndThenItsEnd) {
  const ipc::TimePoint since = now;
  for (int i = 1; i < 5; ++i) EXPECT_THAT(task("GET /slow", 7, since), IsEmpty()) << i;
  const auto began = task("GET /slow", 7, since);
  ASSERT_THAT(began, SizeIs(1));
  EXPECT_EQ(began[0].kind, Starvation::Kind::Began);
  EXPECT_EQ(began[0].activity.name, "GET /slow");
  EXPECT_EQ(began[0].lasted, 250ms);
  EXPECT_EQ(starvation.lasts(), 250ms);
  EXPECT_THAT(task("GET /slow", 7, since), IsEmpty());
  const auto ended = idle();
  ASSERT_THAT(ended, SizeIs(1));
  EXPECT_EQ(ended[0].kind, Starvation::Kind::Ended);
  EXPECT_EQ(ended[0].activity.name, "GET /slow");
  EXPECT_EQ(ended[0].lasted, 300ms) << "as long as it was seen, not longer";
  EXPECT_FALSE(starvation.lasts());
}

TEST_F(StarvationTest, ManyShortTasksAreNotOneLong) {
  for (std::uint64_t i = 1; i < 100; ++i) {
    EXPECT_THAT(task("GET /quick", i, now + 40ms), IsEmpty()) << "in one callback, one after one";
  }
}

TEST_F(StarvationTest, ABusyLoopWhoseStepsGoOnIsNotBlocked) {
  for (int i = 0; i < 100; ++i, ++step) EXPECT_THAT(callback(), IsEmpty());
}

TEST_F(StarvationTest, ACallbackWithoutATaskIsTheRuntimeItself) {
  std::vector<Starvation::Finding> found;
  for (int i = 0; i < 6; ++i) found = callback();
  ASSERT_THAT(found, SizeIs(1)) << "counted from the first look: nobody knows since when";
  EXPECT_EQ(found[0].activity.name, "the runtime itself");
  EXPECT_EQ(found[0].lasted, 250ms);
}

TEST_F(StarvationTest, ATaskIsNotBlamedForTheOneThatItHasStarted) {
  const ipc::TimePoint outer = now;
  const ipc::TimePoint inner = now + 40ms;
  std::vector<Starvation::Finding> found;
  for (int i = 0; i < 10; ++i) found = task("inner", 2, inner);
  EXPECT_THAT(found, IsEmpty());
  ASSERT_TRUE(starvation.lasts());
  found = task("outer", 1, outer);
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].kind, Starvation::Kind::Ended);
  for (int i = 0; i < 3; ++i) EXPECT_THAT(task("outer", 1, outer), IsEmpty());
  ASSERT_THAT(task("outer", 1, outer), SizeIs(1)) << "from now on the time is its own";
}

TEST_F(StarvationTest, OneAfterTheOtherIsAnEndAndABeginning) {
  const ipc::TimePoint first = now;
  for (int i = 0; i < 6; ++i) (void)task("first", 1, first);
  ++step;
  const auto both = task("second", 2, now - 300ms);
  ASSERT_THAT(both, SizeIs(2));
  EXPECT_EQ(both[0].kind, Starvation::Kind::Ended);
  EXPECT_EQ(both[0].activity.name, "first");
  EXPECT_EQ(both[1].kind, Starvation::Kind::Began);
  EXPECT_EQ(both[1].activity.name, "second");
}

TEST_F(StarvationTest, WhatLastsIsToldAgainEverMoreSeldom) {
  const ipc::TimePoint since = now;
  std::vector<ipc::Duration> told;
  while (now < since + 60s) {
    for (const auto& finding : task("GET /stuck", 1, since)) told.push_back(finding.lasted);
  }
  EXPECT_THAT(told, ::testing::ElementsAre(250ms, 5s, 10s, 20s, 40s));
}

TEST_F(StarvationTest, AStopOfTheWholeProcessIsNobodysFault) {
  const ipc::TimePoint since = now;
  EXPECT_THAT(task("GET /quick", 1, since), IsEmpty());
  now += 1h;
  EXPECT_THAT(task("GET /quick", 1, since), IsEmpty());
  now += 1h;
  EXPECT_THAT(task("GET /other", 2, since), IsEmpty());
  for (int i = 0; i < 4; ++i) EXPECT_THAT(task("GET /other", 2, since), IsEmpty());
  EXPECT_THAT(task("GET /other", 2, since), SizeIs(1)) << "but what it does afterwards is";
}

TEST_F(StarvationTest, ALimitOfZeroWatchesNothing) {
  starvation = Starvation(0ms);
  const ipc::TimePoint since = now;
  for (int i = 0; i < 100; ++i) EXPECT_THAT(task("GET /slow", 1, since), IsEmpty());
}

TEST(Repeats, TheFirstIsToldTheNextAreCounted) {
  Repeats repeats;
  const ipc::TimePoint now{1s};
  ASSERT_TRUE(repeats.admit("a", now));
  EXPECT_TRUE(repeats.admit("b", now)) << "another name";
  EXPECT_FALSE(repeats.admit("a", now + 1s));
  repeats.keep("a", 400ms);
  EXPECT_FALSE(repeats.admit("a", now + 2s));
  repeats.keep("a", 300ms);
  const auto later = repeats.admit("a", now + Repeats::kPause);
  ASSERT_TRUE(later);
  EXPECT_EQ(later->count, 2U);
  EXPECT_EQ(later->longest, 400ms);
  EXPECT_EQ(repeats.admit("a", now + 2 * Repeats::kPause)->count, 0U);
}

TEST(Repeats, NamesWithoutEndShareOne) {
  Repeats repeats;
  const ipc::TimePoint now{1s};
  std::size_t told = 0;
  for (int i = 0; i < 1000; ++i) told += repeats.admit(std::to_string(i), now) ? 1 : 0;
  EXPECT_EQ(told, Repeats::kMostNames + 1);
}

}  // namespace
}  // namespace reeve::worker
