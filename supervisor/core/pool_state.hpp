#pragma once
// What a pool remembers: its processes, its slots, and both together as plain data for a master
// that takes over. Only Pool changes them; everyone may read.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/core/restart_policy.hpp"
#include "supervisor/core/types.hpp"

namespace reeve::supervisor {

/// One process. It lives in the pool from Fork to Exited.
///
///   Starting --Ready--> Serving     Drain:    Starting, Serving --> Draining
///                                   Deadline: Starting, Draining --> Killed
///                                   Hung:     Serving, Draining --> Killed
///                                   LeaderEnded: Starting, Serving --> Draining
///
/// Serving has a deadline while it reloads: to be ready again.
///
/// Killed has no deadline: SIGKILL cannot be refused, and a worker stuck in the kernel still owns
/// its place; forking a twin would give one slot two owners.
struct Worker {
  WorkerId id{};
  int slot = 0;
  Generation generation{};
  WorkerPhase phase = WorkerPhase::Starting;
  TimePoint forked_at;
  TimePoint phase_since;
  std::optional<TimePoint> deadline;  ///< of the phase: start_timeout, grace, or of a reload
  std::optional<TimePoint> ready_at;  ///< it counts as ready then, unless it died (ready_after)
  bool was_ready = false;
  std::optional<DrainKind> drain_kind;  ///< what it was told last
  std::optional<KillReason> killed_for;
  std::optional<Death> leader_death;  ///< only what the process has started is left of it
  // Fixed at the fork: a new configuration does not change a running worker.
  Duration grace{};
  Duration start_timeout{};
  std::optional<Duration> ready_after;
  std::optional<Duration> watchdog;
  Recycling recycle;
  double recycle_share = 1.0;  ///< of each limit of `recycle` that is left after the jitter

  // What the measurement found.
  std::optional<TimePoint> alive_at;    ///< last sign of life; the first one is that it was ready
  std::optional<Duration> silent_for;   ///< when it was killed for that
  std::optional<TimePoint> recycle_at;  ///< serving: its age is due then
  std::string due;                      ///< for recycling, and why; empty: it is not
  std::string hung_because;             ///< when it was killed for what a probe found

  [[nodiscard]] bool reloads() const { return phase == WorkerPhase::Serving && deadline; }
  /// What its readiness rule says counts.
  [[nodiscard]] bool awaits_ready() const { return phase == WorkerPhase::Starting || reloads(); }
};
REEVE_FIELDS(Worker, id, slot, generation, phase, forked_at, phase_since, deadline, ready_at,
             was_ready, drain_kind, killed_for, leader_death, grace, start_timeout, ready_after,
             watchdog, recycle, recycle_share, alive_at, silent_for, recycle_at, due, hung_because)

/// One place in the pool. Workers come and go, the slot stays.
struct Slot {
  int index = 0;
  SlotState state = SlotState::Stopped;
  TimePoint since;
  TimePoint asked_at;                 ///< when it was told to be up
  std::string why;                    ///< of the last change
  std::optional<WorkerId> current;    ///< the worker that the slot shows
  std::optional<WorkerId> successor;  ///< replaces `current` once it is ready and has soaked
  std::optional<TimePoint> retry_at;  ///< Backoff ends; none: when its last worker is all gone
  bool finished = false;              ///< Exited, and as it should have
  bool start_again = false;           ///< Stopping for a hard restart, or to make room in a roll
  int failed_recycles = 0;            ///< in a row: successors that did not become ready
  std::optional<TimePoint> recycle_again_at;  ///< no successor before, after one that failed
  RestartPolicy policy;
};
REEVE_FIELDS(Slot, index, state, since, asked_at, why, current, successor, retry_at, finished,
             start_again, failed_recycles, recycle_again_at, policy)

/// Everything that a pool knows while no command runs, as plain data: what one master hands to the
/// next in an upgrade. Time points are those of the machine's monotonic clock, which both share.
struct PoolState {
  PoolSpec spec;
  std::vector<Slot> slots;
  std::vector<Worker> workers;
  Generation generation{};
  Generation last_generation{};
  Generation proven{};  ///< the newest of which some worker was ever ready
  std::uint64_t next_worker = 0;
  std::optional<TimePoint> measure_at;  ///< none: a period after the master took over, if at all
};
REEVE_FIELDS(PoolState, spec, slots, workers, generation, last_generation, proven, next_worker,
             measure_at)

}  // namespace reeve::supervisor
