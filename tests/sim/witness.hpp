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

namespace reeve::sim {

/// An invariant does not hold. Thrown, because a life ends there.
struct Broken : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Witness {
 public:
  explicit Witness(const supervisor::Pool& pool);

  /// Call around each `pool.on(event, now)`.
  void before(const supervisor::Event& event, ipc::TimePoint now);
  void after(const supervisor::Event& event, const supervisor::Actions& actions,
             ipc::TimePoint now);

  [[nodiscard]] bool all_answered() const { return asked_.empty(); }
  [[nodiscard]] bool nobody_left() const { return seen_.empty(); }

 private:
  /// A worker, as an honest reader of the log would know it.
  struct Seen {
    int slot = 0;
    supervisor::Generation generation{};
    supervisor::WorkerPhase phase = supervisor::WorkerPhase::Starting;
    ipc::TimePoint forked_at;
    ipc::Duration grace{};
    std::optional<ipc::Duration> ready_after;
    std::optional<ipc::TimePoint> ready_from;  ///< by ready_after: not before
    bool was_ready = false;
    bool prompt = false;  ///< told to drain promptly
    // When the present phase may end in a Kill, and when it must have. Both move with stalls; only
    // the second one with the worker's wishes.
    ipc::TimePoint kill_from;
    ipc::TimePoint kill_by;
  };
  /// What is known of one slot's failures, since the last command that concerned it.
  struct Record {
    std::deque<ipc::TimePoint> failures;
    std::optional<ipc::TimePoint> pause_from;  ///< a worker that was never ready ended
    std::optional<ipc::TimePoint> ended;       ///< its last worker, of itself
  };
  /// The pool before the step.
  struct Snapshot {
    supervisor::PoolSpec spec;
    supervisor::Generation generation{};
    std::optional<ipc::TimePoint> deadline;
    bool rolling = false;
    bool stalled = false;   ///< this step is the first one after a stall of the master
    std::set<int> serving;  ///< slots that serve
    /// Workers that a slot shows and wants: their end is for its restart policy to answer.
    std::set<supervisor::WorkerId> wanted;
  };
  struct Asked {
    supervisor::Event request;
    supervisor::Generation generation{};
    supervisor::PoolSpec spec;
    supervisor::WorkerId last_forked{};
    int fewest_slots = 0;  ///< since then
  };

  // witness.cpp: writing down.
  void forgive(ipc::Duration late);
  void note(const supervisor::Event& event, ipc::TimePoint now);
  void note_request(const supervisor::Event& event);
  void note_wish(const supervisor::Event& request);
  void note_end(supervisor::WorkerId id, bool clean, ipc::TimePoint now);
  void note_fork(const supervisor::Fork& fork, const supervisor::Event& event, ipc::TimePoint now);
  void note_drain(const supervisor::Drain& drain, ipc::TimePoint now);
  void note_kill(const supervisor::Kill& kill, const supervisor::Event& event, ipc::TimePoint now);
  void note_finished(const supervisor::Finished& finished);
  void begin_drain(Seen& worker, ipc::TimePoint now);
  void catch_up(ipc::TimePoint now);

  // invariants.cpp: objecting.
  void check_same_workers() const;
  void check_counts() const;
  void check_slots(ipc::TimePoint now) const;
  void check_deadlines(const supervisor::Event& event, ipc::TimePoint now) const;
  void check_service(const supervisor::Event& event) const;
  void check_successor_fits(const supervisor::Fork& fork) const;
  void check_automatic_restart(int slot, ipc::TimePoint now) const;
  void check_rolled(const Asked& asked) const;
  void check_aborted_roll(const Asked& asked) const;
  void check_stopped(const Asked& asked, int slot) const;

  [[nodiscard]] Seen& known(supervisor::WorkerId id, const char* order);
  [[nodiscard]] std::set<int> serving_slots() const;
  [[nodiscard]] int count(supervisor::WorkerPhase phase) const;

  const supervisor::Pool& pool_;
  std::map<supervisor::WorkerId, Seen> seen_;
  std::map<int, Record> records_;
  std::map<supervisor::CommandId, Asked> asked_;
  std::set<supervisor::CommandId> answered_;
  std::map<int, supervisor::WorkerId> newest_;  ///< worker of each slot
  supervisor::WorkerId last_forked_{};
  std::set<int> told_down_;  ///< slots that must not start: their last request was a stop
  std::set<int> told_up_;    ///< slots that must not be STOPPED: it was a start
  Snapshot before_;
};

/// What the request names itself by; none when the event is no request.
[[nodiscard]] std::optional<supervisor::CommandId> command_of(const supervisor::Event& event);
/// The worker that the event is about.
[[nodiscard]] std::optional<supervisor::WorkerId> worker_of(const supervisor::Event& event);

}  // namespace reeve::sim
