#include "supervisor/pool/connection_steering.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace reeve::supervisor {
namespace {

/// A worker that hangs reads nothing more; the grace must not wait for it.
constexpr Duration kLongestLeave = std::chrono::seconds(1);

/// Between accepting a connection and reading its request a busy program may let this much time
/// pass.
constexpr Duration kSettleSteering = std::chrono::milliseconds(100);

/// Between two looks at queues that were empty. Full seconds of the loop's clock, so that the looks
/// of all pools wake the master once.
constexpr Duration kLookEvery = std::chrono::seconds(1);

/// Between two looks at one in which somebody waits. One that never gets shorter in kLooks, about a
/// second, is that of a worker that accepts nothing: those of a busy one get shorter by each
/// connection that it accepts, and that is seen in nearly every pause of this length.
constexpr Duration kLookCloselyEvery = std::chrono::milliseconds(50);
constexpr int kLooks = 20;

bool expects_nobody(SlotState state) {
  switch (state) {
    case SlotState::Starting:
    case SlotState::Running:
    case SlotState::Backoff:
      return false;
    case SlotState::Stopped:
    case SlotState::Stopping:
    case SlotState::Exited:
    case SlotState::Fatal:
      return true;
  }
  std::unreachable();
}

bool serves(const Pool& pool, WorkerId id) {
  const Worker* worker = pool.find(id);
  return worker != nullptr && worker->phase == WorkerPhase::Serving;
}

}  // namespace

int waiting_at(const WorkerSockets& worker_sockets) {
  int waiting = 0;
  for (const WorkerSocket& each : worker_sockets) waiting += accept_queue_length(each.fd());
  return waiting;
}

ConnectionSteering::ConnectionSteering(ipc::uv::Loop& loop, std::function<void()> on_time,
                                       const State& state, const ListenerSet& listeners)
    : ConnectionSteering(loop, std::move(on_time)) {
  for (const Kept& kept : state) {
    keep(kept.slot, adopt_worker_sockets(kept.worker_sockets, listeners));
  }
}

ConnectionSteering::State ConnectionSteering::state(const HandedListeners& listeners) const {
  State state;
  for (const auto& [slot, worker_sockets] : kept_) {
    state.push_back({.slot = slot, .worker_sockets = listeners.places_of(worker_sockets)});
  }
  return state;
}

ipc::Result<WorkerSockets> ConnectionSteering::sockets_for(int slot, const ListenerSet& listeners) {
  WorkerSockets worker_sockets;
  WorkerSockets kept;
  if (auto node = kept_.extract(slot)) kept = std::move(node.mapped());
  for (const SharedListener& listener : listeners) {
    const auto& address = listener->steered();
    if (address == nullptr) continue;
    const auto spare = std::ranges::find_if(kept, [&address](const WorkerSocket& worker_socket) {
      return worker_socket.is_at(address);
    });
    if (spare != kept.end()) {
      worker_sockets.push_back(std::move(*spare));
      kept.erase(spare);
      continue;
    }
    auto worker_socket = WorkerSocket::take(address);
    if (!worker_socket) return std::unexpected(worker_socket.error());
    worker_sockets.push_back(std::move(*worker_socket));
  }
  return worker_sockets;
}

void ConnectionSteering::keep(int slot, WorkerSockets worker_sockets) {
  for (WorkerSocket& worker_socket : worker_sockets) worker_socket.disable();
  kept_[slot] = std::move(worker_sockets);
}

void ConnectionSteering::sweep(const Pool& pool) {
  std::erase_if(kept_, [&pool](const auto& entry) {
    const auto slot = static_cast<std::size_t>(entry.first);
    return slot >= pool.slots().size() || expects_nobody(pool.slots()[slot].state);
  });
}

void ConnectionSteering::steer(const Pool& pool, const Processes& processes) {
  std::vector<Process*> shunned;
  int serving = 0;
  for (const auto& [id, process] : processes) {
    if (process->worker_sockets().empty()) continue;
    const bool is_serving = serves(pool, id);
    if (is_serving) ++serving;
    if (!is_serving || stands_still(id)) {
      shunned.push_back(process.get());
      continue;
    }
    for (WorkerSocket& worker_socket : process->worker_sockets()) worker_socket.enable();
  }
  for (Process* process : shunned) {
    for (WorkerSocket& worker_socket : process->worker_sockets()) worker_socket.disable();
  }
  if (serving == 0) {
    queues_.clear();
    look_timer_.disarm();
  } else if (!look_timer_.armed()) {
    look_timer_.arm(kLookEvery);
  }
}

void ConnectionSteering::look(const Pool& pool, const Processes& processes,
                              const OnStandstill& on_standstill) {
  std::erase_if(queues_, [&pool](const auto& entry) { return !serves(pool, entry.first); });
  std::vector<WorkerId> changed;
  bool closely = false;
  for (const auto& [id, process] : processes) {
    if (process->worker_sockets().empty() || !serves(pool, id)) continue;
    const int length = waiting_at(process->worker_sockets());
    const auto found = queues_.find(id);
    if (found == queues_.end()) {
      if (length == 0) continue;
      queues_[id].length = length;
      closely = true;
      continue;
    }
    Queue& queue = found->second;
    const bool accepts = length < std::exchange(queue.length, length);
    if (accepts || length == 0) {
      if (queue.stands_still) changed.push_back(id);
      queues_.erase(found);
    } else if (!queue.stands_still) {
      queue.stands_still = ++queue.looks >= kLooks;
      if (queue.stands_still) changed.push_back(id);
      closely = closely || !queue.stands_still;
    }
  }
  for (const WorkerId worker : changed) on_standstill(worker, stands_still(worker));
  steer(pool, processes);
  if (!look_timer_.armed()) return;
  const Duration since_full_second = loop_.now().time_since_epoch() % kLookEvery;
  look_timer_.arm(closely ? kLookCloselyEvery : kLookEvery - since_full_second);
}

void ConnectionSteering::leave(Process& process, std::function<void()> on_left) {
  std::vector<int> sockets;
  for (const WorkerSocket& worker_socket : process.worker_sockets())
    sockets.push_back(worker_socket.fd());
  const WorkerId worker = process.identity().worker;
  leaving_[worker] = std::make_unique<AcceptQueueWait>(
      loop_, std::move(sockets),
      AcceptQueueWait::Limits{.longest = kLongestLeave,
                              .settle = process.is_native() ? Duration::zero() : kSettleSteering,
                              .someone_left = [] { return true; }},
      [this, worker, on_left = std::move(on_left)] {
        const auto keep_alive = leaving_.extract(worker);
        on_left();
      });
}

}  // namespace reeve::supervisor
