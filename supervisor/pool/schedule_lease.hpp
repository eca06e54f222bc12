#pragma once
// The lease of what the pool has scheduled with scope `one`, between its core and its workers: what
// they say of it reaches the core, and what the core decides reaches them and the log. At most one
// worker is told that it holds it. Loop thread.

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "ipc/base/error.hpp"
#include "ipc/message.hpp"
#include "supervisor/core/lease.hpp"
#include "supervisor/core/pool.hpp"
#include "supervisor/log/log.hpp"

namespace reeve::supervisor {

class ScheduleLease {
 public:
  struct Member {
    WorkerId worker{};
    std::string name;  ///< "web:0"
    pid_t pid = 0;
    Generation generation{};
  };
  struct Callbacks {
    std::function<std::optional<Member>(WorkerId)> find;  ///< none: it has no process
    std::function<ipc::Result<>(WorkerId, const ipc::MasterMessage&)> tell;
    std::function<void(const std::string& text)> on_event;  ///< who got it, who gave it back
  };
  using State = LeaseState;

  ScheduleLease(Log& log, const Pool& pool, Callbacks callbacks);
  /// Goes on where another master has stopped.
  ScheduleLease(Log& log, const Pool& pool, Callbacks callbacks, State state);
  [[nodiscard]] State state() const { return lease_.state(); }

  void on_message(const Member& from, const ipc::WorkerMessage& message);
  /// A worker was reaped.
  void ended(WorkerId worker) { done_with_it_.erase(worker); }
  /// To be called after each event of the pool: grants the lease if it is free.
  void settle();

  /// A removed pool of the same name is not gone yet, and one of its workers may hold the lease:
  /// none is granted before inherit().
  void wait() { waits_ = true; }
  void inherit(const ScheduleLease& removed);

 private:
  void answer_claim(const Member& who, const ipc::DueRun& run);
  void mistrust_clock();
  void announce(const std::string& text);

  Log& log_;
  const Pool& pool_;
  Callbacks callbacks_;
  PoolLease lease_;
  bool told_of_denial_ = false;
  bool waits_ = false;
  std::set<WorkerId> done_with_it_;  // Have given it back: they want it no more.
};

}  // namespace reeve::supervisor
