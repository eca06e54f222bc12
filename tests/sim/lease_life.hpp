#pragma once
// The lease in the random life of a pool: workers that want it, do what is scheduled, stop it and
// give it back, and some that lie; the messages between them and the master, which take their time;
// and one who watches that at no time two of them may run anything. What a worker knows is kept
// apart from what the master knows.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "supervisor/core/lease.hpp"
#include "tests/sim/random_choice.hpp"
#include "tests/sim/trace.hpp"
#include "tests/sim/world.hpp"

namespace reeve::supervisor::sim {

class LeaseLife {
 public:
  LeaseLife(RandomChoice random, const Pool& pool, const World& world, Trace& trace);

  /// After each step of the pool, as the shell does it.
  void settle(TimePoint now);
  /// A turn of the loop: some workers do something, and the master reads some of what they said.
  void turn(TimePoint now);
  /// Another master goes on.
  void hand_over();
  /// The pool is at rest in a world that is good: everything that was said arrives, and then the
  /// lease has a holder that may work, if anybody wants it.
  void come_right(TimePoint now);

 private:
  enum class Said : std::uint8_t { Wanted, Released, Leaving, Claim };
  struct Message {
    WorkerId from;
    Said what{};
    ipc::DueRun run;
  };
  /// A worker, as it knows itself.
  struct WorkerView {
    bool has_schedule = false;
    bool lies = false;
    bool asked = false;     ///< has said that it wants it
    bool stopping = false;  ///< it knows that it is to end
    bool told = false;      ///< the grant is on its way, or has come
    bool heard = false;     ///< it has read the grant
    bool released = false;  ///< since it heard: it runs nothing more
  };

  [[nodiscard]] WallTime wall(TimePoint now) const;
  [[nodiscard]] WorkerView& view_of(WorkerId id);
  void act(WorkerId id, TimePoint now);
  void lie(WorkerId id, TimePoint now);
  void say(WorkerId from, Said what, ipc::DueRun run = {});
  [[nodiscard]] ipc::DueRun some_run(TimePoint now);
  void deliver(const Message& message, TimePoint now);
  void mistrust_clock(TimePoint now);
  void claimed(const Message& message, TimePoint now);
  void granted(const LeaseGrant& grant, TimePoint now);
  void check_progress() const;
  [[nodiscard]] bool may_run(WorkerId id) const;

  RandomChoice random_;
  const Pool& pool_;
  const World& world_;
  Trace& trace_;
  PoolLease lease_;
  bool none_;                          ///< no worker of this pool has anything scheduled
  bool liars_;                         ///< some lie
  std::chrono::milliseconds clock_{};  ///< of the wall, when the life began
  std::map<WorkerId, WorkerView> views_;
  std::deque<Message> sent_;              // Those of each worker in their order.
  std::set<WorkerId> wanting_;            // As far as the master was told.
  std::uint64_t fence_ = 0;               // The greatest that was granted.
  std::map<std::string, WallTime> done_;  // The latest run of each name that was granted.
};

}  // namespace reeve::supervisor::sim
