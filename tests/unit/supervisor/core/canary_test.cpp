// A few slots go first: their new workers serve beside the old ones until they were judged.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/supervisor/core/pool_driver.hpp"

namespace reeve::supervisor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// A pool of 4 that serves, with `canaries` ready beside their predecessors for 30 s.
struct Watched {
  explicit Watched(int canaries, PoolSpec spec = spec_of(4)) : web(std::move(spec)) {
    web.serve();
    roll = web.canary(canaries, 30s);
    web.ready_all();
  }
  PoolDriver web;
  CommandId roll{};
};

TEST(Canary, StartsAllAtOnceBeyondTheSurge) {
  PoolDriver web(spec_of(4));
  web.serve();
  web.canary(2, 30s);
  EXPECT_THAT(web.forked(), ElementsAre(web.successor(0), web.successor(1)));
}

TEST(Canary, NothingElseBeginsBefore) {
  const Watched one(1);
  EXPECT_THAT(one.web.forked(), IsEmpty());
  EXPECT_THAT(one.web.drained(), IsEmpty());
  EXPECT_FALSE(one.web.slot(1).successor);
}

TEST(Canary, TheWatchBeginsWhenAllOfThemServe) {
  PoolDriver web(spec_of(4));
  web.serve();
  const CommandId roll = web.canary(2, 30s);
  web.ready(web.successor(1));
  EXPECT_THAT(web.all<Watch>(), IsEmpty());
  web.pass(5s);
  web.ready(web.successor(0));
  ASSERT_THAT(web.all<Watch>(), SizeIs(1));
  const Watch watch = web.all<Watch>()[0];
  EXPECT_EQ(watch.command, roll);
  EXPECT_THAT(watch.canaries, ElementsAre(web.successor(0), web.successor(1)));
  EXPECT_EQ(watch.until, web.now() + 30s);
}

TEST(Canary, IsJudgedOnceWhenTheWatchIsOver) {
  Watched one(1);
  one.web.pass(29999ms);
  EXPECT_THAT(one.web.all<Judge>(), IsEmpty());
  one.web.pass(1ms);
  ASSERT_THAT(one.web.all<Judge>(), SizeIs(1));
  EXPECT_EQ(one.web.all<Judge>()[0].command, one.roll);
  one.web.pass(5s);
  EXPECT_THAT(one.web.all<Judge>(), IsEmpty());
}

TEST(Canary, WithoutAWatchIsJudgedAtOnce) {
  PoolDriver web(spec_of(2));
  web.serve();
  web.canary(1, 0s);
  web.ready_all();
  EXPECT_THAT(web.all<Watch>(), SizeIs(1));
  EXPECT_THAT(web.all<Judge>(), SizeIs(1));
}

TEST(Canary, AWildWatchDoesNotOverflowTheClock) {
  for (const Duration watch : {Duration::max(), Duration::min()}) {
    PoolDriver web(spec_of(1));
    web.serve();
    web.canary(1, watch);
    web.ready_all();
    ASSERT_THAT(web.all<Watch>(), SizeIs(1));
    EXPECT_GE(web.all<Watch>()[0].until, web.now());
  }
}

TEST(Canary, JudgedGoodReplacesItsPredecessorAndTheOthersFollow) {
  Watched two(2);
  PoolDriver& web = two.web;
  const WorkerId first = web.current(0);
  const WorkerId second = web.current(1);
  web.pass(30s);
  web.judged(two.roll, true);
  EXPECT_THAT(web.drained(), ElementsAre(first, second));
  for (const Drain& drain : web.all<Drain>()) EXPECT_EQ(drain.kind, DrainKind::Patient);
  EXPECT_THAT(web.forked(), ElementsAre(web.successor(2))) << "the rest as the surge says";
  web.settle();
  EXPECT_EQ(web.outcome(two.roll), Outcome::Rolled);
  EXPECT_EQ(web.pool().generation(), Generation{2});
}

