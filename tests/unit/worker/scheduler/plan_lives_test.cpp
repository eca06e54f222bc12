// Thousands of lives of a Plan: clocks that jump, runs that take long, a master that answers late
// or not at all, a lease that moves between two workers. What must always hold is checked after
// each step; the seed is printed with what broke.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "reeve/scheduled_job.hpp"
#include "worker/scheduler/plan.hpp"

namespace reeve::worker {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

/// At each full minute but every seventh.
class Irregular final : public Schedule::Calendar {
 public:
  [[nodiscard]] std::optional<WallTime> next(WallTime after) const override {
    WallTime due = std::chrono::floor<std::chrono::minutes>(after) + 1min;
    if (due.time_since_epoch() / 1min % 7 == 0) due += 1min;
    return due;
  }
};

using Random = std::mt19937;  // Printed seeds give the same lives everywhere.
int roll(Random& random, int from, int to) {
  return std::uniform_int_distribution<int>(from, to)(random);
}

ScheduledJobs random_schedule(Random& random) {
  ScheduledJobs result;
  const int count = roll(random, 1, 4);
  for (int i = 0; i < count; ++i) {
    const ScheduleOptions options{
        .scope = roll(random, 0, 1) == 0 ? ScheduleScope::Each : ScheduleScope::One,
        .coalesce = roll(random, 0, 1) == 0,
        .max_instances = roll(random, 1, 3),
        .misfire_grace = 1000ms * roll(random, 1, 200),
        .jitter = roll(random, 0, 2) == 0 ? 1000ms * roll(random, 0, 60) : 0ms};
    result.schedule(
        "run " + std::to_string(i),
        roll(random, 0, 1) == 0 ? every(1000ms * roll(random, 1, 90))
                                : Schedule("irregular", std::make_shared<Irregular>()),
        [] {}, options);
  }
  return result;
}

/// What a master remembers of a pool's schedule, in one line each: the last run that it granted.
struct Master {
  std::map<std::size_t, WallTime> granted;
  std::uint64_t fence = 100;

  bool grant(const ClaimRun& claim) {
    const auto [entry, first] = granted.try_emplace(claim.index, claim.due);
    if (!first && claim.due <= entry->second) return false;
    entry->second = claim.due;
    return true;
  }
};

/// A worker: its plan, and what has become of each due time.
class Worker {
 public:
  Worker(const ScheduledJobs& scheduled_jobs, Master& master, Random& random)
      : schedule_(scheduled_jobs.all()),
        master_(master),
        random_(random),
        plan_(schedule_, static_cast<std::uint32_t>(random())),
        accounts_(schedule_.size()) {}

  void start(Moment now) {
    for (std::size_t index = 0; index < schedule_.size(); ++index) {
      if (schedule_[index].options.scope == ScheduleScope::Each)
        accounts_[index].responsible_from = now.wall;
    }
    take(plan_.start(now), now);
  }
  void hold_lease(WallTime since, Moment now) {
    for (std::size_t index = 0; index < schedule_.size(); ++index) {
      if (schedule_[index].options.scope == ScheduleScope::Each) continue;
      // The clock may have been put back behind it: what was due before is nobody's.
      accounts_[index].responsible_from = std::max(now.wall, since - 1ms);
    }
    fence_ = ++master_.fence;
    take(plan_.hold_lease(fence_, since, now), now);
  }
  void advance(Moment now) {
    take(plan_.advance(now), now);
    check_deadlines(now);
  }
  void answer_one(Moment now) {
    if (claims_.empty()) return;
    const ClaimRun claim = claims_.front();
    claims_.erase(claims_.begin());
    const bool granted = master_.grant(claim);
    take(plan_.answered(claim.index, claim.due, granted, now), now);
  }
  void lose_one_answer() {
    if (!claims_.empty()) claims_.erase(claims_.begin());
  }
  void end_one(Moment now) {
    if (running_.empty()) return;
    const auto which = running_.begin() + roll(random_, 0, static_cast<int>(running_.size()) - 1);
    const std::size_t index = *which;
    running_.erase(which);
    take(plan_.ended(index, now), now);
  }
  void drain(Moment now) {
    draining_ = true;
    take(plan_.drain(now), now);
  }
  /// Until it is idle, or its claims are given up.
  void finish(Moment& now) {
    for (int i = 0; i < 1000 && !plan_.idle(); ++i) {
      now.wall += 100ms;
      now.mono += 100ms;
      if (i > 500) take(plan_.give_up_claims(now), now);
      advance(now);
      answer_one(now);
      end_one(now);
    }
    ASSERT_TRUE(plan_.idle());
    ASSERT_EQ(plan_.deadlines().wall, std::nullopt);
    ASSERT_EQ(plan_.deadlines().mono, std::nullopt);
  }
  /// Each due time of a calendar within its responsibility was begun, or skipped.
  void check_accounts() const {
    for (std::size_t index = 0; index < schedule_.size(); ++index) {
      const Account& account = accounts_[index];
      const bool monotonic = schedule_[index].options.scope == ScheduleScope::Each &&
                             schedule_[index].schedule.period();
      if (monotonic || !account.responsible_from) continue;
      const WallTime until = drained_at_.value();
      auto due = schedule_[index].schedule.next(*account.responsible_from);
      for (; due && *due <= until; due = schedule_[index].schedule.next(*due)) {
        const bool skipped = std::ranges::any_of(account.skipped, [&](const SkipRuns& skip) {
          return skip.first <= *due && *due <= skip.last;
        });
        ASSERT_TRUE(account.begun.contains(*due) || skipped)
            << schedule_[index].name << " due " << due->time_since_epoch().count() << " was lost";
      }
    }
  }
  void note_drained(Moment now) { drained_at_ = now.wall; }
  [[nodiscard]] const Plan& plan() const { return plan_; }

