#pragma once
// Decides when the scheduled jobs of a worker run, and which of their due times do not. A value
// without loop and clock: it is told what happened and what time it is, and returns what to do.
//
//   (scope Each)  noticed --> waiting (for its jitter, for a free instance) --> begun
//   (scope One)   noticed --> waiting --> claimed --granted--> begun
//   and from each of these: skipped, with the reason
//
// Invariants (simulated):
//   - every due time is begun once or skipped once, while the worker is responsible for it: after
//     its start, and for scope One while it holds the lease;
//   - no more than max_instances of one run or are claimed at a time;
//   - nothing begins later than due + jitter + misfire_grace, and nothing earlier than due;
//   - after drain() nothing begins but what was claimed before, since nobody else may do it.
//
// Two clocks. The times of a calendar, and all of scope One, which workers must agree on, are of
// the wall clock: when it is put forward, what was passed over is late; when it is put back, what
// was noticed is not noticed again, unless it goes back by more than three hours: then it was wrong
// before (crontab(8) does the same). The intervals of scope Each are of the monotonic clock.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string_view>
#include <variant>
#include <vector>

#include "ipc/base/clock.hpp"
#include "reeve/scheduled_job.hpp"

namespace reeve::worker {

struct Moment {
  WallTime wall;
  ipc::TimePoint mono;
};

enum class SkipReason : std::uint8_t {
  Late,        ///< the grace has passed
  Coalesced,   ///< a later one runs for it
  Busy,        ///< max_instances run
  TooMany,     ///< more wait than are kept
  Denied,      ///< the master says that it was done, or is another's
  Unanswered,  ///< the master did not answer a claim within the grace
  Draining,    ///< the worker stops; of scope One: left to the next holder
};
[[nodiscard]] std::string_view to_string(SkipReason reason);

/// To run it now.
struct BeginRun {
  std::size_t index;
  WallTime due;
  std::uint64_t fence;

  bool operator==(const BeginRun&) const = default;
};
/// To ask the master for a run.
struct ClaimRun {
  std::size_t index;
  WallTime due;

  bool operator==(const ClaimRun&) const = default;
};
/// For the log and the report: no due time from `first` to `last` runs here.
struct SkipRuns {
  std::size_t index;
  WallTime first;
  WallTime last;
  SkipReason reason;
  /// Due before this worker held the lease: another one may have done them.
  bool inherited = false;

  bool operator==(const SkipRuns&) const = default;
};
using PlanAction = std::variant<BeginRun, ClaimRun, SkipRuns>;
using PlanActions = std::vector<PlanAction>;

class Plan {
 public:
  /// Due times of one that wait at most; of more that were missed, the oldest are skipped.
  static constexpr std::size_t kMostWaiting = 64;
  /// A claim without an answer is repeated: it may not have reached a master that is busy.
  static constexpr std::chrono::seconds kClaimAgain{1};

  /// The scheduled jobs outlive the plan. `seed` is for the jitter.
  Plan(const std::vector<ScheduledJob>& schedule, std::uint32_t seed);

  /// The worker is ready. Nothing is due before.
  [[nodiscard]] PlanActions start(Moment now);
  /// Time has passed, or the wall clock was set.
  [[nodiscard]] PlanActions advance(Moment now) { return step(now); }
  /// This worker runs what is scheduled with scope One, from the due times of `since` on.
  [[nodiscard]] PlanActions hold_lease(std::uint64_t fence, WallTime since, Moment now);
  /// The answer to a claim. One that was not asked for changes nothing.
  [[nodiscard]] PlanActions answered(std::size_t index, WallTime due, bool granted, Moment now);
  /// A run has ended.
  [[nodiscard]] PlanActions ended(std::size_t index, Moment now);
  [[nodiscard]] PlanActions drain(Moment now);
  /// Gives up the claims that are unanswered: no time is left.
  [[nodiscard]] PlanActions give_up_claims(Moment now);

  /// When to call advance(), by each clock.
  struct Deadlines {
    std::optional<WallTime> wall;
    std::optional<ipc::TimePoint> mono;
  };
  [[nodiscard]] Deadlines deadlines() const;

  /// Nothing runs, and no claim is unanswered.
  [[nodiscard]] bool idle() const;
  /// The same of those of scope One: nothing needs the lease.
  [[nodiscard]] bool lease_idle() const;
  [[nodiscard]] int running(std::size_t index) const { return entries_[index].running; }
  [[nodiscard]] bool holds_lease() const { return holds_lease_; }
  /// Whether this worker would run it.
  [[nodiscard]] bool responsible(std::size_t index) const;
  /// When it is due next, as far as this worker knows; none while draining.
  [[nodiscard]] std::optional<WallTime> next_due(std::size_t index, Moment now) const;

 private:
  struct Waiting {
    WallTime due;
    ipc::TimePoint ticked;    ///< The same, of an interval on the monotonic clock.
    ipc::TimePoint begin_at;  ///< Not before its jitter has passed.
    bool made_up = false;     ///< missed, so that it waits for a free instance, too
    bool inherited = false;
    bool claimed = false;
    ipc::TimePoint claim_again{};
  };
  struct Entry {
    const ScheduledJob* scheduled;
    bool monotonic;                  ///< An interval of scope Each.
    std::optional<WallTime> next{};  ///< The first due time that was not noticed.
    WallTime noticed{};              ///< Everything until then was.
    ipc::TimePoint ticked{};         ///< The same, of an interval on the monotonic clock.
    std::vector<Waiting> waiting{};  ///< The claimed ones first, then by `begin_at`.
    int running = 0;
  };

  [[nodiscard]] bool one(const Entry& entry) const {
    return entry.scheduled->options.scope == ScheduleScope::One;
  }
  void notice(std::size_t index, Moment now, bool inherited, PlanActions& actions);
  void notice_wall(std::size_t index, Moment now, bool inherited, PlanActions& actions);
  void notice_monotonic(std::size_t index, Moment now, PlanActions& actions);
  void take_in(std::size_t index, std::vector<Waiting> batch, Moment now, PlanActions& actions);
  void move_to(Entry& entry, WallTime noticed);
  void pump(std::size_t index, Moment now, PlanActions& actions);
  void pump_claims(std::size_t index, Moment now, PlanActions& actions);
  template <class Over>
  void skip_if(std::size_t index, SkipReason reason, PlanActions& actions, Over over);
  void begin(std::size_t index, const Waiting& run, PlanActions& actions);
  [[nodiscard]] PlanActions step(Moment now, bool inherited = false);

  [[nodiscard]] static bool idle(const Entry& entry);
  [[nodiscard]] static std::chrono::milliseconds longest_delay(const Entry& entry);
  [[nodiscard]] static std::chrono::milliseconds lateness(const Entry& entry, const Waiting& run,
                                                          Moment now);
  [[nodiscard]] static std::size_t claims(const Entry& entry);
  [[nodiscard]] static bool full(const Entry& entry);

  std::vector<Entry> entries_;
  std::mt19937 random_;
  bool started_ = false;
  bool draining_ = false;
  bool holds_lease_ = false;
  std::uint64_t fence_ = 0;
};

}  // namespace reeve::worker