TEST(Canary, DeploysASpecification) {
  PoolDriver web(spec_of(2));
  web.serve();
  PoolSpec next = spec_of(2);
  next.grace = 7s;
  const CommandId roll = web.canary(1, 1s, next);
  web.ready_all();
  EXPECT_EQ(web.pool().find(web.successor(0))->grace, 7s);
  web.pass(1s);
  web.judged(roll, true);
  web.settle();
  EXPECT_EQ(web.pool().spec(), next);
}

TEST(Canary, PredecessorsWaitForAPlaceAmongTheDraining) {
  PoolSpec spec = spec_of(4);
  spec.max_draining = 1;
  Watched three(3, spec);
  PoolDriver& web = three.web;
  const WorkerId first = web.current(0);
  web.pass(30s);
  web.judged(three.roll, true);
  EXPECT_THAT(web.drained(), ElementsAre(first));
  EXPECT_THAT(web.forked(), IsEmpty()) << "the surge is taken";
  web.exited(first);
  EXPECT_THAT(web.drained(), SizeIs(1));
  web.settle();
  EXPECT_EQ(web.outcome(three.roll), Outcome::Rolled);
}

TEST(Canary, JudgedBadTurnsBackWithTheFigures) {
  Watched one(1);
  const WorkerId old = one.web.current(0);
  const WorkerId canary = one.web.successor(0);
  one.web.pass(30s);
  one.web.judged(one.roll, false, "5.0 % errors, before 0.1 %");
  ASSERT_EQ(one.web.outcome(one.roll), Outcome::Aborted);
  EXPECT_EQ(one.web.verdicts(one.roll)[0].text,
            "5.0 % errors, before 0.1 %; generation 1 serves on");
  EXPECT_THAT(one.web.drained(), ElementsAre(canary));
  EXPECT_EQ(one.web.all<Drain>()[0].kind, DrainKind::Patient) << "it serves";
  EXPECT_EQ(one.web.current(0), old);
}

TEST(Canary, IsJudgedBadAtAnyTimeOfTheWatch) {
  Watched one(1);
  one.web.pass(1s);
  one.web.judged(one.roll, false, "errors");
  EXPECT_EQ(one.web.outcome(one.roll), Outcome::Aborted);
}

TEST(Canary, AJudgementAtTheWrongTimeOrOfAnotherCommandChangesNothing) {
  PoolDriver web(spec_of(4));
  web.serve();
  web.judged(CommandId{99}, false);
  EXPECT_TRUE(web.ordered_nothing());
  const CommandId roll = web.canary(1, 30s);
  web.judged(roll, false);
  EXPECT_TRUE(web.ordered_nothing()) << "it boots";
  web.ready_all();
  web.judged(roll, true);
  EXPECT_TRUE(web.ordered_nothing()) << "it is too early to be good";
  web.judged(CommandId{99}, false);
  EXPECT_TRUE(web.ordered_nothing());
  web.pass(30s);
  web.judged(CommandId{99}, true);
  EXPECT_TRUE(web.ordered_nothing());
  web.judged(roll, true);
  web.judged(roll, false);
  EXPECT_TRUE(web.ordered_nothing()) << "it was judged";
  web.settle();
  EXPECT_EQ(web.outcome(roll), Outcome::Rolled);
}

TEST(Canary, NobodyToJudgeItFailsIt) {
  Watched one(1);
  one.web.pass(30s + kJudgement);
  ASSERT_EQ(one.web.outcome(one.roll), Outcome::Aborted);
  EXPECT_THAT(one.web.verdicts(one.roll)[0].text, HasSubstr("nobody judged"));
}

TEST(Canary, ItsDeathFailsTheRoll) {
  Watched two(2);
  const WorkerId dead = two.web.successor(1);
  two.web.pass(12s);
  two.web.exited(dead, Death{.exit_code = 3});
  ASSERT_EQ(two.web.outcome(two.roll), Outcome::Aborted);
  EXPECT_EQ(two.web.verdicts(two.roll)[0].text,
            "crashed while watched, after 12 s: exited with code 3; generation 1 serves on");
  EXPECT_EQ(two.web.verdicts(two.roll)[0].culprit, dead);
  EXPECT_EQ(two.web.pool().generation(), Generation{1});
  EXPECT_FALSE(two.web.slot(0).successor);
}