 private:
  struct Account {
    std::optional<WallTime> responsible_from;
    std::set<WallTime> begun;
    std::vector<SkipRuns> skipped;
  };

  void take(const PlanActions& actions, Moment now) {
    for (const PlanAction& action : actions) {
      if (const auto* begin = std::get_if<BeginRun>(&action)) {
        begun(*begin, now);
      } else if (const auto* claim = std::get_if<ClaimRun>(&action)) {
        ASSERT_TRUE(plan_.holds_lease());
        if (std::ranges::find(claims_, *claim) == claims_.end()) claims_.push_back(*claim);
      } else if (const auto* skip = std::get_if<SkipRuns>(&action)) {
        ASSERT_LE(skip->first, skip->last);
        accounts_[skip->index].skipped.push_back(*skip);
      }
    }
    for (std::size_t index = 0; index < schedule_.size(); ++index) {
      ASSERT_EQ(plan_.running(index), std::ranges::count(running_, index));
      ASSERT_LE(plan_.running(index), schedule_[index].options.max_instances);
    }
  }
  void begun(const BeginRun& begin, Moment now) {
    const ScheduleOptions& options = schedule_[begin.index].options;
    const bool one = options.scope == ScheduleScope::One;
    const bool monotonic = !one && schedule_[begin.index].schedule.period().has_value();
    Account& account = accounts_[begin.index];
    if (!monotonic) {
      ASSERT_TRUE(account.begun.insert(begin.due).second) << "twice the same due time";
      ASSERT_LE(now.wall - begin.due, options.misfire_grace + options.jitter) << "too late";
      ASSERT_TRUE(schedule_[begin.index].schedule.next(begin.due - 1ms) == begin.due)
          << "never due";
    }
    ASSERT_EQ(begin.fence, one ? fence_ : 0);
    if (draining_) {
      ASSERT_TRUE(one) << "only what was granted";
    }
    running_.push_back(begin.index);
  }
  void check_deadlines(Moment now) const {
    const Plan::Deadlines deadlines = plan_.deadlines();
    // Otherwise the loop would spin.
    if (deadlines.wall) {
      ASSERT_GT(*deadlines.wall, now.wall);
    }
    if (deadlines.mono) {
      ASSERT_GT(*deadlines.mono, now.mono);
    }
  }

  const std::vector<ScheduledJob>& schedule_;
  Master& master_;
  Random& random_;
  Plan plan_;
  std::vector<Account> accounts_;
  std::vector<ClaimRun> claims_;
  std::vector<std::size_t> running_;
  std::uint64_t fence_ = 0;
  bool draining_ = false;
  std::optional<WallTime> drained_at_;
};

/// One step of a life: time, a jump, an answer, an end.
void step(Worker& worker, Moment& now, Random& random) {
  switch (roll(random, 0, 11)) {
    case 0:  // The clock is put forward, or the machine slept.
      now.wall += 1000ms * roll(random, 1, 1000);
      break;
    case 1:  // The clock is put back.
      if (roll(random, 0, 3) == 0) now.wall -= 1000ms * roll(random, 1, 100);
      break;
    case 2:
    case 3:
    case 4:
      worker.answer_one(now);
      break;
    case 5:
      if (roll(random, 0, 5) == 0) worker.lose_one_answer();
      break;
    case 6:
    case 7:
      worker.end_one(now);
      break;
    case 8: {  // The loop was blocked.
      const milliseconds passed = 1000ms * roll(random, 1, 200);
      now.wall += passed;
      now.mono += passed;
      break;
    }
    default: {  // The timers fire.
      const Plan::Deadlines next = worker.plan().deadlines();
      milliseconds passed = 24h;
      if (next.wall) passed = std::min(passed, *next.wall - now.wall);
      if (next.mono) {
        passed = std::min(passed, std::chrono::ceil<milliseconds>(*next.mono - now.mono));
      }
      passed = std::clamp(passed, 0ms, milliseconds(10min));
      now.wall += passed;
      now.mono += passed;
    }
  }
  worker.advance(now);
}

void live(unsigned seed) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  const ScheduledJobs scheduled_jobs = random_schedule(random);
  Master master;
  Moment now{
      std::chrono::sys_days(std::chrono::year(2026) / 3 / 28) + 1ms * roll(random, 0, 100000),
      ipc::TimePoint(1h)};
  const WallTime since = now.wall;
  for (int holder = 0; holder < 2; ++holder) {  // In turn: there is one lease.
    Worker worker(scheduled_jobs, master, random);
    worker.start(now);
    if (roll(random, 0, 3) > 0) worker.hold_lease(since, now);
    const int steps = roll(random, 0, 120);
    for (int i = 0; i < steps && !::testing::Test::HasFatalFailure(); ++i)
      step(worker, now, random);
    if (roll(random, 0, 3) == 0) continue;  // Killed.
    worker.drain(now);
    worker.note_drained(now);
    worker.finish(now);
    worker.check_accounts();
    if (::testing::Test::HasFatalFailure()) return;
  }
}

TEST(PlanLives, KeepTheInvariants) {
  for (unsigned seed = 1; seed <= 1500; ++seed) {
    live(seed);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace reeve::worker
