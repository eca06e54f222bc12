// The lease: which worker of a pool holds it, and which runs it may do.
#include "supervisor/core/lease.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "pool_driver.hpp"

namespace reeve::supervisor {
namespace {

constexpr WallTime kNow{1'700'000'000'000ms};
constexpr std::uint64_t kBase = 1000;

/// A pool whose workers all want the lease as soon as they serve.
class LeaseTest : public testing::Test {
 protected:
  void serve(PoolSpec spec) {
    pool.emplace(std::move(spec));
    pool->serve();
  }
  void all_want() {
    for (const auto& [id, worker] : pool->pool().workers()) lease.wanted(id, kNow);
  }
  std::optional<WorkerId> granted_to() {
    const auto grant = lease.settle(pool->pool());
    return grant ? std::optional(grant->worker) : std::nullopt;
  }
  ClaimVerdict claim(WorkerId worker, const std::string& name, Duration in, WallTime now = kNow) {
    const auto after = std::chrono::duration_cast<std::chrono::milliseconds>(in);
    return lease.claim(worker, {name, now + after}, now);
  }

  std::optional<PoolDriver> pool;
  PoolLease lease{kBase};
};

TEST_F(LeaseTest, NobodyWhoWantsItNobodyHolds) {
  serve(spec_of(2));
  EXPECT_FALSE(granted_to());
  EXPECT_FALSE(lease.state().since);
}

TEST_F(LeaseTest, TheLowestSlotIsFirstAndHoldsAlone) {
  serve(spec_of(3));
  lease.wanted(pool->current(2), kNow);
  lease.wanted(pool->current(1), kNow + 1s);
  const auto grant = lease.settle(pool->pool());
  ASSERT_TRUE(grant);
  EXPECT_EQ(grant->worker, pool->current(1));
  EXPECT_EQ(grant->lease, (ipc::Lease{.fence = kBase + 1, .since = kNow}));
  lease.wanted(pool->current(0), kNow);
  EXPECT_FALSE(granted_to()) << "it has a holder";
}

TEST_F(LeaseTest, OneThatBootsWaitsUntilItServes) {
  pool.emplace(spec_of(1));
  pool->start();
  all_want();
  EXPECT_FALSE(granted_to());
  pool->ready_all();
  EXPECT_EQ(granted_to(), pool->current(0));
}

TEST_F(LeaseTest, WhoDrainsKeepsItUntilItReleasesIt) {
  serve(spec_of(2));
  all_want();
  const WorkerId first = granted_to().value();
  pool->stop({0});
  EXPECT_EQ(pool->phase(first), WorkerPhase::Draining);
  EXPECT_FALSE(granted_to());
  EXPECT_TRUE(lease.released(first));
  const auto grant = lease.settle(pool->pool());
  ASSERT_TRUE(grant);
  EXPECT_EQ(grant->worker, pool->current(1));
  EXPECT_EQ(grant->lease.fence, kBase + 2);
  EXPECT_EQ(grant->why, "web:0 has released it");
}

TEST_F(LeaseTest, WhoIsKilledKeepsItUntilItIsReaped) {
  serve(spec_of(2));
  all_want();
  const WorkerId first = granted_to().value();
  pool->stop({0});
  pool->end_grace();
  EXPECT_EQ(pool->phase(first), WorkerPhase::Killed);
  EXPECT_FALSE(granted_to());
  pool->exited(first, Death{.signal = 9});
  EXPECT_EQ(granted_to(), pool->current(1));
}

TEST_F(LeaseTest, AfterACrashAnotherHasItAtOnce) {
  serve(spec_of(2));
  all_want();
  const WorkerId first = granted_to().value();
  pool->exited(first, kCrash);
  const auto grant = lease.settle(pool->pool());
  ASSERT_TRUE(grant);
  EXPECT_EQ(grant->worker, pool->current(1));
  EXPECT_EQ(grant->why, "web:0 has ended");
}

TEST_F(LeaseTest, InARollItMovesToTheNewGeneration) {
  serve(spec_of(3));
  all_want();
  const WorkerId first = granted_to().value();
  pool->roll();
  pool->settle();
  all_want();
  EXPECT_EQ(pool->phase(first), std::nullopt);
  EXPECT_EQ(granted_to(), pool->current(0));
  // Half way through the next roll the newest one comes first, whatever its slot.
  const WorkerId second = pool->current(0);
  pool->deploy(spec_of(3));
  pool->ready_all();  // web:0 is replaced, and drains.
  all_want();
  EXPECT_EQ(pool->phase(second), WorkerPhase::Draining);
  EXPECT_TRUE(lease.released(second));
  EXPECT_EQ(granted_to(), pool->current(0));
  EXPECT_EQ(pool->generation_of(0), Generation{3});
}

TEST_F(LeaseTest, OneThatSoaksDoesNotGetIt) {
  PoolSpec soaking = spec_of(1);
  soaking.soak = 10s;
  serve(soaking);
  const WorkerId old = pool->current(0);
  pool->roll();
  pool->ready_all();
  const WorkerId successor = pool->successor(0);
  EXPECT_EQ(pool->phase(successor), WorkerPhase::Serving);
  lease.wanted(successor, kNow);
  EXPECT_FALSE(granted_to()) << "the roll may still go back";
  pool->pass(10s);
  EXPECT_EQ(pool->current(0), successor);
  EXPECT_EQ(granted_to(), successor);
  EXPECT_NE(old, successor);
}

TEST_F(LeaseTest, ACanaryDoesNotGetItBeforeItWasJudgedGood) {
  serve(spec_of(2));
  const CommandId roll = pool->canary(1, 10s);
  pool->ready_all();
  const WorkerId canary = pool->successor(0);
  lease.wanted(canary, kNow);
  EXPECT_FALSE(granted_to());
  pool->pass(10s);
  EXPECT_FALSE(granted_to());
  pool->judged(roll, true);
  EXPECT_EQ(granted_to(), canary);
}

/// Where there is no room for a surge, the candidate is its slot's only worker and on trial all the
/// same.
TEST_F(LeaseTest, OneThatSoaksInAnEmptiedSlotDoesNotGetIt) {
  PoolSpec spec = spec_of(1);
  spec.surge = 0;
  spec.max_unavailable = 1;
  spec.soak = 10s;
  serve(spec);
  pool->roll();
  pool->exited(pool->current(0));
  pool->ready_all();
  const WorkerId candidate = pool->current(0);
  EXPECT_EQ(pool->phase(candidate), WorkerPhase::Serving);
  lease.wanted(candidate, kNow);
  EXPECT_FALSE(granted_to());
  pool->pass(10s);
  EXPECT_EQ(granted_to(), candidate);
}

TEST_F(LeaseTest, WhoIsAboutToLeaveIsPassedOver) {
  serve(spec_of(2));
  all_want();
  lease.leaving(pool->current(0));
  EXPECT_EQ(granted_to(), pool->current(1));
  lease.leaving(pool->current(1));
  EXPECT_EQ(lease.holder(), pool->current(1)) << "until it releases it";
}

TEST_F(LeaseTest, WhoCannotBeToldIsPassedOver) {
  serve(spec_of(2));
  all_want();
  const WorkerId first = granted_to().value();
  lease.not_told(first);
  EXPECT_EQ(granted_to(), pool->current(1));
  EXPECT_EQ(lease.claim(first, {"a", kNow}, kNow), ClaimVerdict::NotHolder);
}

TEST_F(LeaseTest, WhoDoesNotHoldItReleasesNothing) {
  serve(spec_of(2));
  all_want();
  const WorkerId first = granted_to().value();
  EXPECT_FALSE(lease.released(pool->current(1)));
  EXPECT_EQ(lease.holder(), first);
  pool->exited(first, kCrash);
  EXPECT_FALSE(granted_to()) << "web:1 does not want it any more";
}

TEST_F(LeaseTest, ARunIsGrantedOnceAndOnlyToTheHolder) {
  serve(spec_of(2));
  all_want();
  const WorkerId first = granted_to().value();
  EXPECT_EQ(claim(pool->current(1), "a", 0s), ClaimVerdict::NotHolder);
  EXPECT_EQ(claim(first, "a", 0s), ClaimVerdict::Granted);
  EXPECT_EQ(claim(first, "a", 0s), ClaimVerdict::AlreadyDone);
  EXPECT_EQ(claim(first, "a", -1s), ClaimVerdict::AlreadyDone);
  EXPECT_EQ(claim(first, "b", -1s), ClaimVerdict::Granted);
  pool->exited(first, kCrash);
  const WorkerId second = granted_to().value();
  EXPECT_EQ(claim(first, "a", 1s), ClaimVerdict::NotHolder);
  EXPECT_EQ(claim(second, "a", 0s), ClaimVerdict::AlreadyDone);
  EXPECT_EQ(claim(second, "a", 1s), ClaimVerdict::Granted);
}

TEST_F(LeaseTest, ARunOfTheFarFutureWouldBlockItsName) {
  serve(spec_of(1));
  all_want();
  const WorkerId holder = granted_to().value();
  EXPECT_EQ(claim(holder, "a", 24h + 1ms), ClaimVerdict::TooFarAhead);
  EXPECT_EQ(claim(holder, "a", 24h), ClaimVerdict::Granted);
}

TEST_F(LeaseTest, ANameThatCannotBeKeptIsDeniedAsSuch) {
  serve(spec_of(1));
  all_want();
  const WorkerId holder = granted_to().value();
  EXPECT_EQ(claim(holder, std::string(129, 'x'), 0s), ClaimVerdict::BadName);
  EXPECT_EQ(claim(holder, "", 0s), ClaimVerdict::BadName);
  EXPECT_EQ(claim(holder, std::string(128, 'x'), 0s), ClaimVerdict::Granted);
}

TEST_F(LeaseTest, TheTableOfNamesIsBounded) {
  serve(spec_of(1));
  all_want();
  const WorkerId holder = granted_to().value();
  for (std::size_t i = 0; i < PoolLease::kMostScheduled; ++i) {
    EXPECT_EQ(claim(holder, fmt::format("run {}", i), std::chrono::seconds(i)),
              ClaimVerdict::Granted);
  }
  EXPECT_EQ(claim(holder, "one more", 0s), ClaimVerdict::TooManyScheduled);
  EXPECT_EQ(claim(holder, "run 7", 100s), ClaimVerdict::Granted) << "the known ones go on";
}

TEST_F(LeaseTest, ANameOfAnOldVersionMakesRoomAndIsStillGrantedNothingTwice) {
  serve(spec_of(1));
  all_want();
  const WorkerId holder = granted_to().value();
  for (std::size_t i = 0; i < PoolLease::kMostScheduled; ++i) {
    ASSERT_EQ(claim(holder, fmt::format("run {}", i), std::chrono::seconds(i)),
              ClaimVerdict::Granted);
  }
  const WallTime later = kNow + PoolLease::kForgottenAfter;
  EXPECT_EQ(claim(holder, "new", 0s, later), ClaimVerdict::Granted);
  EXPECT_EQ(lease.state().granted.size(), PoolLease::kMostScheduled);
  EXPECT_EQ(lease.claim(holder, {"run 0", kNow}, later + 1h), ClaimVerdict::AlreadyDone);
  EXPECT_EQ(lease.claim(holder, {"run 0", kNow + 2s}, later + 1h), ClaimVerdict::Granted);
}

TEST_F(LeaseTest, AnotherMasterGoesOnWithIt) {
  serve(spec_of(2));
  all_want();
  const WorkerId first = granted_to().value();
  EXPECT_EQ(claim(first, "a", 0s), ClaimVerdict::Granted);
  PoolLease next(lease.state());
  EXPECT_EQ(next.state(), lease.state());
  EXPECT_FALSE(next.settle(pool->pool()));
  EXPECT_EQ(next.claim(first, {"a", kNow}, kNow), ClaimVerdict::AlreadyDone);
  pool->exited(first, kCrash);
  EXPECT_EQ(next.settle(pool->pool())->lease.fence, kBase + 2);
}

TEST_F(LeaseTest, APoolThatIsAddedAnewGoesOnWhereTheRemovedOneEnded) {
  serve(spec_of(1));
  all_want();
  const WorkerId first = granted_to().value();
  EXPECT_EQ(claim(first, "a", 0s), ClaimVerdict::Granted);
  PoolLease added(kBase - 500);
  added.wanted(first, kNow + 1h);
  added.succeed(lease.state());
  const auto grant = added.settle(pool->pool());
  ASSERT_TRUE(grant);
  EXPECT_EQ(grant->lease, (ipc::Lease{.fence = kBase + 2, .since = kNow}));
  EXPECT_EQ(added.claim(first, {"a", kNow}, kNow), ClaimVerdict::AlreadyDone);
}

TEST_F(LeaseTest, AClockThatWasAheadBlocksNoNameOnceItIsRight) {
  constexpr auto kYear = 24h * 365;
  serve(spec_of(2));
  for (const auto& [id, worker] : pool->pool().workers()) lease.wanted(id, kNow + kYear);
  const WorkerId first = granted_to().value();
  EXPECT_EQ(claim(first, "a", 0s, kNow + kYear), ClaimVerdict::Granted);
  EXPECT_EQ(claim(first, "b", 0s, kNow), ClaimVerdict::Granted);

  EXPECT_EQ(lease.mistrust_clock(kNow), "a");
  EXPECT_EQ(claim(first, "a", 0s), ClaimVerdict::Granted);
  EXPECT_EQ(claim(first, "a", 0s), ClaimVerdict::AlreadyDone);
  EXPECT_EQ(claim(first, "b", 0s), ClaimVerdict::AlreadyDone)
      << "it was granted by a clock in order";
  pool->exited(first, kCrash);
  EXPECT_EQ(lease.settle(pool->pool())->lease.since, kNow) << "none is made up from before";
  EXPECT_EQ(lease.mistrust_clock(kNow), "") << "it is forgotten once";
}

TEST_F(LeaseTest, AClockThatWasAheadBlocksNoNewNameForFormerOnes) {
  LeaseState state{.fence = kBase, .since = kNow, .forgotten = kNow + 25h};
  PoolLease ahead(state);
  EXPECT_EQ(ahead.mistrust_clock(kNow + 1min), "former ones");
  EXPECT_EQ(ahead.state().forgotten, std::nullopt);
  EXPECT_EQ(ahead.state().since, kNow + 1min);
  EXPECT_EQ(broken_rule(ahead.state(), {}), "");
}

TEST_F(LeaseTest, AClockThatIsPutBackALittleIsBelieved) {
  serve(spec_of(1));
  all_want();
  const WorkerId first = granted_to().value();
  EXPECT_EQ(claim(first, "a", 24h), ClaimVerdict::Granted);
  EXPECT_EQ(lease.mistrust_clock(kNow), "");
  EXPECT_EQ(lease.state().since, kNow);
  EXPECT_EQ(claim(first, "a", 0s), ClaimVerdict::AlreadyDone);
}

TEST_F(LeaseTest, WhoIsGoneIsForgottenAlsoWhileNothingMayBeGranted) {
  serve(spec_of(1));
  all_want();
  pool->exited(pool->current(0), kCrash);
  lease.forget_gone(pool->pool());
  EXPECT_TRUE(lease.state().wanting.empty());
  EXPECT_EQ(broken_rule(lease.state(), {}), "");
}

TEST_F(LeaseTest, AStateThatCannotBeIsRefused) {
  serve(spec_of(2));
  all_want();
  ASSERT_TRUE(granted_to());
  std::vector<Worker> workers;
  for (const auto& [id, worker] : pool->pool().workers()) workers.push_back(worker);
  const LeaseState good = lease.state();
  EXPECT_EQ(broken_rule(good, workers), "");
  EXPECT_EQ(broken_rule({}, {}), "");

  EXPECT_NE(broken_rule(good, {}), "");
  LeaseState bad = good;
  bad.wanting.push_back(*bad.holder);
  EXPECT_NE(broken_rule(bad, workers), "");
  bad = good;
  bad.since.reset();
  EXPECT_NE(broken_rule(bad, workers), "");
  bad = good;
  bad.granted = {{"a", kNow}, {"a", kNow}};
  EXPECT_NE(broken_rule(bad, workers), "");
  bad.granted.assign(PoolLease::kMostScheduled + 1, {"a", kNow});
  EXPECT_NE(broken_rule(bad, workers), "");
}

}  // namespace
}  // namespace reeve::supervisor
