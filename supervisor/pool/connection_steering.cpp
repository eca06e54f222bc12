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

ConnectionSteering::ConnectionSteering(ipc::uv::Loop& loop, const State& state,
                                       const ListenerSet& listeners)
    : loop_(loop) {
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
  std::vector<Process*> leaving;
  for (const auto& [id, process] : processes) {
    if (process->worker_sockets().empty()) continue;
    if (!serves(pool, id)) {
      leaving.push_back(process.get());
      continue;
    }
    for (WorkerSocket& worker_socket : process->worker_sockets()) worker_socket.enable();
  }
  for (Process* process : leaving) {
    for (WorkerSocket& worker_socket : process->worker_sockets()) worker_socket.disable();
  }
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
