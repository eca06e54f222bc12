#pragma once
// Writes down what happened to each worker, from the same events and actions as the pool but by
// simpler rules, and objects to the first step that breaks an invariant of DESIGN.md section 5 or
// of pool.hpp. Knows the pool's public face only.

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

class Witness {
 public:
  explicit Witness(const Pool& pool);

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
    bool prompt = false;  ///< told to drain promptly
    // When the present phase may end in a Kill, and when it must have. Both move with stalls; only
    // the second one with the worker's wishes.
    TimePoint kill_from;
    TimePoint kill_by;
  };
  /// What is known of one slot's failures, since the last command that concerned it.
  struct Record {
    std::deque<TimePoint> failures;       ///< of young workers: these fill give_up
    std::deque<TimePoint> incidents;      ///< of those that had served
    std::optional<TimePoint> pause_from;  ///< a worker that was never ready ended
    std::optional<TimePoint> ended;       ///< its last worker, of itself
  };
  /// The pool before the step.
  struct Snapshot {
    PoolSpec spec;
    Generation generation{};
    std::optional<TimePoint> deadline;
    bool rolling = false;
    bool stalled = false;   ///< this step is the first one after a stall of the master
    std::set<int> serving;  ///< slots that serve
    /// Workers that a slot shows and wants: their end is for its restart policy to answer.
    std::set<WorkerId> wanted;
  };
  struct Asked {
    Event request;
    Generation generation{};
    PoolSpec spec;
    WorkerId last_forked{};
    int fewest_slots = 0;  ///< since then
  };

  // witness.cpp: writing down.
  void forgive(Duration late);
  void note(const Event& event, TimePoint now);
  void note_request(const Event& event);
  void note_wish(const Event& request);
  void note_end(WorkerId id, bool clean, TimePoint now);
  void note_fork(const Fork& fork, const Event& event, TimePoint now);
  void note_drain(const Drain& drain, TimePoint now);
  void note_kill(const Kill& kill, const Event& event, TimePoint now);
  void note_roll(const Event& event);
  void note_finished(const Finished& finished);
  void begin_drain(Seen& worker, TimePoint now);
  void catch_up(TimePoint now);

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
  [[nodiscard]] int count(WorkerPhase phase) const;

  const Pool& pool_;
  std::map<WorkerId, Seen> seen_;
  std::map<int, Record> records_;
  std::map<CommandId, Asked> asked_;
  std::set<CommandId> answered_;
  std::map<int, WorkerId> newest_;  ///< worker of each slot
  WorkerId last_forked_{};
  std::optional<Asked> roll_;  ///< that runs
  std::set<int> told_down_;    ///< slots that must not start: their last request was a stop
  std::set<int> told_up_;      ///< slots that must not be STOPPED: it was a start
  Snapshot before_;
};

/// What the request names itself by; none when the event is no request.
[[nodiscard]] std::optional<CommandId> command_of(const Event& event);
/// The worker that the event is about.
[[nodiscard]] std::optional<WorkerId> worker_of(const Event& event);

}  // namespace reeve::supervisor::sim
