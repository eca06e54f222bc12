// What the probe has scheduled: one of which every run is one worker's, through rolls, kills of its
// holder and an upgrade of the master, and one that each worker does.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "tests/e2e/harness/reeve_test.hpp"
#include "tests/e2e/harness/ticks.hpp"

namespace reeve::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Milliseconds kPeriod = 100ms;
/// Four runs of "tick" are under way at any time.
constexpr std::string_view kTakesLong = R"(PROBE_SCHEDULE_TAKE_MS = "400",)";
/// Four resources, so that a start takes eight ticks.
constexpr std::string_view kStartsLong = R"(PROBE_SLOW_OPEN_MS = "200",)";

class Scheduled : public ReeveTest {
 protected:
  /// `delays` are further variables of the probe.
  Reeve& start_ticking(int workers, std::string_view delays = "") {
    return start_ready(fmt::format(
        "[supervisor]\nname = \"t\"\nruntime_dir = \"@dir@/run\"\nlog = {{ level = \"debug\" }}\n\n"
        "[pool.cron]\ncommand = [\"@probe@\"]\nworkers = {}\n"
        "give_up = {{ failures = 1000, within = \"60s\" }}\n"
        "env = {{ {} PROBE_SCHEDULE_DIR = \"@dir@\", PROBE_SCHEDULE_MS = \"{}\" "
        "}}\n",
        workers, delays, kPeriod.count()));
  }

  [[nodiscard]] std::vector<TickRun> runs() const { return read_runs(dir / "ticks"); }
  /// Waits for ticks that are due from now on.
  [[nodiscard]] bool more_ticks(std::size_t count) const {
    const std::size_t before = runs().size();
    return eventually([&] { return runs().size() >= before + count; });
  }
  /// The process that runs it, as the master knows it; 0: none.
  [[nodiscard]] static int holder(const Reeve& reeve) {
    const auto reply = reeve.ask({.method = ipc::control::Method::Status, .schedule = true});
    for (const ipc::control::ScheduledJob& scheduled : reply.schedule) {
      if (scheduled.report.scope == ipc::ScheduleScope::One && scheduled.report.here)
        return scheduled.pid;
    }
    return 0;
  }
  /// When the last run that the master has granted was due.
  [[nodiscard]] static std::int64_t last_grant(const Reeve& reeve) {
    const auto grants = grants_in(reeve.log());
    return grants.empty() ? 0 : grants.rbegin()->first;
  }
  void kill_holder(const Reeve& reeve) {
    int pid = 0;
    ASSERT_TRUE(eventually([&] { return (pid = holder(reeve)) != 0; }));
    killed_.insert(pid);
    const Watch watch(pid);
    watch.signal(SIGKILL);
    ASSERT_TRUE(watch.ended_within(kPatience));
  }

  std::set<int> killed_;
};

TEST_F(Scheduled, NoTickIsDoneTwiceAndNoneIsLostInRollsAndKills) {
  Reeve& reeve = start_ticking(3);
  ASSERT_TRUE(more_ticks(2));
  for (int round = 0; round < 3; ++round) {
    const Finished roll = reeve.ctl({"restart", "cron"});
    ASSERT_EQ(roll.code(), 0) << roll.output << roll.errors;
    ASSERT_TRUE(more_ticks(2));
    kill_holder(reeve);
    ASSERT_TRUE(more_ticks(2));
  }
  ASSERT_EQ(reeve.stop(), Exit{.code = 0});
  const TickVerdict verdict = judge_ticks(runs(), kPeriod, reeve.log(), killed_);
  EXPECT_THAT(verdict.faults, IsEmpty());
  EXPECT_GE(verdict.holders, 4U) << "it moved with each kill at least";
}

TEST_F(Scheduled, WhatWasDueWhileThereWasNoWorkerIsMadeUp) {
  Reeve& reeve = start_ticking(1, kStartsLong);
  ASSERT_TRUE(more_ticks(2));
  kill_holder(reeve);
  const auto killed_at = std::chrono::system_clock::now().time_since_epoch();
  ASSERT_TRUE(more_ticks(10));
  ASSERT_EQ(reeve.stop(), Exit{.code = 0});

  const auto all = runs();
  const TickVerdict verdict = judge_ticks(all, kPeriod, reeve.log(), killed_);
  EXPECT_THAT(verdict.faults, IsEmpty());
  EXPECT_EQ(verdict.holders, 2U);
  const auto first =
      std::ranges::find_if(all, [&](const TickRun& run) { return !killed_.contains(run.pid); });
  ASSERT_NE(first, all.end());
  EXPECT_LE(Milliseconds(first->due_ms), killed_at + kPeriod) << "long before it was there";
}

