#pragma once
// Decides which worker of a pool runs the jobs of scope `One`, and which runs it is granted. A pure
// value: it is told what workers say and what became of them, and returns what to tell whom. Core
// thread: the master's only one.
//
//                +--- released, before it was granted, or reaped ---+
//                v                                                  |
//   (no wish) --wanted--> waits --granted, with a new fence--> holds
//       ^                                                           |
//       +----------------- released, or reaped ---------------------+
//
// Invariants (checked by reeve_sim after each step):
//   - at most one holder. Who holds the lease keeps it, whether it serves, drains, hangs or was
//     sent SIGKILL, until it says that it has stopped every run, or was reaped;
//   - each grant has a greater fence than every one before it;
//   - a run, named by its job and its due time, is granted at most once, and only to the holder,
//     unless the wall clock is put back by more than a day;
//   - when nobody holds it and a worker wants it and may have it, it is granted in the same step.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ipc/message.hpp"
#include "supervisor/core/pool.hpp"

namespace reeve::supervisor {

/// A time of the wall clock, as schedules have it.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

/// The last run of that name that was granted.
struct GrantedRun {
  std::string name;
  WallTime due;

  bool operator==(const GrantedRun&) const = default;
};
REEVE_FIELDS(GrantedRun, name, due)

/// Everything that a lease remembers, as plain data: what one master hands to the next.
struct LeaseState {
  std::uint64_t fence = 0;            ///< of the last grant; the next one's is greater
  std::optional<WallTime> since;      ///< when it was first wanted
  std::optional<WorkerId> holder;     ///< told so, and neither released it nor was reaped
  std::string holder_name;            ///< "web:0", of the holder or of the last one
  std::vector<WorkerId> wanting;      ///< those that would take it, in no order; not the holder
  std::vector<GrantedRun> granted;    ///< each name once
  std::optional<WallTime> forgotten;  ///< runs of other names that are due until then are denied
  std::string why;                    ///< while it has no holder: how it lost the last one

  bool operator==(const LeaseState&) const = default;
};
REEVE_FIELDS(LeaseState, fence, since, holder, holder_name, wanting, granted, forgotten, why)

/// To be told to `worker`.
struct LeaseGrant {
  WorkerId worker{};
  ipc::Lease lease;
  std::string why;  ///< "web:1 has released it", for the log

  bool operator==(const LeaseGrant&) const = default;
};

/// Whether the run may be done, or why not.
enum class ClaimVerdict : std::uint8_t {
  Granted,
  NotHolder,         ///< another one holds the lease, or nobody does
  AlreadyDone,       ///< this run, or a later one of the same name, was granted before
  TooFarAhead,       ///< due later than kFarthestDue from now: it would block its name until then
  BadName,           ///< empty, or longer than kMaxName
  TooManyScheduled,  ///< kMostScheduled are known, and each had a run lately
};
constexpr auto words_of(ClaimVerdict) {
  return std::to_array<std::string_view>(
      {"granted", "it does not hold the lease",
       "this run, or a later one of the same name, was granted before",
       "it is due in more than 24 h", "the name of the job is empty, or longer than 128 bytes",
       "the pool has more than 64 scheduled jobs"});
}

class PoolLease {
 public:
  static constexpr std::size_t kMostScheduled = 64;
  static constexpr std::size_t kMaxName = 128;
  static constexpr std::chrono::hours kFarthestDue{24};
  /// A name without a run for so long makes room for another one.
  static constexpr std::chrono::hours kForgottenAfter{1};

  /// `fence_base` is not smaller than any fence that another master has granted for this pool: it
  /// is taken from the wall clock, in microseconds.
  explicit PoolLease(std::uint64_t fence_base) { state_.fence = fence_base; }
  /// Takes over from another master; the state was checked by broken_rule().
  explicit PoolLease(LeaseState state) : state_(std::move(state)) {}
  [[nodiscard]] const LeaseState& state() const { return state_; }

  /// Goes on where a removed pool of the same name ended. Nothing was granted here before.
  void succeed(const LeaseState& removed);

  /// Forgets what only a wall clock that was wrong can have left here: runs granted, or forgotten,
  /// that are due later than kFarthestDue from now, and that it was first wanted later than now. No
  /// run would be granted until that time has come. Then runs due before now are nobody's: of some
  /// of them it is not known any more that they were granted. Returns what was forgotten, for the
  /// log; empty: nothing. To be called before wanted(), claim() and settle().
  [[nodiscard]] std::string mistrust_clock(WallTime now);

  /// The worker has sent LEASE=wanted. A second time it changes nothing.
  void wanted(WorkerId worker, WallTime now);
  /// The worker has sent LEASE=released: it has no run under way, and wants the lease no more. True
  /// when it was the holder.
  bool released(WorkerId worker);
  /// The worker is about to leave: it is granted no lease any more, but keeps one that it holds.
  void leaving(WorkerId worker);
  /// A grant did not reach the worker, which cannot be told anything: another one gets it.
  void not_told(WorkerId worker);
  /// CLAIM=. A granted run is gone, whether the worker ever does it or not.
  [[nodiscard]] ClaimVerdict claim(WorkerId worker, const ipc::DueRun& run, WallTime now);

  /// To be called after each event of the pool and after wanted(), released() and not_told(): takes
  /// the lease from who was reaped, and grants it if it is free. The newest generation comes first,
  /// then the lowest slot; one on trial in a roll comes not at all, since a deployment that goes
  /// back must not have done any run.
  [[nodiscard]] std::optional<LeaseGrant> settle(const Pool& pool);

  /// The part of settle() that grants nothing: for a pool that may not grant it yet.
  void forget_gone(const Pool& pool);

  [[nodiscard]] std::optional<WorkerId> holder() const { return state_.holder; }

 private:
  [[nodiscard]] std::optional<WorkerId> next_holder(const Pool& pool) const;
  [[nodiscard]] bool make_room(WallTime now);

  LeaseState state_;
};

/// The rule of PoolLease that the state breaks, for one that comes from outside; empty: none.
/// `workers` are those of the pool.
[[nodiscard]] std::string broken_rule(const LeaseState& state, const std::vector<Worker>& workers);

}  // namespace reeve::supervisor
