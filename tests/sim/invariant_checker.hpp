#pragma once
// Writes down what happened to each worker, from the same events and actions as the pool but by
// simpler rules, and objects to the first step that breaks an invariant of
// supervisor/core/pool.hpp. Knows the pool's public face only.

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>

#include "supervisor/core/pool.hpp"

namespace reeve::supervisor::sim {

/// An invariant does not hold. Thrown, because a life ends there.
struct Broken : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class InvariantChecker {
 public:
  explicit InvariantChecker(const Pool& pool);

  /// Call around each `pool.on(event, now)`.
  void before(const Event& event, TimePoint now);
  void after(const Event& event, const Actions& actions, TimePoint now);

  [[nodiscard]] bool all_answered() const { return asked_.empty(); }
  [[nodiscard]] bool nobody_left() const { return seen_.empty(); }

 private:
  /// A worker, as an honest reader of the log would know it.
  struct Seen {
    int slot = 0;
    Generation generation{};
    WorkerPhase phase = WorkerPhase::Starting;
    TimePoint forked_at;
    Duration grace{};
    std::optional<Duration> ready_after;
    std::optional<TimePoint> ready_from;  ///< by ready_after: not before
    bool was_ready = false;
    bool prompt = false;        ///< told to drain promptly
    std::optional<Death> left;  ///< its leader has ended so, and left something
    std::optional<TimePoint> ready_since;
    TimePoint phase_since;
    std::optional<Duration> watchdog;
    Recycling recycle;
    std::optional<TimePoint> alive_at;  ///< newest sign of life that was reported, stalls added
    Duration doubt{};                   ///< what the stalls may have added more
    bool may_be_due = false;            ///< for recycling: with all of the jitter
    bool is_due = false;                ///< with none of it
    // When the present phase may end in a Kill, and when it must have. Both move with stalls; only
    // the second one with the worker's wishes.
    TimePoint kill_from;
    TimePoint kill_by;
  };
  /// The failures of one slot, since the last command that concerned it.
  struct Record {
    std::deque<TimePoint> failures;         ///< of young workers: these fill give_up
    std::deque<TimePoint> incidents;        ///< of those that had served
    std::optional<TimePoint> pause_from;    ///< a worker that was never ready ended
    Duration least_pause{};                 ///< from then on, less a quarter
    int in_a_row = 0;                       ///< that had no useful life
    bool hopeless = false;                  ///< the last one ended for what no further try mends
    std::optional<TimePoint> ended;         ///< its last worker, of itself
    std::optional<TimePoint> not_recycled;  ///< a successor failed
  };
  /// The pool before the step.
  struct Snapshot {
    PoolSpec spec;
    PoolSpec rules;  ///< that a roll went by
    Generation generation{};
    std::optional<TimePoint> deadline;
    bool rolling = false;
    bool stalled = false;   ///< this step is the first one after a stall of the master
    std::set<int> serving;  ///< slots that serve
    std::optional<TimePoint> measurement;
    /// Workers that a slot shows and wants: their end is for its restart policy to answer.
    std::set<WorkerId> wanted;
    std::set<WorkerId> successors;
  };
  struct Asked {
    Event request;
    Generation generation{};
    PoolSpec spec;
    WorkerId last_forked{};
    int fewest_slots = 0;  ///< since then
  };

  /// A roll that goes on in steps of trial.
  struct Trial {
    std::optional<TimePoint> until;  ///< canaries are watched
    bool asked = false;              ///< for a judgement
    std::optional<bool> good;
    std::set<int> canaries;
    bool is_done = false;      ///< a canary's work is: that needs no judgement
    bool had_workers = false;  ///< when it began: something to compare with
  };

  // invariant_checker.cpp: writing down.
  void forgive(Duration late);
  void note(const Event& event, TimePoint now);
  void note_request(const Event& event);
  void note_wish(const Event& request);
  void note_end(WorkerId id, const Death& death, TimePoint now);
  void note_change(const Changed& changed, TimePoint now);
  void note_fork(const Fork& fork, const Event& event, TimePoint now);
  void note_drain(const Drain& drain, TimePoint now);
  void note_kill(const Kill& kill, const Event& event, TimePoint now);
  void note_roll();
  void note_finished(const Finished& finished);
  void begin_service(Seen& worker, TimePoint now);
  void begin_drain(Seen& worker, TimePoint now);
  void catch_up(TimePoint now);

  // trials.cpp: soak, canaries, room in a roll.
  void note_trial(const Event& event);
  void note_room(const Event& event);
  void note_watch(const Watch& watch, TimePoint now);
  void note_judge(const Judge& judge, TimePoint now);
  void check_replaced(const Drain& drain, const Event& event, TimePoint now) const;
  void check_canary_fork(const Fork& fork) const;
  void check_trial(bool deployed) const;

  // measurement.cpp: the watchdog and recycling.
  void note_measured(const Measured& found, TimePoint now);
  void note_age(TimePoint now);
  void check_hung(const Kill& kill, const Event& event, TimePoint now);
  void check_found(const Event& event, TimePoint now) const;
  void check_recycling_fork(const Fork& fork, TimePoint now);
  void check_measured_in_time(TimePoint now) const;
  void check_nobody_due_waits() const;

  // invariants.cpp: objecting.
  void check_same_workers() const;
  void check_counts() const;
  void check_slots(TimePoint now) const;
  void check_deadlines(const Event& event, TimePoint now) const;
  void check_service(const Event& event) const;
  void check_successor_fits(const Fork& fork) const;
  void check_automatic_restart(int slot, TimePoint now) const;
  void check_deployed(const RollRequested& request) const;
  void check_not_deployed(const Asked& asked) const;
  void check_stopped(const Asked& asked, int slot) const;

  [[nodiscard]] Seen& known(WorkerId id, const char* order);
  [[nodiscard]] std::set<int> serving_slots() const;
  [[nodiscard]] bool is_on_trial(WorkerId id) const;
  [[nodiscard]] int count(WorkerPhase phase) const;
  [[nodiscard]] int successors() const;
  [[nodiscard]] const RollRequested* roll_request() const;

  const Pool& pool_;
  std::map<WorkerId, Seen> seen_;
  std::map<int, Record> records_;
  std::map<CommandId, Asked> asked_;
  std::set<CommandId> answered_;
  std::map<int, WorkerId> newest_;  ///< worker of each slot
  WorkerId last_forked_{};
  Generation proven_{};        ///< the newest of which a worker was ready
  bool may_give_up_ = false;   ///< after the end that this step is about
  std::optional<Asked> roll_;  ///< that runs
  bool measured_ = false;      ///< by the last event, and not yet acted on
  Trial trial_;                ///< of that roll
  std::set<int> emptied_;      ///< slots that the roll took down to make room
  std::set<int> told_down_;    ///< slots that must not start: their last request was a stop
  std::set<int> told_up_;      ///< slots that must not be STOPPED: it was a start
  Snapshot before_;
};

/// An invariant that holds, or ends the life.
inline void hold(bool condition, const char* invariant) {
  if (!condition) throw Broken(invariant);
}
/// Whether the request takes this slot's worker down by intention.
[[nodiscard]] bool takes_down(const Event& event, int slot);

/// What the request names itself by; none when the event is no request.
[[nodiscard]] std::optional<CommandId> command_of(const Event& event);
/// The worker that the event is about.
[[nodiscard]] std::optional<WorkerId> worker_of(const Event& event);

}  // namespace reeve::supervisor::sim