TEST(Canary, ThatDoesNotStartFailsTheRoll) {
  PoolDriver web(spec_of(2));
  web.serve();
  const CommandId roll = web.canary(1, 30s);
  web.exited(web.successor(0), Death{.exit_code = 3});
  ASSERT_EQ(web.outcome(roll), Outcome::Aborted);
  EXPECT_EQ(web.verdicts(roll)[0].text, "exited with code 3; generation 1 serves on");
}

TEST(Canary, AlwaysTurnsBackEvenWhereAFailurePauses) {
  PoolSpec spec = spec_of(3);
  spec.on_failure = RollFailure::Pause;
  Watched two(2, spec);
  two.web.exited(two.web.current(0), kCrash);  // So that a canary is the slot's only worker.
  two.web.exited(two.web.successor(1), kCrash);
  two.web.settle();
  ASSERT_EQ(two.web.outcome(two.roll), Outcome::Aborted);
  EXPECT_THAT(two.web.verdicts(two.roll)[0].text, HasSubstr("generation 1 serves on"));
  EXPECT_EQ(two.web.generation_of(0), Generation{1});
}

TEST(Canary, OfASlotWhosePredecessorDiedIsStillJudged) {
  Watched one(1);
  const WorkerId canary = one.web.successor(0);
  one.web.exited(one.web.current(0), kCrash);
  EXPECT_EQ(one.web.current(0), canary);
  EXPECT_EQ(one.web.state(0), SlotState::Running);
  one.web.pass(30s);
  EXPECT_THAT(one.web.all<Judge>(), SizeIs(1));
  one.web.judged(one.roll, false, "errors");
  EXPECT_EQ(one.web.phase(canary), WorkerPhase::Serving) << "until an old one serves again";
  one.web.settle();
  EXPECT_EQ(one.web.generation_of(0), Generation{1});
  EXPECT_EQ(one.web.outcome(one.roll), Outcome::Aborted);
}

TEST(Canary, MeanwhileACrashOfAnotherSlotIsFollowedInTheOldGeneration) {
  Watched one(1);
  one.web.exited(one.web.current(2), kCrash);
  ASSERT_THAT(one.web.forked(), SizeIs(1));
  EXPECT_EQ(one.web.generation_of(2), Generation{1});
  one.web.ready(one.web.current(2));
  one.web.pass(30s);
  one.web.judged(one.roll, true);
  one.web.settle();
  EXPECT_EQ(one.web.outcome(one.roll), Outcome::Rolled);
  EXPECT_EQ(one.web.generation_of(2), Generation{2});
}

TEST(Canary, TakesTheSlotsThatRun) {
  PoolDriver web(spec_of(4));
  web.start({2, 3});
  web.ready(web.current(3));
  web.canary(2, 30s);
  EXPECT_TRUE(web.slot(3).successor) << "runs";
  EXPECT_TRUE(web.slot(2).successor) << "boots";
  EXPECT_EQ(web.state(0), SlotState::Stopped);
  web.ready_all();
  EXPECT_THAT(web.all<Watch>(), SizeIs(1));
}

TEST(Canary, MoreThanThePoolHasAreAllOfIt) {
  const Watched all(99, spec_of(2));
  EXPECT_THAT(all.web.all<Watch>(), SizeIs(1));
  EXPECT_TRUE(all.web.slot(0).successor);
  EXPECT_TRUE(all.web.slot(1).successor);
}

TEST(Canary, APoolThatIsDownStartsWithoutOne) {
  PoolDriver web(spec_of(2));
  const CommandId roll = web.canary(1, 30s);
  EXPECT_THAT(web.forked(), SizeIs(2));
  web.ready_all();
  EXPECT_EQ(web.outcome(roll), Outcome::Rolled);
}