TEST_F(Scheduled, ARunThatDiesWithItsWorkerIsNobodyElses) {
  Reeve& reeve = start_ticking(2, kTakesLong);
  ASSERT_TRUE(more_ticks(1));
  kill_holder(reeve);
  ASSERT_TRUE(more_ticks(2));
  ASSERT_EQ(reeve.stop(), Exit{.code = 0});
  const TickVerdict verdict = judge_ticks(runs(), kPeriod, reeve.log(), killed_);
  EXPECT_THAT(verdict.faults, IsEmpty());
  EXPECT_GE(verdict.excused, 1U) << "some were under way";
}

TEST_F(Scheduled, ADrainWaitsForTheRunsThatAreUnderWay) {
  Reeve& reeve = start_ticking(2, kTakesLong);
  const auto newest_tick = [&] {  // Runs that were under way in the old ones come before.
    return eventually([&] {
      const auto all = runs();
      return !all.empty() && std::ranges::count(reeve.pids(), all.back().pid) == 1;
    });
  };
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(newest_tick());
    const Finished roll = reeve.ctl({"restart", "cron"});
    ASSERT_EQ(roll.code(), 0) << roll.output << roll.errors;
  }
  ASSERT_TRUE(newest_tick());
  ASSERT_EQ(reeve.stop(), Exit{.code = 0});
  const TickVerdict verdict = judge_ticks(runs(), kPeriod, reeve.log(), {});
  EXPECT_THAT(verdict.faults, IsEmpty());
  EXPECT_GE(verdict.holders, 4U) << "it moved with each roll";
  EXPECT_EQ(last_grant(reeve), runs().back().due_ms) << "nothing that was granted is left undone";
}

TEST_F(Scheduled, OfScopeEachAreDoneByAllWorkersAlsoByNewOnes) {
  Reeve& reeve = start_ticking(3);
  const auto all_beat = [&] {
    std::map<int, int> beats;
    for (const TickRun& beat : read_runs(dir / "beats")) ++beats[beat.pid];
    return std::ranges::all_of(reeve.pids(), [&](int pid) { return beats[pid] >= 2; });
  };
  EXPECT_TRUE(eventually(all_beat));
  ASSERT_EQ(reeve.ctl({"restart", "cron"}).code(), 0);
  EXPECT_TRUE(eventually(all_beat));

  std::map<int, std::int64_t> last;
  for (const TickRun& beat : read_runs(dir / "beats")) {
    EXPECT_EQ(beat.fence, 0U) << "nobody asks for a lease";
    EXPECT_GT(beat.due_ms, last[beat.pid]) << "each of a worker's is due later than the one before";
    last[beat.pid] = beat.due_ms;
  }
  EXPECT_EQ(last.size(), 6U);
}

TEST_F(Scheduled, OnlyAnAppThatHasSomeNeedsNoSocket) {
  Reeve& reeve = start(pool("idle", R"(["@hello@"])", "workers = 1"));
  EXPECT_TRUE(reeve.logs("nothing to listen on"));
  EXPECT_TRUE(reeve.becomes("idle:0", "FATAL"));
}

TEST_F(Scheduled, GoOnThroughAnUpgradeOfTheMaster) {
  Reeve& reeve = start_ticking(2);
  ASSERT_TRUE(more_ticks(2));
  const int before = holder(reeve);
  const Finished upgrade = reeve.ctl({"upgrade"});
  ASSERT_EQ(upgrade.code(), 0) << upgrade.output << upgrade.errors;
  ASSERT_TRUE(more_ticks(2));
  EXPECT_EQ(holder(reeve), before) << "its table came along";
  kill_holder(reeve);
  ASSERT_TRUE(more_ticks(3));
  ASSERT_EQ(reeve.stop(), Exit{.code = 0});
  EXPECT_THAT(judge_ticks(runs(), kPeriod, reeve.log(), killed_).faults, IsEmpty());
}

TEST_F(Scheduled, StatusShowsThemAndTheEventsTellWhoHoldsTheLease) {
  Reeve& reeve = start_ticking(2);
  ASSERT_TRUE(more_ticks(1));
  ASSERT_TRUE(eventually([&] { return holder(reeve) != 0; }));
  const Finished shown = reeve.ctl({"status", "--schedule"});
  EXPECT_EQ(shown.code(), 0);
  EXPECT_THAT(shown.output, HasSubstr("NAME  WORKER  SCOPE  SCHEDULE"));
  EXPECT_THAT(shown.output, HasSubstr("every 100 ms"));
  EXPECT_THAT(reeve.ctl({"status", "--schedule", "--json", "cron"}).output,
              HasSubstr(R"("scope":"one")"));

  const auto events = reeve.start_ctl({"events"});
  // `events` follows once it shows an event of ours.
  ASSERT_TRUE(eventually([&] {
    (void)reeve.ctl({"signal", "CONT", "cron"});
    return events->output().contains("Signal");
  }));
  kill_holder(reeve);
  ASSERT_TRUE(eventually([&] { return events->output().contains(" lease "); }));
  EXPECT_THAT(events->output(), HasSubstr("holds the lease, fence "));
  EXPECT_THAT(reeve.log(), HasSubstr(" has ended"));
}

}  // namespace
}  // namespace reeve::e2e
