#pragma once
// Who of a pool gets new connections, where its listeners are steered: the workers that serve, less
// those that accept nothing while some wait, and nobody who is about to drain. Follows the phases
// that the core gave its workers. Loop thread.

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "ipc/base/error.hpp"
#include "ipc/base/uv.hpp"
#include "ipc/format/fields.hpp"
#include "supervisor/core/pool.hpp"
#include "supervisor/listen/accept_queue.hpp"
#include "supervisor/listen/listeners.hpp"
#include "supervisor/process/process.hpp"

namespace reeve::supervisor {

class ConnectionSteering {
 public:
  using Processes = std::map<WorkerId, std::unique_ptr<Process>>;

  /// Sockets that a crashed worker has left to its successor.
  struct Kept {
    int slot = 0;
    std::vector<WorkerSocket::State> worker_sockets;
  };
  using State = std::vector<Kept>;

  /// A worker that serves has accepted nothing for a second although some wait, or does so again.
  using OnStandstill = std::function<void(WorkerId worker, bool stands_still)>;

  /// `on_time` is called when it is time to look(): about once a second, while workers with sockets
  /// of their own serve.
  ConnectionSteering(ipc::uv::Loop& loop, std::function<void()> on_time)
      : loop_(loop), look_timer_(loop, std::move(on_time)) {}
  /// Goes on where another master has stopped; `listeners` are those that were handed over.
  ConnectionSteering(ipc::uv::Loop& loop, std::function<void()> on_time, const State& state,
                     const ListenerSet& listeners);
  /// Workers that are leaving are not part of it: the state of each process says so.
  [[nodiscard]] State state(const HandedListeners& listeners) const;

  /// A socket at each steered listener for a new worker of the slot: the ones that a crashed
  /// worker has left there, or new ones.
  [[nodiscard]] ipc::Result<WorkerSockets> sockets_for(int slot, const ListenerSet& listeners);

  /// The worker has died unasked: what waits at its sockets is for its successor.
  void keep(int slot, WorkerSockets worker_sockets);
  /// Gives up the sockets of slots to which no worker comes any more.
  void sweep(const Pool& pool);

  /// Makes the sockets follow the phases. Successors first: never is nobody enabled.
  void steer(const Pool& pool, const Processes& processes);

  /// Looks who accepts, and steers away from whoever does not.
  void look(const Pool& pool, const Processes& processes, const OnStandstill& on_standstill);
  [[nodiscard]] bool stands_still(WorkerId worker) const {
    const auto found = queues_.find(worker);
    return found != queues_.end() && found->second.stands_still;
  }

  /// Calls `on_left` once the worker, which is no longer enabled, has read what had come to it.
  void leave(Process& process, std::function<void()> on_left);
  /// The worker ended, or is to drain at once: `on_left` will not be called.
  void forget(WorkerId worker) { leaving_.erase(worker); }

  [[nodiscard]] bool leaving(WorkerId worker) const { return leaving_.contains(worker); }

 private:
  /// What waits at the sockets of a worker.
  struct Queue {
    int length = 0;
    int looks = 0;  ///< so often it was no shorter than at the look before
    bool stands_still = false;
  };

  ipc::uv::Loop& loop_;
  ipc::uv::Timer look_timer_;
  std::map<WorkerId, Queue> queues_;  // Of those at which some wait.
  std::map<int, WorkerSockets> kept_;
  std::map<WorkerId, std::unique_ptr<AcceptQueueWait>> leaving_;
};

/// How many connections wait at these sockets to be accepted.
[[nodiscard]] int waiting_at(const WorkerSockets& worker_sockets);

REEVE_FIELDS(ConnectionSteering::Kept, slot, worker_sockets)

}  // namespace reeve::supervisor