TEST(Canary, SlotsThatAreDownStartAfterIt) {
  PoolDriver web(spec_of(2));
  web.start({0});
  web.ready_all();
  const CommandId roll = web.canary(1, 30s);
  EXPECT_THAT(web.forked(), SizeIs(1));
  web.ready_all();
  web.pass(30s);
  web.judged(roll, true);
  EXPECT_EQ(web.generation_of(1), Generation{2});
}

TEST(Canary, AStopOfThePoolEndsIt) {
  Watched one(1);
  const CommandId stop = one.web.stop();
  EXPECT_EQ(one.web.outcome(one.roll), Outcome::Aborted);
  one.web.settle();
  EXPECT_TRUE(one.web.answered(stop));
  EXPECT_TRUE(one.web.pool().quiet());
  EXPECT_EQ(one.web.pool().next_deadline(), std::nullopt);
}

TEST(Canary, AHardRestartOfThePoolEndsIt) {
  Watched one(1);
  const CommandId hard = one.web.hard_restart();
  EXPECT_EQ(one.web.outcome(one.roll), Outcome::Aborted);
  one.web.settle();
  EXPECT_TRUE(one.web.answered(hard));
  EXPECT_EQ(one.web.generation_of(0), Generation{1});
}

TEST(Canary, WhoTakesTheLastOneAwayFailsTheRoll) {
  for (const bool scales : {false, true}) {
    PoolDriver web(spec_of(2));
    web.start({1});
    web.ready_all();
    const CommandId roll = web.canary(1, 30s);
    web.ready_all();
    web.start({0});
    web.ready_all();
    scales ? web.scale(1) : web.hard_restart({1});
    EXPECT_EQ(web.outcome(roll), Outcome::Aborted);
    web.settle();
    EXPECT_EQ(web.generation_of(0), Generation{1});
  }
}

TEST(Canary, TheOthersAreJudgedWhenOneIsTakenAway) {
  Watched two(2);
  const WorkerId stopped = two.web.current(0);
  two.web.stop({0});
  two.web.exited(stopped);
  EXPECT_FALSE(two.web.answered(two.roll));
  two.web.pass(30s);
  EXPECT_THAT(two.web.all<Judge>(), SizeIs(1));
  two.web.judged(two.roll, true);
  two.web.settle();
  EXPECT_EQ(two.web.outcome(two.roll), Outcome::Rolled);
  EXPECT_EQ(two.web.state(0), SlotState::Stopped);
}

TEST(Canary, AHardRestartOfAnotherSlotIsOldUntilTheVerdict) {
  Watched one(1);
  one.web.hard_restart({2});
  one.web.exited(one.web.current(2));
  EXPECT_EQ(one.web.generation_of(2), Generation{1});
  one.web.ready(one.web.current(2));
  one.web.pass(30s);
  one.web.judged(one.roll, true);
  one.web.settle();
  EXPECT_EQ(one.web.generation_of(2), Generation{2});
}

TEST(Canary, ScaledUpMeanwhileStartsOldAndIsRolledAfterIt) {
  Watched one(1);
  const CommandId scale = one.web.scale(5);
  EXPECT_EQ(one.web.generation_of(4), Generation{1});
  one.web.ready(one.web.current(4));
  EXPECT_EQ(one.web.outcome(scale), Outcome::Scaled);
  one.web.pass(30s);
  one.web.judged(one.roll, true);
  one.web.settle();
  EXPECT_EQ(one.web.generation_of(4), Generation{2});
}

TEST(Canary, AStallOfTheMasterMakesTheWatchLonger) {
  Watched one(1);
  one.web.pass(10s);
  one.web.stall(1h);
  EXPECT_THAT(one.web.all<Judge>(), IsEmpty());
  one.web.pass(kStall);
  EXPECT_THAT(one.web.all<Judge>(), SizeIs(1));
}

TEST(Canary, AnotherDeployMeanwhileIsBusy) {
  Watched one(1);
  EXPECT_EQ(one.web.outcome(one.web.roll()), Outcome::Busy);
}

}  // namespace
}  // namespace reeve::supervisor
